"""Rules 19.14 to 19.26 of kq.md: the labels of a tile from those in the frame before, by the coder
context.

A part of decode_chains.py. Written like the rest: from kq.md alone, in its order, each comment
that starts with a number quoting the rule which the lines below it carry out.
"""

from __future__ import annotations

from decode_bits import Refused
from decode_context import SMALL, ContextTile, Model
from decode_frame_blocks import MOVED, UNCHANGED, Blocks, Counters, Move
from decode_header import Box
from decode_mixing import M, NextBit

# 19.24: "There are fifteen. 0 to 6 are those of the small model (16.16)."
# 19.26: "without maps of histories, with δ = 128 and with three sets."
LATER = Model(15, 3, 0, 128, has_maps=False)
OLDEST = 127

# 19.16: "These are the neighbours of the label X, besides those of rule 16.7."
BEHIND = {"R": (1, 0), "RR": (2, 0), "RRR": (3, 0), "BLL": (-2, 1), "BL": (-1, 1), "B": (0, 1)}
BEHIND |= {"BR": (1, 1), "BRR": (2, 1), "BBL": (-1, 2), "BB": (0, 2), "BBR": (1, 2)}

# 19.21: "W = W', N = N', NW = NW', NE = NE', WW = WW', NN = NN', NEE = NEE', NWW = NWW'."
SAME = ("W", "N", "NW", "NE", "WW", "NN", "NEE", "NWW")
# 19.21, its table: "P = W, P = N, P = R, P = B, P = BR, P = NE, P = BL"
STILL = ("W", "N", "R", "B", "BR", "NE", "BL")
# 19.24, its table: "P = W, P = N, P = NW, P = NE, P = R, P = B, P = BR, P = BL"
# 19.24, its table: "R = B, P = W', P = N', W = BL, NE = R, R = W, B = W, B = N"
PAIRS = [("P", name) for name in ("W", "N", "NW", "NE", "R", "B", "BR", "BL")]
PAIRS += [("R", "B"), ("P", "W'"), ("P", "N'"), ("W", "BL")]
PAIRS += [("NE", "R"), ("R", "W"), ("B", "W"), ("B", "N")]
# 19.24, its table: "P = RR, P = BB, RR = W, RR = NEE, R = RR, B = BB"
# 19.24, its table: "W = W', P = BBR, P = BBL, P = BRR, P = BLL, P = RRR"
FARTHER = [("P", "RR"), ("P", "BB"), ("RR", "W"), ("RR", "NEE"), ("R", "RR"), ("B", "BB")]
FARTHER += [("W", "W'"), *(("P", name) for name in ("BBR", "BBL", "BRR", "BLL", "RRR"))]
MATCHED = ("W", "WW", "N", "NW", "NE", "NEE", "NN")

# 19.24: "The others are sums of terms (16.16)"
NUMBERS = {"W": 1, "N": 2, "NW": 3, "NN": 6, "NNN": 12, "MEDIAN": 13, "E": 21}
NUMBERS |= {"P": 25, "R": 26, "B": 27, "Q": 28, "29": 29, "30": 30, "31": 31, "C": 32}
NUMBERS |= {"D": 30}  # in context 14
POWERS = {name: pow(M, f, 2**32) for name, f in NUMBERS.items()}
CONTEXTS = ["30", "Q P W", "N P R", "W N NW P R B", "E 29", "31 P", "MEDIAN P"]
LAST_CONTEXT = "N NN NNN"
LAST_WITHOUT_COLORS = "D C"


class ChainTile(ContextTile):
    """The tile of a chained payload."""

    def lines(self, s: int) -> int:
        """Return how large a table is in which so many labels would be 2^s."""
        # 19.14: "c = min(max(s + 4, 8), 14 + 2·size) − 4"
        return min(max(s + 4, 8), 14 + 2 * (self.settings >> 6)) - 4


class KeyTile(ChainTile):
    """The tile of one that tells its labels by themselves."""

    def model_of(self, settings: int) -> Model:
        """Return the model of all settings."""
        # 19.14: "with the small model and these settings"
        return SMALL


class FrameTile(ChainTile):
    """A tile, of which one frame after the other is decoded from the frame before."""

    # 19.26, its table: "half(MEDIAN), half(P), half(W), half(N)"
    halves = ("MEDIAN", "P", "W", "N")

    def begin(self, labels: list[int], key: KeyTile | None) -> None:
        """Begin a chain with the labels of a frame, which was this tile or one by itself."""
        self.offsets |= {name: down * self.stride + c for name, (c, down) in BEHIND.items()}

        # 19.15: "Below the last row are two more, all 0. The plane of the frame before stands ahead
        # of it, so that what is at the position x of the canvas is there at x − S"
        #
        # The frame before stands at the end of the list: there Python looks for the positions
        # under 0.
        self.size = len(self.plane)
        self.plane += [0] * (2 * self.stride + self.size)
        for row in range(self.height):
            start = (row + 3) * self.stride + 8
            of_row = labels[row * self.width : (row + 1) * self.width]
            self.plane[start : start + self.width] = of_row
            self.fill_margins(row)
        self.plane[-self.size :] = self.plane[: self.size]

        # 19.14: "Throughout a chain, also from its first payload to those behind it, chained
        # payloads have the same tables of lines (16.17) and positions (16.10), and the same
        # displacements (16.9)"
        if key is not None:
            self.slots, self.positions = key.slots, key.positions
            self.displacements = key.displacements

        # 19.22: "Each place has an age and a label Q, at the beginning of the chain 0 and its
        # label."
        self.ages = [0] * self.size
        self.replaced = self.plane[: self.size]

        # 19.18: "The last min(16, floor(2^24 / n)) frames ahead of the frame before are kept, n
        # being the labels of the tile"
        self.earlier: list[list[int]] = []
        self.most_earlier = min(16, 2**24 // (self.width * self.height))
        self.changes = Blocks(self.width, self.height)

        # 19.21: "which begins with p = 63·2^16"
        self.of_still = Counters(63 * 2**16)

    def model_of(self, settings: int) -> Model:
        """Return the model of all settings."""
        return LATER

    def fill_margins(self, row: int) -> None:
        """Put what follows from the labels of a row, in the margins."""
        # 19.15: "to the right of a row stands its last label, to its left the first label of the
        # row above, as the canvas had them where the labels of the present row began."
        start = (row + 3) * self.stride + 8
        stop = start + self.width
        self.plane[stop : stop + 8] = [self.plane[stop - 1]] * 8
        if row + 1 < self.height:
            below = start + self.stride
            self.plane[below - 8 : below] = [self.plane[start]] * 8

    def decode_frame(self, next_bit: NextBit, name: str) -> list[int]:
        """Return the places of the labels of the next frame."""
        # 19.17: "The payload tells first the moves there are (19.18), then which blocks are what
        # (19.19), then the labels of those that are coded (19.20)."
        self.next_bit = next_bit
        changes = self.changes
        changes.read(next_bit)

        # 19.20: "First the labels of all moved blocks are put in the canvas."
        before = self.plane[-self.size :]
        for y, x in changes.places_of(lambda block: block >= MOVED):
            move = changes.moves[changes.blocks[y][x] - MOVED]
            self.move_block(changes.box(y, x), move, before, name)
        for row in range(self.height):
            self.fill_margins(row)

        # 19.20: "Then follow the coded ones, row by row."
        for row in range(self.height):
            for from_, to in changes.stretches(row):
                self.decode_stretch(row, from_, to)
            self.fill_margins(row)
        self.end_frame(before)
        return [label for row in range(self.height) for label in self.row_of(self.plane, row)]

    def row_of(self, plane: list[int], row: int) -> list[int]:
        """Return the labels of a row."""
        start = (row + 3) * self.stride + 8
        return plane[start : start + self.width]

    def move_block(self, box: Box, move: Move, before: list[int], name: str) -> None:
        """Put the labels of a moved block in the canvas."""
        # 19.18: "The labels of a block that has moved are those dx columns to the right of it and
        # dy rows below it, in the frame before if r is 0, and otherwise in the r-th ahead of that."
        # 19.18: "All of the labels lie within a frame that there is."
        left, right, top = box.left + move.dx, box.right + move.dx, box.top + move.dy
        inside = 0 <= left < right <= self.width and 0 <= top <= self.height - box.size[1]
        if move.r > len(self.earlier) or not inside:
            raise Refused("19.18", f"a block of tile {name} moves from outside")
        plane = self.earlier[move.r - 1] if move.r else before
        for row in range(box.top, box.bottom):
            start = (row + 3) * self.stride + 8
            moved = self.row_of(plane, row + move.dy)[left:right]
            self.plane[start + box.left : start + box.right] = moved

    # ── 19.20 to 19.26: labels ──

    def decode_stretch(self, row: int, from_: int, to: int) -> None:
        """Decode the labels of a row from one column to another."""
        # 19.20: "At its first label there is no match, and the match's position is 0."
        self.match_position = self.match_length = 0
        self.start = (row + 3) * self.stride + 8
        for position in range(self.start + from_, self.start + to):
            self.position = position
            self.plane[position] = self.decode_label()

    def decode_label(self) -> int:
        """Decode a label, and let the match follow it."""
        self.look_around()
        around, was = self.around, self.around["P"]

        # 19.21: "A number F has eight bits, each 1 if a neighbour is what it was"
        self.same = sum((around[n] == around[f"{n}'"]) << i for i, n in enumerate(SAME))
        self.age = self.ages[self.position].bit_length()

        # 19.21: "If bits 0 to 5 are all 1, and there is no match or the label at its position is P,
        # a bit asks whether X is P"
        refused: list[int] = []
        expected = self.plane[self.match_position] if self.match_length else was
        if self.same % 64 == 63 and expected == was:
            # 19.21, its table
            number = sum((was == around[name]) << i for i, name in enumerate(STILL))
            number += (self.same >> 6) * 2**7 + self.age * 2**9
            number += (self.match_length > 15) * 2**12 + (self.match_length > 0) * 2**13
            if self.of_still[number].bit(self.next_bit):
                # 19.21: "If it is 1, the match's position moves on by 1, if it is there, and its
                # length stays; the next label follows."
                self.match_position += self.match_length > 0
                return was
            refused = [was]

        label = self.changed_label(refused)
        self.follow_match(label)
        return label

    def look_around(self) -> None:
        """Find the neighbours of the present position, in the canvas and in the frame before."""
        super().look_around()
        there = self.position - self.size
        names = (*SAME, "W", "N")
        self.around |= {f"{name}'": self.plane[there + self.offsets[name]] for name in names}
        self.around["P"] = self.plane[there]

    def follow_match(self, label: int) -> None:
        """Let the match follow a label, which isn't in its position yet."""
        # 19.23: "When X is known, rule 16.9 says what becomes of the match; displacements may so be
        # negative."
        if self.match_length == 0:
            return
        if label != self.plane[self.match_position]:
            self.match_length = 0
        else:
            self.match_length += 1
            apart = self.position - self.match_position
            self.displacements[self.position - self.start] = apart
        self.match_position += 1

    def find_match(self) -> int | None:
        """Look for a match where there is none, and return the label it expects."""
        if not self.has_match:
            return None
        z = self.last_position()
        if self.match_length == 0:
            # 19.23: "the present position less the column's displacement, if that isn't 0, the
            # position of the match (of one that ended in this stretch) is another, and it is at
            # least 3·(w + 16) − S and less than S − 8"
            displacement = self.displacements[self.position - self.start]
            at = self.position - displacement
            tried = []
            if displacement != 0 and at != self.match_position:
                tried += [at] if 3 * self.stride - self.size <= at < self.size - 8 else []

            # 19.23: "z, if it is neither 0 nor the present position; - z − S, under the same
            # conditions;"
            if z not in (0, self.position):
                tried += [z, z - self.size]

            # 19.23: "each only if W, WW, N, NW, NE, NEE and NN there are the same as at the present
            # position."
            found = [position for position in tried if self.is_alike(position, MATCHED)]
            if found:
                self.match_position, self.match_length = found[0], 1
        return self.plane[self.match_position] if self.match_length else None

    def changed_label(self, refused: list[int]) -> int:
        """Decode a label by questions and the search."""
        self.sum_features()
        around = self.around
        expected = self.find_match()
        self.equal = sum((around[a] == around[b]) << i for i, (a, b) in enumerate(PAIRS))
        self.sum_contexts(expected)

        # 19.25: "If P was refused and is expected, no label is any longer."
        if expected in refused:
            expected = None

        # 19.25: "first P if bits 0 and 1 of F are 1, otherwise first W."
        # 19.25: "Where there are no colours, N, NE, NEE, NW and WW are so thereafter."
        asked = ["P", "W"] if self.same % 4 == 3 else ["W", "P"]
        asked += ["N", "NE", "NEE", "NW", "WW"] if self.colorless else []
        most = min(3 if self.colorless else 2, self.k - 1)
        for name in asked:
            # 19.25: "Those that are refused already are left out. It ends when two labels are
            # refused, or three where there are no colours, or all but one of the K."
            label, r = around[name], len(refused)
            if label in refused or r >= most:
                continue

            # 19.25: "The kind of the question about P is 0, of that about W 1, of the others 2.
            # That about W is the node 0 of the group 1, that about P the node 0 of the group 2, and
            # another, with r refused so far, the node r of the group 2."
            kind = {"P": 0, "W": 1}.get(name, 2)
            group, node = (1, 0) if name == "W" else (2, r if kind == 2 else 0)
            says = None if expected is None else int(expected == label)
            # 19.26, its table
            names: list[tuple[object, ...]] = [
                (kind, says, self.e22 % 128),
                (kind, self.near, self.e22 // 128 % 4),
                (kind, self.equal // 16 % 64, self.age),
            ]
            if self.mixed_bit(0, group, node, says, names):
                return label
            refused.append(label)
            expected = None if expected == label else expected
        return self.search(refused, expected)

    def sum_contexts(self, expected: int | None) -> None:
        """Add the contexts of what the frame before says."""
        # 19.26: "With G = F mod 16 + 16·(D mod 4)"
        same, equal, around = self.same, self.equal, self.around
        self.near = same % 16 + 16 * (equal % 4)

        # 19.24, its table: "16·F + D mod 4 + 4·(floor(D / 16) mod 4)"
        # 19.24, its table: "F + 256·D"
        # 19.24, its table: "the label expected plus 1, or 0"
        values = around | {
            "Q": self.replaced[self.position],
            "29": 16 * same + equal % 4 + 4 * (equal // 16 % 4),
            "30": same + 256 * equal,
            "31": 0 if expected is None else expected + 1,
            "C": sum((around[a] == around[b]) << i for i, (a, b) in enumerate(FARTHER)),
            "D": equal,
        }
        terms = {name: (values[name] + 1) * POWERS[name] for name in POWERS}
        for context in (*CONTEXTS, LAST_WITHOUT_COLORS if self.colorless else LAST_CONTEXT):
            self.sums.append(sum(terms[name] for name in context.split()) % 2**32)

    def third_row(self, depth: int) -> tuple[object, ...]:
        """Return the name of the row of set 2 in the search."""
        # 19.26, its table: "depth, G"
        return (depth, self.near)

    def end_frame(self, before: list[int]) -> None:
        """Keep what those that follow need."""
        # 19.22: "After each payload, at each place of a changed block: if the label is another than
        # in the frame before, Q becomes what it was, and the age 0; otherwise the age grows by 1 if
        # it is less than 127."
        for y, x in self.changes.places_of(lambda block: block != UNCHANGED):
            box = self.changes.box(y, x)
            for row in range(box.top, box.bottom):
                start = (row + 3) * self.stride + 8
                for at in range(start + box.left, start + box.right):
                    if self.plane[at] != before[at]:
                        self.replaced[at], self.ages[at] = before[at], 0
                    else:
                        self.ages[at] = min(self.ages[at] + 1, OLDEST)
        self.earlier = [before, *self.earlier][: self.most_earlier]
        self.plane[-self.size :] = self.plane[: self.size]
