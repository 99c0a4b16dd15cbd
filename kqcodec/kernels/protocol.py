"""What a set of kernels is: the name, the arguments and the meaning of each.

Arrays are C-contiguous; N counts points, pixels or labels, K colours or centres. A point
has four channels of int16, 0..16320 (an 8-bit sample times 64), so that squared distances
are below 2^31. Arrays named as results are overwritten in place. Wherever several are
equal, the lowest index wins, so that results are the same on every machine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from kqcodec.kernels.protocol_frames import FrameKernels
from kqcodec.kernels.protocol_label_maps import LabelMapKernels

if TYPE_CHECKING:
    from typing import TypeAlias

    import numpy as np
    from numpy.typing import NDArray
    from typing_extensions import Buffer

    from kqcodec.format.labels import Labels
    from kqcodec.format.sizes import DenseShape

    Points: TypeAlias = NDArray[np.int16]  # (N, 4)
    Centers: TypeAlias = NDArray[np.int16]  # (K, 4)
    Weights: TypeAlias = NDArray[np.int64]  # (N,), positive; their sum is at most 2^49
    Sums: TypeAlias = NDArray[np.int64]  # (K, 4), and (K,) of weights
    Indices: TypeAlias = NDArray[np.uint16]  # (N,), of centres
    Distances: TypeAlias = NDArray[np.int32]  # (N,), squared
    Keys: TypeAlias = NDArray[np.uint32]  # of colours: R << 16 | G << 8 | B
    Bytes: TypeAlias = NDArray[np.uint8]
    Mask: TypeAlias = NDArray[np.bool_]


class PaletteKernels(Protocol):
    """The kernels that code palettes; they need no NumPy."""

    def encode_palette(self, plain: Buffer, k: int, ascending: bool, capacity: int) -> bytes | None:
        """The payload of a plain palette of ``k`` entries: red, green and blue of each,
        then, where there is alpha, that of each. None if it is over ``capacity`` bytes.

        ``ascending``: the entries ascend by green, red, blue and alpha, which isn't checked.
        """

    def decode_palette(self, payload: Buffer, k: int, channels: int) -> bytes | None:
        """The plain palette of a payload, of 3 or 4 channels; None if the payload is invalid."""


class Kernels(PaletteKernels, LabelMapKernels, FrameKernels, Protocol):
    """All kernels. The modules ``reference`` and ``compiled`` are such sets."""

    # --- labels to bytes and back ---------------------------------------------

    def pack(self, labels: Labels, bits: int) -> bytes:
        """Labels of any shape in C order, ``bits`` bits each, the highest first; the last
        byte is padded with zero bits."""

    def unpack(self, payload: Buffer, bits: int, out: Labels) -> None:
        """Fills ``out`` from what ``pack`` made of so many labels."""

    def dense_encode(self, labels: Labels, shape: DenseShape) -> bytes:
        """Labels of any shape in C order; each block of n becomes the number
        sum(label[i] * K**(n-1-i)) in a fixed count of bits."""

    def dense_decode(self, payload: Buffer, shape: DenseShape, out: Labels) -> bool:
        """Fills ``out`` from what ``dense_encode`` made; False at a block whose number is
        K**n or more."""

    def code_bits(
        self, bits: Bytes, probabilities: NDArray[np.uint16], capacity: int
    ) -> bytes | None:
        """The arithmetic code of bits, (N,), each a 1 with probability p / 65536, p being
        1..65535; None if it is over ``capacity`` bytes."""

    def decode_bits(self, payload: Buffer, probabilities: NDArray[np.uint16], out: Bytes) -> bool:
        """Fills ``out`` with the bits of such a code; False if it is invalid."""

    def tree_order(self, colors: Bytes) -> NDArray[np.uint16]:
        """The entries of a palette, (K, 3), in the order of the tree's leaves: (K,).

        A range of entries is sorted by the channel whose values lie farthest apart, red
        counting 3, green 4 and blue 2, of equals the first of green, red and blue; then by
        the sum of the channels, then by index. The lower half, the larger if they aren't
        equal, and the upper half are ranges again, until each has one entry.
        """

    def context_encode(
        self, labels: Labels, order: NDArray[np.uint16], colors: Bytes, setting: int, capacity: int
    ) -> bytes | None:
        """The payload of a tile by the coder `context`, without its first byte, the setting.

        Args:
            labels: (height, width), below K.
            order: (K,), from ``tree_order``; K is 2 or more.
            colors: (K, 3), the palette; (0, 3) for labels without colours.
            setting: the model, 1 or 2, in bits 7..6, whether it asks for the label on the
                left in 4, whether there is a match in 3, the rate of learning in 2..0.
            capacity: the most bytes; None is returned where they aren't enough.
        """

    def context_decode(
        self,
        payload: Buffer,
        order: NDArray[np.uint16],
        colors: Bytes,
        setting: int,
        out: Labels,
    ) -> bool:
        """Fills ``out``, (height, width), from such a payload; False if it is invalid."""

    def tokens_encode(
        self, labels: Labels, order: NDArray[np.uint16], capacity: int
    ) -> bytes | None:
        """The payload of a tile by the coder `tokens`; labels and order are as above, and None
        is returned where ``capacity`` bytes aren't enough."""

    def tokens_decode(self, payload: Buffer, order: NDArray[np.uint16], out: Labels) -> bool:
        """Fills ``out``, (height, width), from such a payload; False if it is invalid."""

    # --- pixels and colours -----------------------------------------------------

    def paint(
        self, labels: Labels, palette: Bytes, out: Bytes, top: int = 0, left: int = 0
    ) -> None:
        """out[top:, left:] = palette[labels], for labels of shape (h, w), a palette of shape
        (K, C) and a picture of shape (H, W, C); where these are ids, C are the bytes of one."""

    def count_colors(self, pixels: Bytes) -> tuple[Keys, NDArray[np.int64]]:
        """The keys of the different colours of pixels, (..., 3), ascending, and how often
        each occurs: both (n,)."""

    def merge_colors(
        self, keys_a: Keys, counts_a: Weights, keys_b: Keys, counts_b: Weights
    ) -> tuple[Keys, NDArray[np.int64]]:
        """Two results of ``count_colors`` as one."""

    def merge_cells(
        self, points: Points, weights: Weights, keys: Keys, mask: int
    ) -> tuple[Points, Weights, Keys]:
        """Runs of colours whose keys agree under the mask as one point each: their mean,
        rounded, the sum of their weights, and the first one's key."""

    def morton_order(self, keys: Keys) -> NDArray[np.uint32]:
        """The indices of different keys in Morton order, the bits of the channels
        interleaved, red's above green's above blue's: (n,)."""

    def fill_table(self, keys: Keys, labels: NDArray[Any], table: NDArray[Any]) -> None:
        """table[keys] = labels, for a table of uint8 or uint16, shape (2^24,)."""

    def look_up(self, pixels: Bytes, table: NDArray[Any], out: NDArray[Any]) -> None:
        """out[i] = table[key of pixel i], for pixels of shape (..., 3) and the table's dtype."""

    def diffuse(
        self,
        points: Points,
        mask: Mask,
        centers: Centers,
        errors: NDArray[np.int32],
        labels: Indices,
        *,
        strength: int,
        backwards: bool,
    ) -> None:
        """Gives each point of some rows, (H, W, 4), the centre nearest to it and its errors
        together. Where ``mask``, (H, W), is false, the label stays, and errors end.

        ``errors``, (W + 2, 4), are those that the row above passed on, in 4,096ths, one
        place further right than their points; on return they are for the row below. Those
        beyond either end are lost. ``strength``, 0..256, is the part of an error that is
        passed on. With ``backwards`` the first row runs to the left. Each sum is rounded,
        halves upwards, and kept to 0..16320.
        """

    # --- k-means ------------------------------------------------------------------

    def nearest(
        self, points: Points, centers: Centers, labels: Indices, distances: Distances
    ) -> None:
        """labels[i] = the centre nearest to points[i], distances[i] = its squared distance.
        K is at most 65,536."""

    def nearest_two(
        self,
        points: Points,
        centers: Centers,
        labels: Indices,
        distances: Distances,
        second_labels: Indices,
        second_distances: Distances,
    ) -> None:
        """``nearest``, and for each point the same with that centre left out. K is at least 2."""

    def near(self, centers: Centers, some: Points, count: int) -> Indices:
        """The ``count`` centres, at most 64 and no more than there are, nearest to each of
        some places, the nearest first: shape (N, count)."""

    def accumulate(
        self, points: Points, weights: Weights, labels: Indices, sums: Sums, counts: Sums
    ) -> None:
        """sums[labels[i]] += weights[i] * points[i] and counts[labels[i]] += weights[i].
        Labels are below K."""

    def reassign(
        self,
        points: Points,
        weights: Weights,
        centers: Centers,
        labels: Indices,
        sums: Sums,
        counts: Sums,
    ) -> tuple[int, int]:
        """Gives every point its nearest centre. Sums and counts are those of ``labels``, on
        entry and on return. Returns how many labels changed, and the cost: the weighted sum
        of squared distances."""

    def lloyd(
        self,
        points: Points,
        weights: Weights,
        centers: Centers,
        labels: Indices,
        sums: Sums,
        counts: Sums,
        *,
        iterations: int,
        relax: int,
        tolerance_bits: int,
    ) -> list[int]:
        """At most so many times: ``reassign``, then move the centres.

        A centre moves ``relax`` sixteenths of the way to its mean: 16 is Lloyd's own step,
        more is over-relaxation, given up for the rest once an iteration raised the cost. An
        empty cluster's centre stays. It ends when no label changes, or the cost c falls by at
        most c >> tolerance_bits. On return labels and sums are those of the centres. Returns
        each assignment's cost.
        """

    def settle_kinds(
        self,
        points: Points,
        weights: Weights,
        centers: Centers,
        labels: Indices,
        distances: Distances,
        *,
        opaque_points: int,
        opaque: int,
        movable: int,
        iterations: int,
        tolerance_bits: int,
    ) -> tuple[int, int]:
        """Lloyd's iterations with opaque and translucent points, at most so many, until the
        cost c falls by at most c >> tolerance_bits.

        Opaque points, the first ``opaque_points``, choose among the first ``opaque`` centres,
        at least one where there are such points; the others among all. Centres up to
        ``movable`` go to the means of what has chosen them, opaque ones in colour only. An
        iteration that doesn't lower the cost is undone. Results are ``centers``, ``labels``
        and ``distances``.

        Returns how many iterations are left where none of the points has chosen a centre that
        may move, else 0; and the cost.
        """

    def nudge(
        self,
        points: Points,
        weights: Weights,
        centers: Centers,
        labels: Indices,
        distances: Distances,
        neighbors: Indices,
        active: Mask,
        step: int,
    ) -> tuple[int, int]:
        """Moves each active centre once, in order, to the best of the 26 places a step away.

        Only the points of a centre and of its ``neighbors``, (K, R), itself not among them,
        are looked at: others may turn out to have a nearer centre afterwards, so the cost
        falls by at least what is returned. Labels and distances go with the centres;
        ``active``, (K,), then tells in whose surroundings a centre moved. Returns how many
        did, and the fall.
        """

    # --- a palette to begin with, and the search for a better one ---------------------

    def plus_plus(
        self, points: Points, weights: Weights, randoms: NDArray[np.uint64]
    ) -> NDArray[np.uint32]:
        """k-means++: the index of a point for each of K random numbers; weights add up to at
        most 2^33. With s the sum of the odds, the number r stands for the first point up to
        which they add up to more than (r * s) >> 64."""

    def variance_cuts(self, points: Points, weights: Weights, k: int) -> Centers:
        """The means of at most k cells: shape (at most k, 4). The cell of highest gain is
        cut, again and again, until there are k or nothing is left to cut. The left part
        keeps the cell's number, the right one gets the next."""

    def split_gains(
        self, points: Points, weights: Weights, labels: Indices, k: int
    ) -> tuple[NDArray[np.float64], Centers]:
        """The best cut of each of k clusters: its gain, (k,), and the means of both parts,
        (k, 2, 4); zeros where there is nothing to cut."""

    def merge_and_split(
        self,
        points: Points,
        weights: Weights,
        labels: Indices,
        distances: Distances,
        centers: Centers,
        sums: Sums,
        counts: Sums,
        pairs: Indices,
        halves: Centers,
        *,
        reach: int,
        trials: int,
        iterations: int,
        relax: int,
        tolerance_bits: int,
    ) -> tuple[Bytes, Mask, int]:
        """Tries at most ``trials`` of the ``pairs`` (i, j), shape (P, 2), in order.

        A trial gives i and j the centres ``halves[j]``, shape (K, 2, 4), and runs ``lloyd``
        on the points of these two and of the ``reach`` clusters nearest to each, as the
        centres were before the round. Where the cost falls, labels, distances, centres, sums
        and counts follow, and pairs with a cluster of that region are passed over from then
        on. Returns what became of each pair (0 untried, 1 failed, 2 kept), which clusters
        were in such a region, and by how much the cost fell in all.
        """

    def search_round(
        self,
        points: Points,
        weights: Weights,
        labels: Indices,
        centers: Centers,
        sums: Sums,
        counts: Sums,
        failed: NDArray[np.int32],
        changed: NDArray[np.int32],
        number: int,
        *,
        width: int,
        least_ratio: float,
        reach: int,
        trials: int,
        iterations: int,
        relax: int,
        tolerance_bits: int,
    ) -> tuple[int, int, int]:
        """A whole round, for at least two centres: ``merge_and_split`` on the pairs that
        promise most.

        The points are assigned to the centres as they are; labels, sums and counts follow. Of
        the ``width`` (at most 64) clusters that lose least by being given up, their points
        going to their second nearest centres, and of the ``width`` that gain most by being
        cut in two, pairs are tried by falling ratio of gain to loss, down to ``least_ratio``;
        where those are equal, by the former's place and then by the latter's. Not tried are
        pairs that failed, in the rounds whose numbers are in ``failed``, (K, K), unless one of
        the two has changed since, as ``changed``, (K,), says; both are kept up to date, this
        round being ``number``.

        Returns how many pairs were tried, how many kept, and the cost.
        """
