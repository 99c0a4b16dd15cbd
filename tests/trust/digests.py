"""Are encodes, decodes and kernels what they were? Compares them with digests.json.

    python tests/trust/digests.py [--threads N] [--quick] [--only WORD]
        [--pictures FILE] [--write]

It runs on the kernels that KQCODEC_KERNELS names (`compiled` or `reference`), prints what
differs, and ends with exit code 1 if anything does. --quick leaves out what takes long on
the reference kernels, and --only what has not that word in its name. --pictures takes the
real pictures from a file of NumPy's, where scikit-image isn't installed.

--write puts today's digests into digests.json, and prints which are others than before:
those of palettes and of the coder context change when these find better ones. Those of
the versions 1.0 and 1.1 of the format never change, and so are only ever added.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from trust import native
from trust.digest_cases import GROUPS, NEVER_CHANGE, Case, cases
from trust.pictures import Pictures

from kqcodec.kernels import chosen

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FILE = Path(__file__).resolve().parent / "digests.json"
INPUTS = "pictures"
_SHOWN = 20  # names of digests that differ

Digests = dict[str, dict[str, str]]  # by group, by name


def sha256(data: bytes) -> str:
    """Its first 128 bits, which are enough to tell changes from none."""
    return hashlib.sha256(data).hexdigest()[:32]


def load(file: Path = FILE) -> Digests:
    """The digests that are kept."""
    kept: Digests = json.loads(file.read_text(encoding="utf-8"))
    return kept


def of_pictures(pictures: Pictures) -> dict[str, str]:
    """Those of what goes in, shapes included."""
    return {
        name: sha256(repr(array.shape).encode() + array.tobytes())
        for name, array in pictures.items()
    }


def of_case(case: Case, pictures: Pictures, threads: int | None) -> dict[str, str]:
    """Those of a case's results, by name."""
    return {
        f"{case.name}/{name}": sha256(result)
        for name, result in case.make(pictures, threads).items()
    }


def of_kernels(lines: Mapping[str, str]) -> Digests:
    """Those that kernels.c prints, by group."""
    found: Digests = {}
    for kernel, digest in lines.items():
        found.setdefault(native.group_of(kernel), {})[f"kernel/{kernel}"] = digest
    return found


def of_cases(some: Iterable[Case], pictures: Pictures, threads: int | None = None) -> Digests:
    """Those of cases, by group."""
    found: Digests = {}
    for case in some:
        found.setdefault(case.group, {}).update(of_case(case, pictures, threads))
    return found


def differing(found: Digests, kept: Digests) -> list[str]:
    """The names of those found that aren't the kept ones."""
    return [
        f"{group}: {name}"
        for group, digests in found.items()
        for name, digest in digests.items()
        if kept.get(group, {}).get(name) != digest
    ]


class PublishedError(Exception):
    """A digest that never changes would."""


def updated(found: Digests, kept: Digests) -> Digests:
    """The kept ones with those found in their place; ones that were found no longer go.

    Raises:
        PublishedError: the group that never changes would lose one.
    """
    for name, digest in kept.get(NEVER_CHANGE, {}).items():
        if found.get(NEVER_CHANGE, {}).get(name) != digest:
            raise PublishedError(
                f"{name} is of {NEVER_CHANGE}, which never changes: mend what changed it"
            )
    return {group: dict(sorted(found[group].items())) for group in (INPUTS, *GROUPS)}


def _all_with_kernels(threads: int | None, pictures: Pictures) -> Digests:
    cc = native.compiler()
    if cc is None:
        raise SystemExit("--write needs a C compiler, for the digests of the kernels by themselves")
    with tempfile.TemporaryDirectory() as folder:
        lines = native.run(native.build(Path(folder) / "kernels", cc, "-O2"))
    found = {INPUTS: of_pictures(pictures), **of_cases(cases(), pictures, threads)}
    for group, digests in of_kernels(lines).items():
        found[group].update(digests)
    return found


def _show(names: list[str]) -> None:
    for name in names[:_SHOWN]:
        print(name)
    if len(names) > _SHOWN:
        print(f"and {len(names) - _SHOWN} more")


def main() -> None:
    """Compare, or write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", type=int)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", default="", metavar="WORD")
    parser.add_argument("--pictures", type=Path)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    pictures = Pictures(given.pictures)
    kept = load() if FILE.exists() else {}
    if given.write:
        found = _all_with_kernels(given.threads, pictures)
        _show(differing(found, kept))
        text = json.dumps(updated(found, kept), indent=0, separators=(",", ": "))
        FILE.write_text(text + "\n", encoding="utf-8")
        return
    some = [case for case in cases() if case.quick or not given.quick]
    some = [case for case in some if given.only in case.name]
    found = of_cases(some, pictures, given.threads)
    wrong = differing(found, kept)
    _show(wrong)
    count = sum(map(len, found.values()))
    print(f"{count - len(wrong)} of {count} digests as kept, on {chosen()} kernels")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
