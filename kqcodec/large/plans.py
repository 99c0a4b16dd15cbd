"""How the labels of each block of a picture come to be: a palette, and a way to label blocks.

There are four ways, by what is known and whether the picture can be read twice:

    plan_two_passes      a palette is searched for, in the sum of all histograms
    plan_given_palette   a palette is given: blocks are labelled as they come
    plan_sampled         one is searched for, in the first pixels of a pipe
    plan_label_map       the samples are labels already
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kqcodec.coding.id_table import IdTable
from kqcodec.coding.layout import Layout
from kqcodec.coding.meaning import Meaning
from kqcodec.colors.histogram import histogram
from kqcodec.errors import ArgumentError, LabelsError
from kqcodec.format.header import MAX_COLORS
from kqcodec.images.blocks.samples import Conversion, one_pixel, with_channels
from kqcodec.labels.color_tables import color_table, colors_by_id
from kqcodec.labels.ids import LabelMap, plane_of
from kqcodec.large.histograms import SharedSum, visit
from kqcodec.quantization.color_map import Labeler

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from numpy.typing import NDArray

    from kqcodec.coding.id_table import Ids
    from kqcodec.colors.costs import Costs
    from kqcodec.format.labels import Labels
    from kqcodec.images.blocks import Interpretation
    from kqcodec.large.jobs import Job, PaletteSearch

# Of pixels that come but once so many are kept to find a palette in.
_SAMPLE_PIXELS = 1 << 24


@dataclass(frozen=True)
class Plan:
    """What pass 2 needs.

    Attributes:
        layout: of the file.
        channels: of the pixels that are labelled; 0 where the samples are labels.
        labels_of: a block's labels, by its number; reads the block.
        costs: of quantizing, to be asked for at the end; None for labels.
        sampled: of how many pixels the palette is, where that isn't all of them.
    """

    layout: Layout
    channels: int
    labels_of: Callable[[int], Labels]
    costs: Callable[[], Costs | None]
    sampled: int | None = None


def plan_of(job: Job) -> Plan:
    """The plan of a job, by pass 1; errors are those of ``kqcodec.encode_stream``."""
    search, blocks = job.request.search, job.reader.blocks
    if search is None:
        return plan_label_map(job)
    conversion = Conversion(blocks, job.request.background, keep_profile=False)
    if search.options.fixed is not None:
        return plan_given_palette(job, search, conversion)
    if blocks.rereadable:
        return plan_two_passes(job, search, conversion)
    return plan_sampled(job, search, conversion)


def plan_two_passes(job: Job, search: PaletteSearch, conversion: Conversion) -> Plan:
    """A palette that is searched for in the histogram of all pixels."""
    reader, total = job.reader, SharedSum()

    def count(index: int) -> None:
        total.add_pixels(conversion.pixels(reader.read_first(index)))

    workers = job.budget(conversion.channels).counting_threads(job.threads)
    visit(reader, count, workers, job.begin("counting"))
    job.begin("palette")
    mapped = job.color_map(search, total.total().without_opaque_alpha())
    labeler = Labeler(mapped)
    palette, costs = mapped.palette, mapped.costs
    del mapped  # and with it the histogram

    def labels_of(index: int) -> Labels:
        pixels = conversion.pixels(reader.read_again(index))
        return labeler.labels(with_channels(pixels, labeler.channels))

    return Plan(job.layout(palette), conversion.channels, labels_of, lambda: costs)


def plan_given_palette(job: Job, search: PaletteSearch, conversion: Conversion) -> Plan:
    """The palette that was given, of which each pixel gets the nearest entry."""
    palette = search.options.fixed
    assert palette is not None  # noqa: S101 - or another plan is made
    nearest = _Nearest(search, palette.shape[1])

    def labels_of(index: int) -> Labels:
        return nearest.labels(conversion.pixels(job.reader.read_first(index)))

    return Plan(job.layout(palette), conversion.channels, labels_of, nearest.costs)


def plan_sampled(job: Job, search: PaletteSearch, conversion: Conversion) -> Plan:
    """A palette for the first pixels, whose nearest entries all others get."""
    reader, total = job.reader, SharedSum()
    kept: dict[int, NDArray[np.uint8]] = {}
    pixels, advance = 0, job.begin("counting")
    for index in range(reader.boxes.count):
        if pixels >= _SAMPLE_PIXELS:
            break
        kept[index] = conversion.pixels(reader.read_first(index))
        total.add_pixels(kept[index])
        pixels += reader.boxes.box(index).pixels
        advance(reader.boxes.box(index).pixels)
    whole = len(kept) == reader.boxes.count
    job.begin("palette")
    colors = total.total()
    mapped = job.color_map(search, colors.without_opaque_alpha() if whole else colors)
    if whole:
        labeler, costs = Labeler(mapped), mapped.costs

        def known(index: int) -> Labels:
            return labeler.labels(with_channels(kept.pop(index), labeler.channels))

        return Plan(job.layout(mapped.palette), conversion.channels, known, lambda: costs)
    nearest = _Nearest(search.with_palette(mapped.palette), mapped.palette.shape[1])

    def labels_of(index: int) -> Labels:
        some = kept.pop(index, None)
        return nearest.labels(conversion.pixels(reader.read_first(index)) if some is None else some)

    layout = job.layout(mapped.palette)
    return Plan(layout, conversion.channels, labels_of, nearest.costs, sampled=pixels)


class _Nearest:
    """Labels blocks by the nearest entries of a palette, which don't depend on what other
    blocks hold, and counts the colours of all, for the costs."""

    def __init__(self, search: PaletteSearch, channels: int) -> None:
        self._search, self._channels = search, channels
        self._total = SharedSum()

    def labels(self, pixels: NDArray[np.uint8]) -> Labels:
        """The labels of a block of pixels; ColorsError if there are transparent ones, but no
        entry for them."""
        colors = histogram(pixels)
        colors = colors.with_alpha() if self._channels == 4 else colors.without_opaque_alpha()
        labeler = Labeler(self._search.color_map(colors))
        self._total.add(colors)
        return labeler.labels(with_channels(pixels, labeler.channels))

    def costs(self) -> Costs:
        """What labelling has cost over all blocks."""
        return self._search.color_map(self._total.total()).costs


def plan_label_map(job: Job) -> Plan:
    """Ids as they are, and their colours if some are given or the file has them."""
    reader = job.reader
    name = reader.blocks.name
    one = ids_in(one_pixel(reader.blocks), name)
    found: list[Ids] = [np.empty(0)] * reader.boxes.count

    def look(index: int) -> None:
        found[index] = IdTable.of(ids_in(reader.read_first(index), name)).distinct

    visit(reader, look, job.budget(0).counting_threads(job.threads), job.begin("counting"))
    table = IdTable(np.unique(np.concatenate(found)), shape=IdTable.of(one).shape)

    def labels_of(index: int) -> Labels:
        return entries_in(reader.read_again(index), table, name)

    return Plan(label_layout(job, table, reader.blocks.interpretation), 0, labels_of, lambda: None)


def label_layout(job: Job, table: IdTable, interpretation: Interpretation) -> Layout:
    """The layout of a label map with these ids, their colours those that were asked for or that
    the samples mean; ArgumentError if there are too many, and TypeError or ValueError if the
    colours aren't any."""
    if table.entries > MAX_COLORS:
        raise ArgumentError(
            f"there are {table.entries:,} different ids, and label maps that are read in pieces "
            f"have up to {MAX_COLORS:,}; kqcodec.encode_labels() takes more"
        )
    colors = job.request.label_colors
    given = interpretation.color_table if colors is None else color_table(colors)
    known = Meaning() if given is None else Meaning(colors=colors_by_id(given, table.distinct))
    blocks = job.reader.blocks
    size = blocks.width, blocks.height
    return Layout.of_labels(
        table, table.entries, *size, job.request.coding, sections=known.sections()
    )


def ids_in(samples: NDArray[Any], name: str) -> Ids:
    """A block's samples as ids, shape (h, w) or (h, w, 1); LabelsError if they aren't."""
    try:
        values = LabelMap(samples).values
        plane_of(values, "labels in blocks must have shape (H, W) or (H, W, 1)")
    except (TypeError, ValueError) as exc:
        raise LabelsError(f"{name} doesn't hold labels: {exc}") from exc
    return values


def entries_in(samples: NDArray[Any], table: IdTable, name: str) -> Labels:
    """The entries of a block's samples, shape (h, w)."""
    values = ids_in(samples, name)
    return table.entries_of(values.reshape(values.shape[:2]))
