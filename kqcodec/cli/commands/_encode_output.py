"""What `kq encode` writes, and tells of it."""

from __future__ import annotations

import hashlib
import itertools
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from kqcodec.cli.batch.paths import digested, size_of
from kqcodec.cli.screen.failures import LARGER, Failure, display_name, display_output
from kqcodec.cli.screen.text import finite, number, percent
from kqcodec.format import sizes
from kqcodec.format.short_form import read_header
from kqcodec.format.source import BufferSource

if TYPE_CHECKING:
    import contextlib
    from collections.abc import Callable, Iterable, Iterator

    from kqcodec.cli.batch.outputs import Outputs
    from kqcodec.cli.options.encoding import EncodeSettings
    from kqcodec.colors.costs import Costs
    from kqcodec.format.header import Header
    from kqcodec.frames.encoding import FrameEncoder


def written(
    name: str,
    outputs: Outputs,
    settings: EncodeSettings,
    parts: Iterator[bytes],
    *,
    costs: Callable[[], Costs | None],
    encoder: FrameEncoder | None = None,
) -> dict[str, Any]:
    """Write the parts of a file, of frames where there is an encoder of them; its figures."""
    digest = hashlib.sha256()
    first = next(parts)
    whole: Iterable[bytes] = itertools.chain([first], parts)
    if settings.skip_if_larger:
        whole = not_larger(list(whole), name)
    size = outputs.write(name, digested(whole, digest.update))
    frames = None if encoder is None else encoder.frames
    figures = figures_of(costs(), settings, read_header(BufferSource(first)), frames)
    return all_figures(name, outputs, size, digest.hexdigest(), figures)


def guarded(
    parts: Iterator[bytes], failures: contextlib.AbstractContextManager[None]
) -> Iterator[bytes]:
    """The parts, with what goes wrong in reading told of the input, not of the output."""
    with failures:
        yield from parts


def not_larger(parts: list[bytes], name: str) -> list[bytes]:
    """The parts; a Failure if they are larger than the input ``name``."""
    size, limit = sum(map(len, parts)), size_of(name)
    if size > limit:
        raise Failure(
            LARGER,
            f"{display_name(name)}: its .kq file would have {size:,} bytes, more than the "
            f"{limit:,} that it has itself; it is left out",
        )
    return parts


def all_figures(
    name: str, outputs: Outputs, size: int, sha256: str, figures: dict[str, Any]
) -> dict[str, Any]:
    """The figures of a file that was written, and what is said of it."""
    figures = {
        "input": name,
        "output": outputs.targets[name],
        "file_bytes": size,
        "sha256": sha256,
        **figures,
    }
    return {**figures, "text": _summary(figures)}


def figures_of(
    costs: Costs | None, settings: EncodeSettings, header: Header, frames: int | None = None
) -> dict[str, object]:
    """What is known about a picture, or so many frames, and its file, ready for JSON."""
    pixels = header.pixels * (frames or 1)
    figures: dict[str, object] = {
        "width": header.width,
        "height": header.height,
        "coder": header.coder,
        "effort": settings.effort,
        "tiles": header.grid.count,
        "k": header.k,
        "alpha": header.alpha,
        "raw_bits": sizes.raw_bits(pixels, header.alpha),
        "theory_bits": sizes.theory_bits(pixels, header.k, header.alpha),
    }
    if frames is not None:
        figures["frames"] = frames
    if costs is None:
        return figures
    return {
        **figures,
        # The most, where a goal has chosen it.
        "k_asked": settings.k,
        "goal": None if settings.goal is None else settings.goal.to_dict(),
        "palette": settings.palette_file,
        "sort": settings.sort if settings.palette is None else None,
        "dither": settings.dither,
        "dither_kind": settings.dither_kind if settings.dither else None,
        "space": settings.space,
        "seed": settings.seed,
        "restarts": settings.restarts,
        **finite(asdict(costs)),
    }


def _summary(figures: dict[str, Any]) -> str:
    bits = 8 * figures["file_bytes"]
    asked = ""
    if figures.get("goal") is None and figures.get("k_asked") not in (None, figures["k"]):
        asked = f" of {figures['k_asked']:,} asked for"
    if "inertia" not in figures:
        loss = "every label kept"
    elif figures["inertia"]:
        loss = (
            f"MSE {number(figures['mse'], 2)}, PSNR {number(figures['psnr'], 2)} dB, "
            f"inertia {number(figures['inertia'])}, "
            f"sum of distances {number(figures['distance_sum'])}"
        )
    else:
        loss = "every pixel exact"
    frames = ""
    if "frames" in figures:
        frames = f"{figures['frames']:,} frame{'s' * (figures['frames'] != 1)} of "
    return (
        f"{display_output(figures['output'])}: {frames}"
        f"{figures['width']:,} x {figures['height']:,}, "
        f"K = {figures['k']:,}{asked}, {figures['file_bytes']:,} bytes, "
        f"{percent(bits / figures['raw_bits'])} of raw, "
        f"{bits / figures['theory_bits']:.4f} of theory; {loss}"
    )
