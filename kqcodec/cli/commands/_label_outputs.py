"""Ids of label maps as files of other formats, for `kq decode` and `kq convert`."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import click

from kqcodec.cli.batch.outputs import Outputs
from kqcodec.cli.screen.failures import REFUSED, STREAM, SYSTEM, Failure, display_name, writing
from kqcodec.cli.screen.text import visible

if TYPE_CHECKING:
    from kqcodec.cli.batch.driver import Batch
    from kqcodec.cli.commands._decode_parts import Part
    from kqcodec.coding.id_table import Ids
    from kqcodec.coding.kq_file import KqFile
    from kqcodec.coding.meaning import Meaning

# The formats that hold ids, by the names that kqcodec.coding.export has for them.
LABEL_FORMATS = {"PNG": ".png", "TIFF": ".tiff", "NPY": ".npy", "NPZ": ".npz", "ZARR": ".zarr"}
_OTHERS = ".png, .tiff, .npy, .npz or .zarr"


@dataclass(frozen=True)
class ZarrOutputs(Outputs):
    """The output of one input where it is a zarr array, which is a folder."""

    @classmethod
    def instead(cls, batch: Batch, inputs: tuple[str, ...], output: str | None) -> Batch:
        """The batch with such an output, if -o names one."""
        if output is None or not output.rstrip("/").lower().endswith(".zarr"):
            return batch
        if len(inputs) != 1 or batch.options.recursive:
            raise click.UsageError(f"{visible(output)}: a .zarr array is of one label map.")
        targets = {inputs[0]: output.rstrip("/")}
        return replace(batch, outputs=cls(targets, None, batch.options.force))

    def check(self, name: str) -> None:
        """Fail where the folder exists."""
        target = self.targets[name]
        if not self.force and os.path.lexists(target):
            with writing(visible(target)):
                raise FileExistsError(target)

    def tidy(self, name: str) -> None:
        """Nothing is left beside it."""


def ids_of(file: KqFile, name: str, part: Part, frame: int | None = None) -> tuple[Ids, Meaning]:
    """The ids of the part that is asked for, or of all, of a volume of one slice, or of all, and
    what they mean, its place in the world that of the part."""
    if part.method("nearest") == "mean":
        raise Failure(
            REFUSED,
            f"{display_name(name)}: ids have no mean; use --scale-by nearest, or --colors",
        )
    times, region = part.scale or 1, part.region
    values, meaning = file.labels(region, frame=frame, times=times), file.meaning
    if meaning.transform is not None and part.is_given:
        left, upper = (0, 0) if region is None else region[:2]
        a, b, c, d, e, f = meaning.transform
        moved = (
            *(a * times, b * times, a * left + b * upper + c),
            *(d * times, e * times, d * left + e * upper + f),
        )
        meaning = replace(meaning, transform=moved)
    return values, meaning


def check_format(name: str, file_format: str, *, rgb: bool = False) -> None:
    """Raise a Failure if files of that format don't hold the ids of the label map ``name``."""
    if file_format not in LABEL_FORMATS:
        raise Failure(
            REFUSED,
            f"{display_name(name)}: it is a label map, and {file_format} files don't keep ids; "
            f"write {_OTHERS}, or its picture with kq decode --colors",
        )
    if rgb and file_format != "PNG":
        raise Failure(REFUSED, f"{display_name(name)}: --ids rgb writes .png, not {file_format}")


def write_ids(
    values: Ids, meaning: Meaning, name: str, outputs: Outputs, file_format: str, *, rgb: bool
) -> dict[str, Any]:
    """Write them as the result of the input ``name``, in one of ``LABEL_FORMATS``, with what
    stands beside such a file; the figures of it, or a Failure if the format can't hold them."""
    from kqcodec.labels.files.geotiff import SIDECAR
    from kqcodec.labels.ids import LabelMap, is_volume
    from kqcodec.labels.saving import label_files, save_labels

    target = outputs.targets[name]
    stem, suffix = os.path.splitext(target)
    labels = LabelMap(values, meaning)
    written = 0
    try:
        if file_format == "ZARR":
            with writing(visible(target)):
                save_labels(labels, target, overwrite=outputs.force)
            written = _folder_size(target)
        else:
            suffix = LABEL_FORMATS[file_format] if target == STREAM else suffix
            *besides, (_, data) = label_files(labels, stem + suffix, suffix.lower(), rgb=rgb)
            if target != STREAM:
                for path, beside in besides:
                    written += outputs.write(name, [beside], path[len(stem) :])
            written += outputs.write(name, [data])
            if file_format == "TIFF" and not besides and outputs.force:
                with contextlib.suppress(OSError):  # what was said of the file that is replaced
                    os.unlink(target + SIDECAR)
    except ImportError as exc:
        raise Failure(SYSTEM, f"{display_name(name)}: {exc}") from exc
    except ValueError as exc:
        raise Failure(REFUSED, f"{display_name(name)}: {exc}") from exc
    from kqcodec.coding.id_table import IdTable

    *depth, height, width = values.shape[: 3 if is_volume(values) else 2]
    return {
        "width": width,
        "height": height,
        **({"frames": depth[0]} if depth else {}),
        "k": len(IdTable.of(values).distinct),
        "dtype": values.dtype.name,
        "output_bytes": written,
    }


def _folder_size(folder: str) -> int:
    paths = (os.path.join(top, file) for top, _, files in os.walk(folder) for file in files)
    return sum(map(os.path.getsize, paths))
