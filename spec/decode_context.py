"""Section 16 of kq.md: the labels of a tile by the coder context.

A part of decode.py, which itself reads the settings and checks a payload's end.
Written like the rest: from kq.md alone, in its order, each comment that starts with a
number quoting the rule which the lines below it carry out.

Nothing here refuses a file: whatever the bits of a payload are, they say some labels.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import NamedTuple

from decode_mixing import (
    Counter,
    FinalRow,
    M,
    NextBit,
    Row,
    Slot,
    U,
    V,
    history_map,
    learnt,
    logit,
    scramble,
)

# 16.3, its table: "ρ"
RHO = [115, 162, 230, 325, 459, 650, 918, 1260]

# 16.17: "M^22"
M22 = M**22 % 2**32


# The entry of a label that has no colour.
NO_COLOR = b""


class Model(NamedTuple):
    """What a model has."""

    contexts: int
    sets: int
    length: int
    delta: int
    has_maps: bool


# 16.4, its table: "large"
SMALL = Model(7, 2, 8, 128, has_maps=False)
LARGE = Model(31, 3, 32, 256, has_maps=True)
MODELS = {1: SMALL, 2: LARGE}

# 16.7: "These are the neighbours of the label X."
#
# As columns and rows from X, in the order of rule 16.16, and then the rest.
NEIGHBOURS = {
    **{"W": (-1, 0), "N": (0, -1), "NW": (-1, -1), "NE": (1, -1), "WW": (-2, 0), "NN": (0, -2)},
    **{"NWW": (-2, -1), "NEE": (2, -1), "NNW": (-1, -2), "NNE": (1, -2), "WWW": (-3, 0)},
    **{"NNN": (0, -3), "NNEE": (2, -2), "NNWW": (-2, -2)},
}

# 16.13: "Bit 0 is 1 if W = N, and so on"
PAIRS = (
    "W N, W NW, N NW, N NE, W WW, N NN, W NE, WW NW, NN NE, NW NE, NW NWW, NE NEE, NN NNE, "
    "NN NNW, NW NNW, NE NNE, WW WWW, NN NNN, WW NWW, NNE NNEE, NNW NNWW, NEE NNEE"
)
EQUAL = [tuple(pair.split()) for pair in PAIRS.split(", ")]

# 16.16: "The *features* 1 to 21 are W, N, NW, NE, WW, NN, NWW, NEE, NNW, NNE, WWW, NNN,
# MEDIAN, MEAN, WIDE, SLANT, ALONG, DOWN, RISE, E mod 1024 and E."
PREDICTED = ["MEDIAN", "MEAN", "WIDE", "SLANT", "ALONG", "DOWN", "RISE"]
FEATURES = [*list(NEIGHBOURS)[:12], *PREDICTED, "E10", "E"]
POWERS = [pow(M, f, 2**32) for f in range(len(FEATURES) + 1)]

# 16.16, its table: "all neighbours, 1 to 12"
ALL_NEIGHBOURS = " ".join(FEATURES[:12])
CONTEXTS = [
    *("W WW", "E", "MEDIAN", "W N NE", "N", "N NN NNN", "W N NW", "WIDE MEAN", "W", "E10"),
    *("SLANT ALONG", "W WW WWW", ALL_NEIGHBOURS, "RISE W", "N NN", "N NE NN NNE"),
    *("W NE", "MEDIAN N", "W N", " ".join(FEATURES[:6]), "E10 W", "DOWN W"),
    *(" ".join([*FEATURES[:8], "NNE"]), "MEAN W", "NW", "NE", "N NW NE", "WIDE MEDIAN"),
    *("E W", "WW NN", "ALONG DOWN"),
]


def decode_tile(
    next_bit: NextBit, settings: int, entries: list[bytes], width: int, height: int
) -> list[int]:
    """Return the labels of a tile, row by row, whose model isn't dense."""
    # 16.5: "From here on labels are places, and colours those of the entries there."
    order = tree_order(entries)
    colors = [entries[entry] for entry in order]
    tile = ContextTile(next_bit, settings, colors, width, height)
    return [order[place] for place in tile.decode()]


def tree_order(entries: list[bytes]) -> list[int]:
    """Return the entry at each place of the tree."""
    # 16.5: "Where there are no colours, the place of a label is the label itself."
    order = list(range(len(entries)))
    if entries[0] == NO_COLOR:
        return order

    lists = [(0, len(order))]
    while lists:
        start, stop = lists.pop()
        if stop - start == 1:
            continue

        # 16.5: "Of the channels, that counts for which (greatest − least value in the
        # list)·weight is the greatest, red having the weight 3, green 4 and blue 2; of
        # several, green before red before blue."
        extents = []
        for channel, weight in ((1, 4), (0, 3), (2, 2)):
            values = [entries[entry][channel] for entry in order[start:stop]]
            extents.append(((max(values) - min(values)) * weight, channel))
        channel = max(extents, key=lambda extent: extent[0])[1]

        # 16.5: "The list is sorted by the value of that channel; of equal ones the less
        # sum of red, green and blue comes first; of these the one of the lower index."
        order[start:stop] = sorted(
            order[start:stop],
            key=lambda entry: (entries[entry][channel], sum(entries[entry][:3]), entry),
        )

        # 16.5: "The lower part is the first ceil(n / 2) of its n entries."
        middle = start + (stop - start + 1) // 2
        lists += [(start, middle), (middle, stop)]
    return order


class RunCounters:
    """The counters of flat or of matched runs."""

    def __init__(self) -> None:
        """Start with nothing learnt."""
        # 16.8: "whose number rule 16.11 or 16.12 says and which begins with p = 63·2^16."
        self.whole: dict[object, Counter] = {}
        # 16.8: "of 64 that begin with p = 2^21; flat runs and matched runs have 64 each."
        self.ends = [Counter(2**21) for _ in range(64)]

    def __getitem__(self, number: object) -> Counter:
        """Return the counter of that number that asks whether a run is as long as it can be."""
        return self.whole.setdefault(number, Counter(63 * 2**16))

    def length(self, next_bit: NextBit, number: object, most: int) -> int:
        """Decode the length of a run."""
        # 16.8: "length = most if bit(counter) = 1"
        if self[number].bit(next_bit):
            return most

        # 16.8: "lo, hi = 0, most"
        # 16.8: "mid = floor((lo + hi) / 2)"
        # 16.8: "lo, hi = (mid, hi) if bit(end) = 1, otherwise (lo, mid)"
        lo, hi = 0, most
        while hi - lo > 1:
            mid = (lo + hi) // 2
            # 16.8: "bits(hi − lo) + 16·(1 if lo is 0) + 32·(1 if hi is most)"
            end = (hi - lo).bit_length() + 16 * (lo == 0) + 32 * (hi == most)
            if self.ends[end].bit(next_bit):
                lo = mid
            else:
                hi = mid
        return lo


class ContextTile:
    """A tile that is being decoded, and all that has been learnt in it."""

    # 16.21, its table: "half(MEDIAN), half(MEAN), half(W), half(N)"
    halves = ("MEDIAN", "MEAN", "W", "N")

    def __init__(
        self, next_bit: NextBit, settings: int, colors: list[bytes], width: int, height: int
    ) -> None:
        """Start with nothing learnt."""
        self.next_bit, self.settings = next_bit, settings
        self.model = model = self.model_of(settings)
        self.has_match = bool(settings & 8)
        self.rho = RHO[settings & 7]
        self.colors, self.k = colors, len(colors)
        self.colorless = colors[0] == NO_COLOR

        # 16.18: "If q is 1, a bit asks whether the label is W."
        # 16.18: "Where there are no colours, N, NE, NEE, NW and WW are asked about likewise, one
        # after the other"
        self.asked = ["W"] if settings & 16 else []
        if settings & 16 and self.colorless:
            self.asked += ["N", "NE", "NEE", "NW", "WW"]

        # 16.6: "three rows above the first, all 0, and eight columns on both sides of each
        # row, the three included."
        self.width, self.height, self.stride = width, height, width + 16
        self.plane = [0] * ((height + 3) * self.stride)
        self.offsets = {name: row * self.stride + c for name, (c, row) in NEIGHBOURS.items()}

        # 16.4: "With s = ceil(log2 of the number of its labels)"
        # 16.4: "e = min(max(s, 8), 16)"
        s = (width * height - 1).bit_length()
        self.c = self.lines(s)
        self.e = min(max(s, 8), 16)

        # 16.17: "0 to 10 have one each, of the others two share one, 11 and 12, 13 and 14, up
        # to 29 and 30."
        self.tables = [i if i < 11 else 11 + (i - 11) // 2 for i in range(model.contexts)]

        # What hasn't been used yet is as at the start, and needn't be kept.
        self.slots: dict[tuple[int, int], Slot] = {}
        self.positions: dict[int, int] = {}
        self.rows: dict[tuple[object, ...], Row] = {}
        self.final_rows: dict[tuple[int, int], FinalRow] = {}
        self.flat_runs, self.matched_runs = RunCounters(), RunCounters()
        self.nearest: dict[tuple[int, ...], int] = {}

        # 16.9: "the *displacement* of the column, which is 0 at the start of the tile"
        self.displacements = [0] * width

        # 16.20: "With maps of histories each context has two, one for the question and one
        # for the search"
        # 16.20: "For the question and for the search there is a probability q of its being
        # right for each l = min(bits(length of the match), 7), at the start 50000."
        k = model.contexts
        self.maps = [[history_map() for _ in range(k)] for _ in range(2)]
        self.match_right = [[50000] * 8 for _ in range(2)]

        # 16.22: "begin, for k contexts, with floor(805306368 / k) for the first inputs of the
        # contexts (1.5 in all), floor(322122547 / k) for their third (0.6), 161061274 for the
        # first input of the match (0.3), and 0 for the rest."
        self.first_weights = [*[805306368 // k, 0] * k, 161061274, 0]
        if model.has_maps:
            self.first_weights += [*[322122547 // k] * k, 0]

        # 16.16: "The small model has the contexts 0 to 6, of which 2 is that of all
        # neighbours, 1 to 12, if m is 1, and 5 is W alone if K is over 64."
        # 16.16: "Where there are no colours, 0 is W NEE, 2 is that of all neighbours and 5 is NEE,
        # whatever m and K are."
        names = CONTEXTS[:31] if model is LARGE else CONTEXTS[:7]
        if model is not LARGE and self.has_match:
            names[2] = ALL_NEIGHBOURS
        if model is not LARGE and self.k > 64:
            names[5] = "W"
        if model is not LARGE and self.colorless:
            names[0], names[2], names[5] = "W NEE", ALL_NEIGHBOURS, "NEE"
        self.contexts = [[FEATURES.index(name) for name in context.split()] for context in names]

    def model_of(self, settings: int) -> Model:
        """Return the model that the settings name."""
        return MODELS[settings >> 6]

    def lines(self, s: int) -> int:
        """Return how many lines a table has, as a power of two, in a tile of 2^s labels."""
        # 16.4: "c = min(max(s + 2, 8), 17) − 4"
        return min(max(s + 2, 8), 17) - 4

    def decode(self) -> list[int]:
        """Return the places of all labels."""
        labels = []
        for row in range(self.height):
            # 16.6: "To the left of a row stands, eight times, the label that is above its
            # first one; to the right, eight times, its last label."
            self.start = start = (row + 3) * self.stride + 8
            self.stop = stop = start + self.width
            self.plane[start - 8 : start] = [self.plane[start - self.stride]] * 8

            # 16.9: "It has a position and a length, both 0 at the start of each row"
            self.match_position = self.match_length = 0
            self.position = start
            while self.position < stop:
                self.decode_labels()
            self.plane[stop : stop + 8] = [self.plane[stop - 1]] * 8
            labels += self.plane[start:stop]
        return labels

    def decode_labels(self) -> None:
        """Decode a run, if there is one, and a label unless the run is as long as it can be."""
        # 16.8: "if there is a match of at least the length of rule 16.4: most, counter = those of
        # a matched run"
        self.look_around()
        most, number = 0, None
        is_flat = False
        if self.match_length >= self.model.length:
            most, number = self.matched_run()

        # 16.8: "if most = 0, and W = WW = N = NW = NE = NN, and there is no match or the label at
        # its position is W: most, counter = those of a flat run"
        w = self.around["W"]
        same = all(self.around[name] == w for name in ("WW", "N", "NW", "NE", "NN"))
        expected = self.plane[self.match_position] if self.match_length else w
        if most == 0 and same and expected == w:
            most, number = self.flat_run(w)
            is_flat = True

        if most != 0:
            counters = self.flat_runs if is_flat else self.matched_runs
            length = counters.length(self.next_bit, number, most)
            for _ in range(length):
                self.follow(w if is_flat else self.plane[self.match_position], is_flat)
            # 16.8: "if length = most: begin again, with most = 0"
            if length == most:
                return
            self.look_around()

        # 16.8: "the label, by a question (16.18) and, if that leaves it open, a search (16.19)"
        self.follow(self.full_label(), is_flat=False)

    def look_around(self) -> None:
        """Find the neighbours of the present position."""
        self.around = {n: self.plane[self.position + off] for n, off in self.offsets.items()}

    def follow(self, label: int, is_flat: bool) -> None:
        """Put a label in its position, and let the match follow it."""
        self.plane[self.position] = label
        if self.match_length:
            if is_flat:
                # 16.9: "nothing happens to its length if the label is one of a flat run"
                pass
            elif label != self.plane[self.match_position]:
                # 16.9: "if the label is another than that at its position, the length becomes
                # 0"
                self.match_length = 0
            else:
                # 16.9: "otherwise the length grows by 1, and the *displacement* of the column,
                # which is 0 at the start of the tile, becomes the position of the label less
                # that of the match"
                self.match_length += 1
                apart = self.position - self.match_position
                self.displacements[self.position - self.start] = apart

            # 16.9: "then, in all three cases, its position moves on by 1"
            self.match_position += 1
        self.position += 1

    def longest(self) -> int:
        """Return how long any run can be here."""
        # 16.11: "but at most 256, the number of labels that the row has left and, if there is a
        # match, the present position less its position."
        limits = [256, self.stop - self.position]
        if self.match_length:
            limits.append(self.position - self.match_position)
        return min(limits)

    def flat_run(self, w: int) -> tuple[int, object]:
        """Return how long a flat run can be, and the number of its counter."""
        # 16.11: "Most is the number of labels, from the present one on, before the first whose
        # NE or NN isn't W or, if there is a match, for which the label at the position that it
        # will have isn't W"
        most, limit = 0, self.longest()
        ne = self.position + self.offsets["NE"]
        nn = self.position + self.offsets["NN"]
        while most < limit:
            if self.plane[ne + most] != w or self.plane[nn + most] != w:
                break
            if self.match_length and self.plane[self.match_position + most] != w:
                break
            most += 1

        # 16.11: "Let a be 0 if most is the least of these limits; otherwise (1 if the NE of the
        # first label behind isn't W) + 2·(1 if its NN isn't W)."
        a = 0
        if most < limit:
            a = (self.plane[ne + most] != w) + 2 * (self.plane[nn + most] != w)

        # 16.11: "Let g be 0 if there is no match, 1 if its length is under 16, 2 if under 32,
        # otherwise 3."
        # 16.11: "bits(most) + 16·a + 64·g"
        g = bisect_right((1, 16, 32), self.match_length)
        return most, most.bit_length() + 16 * a + 64 * g

    def matched_run(self) -> tuple[int, object]:
        """Return how long a matched run can be, and the number of its counter."""
        # 16.12: "each of their labels, from three columns before the present one to four behind
        # the run's last, is the same as the one that is as far from the position of the match."
        x, z = self.position, self.match_position
        most, length = 0, self.match_length
        while most < self.longest() and all(
            self.plane[x + column - up] == self.plane[z + column - up]
            for column in range(-3 if most == 0 else most + 4, most + 5)
            for up in (self.stride, 2 * self.stride)
        ):
            most += 1
        if most:
            # 16.12: "bits(most) + 16·min(bits(floor(l / 8)), 7)"
            return most, most.bit_length() + 16 * min((length // 8).bit_length(), 7)

        # 16.12: "If most is 0, the model small, and l at least 32, let X', N', NW' and NE' be
        # the label and the neighbours at the position of the match"
        if self.model is not SMALL or length < 32:
            return 0, None
        around, label = self.around, self.plane[z]
        there = {name: self.plane[z + self.offsets[name]] for name in ("N", "NW", "NE")}

        # 16.12: "(1 if N = N') + 2·(1 if NW = NW') + 4·(1 if NE = NE') + 8·(1 if X' = W) +
        # 16·(1 if X' = N) + 32·(1 if X' = NE) + 64·(1 if l ≥ 256)"
        bits = [around[name] == there[name] for name in ("N", "NW", "NE")]
        bits += [label == around[name] for name in ("W", "N", "NE")]
        bits.append(length >= 256)
        number = ("other", sum(bit << i for i, bit in enumerate(bits)))

        # 16.12: "If its p is at least 15·2^18, most becomes 1, and the run has this counter."
        return int(self.matched_runs[number].p >= 15 * 2**18), number

    def full_label(self) -> int:
        """Decode a label by the question and the search."""
        self.sum_features()
        expected = self.find_match()
        refused: list[int] = []
        for neighbour in self.asked:
            # 16.18: "until the bit is 1, three labels are refused, or all but one of the K; a
            # neighbour whose label is refused already is left out."
            label, r = self.around[neighbour], len(refused)
            if label in refused or r in (3, self.k - 1):
                continue

            # 16.18: "It is the node 0 of the group 1."
            # 16.18: "With r refused so far, such a bit is the node r of the group 2."
            says = None if expected is None else int(expected == label)
            names: list[tuple[object, ...]] = [
                (r, says, self.e22 % 128),
                (r, label % 256),
                (r, self.e22 // 128 % 64),
            ]
            if self.mixed_bit(0, 2 if r else 1, r, says, names):
                return label

            # 16.18: "If it is 0, W is *refused*, and if W was expected, no label is any longer."
            refused.append(label)
            expected = None if expected == label else expected
        return self.search(refused, expected)

    def sum_features(self) -> None:
        """Find what follows from the neighbours: E, the predicted entries, the contexts."""
        # 16.13: "The number E has 22 bits."
        around = self.around
        self.e22 = e = sum((around[a] == around[b]) << bit for bit, (a, b) in enumerate(EQUAL))

        # 16.15: "If K is over 4096, each of the seven is W instead."
        # 16.15: "Where there are no colours, MEDIAN is NE, MEAN is NEE, and the other five are W."
        if self.k > 4096 or self.colorless:
            around |= dict.fromkeys(PREDICTED, around["W"])
            if self.colorless:
                around |= {"MEDIAN": around["NE"], "MEAN": around["NEE"]}
        else:
            names = ("W", "N", "NW", "NE", "WW", "NN", "NNE")
            channels = zip(*(self.colors[around[name]][:3] for name in names), strict=True)
            predicted = zip(*map(predictions, channels), strict=True)
            around |= {n: self.entry_near(c) for n, c in zip(PREDICTED, predicted, strict=True)}
        around |= {"E": e, "E10": e % 1024}

        # 16.16: "The *term* of feature f is (value + 1)·M^f mod 2^32."
        # 16.16: "A *context* is the sum, mod 2^32, of the terms of some features"
        self.terms = [(around[name] + 1) * POWERS[f] for f, name in enumerate(FEATURES, 1)]
        self.sums = [sum(self.terms[f] for f in context) % 2**32 for context in self.contexts]

    def entry_near(self, color: tuple[int, ...]) -> int:
        """Return the entry that a predicted colour stands for."""
        # 16.15: "v' = 8·floor(v / 8) + 4"
        middle = tuple(8 * (value // 8) + 4 for value in color)
        if middle not in self.nearest:
            # 16.15: "distance = 3·(R − R')² + 4·(G − G')² + 2·(B − B')²"
            # 16.15: "Of several the one with the lowest place counts."
            red, green, blue = middle
            self.nearest[middle] = min(
                range(self.k),
                key=lambda place: (
                    3 * (self.colors[place][0] - red) ** 2
                    + 4 * (self.colors[place][1] - green) ** 2
                    + 2 * (self.colors[place][2] - blue) ** 2
                ),
            )
        return self.nearest[middle]

    def find_match(self) -> int | None:
        """Look for a match where there is none, and return the label it expects."""
        if not self.has_match:
            return None
        z = self.last_position()

        # 16.10: "if length = 0: d = displacement of the column of x"
        if self.match_length == 0:
            # 16.10: "if d ≠ 0, and x − d ≠ position, and N, NE and NN of x − d are those of x:
            # position, length = x − d, 1"
            displacement = self.displacements[self.position - self.start]
            above = self.position - displacement
            if (
                displacement != 0
                and above != self.match_position
                and self.is_alike(above, ("N", "NE", "NN"))
            ):
                self.match_position, self.match_length = above, 1

            # 16.10: "otherwise, if z ≠ 0, and W, WW, N, NW, NE, NEE and NN of z are those of x:
            # position, length = z, 1"
            elif z != 0 and self.is_alike(z, ("W", "WW", "N", "NW", "NE", "NEE", "NN")):
                self.match_position, self.match_length = z, 1

        # 16.10: "*Expected* is then the label at the position of the match, if it is there."
        return self.plane[self.match_position] if self.match_length else None

    def last_position(self) -> int:
        """Return where the same neighbours were last, and note that they are here."""
        # 16.10: "h = the sum of the terms (16.16) of the features 1 to 11, mod 2^32"
        # 16.10: "i = floor(scramble(h) / 2^(32 − e))"
        # 16.10: "z, table[i] = table[i], x"
        key = scramble(sum(self.terms[:11]) % 2**32) >> (32 - self.e)
        z = self.positions.get(key, 0)
        self.positions[key] = self.position
        return z

    def is_alike(self, position: int, names: tuple[str, ...]) -> bool:
        """Return whether another position has the same neighbours of these names."""
        return all(self.plane[position + self.offsets[n]] == self.around[n] for n in names)

    def search(self, refused: list[int], expected: int | None) -> int:
        """Decode a label that isn't refused."""
        # 16.19: "it is in the range of places 0 to K − 1."
        around = self.around
        lo, hi, path, depth, group = 0, self.k, 1, 0, 1
        while hi - lo > 1:
            # 16.19: "A range lo to hi − 1 of two places and more is cut at mid = floor((lo
            # + hi + 1) / 2)"
            mid = (lo + hi + 1) // 2

            # 16.19: "The group is the path at the last depth that was a multiple of 4, and
            # the node a 1 and behind it the bits since."
            if depth % 4 == 0:
                group = path
            node = 1 << depth % 4 | path % (1 << depth % 4)

            # 16.19: "If all places in one of these were refused, the bit is the other one's and
            # isn't coded."
            if sum(lo <= place < mid for place in refused) == mid - lo:
                bit = 1
            elif sum(mid <= place < hi for place in refused) == hi - mid:
                bit = 0
            else:
                # 16.21: "half(x) is 0 if the place x isn't in the range, 1 if it is under mid,
                # otherwise 2."
                places = (around[name] for name in self.halves)
                half = [0 if not lo <= p < hi else 1 if p < mid else 2 for p in places]
                names: list[tuple[object, ...]] = [
                    (depth, *half),
                    (path if path < 256 else depth,),
                    self.third_row(depth),
                ]
                says = None
                if expected is not None and lo <= expected < hi:
                    says = int(expected >= mid)
                bit = self.mixed_bit(1, group, node, says, names)
            lo, hi = (mid, hi) if bit else (lo, mid)
            path, depth = 2 * path + bit, depth + 1
        return lo

    def third_row(self, depth: int) -> tuple[object, ...]:
        """Return the name of the row of set 2 in the search."""
        # 16.21, its table: "W mod 256"
        return (self.around["W"] % 256,)

    def mixed_bit(
        self, search: int, group: int, node: int, says: int | None, names: list[tuple[object, ...]]
    ) -> int:
        """Decode a bit by the contexts, the match and the rows of these names."""
        # 16.17: "for each context, before any slot learns"
        keys = [self.slot_key(i, group, node) for i in range(self.model.contexts)]
        slots = [self.slot(check, key) for check, key in keys]

        # 16.20: "*The inputs* of a bit of rules 16.18 and 16.19 are those of the slots of all
        # contexts (15.8), and two of the match."
        inputs = []
        for slot in slots:
            inputs += self.first_inputs(slot.p, slot.n)

        # 16.20: "If it says 1, its inputs are the first two that a slot with the n 15 and the
        # probability q would give; if 0, with 65535 − q; if nothing, both are 0."
        right, held = self.match_right[search], min(self.match_length.bit_length(), 7)
        if says is None:
            inputs += [0, 0]
        else:
            inputs += self.first_inputs(right[held] if says else 65535 - right[held], 15)

        # 15.8: "logit(q)"
        # 16.20: "and there is one input more, the number 256."
        maps = self.maps[search]
        used = [4 * slot.history + slot.n // 4 for slot in slots]
        if self.model.has_maps:
            inputs += [logit(maps[i][place]) for i, place in enumerate(used)]
            inputs.append(256)

        # 16.21: "The small model has the sets 0 and 1."
        rows = []
        for number, name in enumerate(names[: self.model.sets]):
            # 16.21: "The question and the search share no rows."
            key = (number, search, *name)
            if key not in self.rows:
                self.rows[key] = Row(self.first_weights)
            rows.append(self.rows[key])

        # 16.21: "The final mixer has a row for each l, for the question and for the search."
        final = self.final_rows.setdefault((search, held), FinalRow(len(rows)))
        said = [row.say(inputs) for row in rows]
        bit = self.next_bit(final.say(said))

        final.learn(said, bit)
        for row in rows:
            row.learn(inputs, bit, self.rho)
        for i, slot in enumerate(slots):
            maps[i][used[i]] = learnt(maps[i][used[i]], bit)
            slot.learn(bit)
            self.slots[keys[i][1]] = slot

        # 16.20: "If it says something, q learns by rule 15.7 whether the bit was that."
        if says is not None:
            right[held] = learnt(right[held], int(says == bit))
        return bit

    def first_inputs(self, p: int, n: int) -> list[int]:
        """Return what a slot gives without its history."""
        # 15.8: "floor(logit(p)·u(n) / 256)"
        # 15.8: "floor((floor(p / 16) − 2048)·v(n) / δ)"
        return [logit(p) * U[n] // 256, (p // 16 - 2048) * V[n] // self.model.delta]

    def slot_key(self, i: int, group: int, node: int) -> tuple[int, tuple[int, int]]:
        """Return the check and the place of the slot of context i at a node of a group."""
        # 16.17: "h = scramble((context + M^22·group) mod 2^32)"
        # 16.17: "line = floor(h / 2^(32 − c))"
        # 16.17: "check = floor(h / 16) mod 64, but 1 if that is 0"
        # 16.17: "place = 16·line + ((h mod 16) ⊕ node)"
        h = scramble((self.sums[i] + M22 * group) % 2**32)
        line = h >> (32 - self.c)
        return h // 16 % 64 or 1, (self.tables[i], 16 * line + (h % 16 ^ node))

    def slot(self, check: int, place: tuple[int, int]) -> Slot:
        """Return what a context with that check finds at that place of a table."""
        # 16.17: "a copy of table[place] or, if its check is another, a slot as at the start (15.4)
        # with this check"
        slot = self.slots.get(place)
        return slot.copy() if slot is not None and slot.check == check else Slot(check)


def predictions(values: tuple[int, ...]) -> list[int]:
    """Return one channel of the seven predicted colours."""
    # 16.14: "min(W, N) if NW ≥ max(W, N); max(W, N) if NW ≤ min(W, N); otherwise W + N −
    # NW"
    w, n, nw, ne, ww, nn, nne = values
    low, high = min(w, n), max(w, n)
    median = low if nw >= high else high if nw <= low else w + n - nw
    predicted = [
        median,
        # 16.14: "floor((2·W + 2·N + NE − NW) / 4)"
        (2 * w + 2 * n + ne - nw) // 4,
        # 16.14: "floor((7·W + 7·N + 2·NE + 2·NW − WW − NN + 8) / 16)"
        (7 * w + 7 * n + 2 * ne + 2 * nw - ww - nn + 8) // 16,
        # 16.14: "SLANT = W + NE − N"
        w + ne - n,
        2 * w - ww,
        2 * n - nn,
        n + ne - nne,
    ]

    # 16.14: "results under 0 are taken as 0, those over 255 as 255"
    return [min(max(value, 0), 255) for value in predicted]
