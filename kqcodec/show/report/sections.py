"""The parts of the page, each a piece of HTML.

Whatever comes from outside, names above all, goes through ``escape``.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from kqcodec.show.report import data_urls
from kqcodec.show.report.svg_graphs import Line, Mark, curve_svg, legend

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from kqcodec.images.indexed_image import IndexedImage
    from kqcodec.labels.segment import Segment
    from kqcodec.show.report.content import Content
    from kqcodec.show.report.frames import FramesContent

# Of more colours only the swatches are shown, with the rest in their tips.
_MANY = 64
# Beyond these a page shows the largest only.
MOST_COLORS = 256
MOST_MASKS = 32
# Small pictures are enlarged to about this width.
_WIDE = 640
# Masks of larger ones are smoothed as they are reduced.
_SMALL = 200
# A strip's colours of fewer than one part in so many wouldn't be seen.
_STRIP = 2000


def head(content: Content) -> str:
    """The title and the figures that matter most."""
    costs, report = content.costs, content.report
    bits = 8 * report.file_bytes
    facts = [
        ("picture", f"{report.width:,} × {report.height:,}"),
        ("colours", f"{report.k:,} of {costs.unique_colors:,}"),
        ("PSNR", f"{costs.psnr:.2f} dB" if costs.inertia else "exact"),
        (f".kq, {escape(report.coder)}", f"{report.file_bytes:,} bytes"),
        ("of raw", percent(bits / report.raw_bits)),
        ("of theory", f"{100 * bits / report.theory_bits:,.2f}\u00a0%"),
    ]
    return titled(content.title, facts)


def titled(title: str, facts: Iterable[tuple[str, str]]) -> str:
    """A title above names and values, which are HTML."""
    cells = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in facts)
    return f'<h1>{escape(title)}</h1><dl class="facts">{cells}</dl>'


def picture(content: Content) -> str:
    """Original and quantized, one over the other, with the slider."""
    height, width = content.pixels.shape[:2]
    step = data_urls.step_for(width, height)
    clear = " clear" if content.pixels.shape[2] == 4 else ""
    return compared(
        content.indexed,
        step,
        f'<img class="before{clear}" alt="the original" '
        f'src="{data_urls.pixels_uri(content.pixels, step)}">'
        f'<img class="after{clear}" alt="the picture in {content.indexed.k:,} colours" '
        f'src="{data_urls.indexed_uri(content.indexed, step)}">'
        '<img class="veil" alt="" hidden>',
    )


def compared(indexed: IndexedImage, step: int, layers: str, controls: str = "") -> str:
    """Two layers under a slider that divides them, and what is below it; for pictures of the
    size and the number of colours of one, of which one pixel in ``step`` × ``step`` is shown."""
    width, height = indexed.width, indexed.height
    fit = -(-width // step) * max(1, _WIDE * step // width)
    reduced = " reduced" if fit > _WIDE else ""
    note = ""
    if step > 1:
        note = (
            f'<p class="faint">Of this large picture one pixel in {step} × {step} is shown; '
            "the figures are about all of them.</p>"
        )
    zooms = "".join(f'<option value="{factor}">{factor} : 1</option>' for factor in (1, 2, 4, 8))
    return (
        '<h2 id="picture">Original and quantized</h2><p>Move the slider: the original is on its '
        'left, the picture in K colours on its right.</p><div class="tools"><label>Size '
        f'<select id="zoom"><option value="0">fit</option>{zooms}</select></label></div>'
        f'<div class="view"><div class="compare{reduced}" style="--fit:{fit}px;'
        f'--ratio:{width / height:.5f}">{layers}'
        '<input type="range" min="0" max="100" step="0.1" '
        'value="50" aria-label="how much of the original is shown"><div class="edge"></div>'
        f'<span class="left">original</span><span class="right">K = {indexed.k:,}</span>'
        f"</div></div>{controls}{note}"
    )


def palette(content: Content) -> str:
    """The colours with their shares."""
    return colors(content.segments.used, content.indexed.labels.size)


def colors(segments: Iterable[Segment], total: int) -> str:
    """The colours of segments, which are used, with their shares of so many pixels."""
    used = sorted(segments, key=lambda segment: segment.label)
    strip = "".join(
        f'<i style="flex:{segment.pixels} 0 0;background:{_hex(segment)}" '
        f'title="{_hex(segment)}, {percent(segment.share)}"></i>'
        for segment in used
        if segment.pixels * _STRIP >= total
    )
    shown = _largest(used, MOST_COLORS)
    many = " many" if len(shown) > _MANY else ""
    entries = "".join(
        f'<li title="{_hex(segment)}, {percent(segment.share)}">{_swatch(segment)}<div>'
        f"<b><code>{_hex(segment)}</code></b><span>{percent(segment.share)}</span></div></li>"
        for segment in shown
    )
    rest = ""
    if len(shown) < len(used):
        rest = f'<p class="faint">The {len(shown)} most frequent of {len(used):,} colours.</p>'
    return (
        "<h2>Palette</h2><p>In the order of the file. The strip shows how much of the picture "
        f'each colour takes.</p><div class="strip clear">{strip}</div>'
        f'<ul class="colors{many}">{entries}</ul>{rest}'
    )


def elbow(content: Content) -> str:
    """Cost and size against K."""
    found = content.elbow
    ks = [point.k for point in found.points]
    marks = _marks(content.indexed.k, found.knee, ks)
    inertia = [Line("inertia", "c0", [point.inertia for point in found.points])]
    distances = [Line("sum of distances", "c1", [p.distance_sum for p in found.points])]
    theory = Line("theory 24·K + N·log2 K", "theory", [p.theory_bits / 8 for p in found.points])
    file_sizes = [theory]
    for place, coder in enumerate(found.points[0].file_bytes):
        ys = [point.file_bytes[coder] for point in found.points]
        file_sizes.append(Line(coder, f"c{(place + 2) % 5}", ys))
    graphs = [
        ("Inertia: the sum of squared distances, which k-means minimises", inertia, ""),
        ("The sum of distances", distances, ""),
        ("Bytes of the file", file_sizes, "bytes"),
    ]
    figures = "".join(
        f"<figure>{curve_svg(name, ks, lines, marks, unit)}"
        f"<figcaption>{escape(name)}{legend(lines) if len(lines) > 1 else ''}</figcaption></figure>"
        for name, lines, unit in graphs
    )
    words = "No knee stands out among these K."
    if found.knee is not None:
        words = (
            f"The knee, after which more colours bring little, is at K = {found.knee:,} within "
            f"K = {ks[0]:,} to {ks[-1]:,} (Kneedle, Satopää et al. 2011)."
        )
    return f'<h2>Elbow</h2><p>{words}</p><div class="graphs">{figures}</div>'


def _marks(k: int, knee: int | None, ks: Sequence[int]) -> list[Mark]:
    here = Mark(k, f"this picture, K = {k:,}", "here")
    if knee == k:
        return [Mark(k, f"this picture and the knee, K = {k:,}", "knee")]
    marks = [here] if ks[0] <= k <= ks[-1] else []
    return marks if knee is None else [*marks, Mark(knee, f"knee, K = {knee:,}", "knee")]


def masks(content: Content) -> str:
    """Where each colour is."""
    used = content.segments.used
    shown = _largest(used, MOST_MASKS)
    height, width = content.pixels.shape[:2]
    step = data_urls.step_for(width, height)
    figures = []
    for segment in shown:
        left, top, right, bottom = segment.box or (0, 0, 1, 1)
        error = "" if segment.mse is None else f"<br>MSE {segment.mse:,.1f}"
        uri = data_urls.pixels_uri(content.segments.mask(segment.label), step)
        figures.append(
            f'<figure><button type="button" aria-pressed="false" aria-label="show {_hex(segment)} '
            f'alone"><img alt="mask of {_hex(segment)}" src="{uri}"></button>'
            f"<figcaption>{_swatch(segment)} <code>{_hex(segment)}</code> "
            f"{percent(segment.share)}<br>{segment.pixels:,} pixels<br>"
            f"x {left:,} to {right - 1:,}, y {top:,} to {bottom - 1:,}{error}</figcaption></figure>"
        )
    rest = ""
    if len(shown) < len(used):
        rest = f" These are the {len(shown)} largest of {len(used):,}."
    small = " small" if max(width, height) <= _SMALL else ""
    return (
        "<h2>Masks</h2><p>White is where a colour of the palette stands. Click one to see it "
        f'in the picture above.{rest}</p><div class="masks{small}">{"".join(figures)}</div>'
    )


def bits(content: Content | FramesContent) -> str:
    """The file's parts beside the formula."""
    report = content.report
    parts = [
        ("header", 8 * report.header_bytes, "c0"),
        ("palette", 8 * report.palette_bytes, "c1"),
        ("directory and checksums", 8 * report.directory_bytes, "c2"),
        ("extension sections", 8 * report.sections_bytes, "c3"),
        ("labels", 8 * report.labels_bytes, "rest"),
    ]
    drawn = [(name, value, kind) for name, value, kind in parts if value]
    longest = max(8 * report.file_bytes, report.theory_bits)
    bar = "".join(
        f'<i class="{kind}" style="width:{100 * value / longest:.4f}%" '
        f'title="{name}: {value:,} bits"></i>'
        for name, value, kind in drawn
    )
    at = 100 * report.theory_bits / longest
    names = legend([Line(name, kind, ()) for name, _, kind in drawn])
    rows = "".join(
        f"<tr><td{' class=part' if name.startswith(' ') else ''}>{escape(name.strip())}</td>"
        f"<td>{_bits(value)}</td><td>{percent(to_raw)}</td><td>{percent(to_theory)}</td></tr>"
        for name, value, to_raw, to_theory in report.rows()
    )
    return (
        f"<h2>Bits</h2><p>N = {report.pixels:,} pixels and K = {report.k:,} colours. The line in "
        f"the bar is the theory, {_bits(report.theory_bits)} bits.</p>"
        f'<div class="bar">{bar}<span class="limit" style="left:calc({at:.4f}% - 1px)" '
        f'title="theory"></span></div>{names}<div class="scroll"><table><tr><th></th><th>bits</th>'
        f"<th>of raw</th><th>of theory</th></tr>{rows}</table></div>"
    )


def file_sizes(content: Content | FramesContent) -> str:
    """The bytes of the picture as .kq files and in other formats."""
    ours = [(f".kq, {coder}", size, True) for coder, size in content.ours.items()]
    others = [(name, size, False) for name, size in content.other_formats.items()]
    rows = sorted([*ours, *others], key=lambda row: row[1])
    longest = max(size for _, size, _ in rows)
    cells = "".join(
        f'<span>{escape(name)}</span><i class="{"ours" if own else ""}" '
        f'style="width:{100 * size / longest:.2f}%"></i><span>{size:,} bytes</span>'
        for name, size, own in rows
    )
    missing = "" if others else " This Pillow writes none of the others."
    source = ""
    if content.source_bytes is not None:
        source = f" The file that it was made from has {content.source_bytes:,} bytes."
    what, by = "The picture", " as Pillow writes them"
    if content.report.frames > 1:
        what, by = "All frames", ""
    return (
        f"<h2>Sizes</h2><p>{what} in K colours, without loss, beside formats of others{by}."
        f"{missing}{source}</p>"
        f'<div class="sizes">{cells}</div>'
    )


def _largest(segments: Iterable[Segment], most: int) -> Sequence[Segment]:
    """The largest, in the palette's order."""
    largest = sorted(segments, key=lambda segment: -segment.pixels)[:most]
    return sorted(largest, key=lambda segment: segment.label)


def _hex(segment: Segment) -> str:
    """A segment's colour in CSS, without alpha where it is opaque."""
    color = segment.color[:3] if segment.color[3:] == (255,) else segment.color
    return "#" + bytes(color).hex()


def _swatch(segment: Segment) -> str:
    return f'<i class="swatch clear"><i style="background:{_hex(segment)}"></i></i>'


def percent(share: float) -> str:
    """A share of 1, with more digits where it is small."""
    digits = 2 if share >= 0.001 else 4
    return f"{100 * share:,.{digits}f}\u00a0%"


def _bits(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,.1f}"
