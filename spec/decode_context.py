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
    Curve,
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
    squash,
)

# 16.3, its table: "ρ"
RHO = [115, 162, 230, 325, 459, 650, 918, 1260]


# 16.17: "M^23"
M23 = M**23 % 2**32


class Model(NamedTuple):
    """What a model has."""

    contexts: int
    sets: int
    limit: int
    strength: int  # 0: no habits
    delta: int
    has_maps: bool


# 16.4, its table: "best"
FAST = Model(7, 1, 16, 6, 128, has_maps=False)
DEFAULT = Model(7, 2, 16, 40, 128, has_maps=False)
BEST = Model(31, 5, 17, 0, 256, has_maps=True)
MODELS = {1: FAST, 2: DEFAULT, 3: BEST}

# 16.7: "The neighbours of the label X that is to be coded"
#
# As columns and rows from X, in the order of rule 16.16, and then the rest.
NEIGHBOURS = {
    **{"W": (-1, 0), "N": (0, -1), "NW": (-1, -1), "NE": (1, -1), "WW": (-2, 0), "NN": (0, -2)},
    **{"NWW": (-2, -1), "NEE": (2, -1), "NNW": (-1, -2), "NNE": (1, -2), "WWW": (-3, 0)},
    **{"NNN": (0, -3), "NEEE": (3, -1), "NNEE": (2, -2), "NNWW": (-2, -2)},
}

# 16.12, its table: "W = N"
PAIRS = (
    "W N, W NW, N NW, N NE, W WW, N NN, W NE, WW NW, NN NE, NW NE, NW NWW, NE NEE, NN NNE, "
    "NN NNW, NW NNW, NE NNE, WW WWW, NN NNN, WW NWW, NNE NNEE, NNW NNWW, NEE NNEE"
)
EQUAL = [tuple(pair.split()) for pair in PAIRS.split(", ")]

# 16.16, its table: "all neighbours, 1 to 12"
PREDICTED = ["MEDIAN", "MEAN", "WIDE", "SLANT", "ALONG", "DOWN", "RISE"]
FEATURES = [*list(NEIGHBOURS)[:12], *PREDICTED, "A", "E10", "E"]
POWERS = [pow(M, f, 2**32) for f in range(len(FEATURES) + 1)]
CONTEXTS = [
    *("W WW", "E", "MEDIAN A", "W N NE", "N", "N NN NNN", "W N NW", "WIDE A MEAN", "W", "E10 A"),
    *("SLANT ALONG", "W WW WWW", " ".join(FEATURES[:12]), "RISE W", "N NN", "N NE NN NNE"),
    *("W NE", "MEDIAN N", "W N", "W N NW NE WW NN", "E10 W", "DOWN W"),
    *("W N NW NE WW NN NWW NEE NNE", "MEAN W", "NW", "NE", "N NW NE", "WIDE MEDIAN"),
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
    order = list(range(len(entries)))
    lists = [(0, len(order))]
    while lists:
        start, stop = lists.pop()
        if stop - start == 1:
            continue

        # 16.5: "of the channels, that counts for which (greatest − least value in the
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


class ContextTile:
    """A tile that is being decoded, and all that has been learnt in it."""

    def __init__(
        self, next_bit: NextBit, settings: int, colors: list[bytes], width: int, height: int
    ) -> None:
        """Start with nothing learnt."""
        self.next_bit = next_bit
        self.model = model = MODELS[settings >> 6]
        self.most_questions = settings >> 4 & 3
        self.has_match = bool(settings & 8)
        self.rho = RHO[settings & 7]
        self.colors, self.k = colors, len(colors)

        # 16.6: "three rows above the first, all 0, and eight columns on both sides of each
        # row, the three included."
        self.width, self.height, self.stride = width, height, width + 16
        self.plane = [0] * ((height + 3) * self.stride)
        self.offsets = {name: row * self.stride + c for name, (c, row) in NEIGHBOURS.items()}

        # 16.4: "With s = ceil(log2 of the number of its labels)"
        s = (width * height - 1).bit_length()
        self.c = min(max(s + 2, 8), model.limit) - 4
        self.d = min(max(s, 8), 15)
        self.e = min(max(s, 8), 16)

        # 16.17: "Each of the contexts 0 to 10 has the table of its number; from there on two
        # and two share one: 11 and 12 the table 11, 13 and 14 the table 12, up to 29 and 30."
        self.tables = [i if i < 11 else 11 + (i - 11) // 2 for i in range(model.contexts)]

        # 16.24: "There are 2^f curves for context 3, and as many for context 6, f = min(max(s,
        # 6), 10)."
        self.f = min(max(s, 6), 10)
        self.is_refined = model is BEST
        self.curves: dict[tuple[int, int], Curve] = {}

        # What hasn't been used yet is as at the start, and needn't be kept.
        self.slots: dict[int, Slot] = {}
        self.habits: dict[int, list[int]] = {}
        self.positions: dict[int, int] = {}
        self.rows: dict[tuple[object, ...], Row] = {}
        self.flat: dict[int, Counter] = {}
        self.habitual = [Counter() for _ in range(64)]
        self.nearest: dict[tuple[int, ...], int] = {}

        # 16.21: "With maps of histories each context has two, one for questions and one for
        # the search"
        # 16.21: "There are 16 probabilities q of its being right, by its length, for
        # questions and 16 for the search, all 50000 at the start."
        k = model.contexts
        self.maps = [[history_map() for _ in range(k)] for _ in range(2)]
        self.match_right = [[50000] * 16 for _ in range(2)]

        # 16.23: "begin, for k contexts, with floor(805306368 / k) for the first inputs of the
        # contexts (1.5 in all), floor(322122547 / k) for their third (0.6), 161061274 for the
        # first input of the match (0.3), and 0 for the rest."
        self.first_weights = [*[805306368 // k, 0] * k, 161061274, 0]
        if model.has_maps:
            self.first_weights += [*[322122547 // k] * k, 0]
        names = [context.split() for context in CONTEXTS[:k]]

        # 16.16: "The models fast and default have the contexts 0 to 6, best all; where K is
        # over 64, context 5 of fast and default is W alone."
        if model is not BEST and self.k > 64:
            names[5] = ["W"]
        self.contexts = [[FEATURES.index(name) for name in context] for context in names]

    def decode(self) -> list[int]:
        """Return the places of all labels."""
        labels = []
        for row in range(self.height):
            # 16.6: "To the left of a row stands, eight times, the label that is above its
            # first one; to the right of a row, eight times, its last label."
            start = (row + 3) * self.stride + 8
            stop = start + self.width
            self.plane[start - 8 : start] = [self.plane[start - self.stride]] * 8

            # 16.9: "At the start of each row the length is 0."
            self.match_position = self.match_length = 0
            for position in range(start, stop):
                self.decode_label(position)
            self.plane[stop : stop + 8] = [self.plane[stop - 1]] * 8
            labels += self.plane[start:stop]
        return labels

    def decode_label(self, position: int) -> None:
        """Decode one label, and put it in its position."""
        self.around = {name: self.plane[position + off] for name, off in self.offsets.items()}
        self.position = position
        habit = None
        label = self.flat_label()
        growth = 0
        if label is None:
            # 16.8: "if the model has habits, the label is sought by rule 16.11."
            habit = self.habit() if self.model.strength else None
            label = self.habitual_label(habit) if habit else None
        if label is None:
            label = self.full_label()
            growth = 1
        if habit:
            learn_habit(habit, label)
        self.plane[position] = label

        # 16.9: "if the label at its position is another, the length becomes 0; if it is the
        # same, the length stays if the label was found by rule 16.10 or 16.11, and grows by
        # 1 if by 16.19 or 16.20. Then its position moves on
        # by 1"
        if self.match_length:
            is_same = self.plane[self.match_position] == label
            self.match_length = self.match_length + growth if is_same else 0
            self.match_position += 1

    def match_allows(self, label: int) -> bool:
        """Return whether there is no match, or the label at its position is this one."""
        return self.match_length == 0 or self.plane[self.match_position] == label

    def flat_label(self) -> int | None:
        """Return W if the surroundings are flat and the label is W."""
        # 16.8: "If W, WW, N, NW, NE and NN are all the same, and there is no match now or
        # the label at its position is W, one bit asks by rule 16.10 whether the label is W."
        w = self.around["W"]
        same = all(self.around[name] == w for name in ("WW", "N", "NW", "NE", "NN"))
        if not same or not self.match_allows(w):
            return None

        # 16.10: "Let e be a number of nine bits, in which a bit is 1 if that neighbour is
        # W: NWW bit 0, NEE 1, NNW 2, NNE 3, WWW 4, NNN 5, NEEE 6, NNEE 7, NNWW 8."
        names = ("NWW", "NEE", "NNW", "NNE", "WWW", "NNN", "NEEE", "NNEE", "NNWW")
        e = sum((self.around[name] == w) << bit for bit, name in enumerate(names))

        # 16.10: "Let g be 0 if there is no match, 1 if its length is under 16, 2 if under
        # 32, otherwise 3."
        g = bisect_right((1, 16, 32), self.match_length)

        # 16.10: "floor(scramble(M·(e + 2^9·g + 2^11·W)) / 2^18)"
        key = scramble(M * (e + 2**9 * g + 2**11 * w) % 2**32) >> 18
        counter = self.flat.setdefault(key, Counter())
        return w if counter.bit(self.next_bit) else None

    def habit(self) -> list[int]:
        """Return check, label and count of the habit of these surroundings."""
        # 16.11: "h = scramble(W·M + N·M^2 + NW·M^3 + NE·M^4 + WW·M^5 + NN·M^6)"
        # 16.11: "it is the habit number floor(h / 2^(32 − d)) that the label has."
        names = ("W", "N", "NW", "NE", "WW", "NN")
        h = scramble(sum(self.around[name] * M**i for i, name in enumerate(names, 1)) % 2**32)
        habit = self.habits.setdefault(h >> (32 - self.d), [0, 0, 0])

        # 16.11: "If its check isn't h mod 256, the check becomes that, and label and count
        # 0."
        if habit[0] != h % 256:
            habit[:] = [h % 256, 0, 0]
        return habit

    def habitual_label(self, habit: list[int]) -> int | None:
        """Return the label of the habit if it is asked about and right."""
        # 16.11: "if the count is at least the strength of rule 16.4, and there is no match or the
        # label at its position is that of the habit, one bit asks whether the label is
        # that of the habit."
        _, label, count = habit
        if count < self.model.strength or not self.match_allows(label):
            return None

        # 16.11: "the one with the number 2·min(count, 31), or 1 more if the length of the
        # match is over 8."
        counter = self.habitual[2 * min(count, 31) + (self.match_length > 8)]
        return label if counter.bit(self.next_bit) else None

    def full_label(self) -> int:
        """Decode a label by questions and the search."""
        self.look_around()
        expected = self.find_match()

        # 16.19: "The candidates are W, N, MEDIAN, NE and MEAN, in this order, each label
        # only once, and of these the first ones: as many as the settings say, but at most K
        # − 1."
        names = ("W", "N", "MEDIAN", "NE", "MEAN")
        candidates = list(dict.fromkeys(self.around[name] for name in names))
        candidates = candidates[: min(self.most_questions, self.k - 1)]
        for i, candidate in enumerate(candidates, 1):
            if self.question(i, candidate, expected):
                return candidate

            # 16.19: "If the candidate is expected and refused, no label is expected any
            # longer."
            if candidate == expected:
                expected = None
        return self.search(candidates, expected)

    def look_around(self) -> None:
        """Find what follows from the neighbours: E, the predicted entries, A."""
        # 16.12: "The number E of 22 bits has a 1 where two neighbours are the same"
        around = self.around
        e = sum((around[a] == around[b]) << bit for bit, (a, b) in enumerate(EQUAL))

        # 16.14: "If K is over 4096, each of the seven is W instead."
        # 16.15: "If K is over 4096, A is 0."
        activity = 0
        if self.k > 4096:
            around |= dict.fromkeys(PREDICTED, around["W"])
        else:
            names = ("W", "N", "NW", "NE", "WW", "NN", "NNE")
            channels = list(zip(*(self.colors[around[name]][:3] for name in names), strict=True))
            predicted = zip(*map(predictions, channels), strict=True)
            around |= {n: self.entry_near(c) for n, c in zip(PREDICTED, predicted, strict=True)}

            # 16.15: "A = min(7, bits(floor(a / 8)))"
            # 16.15: "|W − NW| + |N − NW| + |N − NE| + |W − WW|"
            a = 0
            for w, n, nw, ne, ww, _, _ in channels:
                a += abs(w - nw) + abs(n - nw) + abs(n - ne) + abs(w - ww)
            activity = min(7, (a // 8).bit_length())
        around |= {"A": activity, "E": e, "E10": e % 1024}

        # 16.16: "(value + 1)·M^f mod 2^32"
        # 16.16: "A *context* is the sum, mod 2^32, of the terms of some features."
        self.terms = [(around[name] + 1) * POWERS[f] for f, name in enumerate(FEATURES, 1)]
        self.sums = [sum(self.terms[f] for f in context) % 2**32 for context in self.contexts]

    def entry_near(self, color: tuple[int, ...]) -> int:
        """Return the entry that a predicted colour stands for."""
        # 16.14: "v' = 8·floor(v / 8) + 4"
        middle = tuple(8 * (value // 8) + 4 for value in color)
        if middle not in self.nearest:
            # 16.14: "distance = 3·(R − R')² + 4·(G − G')² + 2·(B − B')²"
            # 16.14: "Of several the one with the lowest place counts."
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
        # 16.18: "If m is 1, let z be the one with the number floor(scramble(h) / 2^(32 −
        # e)), h being the sum, mod 2^32, of the terms of the features 1 to 11."
        if not self.has_match:
            return None
        key = scramble(sum(self.terms[:11]) % 2**32) >> (32 - self.e)
        z = self.positions.get(key, 0)

        # 16.18: "If there is no match, z isn't 0, and the position z has the same W, WW, N,
        # NW, NE, NEE and NN as the present one, the match gets the position z and
        # the length 1."
        names = ("W", "WW", "N", "NW", "NE", "NEE", "NN")
        if self.match_length == 0 and z != 0:
            there = [self.plane[z + self.offsets[name]] for name in names]
            if there == [self.around[name] for name in names]:
                self.match_position, self.match_length = z, 1

        # 16.18: "In any case the table has the present position there
        # from then on."
        self.positions[key] = self.position
        return self.plane[self.match_position] if self.match_length else None

    def question(self, i: int, candidate: int, expected: int | None) -> int:
        """Decode whether the label is this candidate."""
        # 16.19: "The *kind* of a question is 0 for the first; for the second 1 if N isn't
        # W, and 2 if it is; and 3 for the third."
        around = self.around
        kind = (0, 1 if around["N"] != around["W"] else 2, 3)[i - 1]
        says = None if expected is None else int(candidate == expected)
        e, held = around["E"], self.length_number()
        rows: list[tuple[object, ...]] = [
            (kind, says, e % 128),
            (kind, e // 128 % 64),
            (around["W"] % 256,),
            (kind, around["A"]),
            (kind, held if self.has_match else around["N"] % 16),
        ]
        return self.mixed_bit(0, 0, i, says, rows)

    def search(self, refused: list[int], expected: int | None) -> int:
        """Decode a label that is none of the candidates."""
        # 16.19: "If the candidate is expected and refused, no label is expected any longer."
        around = self.around
        lo, hi, path, depth, group = 0, self.k, 1, 0, 1
        while hi - lo > 1:
            # 16.20: "A range lo to hi − 1 of two places and more is cut at mid = floor((lo
            # + hi + 1) / 2)"
            mid = (lo + hi + 1) // 2

            # 16.20: "The group is the path as it was at the last depth that was a multiple
            # of 4, and the node the last (depth mod 4) bits of the path behind a 1."
            if depth % 4 == 0:
                group = path
            node = 1 << depth % 4 | path % (1 << depth % 4)

            # 16.20: "If all labels lo to mid − 1 were refused, the bit is 1, and if all
            # from mid on, 0, and isn't coded."
            if all(label in refused for label in range(lo, min(mid, lo + 4))):
                bit = 1
            elif all(label in refused for label in range(mid, min(hi, mid + 4))):
                bit = 0
            else:
                half = {}
                for name in ("MEDIAN", "MEAN", "W", "N"):
                    place = around[name]
                    # 16.22: "half(x) is 0 if the place x isn't in the range, 1 if it is
                    # under mid, otherwise 2."
                    half[name] = 0 if not lo <= place < hi else 1 if place < mid else 2
                rows: list[tuple[object, ...]] = [
                    (depth, half["MEDIAN"], half["MEAN"], half["W"], half["N"]),
                    (path if path < 256 else depth,),
                    (around["W"] % 256,),
                    (depth, around["A"]),
                    (depth, half["MEDIAN"], half["MEAN"]),
                ]
                says = None
                if expected is not None and lo <= expected < hi:
                    says = int(expected >= mid)
                bit = self.mixed_bit(1, group, node, says, rows)
            lo, hi = (mid, hi) if bit else (lo, mid)
            path, depth = 2 * path + bit, depth + 1
        return lo

    def mixed_bit(
        self, search: int, group: int, node: int, says: int | None, names: list[tuple[object, ...]]
    ) -> int:
        """Decode a bit by the contexts, the match and the rows of these names."""
        # 16.17: "All contexts find their slots before any of them learns; if two have found
        # the same, what the later one makes of it is what stays."
        keys = [self.slot_key(i, group, node) for i in range(self.model.contexts)]
        slots = [self.slot(*key) for key in keys]

        # 16.21: "*The inputs* of a bit of rules 16.19 and 16.20 are those of the slots of
        # all contexts (15.8), and two of the match."
        inputs = []
        for slot in slots:
            inputs += self.first_inputs(slot.p, slot.n)

        # 16.21: "If it says 1, its inputs are the first two that a slot with the n 15 and the
        # probability q would give; if 0, with 65535 − q; if nothing, both are 0."
        right, held = self.match_right[search], self.length_number()
        if says is None:
            inputs += [0, 0]
        else:
            inputs += self.first_inputs(right[held] if says else 65535 - right[held], 15)

        # 15.8: "logit(q)"
        # 16.21: "and there is one input more, the number 256."
        maps = self.maps[search]
        used = [4 * slot.history + slot.n // 4 for slot in slots]
        if self.model.has_maps:
            inputs += [logit(maps[i][place]) for i, place in enumerate(used)]
            inputs.append(256)

        rows = []
        for number_, name in enumerate(names[: self.model.sets]):
            key = (number_, search, *name)
            if key not in self.rows:
                self.rows[key] = Row(self.first_weights)
            rows.append(self.rows[key])

        # 15.9: "the bit is coded with p = squash(y), where y is the sum of the x of all
        # sets, divided by their number and rounded towards 0"
        total = sum(row.say(inputs) for row in rows)
        y = abs(total) // len(rows) * (1 if total > 0 else -1)
        p = squash(y)
        curves = [self.curve(i, group, node) for i in (3, 6)] if self.is_refined else []
        if curves:
            # 16.24: "p = floor((2·squash(y) + g3 + g6) / 4), but at least 22 and at most
            # 65514"
            p = (2 * p + sum(curve.at(y) for curve in curves)) // 4
            p = min(max(p, 22), 65514)
        bit = self.next_bit(p)

        for curve in curves:
            curve.learn(y, bit)
        for row in rows:
            row.learn(inputs, bit, self.rho)
        for i, slot in enumerate(slots):
            maps[i][used[i]] = learnt(maps[i][used[i]], bit)
            slot.learn(bit)
            self.slots[keys[i][1]] = slot

        # 16.21: "If it says something, q learns by rule 15.7 whether the bit was what it
        # said."
        if says is not None:
            right[held] = learnt(right[held], int(says == bit))
        return bit

    def first_inputs(self, p: int, n: int) -> list[int]:
        """Return what a slot gives without its history."""
        # 15.8: "floor(logit(p)·u(n) / 256)"
        # 15.8: "floor((floor(p / 16) − 2048)·v(n) / δ)"
        return [logit(p) * U[n] // 256, (p // 16 - 2048) * V[n] // self.model.delta]

    def slot_key(self, i: int, group: int, node: int) -> tuple[int, int]:
        """Return the check and the number of the slot of context i at a node of a group."""
        # 16.17: "With h = scramble(context + M^23·group), the line is floor(h / 2^(32 − c)),
        # the check floor(h / 16) mod 64, but 1 where that is 0, and the slot of a node is
        # the number (h mod 4) ⊕ node of a line for questions, (h mod 16) ⊕ node of one for
        # the search."
        h = scramble((self.sums[i] + M23 * group) % 2**32)
        check = h // 16 % 64 or 1

        line = 2**self.c * self.tables[i] + (h >> (32 - self.c))

        # 16.24: "t = 16·(2^c·i + line) + number in the line in the search"
        # 16.24: "t = 16·2^c·u + 4·(2^c·i + line) + number in the line for a question"
        if group != 0:
            return check, 16 * line + (h % 16 ^ node)
        return check, 16 * 2**self.c * (self.tables[-1] + 1) + 4 * line + (h % 4 ^ node)

    def slot(self, check: int, t: int) -> Slot:
        """Return what a context with that check finds at the slot t."""
        # 16.17: "A slot with another check is taken as one at the start (15.4) with this
        # check, and the bit then makes of it what stays there."
        slot = self.slots.get(t)
        return slot.copy() if slot is not None and slot.check == check else Slot(check)

    def curve(self, i: int, group: int, node: int) -> Curve:
        """Return the curve of context i at a node of a group."""
        # 16.24: "the curve is the number floor(scramble(M·t) / 2^(32 − f))."
        _, t = self.slot_key(i, group, node)
        return self.curves.setdefault((i, scramble(M * t % 2**32) >> (32 - self.f)), Curve())

    def length_number(self) -> int:
        """Return the number of the match's length."""
        # 16.21, its table: "the length"
        return bisect_right((1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 16, 24, 32, 64, 256), self.match_length)


def learn_habit(habit: list[int], label: int) -> None:
    """Let a habit follow the label."""
    # 16.11: "if it is that of the habit, the count grows by 1 if it is less than 255"
    # 16.11: "if it is another and the count is over 3, the count becomes 0"
    # 16.11: "otherwise the habit has this label, with the count 1."
    if habit[1] == label:
        habit[2] = min(habit[2] + 1, 255)
    elif habit[2] > 3:
        habit[2] = 0
    else:
        habit[1:] = [label, 1]


def predictions(values: tuple[int, ...]) -> list[int]:
    """Return one channel of the seven predicted colours."""
    # 16.13: "min(W, N) if NW ≥ max(W, N); max(W, N) if NW ≤ min(W, N); otherwise W + N −
    # NW"
    w, n, nw, ne, ww, nn, nne = values
    low, high = min(w, n), max(w, n)
    median = low if nw >= high else high if nw <= low else w + n - nw
    predicted = [
        median,
        # 16.13: "floor((2·W + 2·N + NE − NW) / 4)"
        (2 * w + 2 * n + ne - nw) // 4,
        # 16.13: "floor((7·W + 7·N + 2·NE + 2·NW − WW − NN + 8) / 16)"
        (7 * w + 7 * n + 2 * ne + 2 * nw - ww - nn + 8) // 16,
        # 16.13, its table: "SLANT"
        w + ne - n,
        2 * w - ww,
        2 * n - nn,
        n + ne - nne,
    ]

    # 16.13: "results under 0 are taken as 0, those over 255 as 255"
    return [min(max(value, 0), 255) for value in predicted]
