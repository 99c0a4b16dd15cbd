"""Adding up: sums and ratios for each folder, and for all pictures together.

A ratio is always one of sums over the same images. ``to_smallest`` divides a
tool's bytes by those of the smallest peer, ``to_smallest_own`` by those of the
smallest .kq file, chosen anew for each image.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from kqcodec.show.bench.measure import megapixels_a_second

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from kqcodec.show.bench.measure import Measurement


@dataclass(frozen=True)
class Row:
    """One tool over a group of images.

    Attributes:
        tool: its name.
        is_peer: whether it is one of the others, not .kq.
        images: how many it coded; the other figures are about these.
        errors: how many it failed on.
        size: bytes in all.
        to_theory: bytes to those of the formula.
        to_smallest, to_smallest_own: bytes to those of each image's smallest peer,
            and smallest .kq file.
        larger_on: names of the images on which it needs more bytes than the smallest peer.
        encode_mps, decode_mps: megapixels a second of processor time.
    """

    tool: str
    is_peer: bool
    images: int
    errors: int
    size: int
    to_theory: float | None
    to_smallest: float | None
    to_smallest_own: float | None
    larger_on: tuple[str, ...]
    encode_mps: float | None
    decode_mps: float | None


@dataclass(frozen=True)
class Group:
    """The images of one folder, or all, in so many colours.

    Attributes:
        folder: the class; None for all of several.
        k: colours allowed.
        images, pixels: how many.
        theory_bytes: by the formula.
        smallest_peer_bytes: of each image's smallest peer.
        rows: of each tool.
    """

    folder: str | None
    k: int
    images: int
    pixels: int
    theory_bytes: float
    smallest_peer_bytes: int | None
    rows: tuple[Row, ...]

    def row(self, tool: str) -> Row | None:
        """The row of that tool, if it took part."""
        return next((row for row in self.rows if row.tool == tool), None)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        found = asdict(self)
        for row in found["rows"]:
            row["bytes"], row["peer"] = row.pop("size"), row.pop("is_peer")
        return found


def summarize(measurements: Sequence[Measurement]) -> list[Group]:
    """For each K the groups by folder, in order of appearance, then all if there are several."""
    groups = []
    for k in sorted({m.k_asked for m in measurements}):
        of_k = [m for m in measurements if m.k_asked == k]
        folders = dict.fromkeys(m.folder for m in of_k)
        for folder in folders:
            groups.append(_group(folder, k, [m for m in of_k if m.folder == folder]))
        if len(folders) > 1:
            groups.append(_group(None, k, of_k))
    return groups


def _group(folder: str | None, k: int, members: Sequence[Measurement]) -> Group:
    tools = dict.fromkeys((r.tool, r.is_peer) for m in members for r in m.results)
    smallest = [m.smallest_bytes() for m in members]
    return Group(
        folder=folder,
        k=k,
        images=len(members),
        pixels=sum(m.shape.pixels for m in members),
        theory_bytes=sum(m.theory_bytes for m in members),
        smallest_peer_bytes=None if None in smallest else sum(filter(None, smallest)),
        rows=tuple(_row(tool, is_peer, members) for tool, is_peer in tools),
    )


def _row(tool: str, is_peer: bool, members: Sequence[Measurement]) -> Row:
    found = [(m, r) for m in members if (r := m.result(tool)) is not None]
    counted = [(m, r, r.size) for m, r in found if r.size is not None]
    timed = [(m.shape.pixels, r.seconds) for m, r, _ in counted if r.seconds is not None]
    pixels = sum(pixels for pixels, _ in timed)
    return Row(
        tool=tool,
        is_peer=is_peer,
        images=len(counted),
        errors=len(found) - len(counted),
        size=sum(size for _, _, size in counted),
        to_theory=_ratio((size, m.theory_bytes) for m, _, size in counted),
        to_smallest=_ratio((size, m.smallest_bytes()) for m, _, size in counted),
        to_smallest_own=_ratio((size, m.smallest_bytes(is_peer=False)) for m, _, size in counted),
        larger_on=tuple(m.name for m, _, size in counted if size > (m.smallest_bytes() or size)),
        encode_mps=megapixels_a_second(pixels, sum(encode for _, (encode, _) in timed)),
        decode_mps=megapixels_a_second(pixels, sum(decode for _, (_, decode) in timed)),
    )


def _ratio(pairs: Iterable[tuple[int, float | None]]) -> float | None:
    """Of the sums of the pairs that have both."""
    both = [(part, whole) for part, whole in pairs if whole is not None]
    return sum(part for part, _ in both) / sum(whole for _, whole in both) if both else None
