"""The parts of the page that are about frames: what matters most, the player, and the bytes of
each."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from kqcodec.labels.segment import Segment
from kqcodec.show.report import sections

if TYPE_CHECKING:
    from kqcodec.show.report.frames import FramesContent

# Bars of the bytes of each frame; of more frames each stands for several.
_MOST_BARS = 200


def head(content: FramesContent) -> str:
    """The title and the figures that matter most."""
    report, costs = content.report, content.costs
    seconds = sum(content.durations)
    facts = [
        ("frames", f"{report.frames:,} of {report.width:,} × {report.height:,}"),
        *([("plays", f"{float(seconds):,.2f} s")] if seconds else []),
        ("colours", f"{report.k:,} of {costs.unique_colors:,}"),
        ("PSNR", f"{costs.psnr:.2f} dB" if costs.inertia else "exact"),
        (f".kq, {escape(report.coder)}", f"{report.file_bytes:,} bytes"),
        ("of raw", sections.percent(8 * report.file_bytes / report.raw_bits)),
    ]
    return sections.titled(content.title, facts)


def player(content: FramesContent) -> str:
    """Original and quantized under the slider, as they move."""
    first, clip = content.first, content.clip
    size = f'width="{-(-first.width // content.step)}" height="{-(-first.height // content.step)}"'
    clear = " clear" if first.has_alpha else ""
    layers = (
        f'<canvas class="before{clear}" {size} role="img" aria-label="the original"></canvas>'
        f'<canvas class="after{clear}" {size} role="img" '
        f'aria-label="the same in {first.k:,} colours"></canvas>'
    )
    speeds = "".join(
        f'<option value="{factor}"{" selected" * (factor == 1)}>{shown} ×</option>'
        for factor, shown in ((0.25, "¼"), (0.5, "½"), (1, "1"), (2, "2"), (4, "4"))
    )
    controls = (
        '<div class="player"><button type="button" aria-label="one frame back">\u2039</button>'
        '<button type="button" class="play">Play</button>'
        '<button type="button" aria-label="one frame on">\u203a</button>'
        f'<input type="range" min="0" max="{clip.shown - 1}" value="0" aria-label="frame">'
        f'<label>Speed <select>{speeds}</select></label><output aria-live="off"></output></div>'
    )
    if clip.shown < content.report.frames:
        controls += (
            f'<p class="faint">The first {clip.shown:,} of {content.report.frames:,} frames are '
            "shown, since a page has no room for more; the figures are about all of them.</p>"
        )
    script = f'<script type="application/json" id="clip">{clip.to_json(content.plays)}</script>'
    return sections.compared(first, content.step, layers, controls) + script


def palette(content: FramesContent) -> str:
    """The colours with their shares of all frames."""
    total = content.report.pixels
    segments = [
        Segment(label, tuple(color), pixels, pixels / total, None, None, None)
        for label, (color, pixels) in enumerate(
            zip(content.first.palette.tolist(), content.counts.tolist(), strict=True)
        )
        if pixels
    ]
    return sections.colors(segments, total)


def frame_bytes(content: FramesContent) -> str:
    """A bar for each frame, or for some."""
    sizes = content.frame_bytes.tolist()
    together = -(-len(sizes) // _MOST_BARS)
    groups = [sizes[start : start + together] for start in range(0, len(sizes), together)]
    highest = max(sum(group) / len(group) for group in groups)
    bars = ""
    for number, group in enumerate(groups):
        mean, first = sum(group) / len(group), number * together + 1
        last = first + len(group) - 1
        name = f"frame {first:,}" if first == last else f"frames {first:,} to {last:,}, each"
        bars += (
            f'<i style="height:{100 * mean / highest:.2f}%" title="{name}: {mean:,.0f} bytes"></i>'
        )
    mean = sum(sizes) / len(sizes)
    return (
        f"<h2>Frames</h2><p>The bytes of each: {mean:,.1f} on average, {max(sizes):,} at most.</p>"
        f'<div class="frames">{bars}</div>'
    )
