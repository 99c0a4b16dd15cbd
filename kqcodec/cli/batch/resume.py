"""Going on with a run that was stopped: what its manifest says is done isn't done again."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kqcodec.cli.screen.failures import display_name, writing
from kqcodec.storage.urls import is_url

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kqcodec.cli.batch.discover import FoundFile
    from kqcodec.cli.batch.manifest import Journal
    from kqcodec.cli.batch.outputs import Outputs


@dataclass(frozen=True)
class Resumption:
    """What the manifest says of the files of a run, and what is added to it.

    Attributes:
        journal: the manifest, open.
        outputs, found, sizes: those of the run.
    """

    journal: Journal
    outputs: Outputs
    found: Mapping[str, FoundFile]
    sizes: Mapping[str, int]

    def divided(self, names: Sequence[str]) -> tuple[list[dict[str, Any]], list[str]]:
        """What to say of the files that are done, and those that aren't or have changed
        since."""
        done, rest = [], []
        for name in names:
            if self._holds(name, self.journal.records.get(whole_name(name), {})):
                target = self.outputs.targets[name]
                done.append({"input": name, "output": target, "skipped": "done before"})
            else:
                rest.append(name)
        return done, rest

    def _holds(self, name: str, record: dict[str, Any]) -> bool:
        return (
            "sha256" in record
            and record.get("input_bytes") == self.sizes[name]
            and record.get("input_mark") == self._mark(name)
            and record.get("output") == whole_name(self.outputs.targets[name])
            and record.get("output_bytes") == self.outputs.size(name)
        )

    def add(self, figures: dict[str, Any]) -> None:
        """Write down what has become of a file; a Failure where that can't be done."""
        with writing(display_name(self.journal.path)):
            self._add(figures)

    def _add(self, figures: dict[str, Any]) -> None:
        name = figures["input"]
        if "error" in figures:
            self.journal.add({**figures, "input": whole_name(name)})
        elif "sha256" in figures:
            self.journal.add(
                {
                    "input": whole_name(name),
                    "input_bytes": self.sizes[name],
                    "input_mark": self._mark(name),
                    "output": whole_name(figures["output"]),
                    "output_bytes": figures["file_bytes"],
                    "sha256": figures["sha256"],
                }
            )

    def _mark(self, name: str) -> str:
        found = self.found.get(name)
        return "" if found is None else found.mark


def whole_name(name: str) -> str:
    """A name that means the same in every folder."""
    return name if is_url(name) else os.path.abspath(name)
