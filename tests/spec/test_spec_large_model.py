"""The bit by the large model that rule 16.23 of the document takes apart: every number in it
against what spec/decode.py makes of the same payload."""

from __future__ import annotations

import re
from typing import Any

import decode_bits
import decode_context
import decode_mixing
import pytest
from places import SPEC

pytestmark = pytest.mark.compiled

ENTRIES = [b"\0\0\0", b"\xc8\x1e\x1e", b"\xff\xff\xff"]


def text_of_the_example() -> str:
    """The paragraphs of the document, with ASCII's minus."""
    document = (SPEC / "kq.md").read_text(encoding="utf-8").replace("−", "-")
    start = document.index("*Another, by the large model.*")
    return document[start : document.index("\n16.24. ")]


class WatchedTile(decode_context.ContextTile):
    """A tile that notes all about the question in column 8 of its first row."""

    seen: dict[str, Any]

    def mixed_bit(
        self, search: int, group: int, node: int, says: int | None, names: list[tuple[object, ...]]
    ) -> int:
        if search or self.position != self.start + 8 or self.start != 3 * self.stride + 8:
            return super().mixed_bit(search, group, node, says, names)
        keys = [self.slot_key(i, group, node) for i in range(31)]
        before = [self.slot(check, place) for check, place in keys]
        maps = self.maps[0]
        used = [4 * slot.history + slot.n // 4 for slot in before]
        q = [maps[i][place] for i, place in enumerate(used)]
        held = self.match_length.bit_length()
        right = self.match_right[0][held]
        rows = [self.rows[(number, 0, *name)] for number, name in enumerate(names)]
        j, weights = [row.j for row in rows], [row.w[0] for row in rows]
        final_before = list(self.final_rows[0, held].f)
        bit = super().mixed_bit(search, group, node, says, names)
        final = self.final_rows[0, held]
        slot = self.slots[keys[0][1]]
        self.seen = {
            "slots": [
                (one.p, one.n, f"{one.history:b}", chance, *self.first_inputs(one.p, one.n))
                for one, chance in zip(before, q, strict=True)
            ],
            "match": (right, *self.first_inputs(65535 - right, 15)),
            "says": (says, self.match_length, held, self.e22),
            "rows": [
                (*name, had, row.x, weight, row.w[0])
                for name, had, row, weight in zip(names, j, rows, weights, strict=True)
            ],
            "final": (*final_before, *final.f, final.p, bit),
            "after": (self.match_right[0][held], slot.p, slot.n, maps[0][used[0]]),
        }
        return bit


def numbers(text: str) -> list[int]:
    return [int(number) for number in re.findall(r"-?\d+", text)]


def test_the_bit_by_the_large_model_is_that_of_the_document() -> None:
    text = text_of_the_example()
    words = re.search(r"payload ((?:[0-9A-F]{2} ?)+)\.", text)
    assert words is not None
    payload = bytes.fromhex(words[1])
    decoder = decode_bits.ArithmeticDecoder(payload[1:])
    tile = WatchedTile(decoder.bit, payload[0], ENTRIES, 17, 17)
    assert tile.decode() == [(c + r) % 3 for r in range(17) for c in range(17)]
    assert decoder.ends_well()

    seen = tile.seen
    assert seen["says"] == (0, 3, 2, 4128684)
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("|")]
    of_slots, of_match = [row for row in rows if re.match(r"\d+(,|$)", row[0])], rows[8]
    told = {
        int(context): row[1:] for row in of_slots if len(row) == 8 for context in row[0].split(", ")
    }
    assert sorted(told) == list(range(31))
    for context, (p, n, history, q, first, second) in enumerate(seen["slots"]):
        third = decode_mixing.logit(q)
        assert told[context] == [str(one) for one in (p, n, history, q, first, second, third)]
    right, first, second = seen["match"]
    assert of_match[0] == "the match"
    assert numbers(" ".join(of_match)) == [65535 - right, 15, right, first, second]

    of_rows = [row for row in rows if len(row) == 7 and row[0] in "012"]
    for row, (*_, j, x, weight, after) in zip(of_rows, seen["rows"], strict=True):
        r = 459 + 240 * 459 // (20 + j)
        step = -decode_mixing.squash(x) // 2 * r // 16384
        assert numbers(" ".join(row[2:])) == [j, x, r, step, weight, after]
    names = [[0, 0, 44], [0, 1], [0, 63]]
    assert [numbers(row[1]) for row in of_rows] == names
    assert [list(row[:-4]) for row in seen["rows"]] == names

    end = numbers(text[text.index("With the final weights") :])
    assert tuple(end[:8]) == seen["final"]
    # Behind them "of context 0" stands once.
    assert [*end[8:9], *end[10:]] == list(seen["after"])
