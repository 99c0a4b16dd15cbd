"""Section 14 of kq.md: the entries of a coded palette.

A part of decode.py. Written like it: from kq.md alone, in its order, each comment that starts
with a number quoting the rule which the lines below it carry out.
"""

from __future__ import annotations

from decode_bits import ArithmeticDecoder

GREEN, RED, BLUE, ALPHA = range(4)
BLACK = [0, 0, 0, 255]
HISTORY = 32

# The masses of a guess, and its total T.
Guess = tuple[list[int], int]


def decode_palette(payload: bytes, k: int, channels: int) -> tuple[list[bytes], bool]:
    """Return the K entries, and whether the payload ends as an encoder ends it."""
    # 14.1: "The first bit has p = 32768. If it is 1 the entries ascend; 0 promises nothing of their
    # order, and they may ascend then, too. Then follow the K entries"
    decoder = ArithmeticDecoder(payload)
    ascends = decoder.bit(32768) == 1

    # 14.5: "For each channel the guesses have two sets of weights: one for values which are
    # the first of their entry, or whose entry has had the same values so far as the entry
    # of age 0; the other for those whose entry differs. At the start each w is 10922."
    weights = [[[10922] * 6 for _ in range(2)] for _ in range(4)]

    # 14.3: "Two entries of green, red and blue 0 and alpha 255 stand ahead of the first
    # entry, and belong to the history of those that follow until 32 others do."
    history = [BLACK, BLACK]
    entries = []
    for index in range(k):
        # 14.1: "of each entry its green, its red, its blue and, with flag A, its alpha."
        entry: list[int] = []
        for channel in range(channels):
            is_same = entry == history[0][:channel]

            # 14.4: "If the entries ascend, the entry isn't the first, and all values of
            # the entry that were coded before this one are the same as in the entry of
            # age 0, L is the value of the entry of age 0. Otherwise L is 0."
            least = history[0][channel] if ascends and index > 0 and is_same else 0
            guesses = guesses_of(entry, history)

            # 14.10: "If the entries ascend, guesses 0 and 1 of green are others. Let n be
            # the number of entries that are yet to be coded, this one included, and ρ in
            # guess 0 floor(65536·3·(256 − L) / (3·(256 − L) + 8·n)) in guess 1
            # floor(65536·(256 − L) / (256 − L + n))"
            if ascends and channel == GREEN:
                span, n = 256 - least, k - index
                guesses[0] = gaps(least, 65536 * 3 * span // (3 * span + 8 * n))
                guesses[1] = gaps(least, 65536 * span // (span + n))
            entry.append(decode_value(decoder, guesses, weights[channel][is_same], least))

        # 14.3: "The history of an entry are the entries before it, the last 32 at most"
        history = [entry, *history][:HISTORY]
        entries.append(bytes([entry[RED], entry[GREEN], *entry[BLUE:]]))
    return entries, decoder.ends_well()


def decode_value(
    decoder: ArithmeticDecoder, guesses: list[Guess], weights: list[int], least: int
) -> int:
    """Decode one value, and let the weights follow it."""
    # 14.5: "scale = w · floor(2^40 / T), or 0 where T is 0"
    scales = [
        w * (2**40 // total) if total else 0 for w, (_, total) in zip(weights, guesses, strict=True)
    ]

    def share(x: int, y: int) -> int:
        # 14.5: "share(x, y) = floor(Σ over the guesses of scale · (M(x) + … + M(y − 1)) /
        # 2^24)"
        masses = [sum(m[x:y]) for m, _ in guesses]
        return sum(scale * mass for scale, mass in zip(scales, masses, strict=True)) // 2**24

    # 14.6: "A value is coded as eight bits, the most significant first. With a the least
    # and a + 2s − 1 the greatest number that the bits so far allow, the next bit is 1 if
    # the value is at least a + s"
    a = 0
    for s in (128, 64, 32, 16, 8, 4, 2, 1):
        # 14.6: "Where L is at least a + s, the bit is 1 and isn't coded."
        if least >= a + s:
            a += s
            continue

        # 14.6: "p = floor(65536 · share(a + s, a + 2s) / share(max(a, L), a + 2s)), but at
        # least 1 and at most 65535"
        p = 65536 * share(a + s, a + 2 * s) // share(max(a, least), a + 2 * s)
        if decoder.bit(min(max(p, 1), 65535)):
            a += s

    # 14.7: "w = floor(m · floor(63488 · 2^32 / Σ m) / 2^32) + 341, m = floor(scale · M(v) /
    # 2^24)"
    m = [scale * masses[a] // 2**24 for scale, (masses, _) in zip(scales, guesses, strict=True)]
    unit = 63488 * 2**32 // sum(m)
    weights[:] = [each * unit // 2**32 + 341 for each in m]
    return a


def guesses_of(coded: list[int], history: list[list[int]]) -> list[Guess]:
    """Return the guesses of an entry's next value, by rule 14.9."""
    # 14.9: "G, R, B, A are the values of the entry of age 0, G' and A' those of the entry of
    # age 1. g, r, b, a are the values of each of the *recent* entries, which are those of
    # the history whose age is under 16"
    last, recent = history[0], history[:16]
    first: list[int] = []
    more: list[int] = []
    if len(coded) == GREEN:
        near = list(zip([entry[GREEN] for entry in history], (4, 2, 1, 1), strict=False))
        step = 2 * last[GREEN] - history[1][GREEN]
        first, more = [step], [last[GREEN]]
    elif len(coded) == RED:
        first = [coded[GREEN] + entry[RED] - entry[GREEN] for entry in recent]
        near = [(number, 1) for number in first]
        step = coded[GREEN] + last[RED] - last[GREEN]
        more = [entry[RED] for entry in recent]
    elif len(coded) == BLUE:
        near = nearest(history, coded[GREEN], coded[RED])
        step = coded[RED] + last[BLUE] - last[RED]
        first = [coded[GREEN] + entry[BLUE] - entry[GREEN] for entry in recent]
        more = [coded[RED] + entry[BLUE] - entry[RED] for entry in recent]
        more += [entry[BLUE] for entry in recent]
    else:
        first, more = [255], [entry[ALPHA] for entry in recent]
        near = [(number, 1) for number in more]
        step = 2 * last[ALPHA] - history[1][ALPHA]

    # 14.9: "T is the sum of the u, times 65536."
    total = 65536 * sum(u for _, u in near)
    return [
        (surrounded(near, SHARP), total),
        (surrounded(near, WIDE), total),
        (surrounded([(step, 1)], SHARP), 65536),
        (surrounded([(number, 1) for number in first], EXACT), len(first)),
        (surrounded([(number, 1) for number in first + more], EXACT), len(first + more)),
        ([1] * 256, 256),
    ]


def nearest(history: list[list[int]], green: int, red: int) -> list[tuple[int, int]]:
    """Return green + b − g of the nearest entries, each with its u."""

    # 14.9: "The nearest are the up to four entries of the whole history for which δ = 2·|(r
    # − g) − (red − green)| + |g − green| is least, of equal ones those of lower age"
    def delta(entry: list[int]) -> int:
        hue = abs((entry[RED] - entry[GREEN]) - (red - green))
        return 2 * hue + abs(entry[GREEN] - green)

    found = sorted(history, key=delta)[:4]

    # 14.9: "u = 1 + floor(2^24 / (16 + δ)^3)"
    return [(green + e[BLUE] - e[GREEN], 1 + 2**24 // (16 + delta(e)) ** 3) for e in found]


def decayed(first: int, k: int) -> list[int]:
    """Return 256 masses, by distance."""
    # 14.8: "from each distance to the next B becomes floor(B / 2), C floor(3·C / 4) and D
    # floor(15·D / 16)."
    masses = [first]
    while len(masses) < 256:
        masses.append(masses[-1] * (2**k - 1) // 2**k)
    return masses


# 14.8: "A(0) is 16384, B(0) 5461, C(0) 2341 and D(0) 529. A(d) is 0 farther off"
# 14.8: "sharp(d) = A(d) + B(d) + C(d) + D(d) wide(d) = 2·C(d) + 2·D(d)"
EXACT = [1] + [0] * 255
WIDE = [2 * c + 2 * d for c, d in zip(decayed(2341, 2), decayed(529, 4), strict=True)]
SHARP = [b + w // 2 for b, w in zip(decayed(5461, 1), WIDE, strict=True)]
SHARP[0] += 16384


def surrounded(numbers: list[tuple[int, int]], masses: list[int]) -> list[int]:
    """Return the masses around numbers, each of which has its weight."""
    # 14.9: "Numbers under 0 are taken as 0, and those over 255 as 255."
    weights: dict[int, int] = {}
    for value, u in numbers:
        c = min(max(value, 0), 255)
        weights[c] = weights.get(c, 0) + u
    return [sum(u * masses[abs(v - c)] for c, u in weights.items()) for v in range(256)]


def gaps(least: int, rho: int) -> Guess:
    """Return a guess of the next ascending value."""
    # 14.10: "Let low(0) be 65536, low(i + 1) = floor(low(i)·ρ / 65536), high(0) = 65536 and
    # high(i + 1) = floor(high(i)·low(16) / 65536)."
    low, high = [65536], [65536]
    for _ in range(16):
        low.append(low[-1] * rho // 65536)
    for _ in range(16):
        high.append(high[-1] * low[16] // 65536)

    # 14.10: "left(d) = floor(low(d mod 16)·high(floor(d / 16)) / 65536)"
    left = [low[d % 16] * high[d // 16] // 65536 for d in range(257)]

    # 14.10: "Then T is 65536, M(v) is 0 for v under L, and from L on left(v − L) − left(v −
    # L + 1)"
    masses = [0] * least + [left[d] - left[d + 1] for d in range(256 - least)]
    return masses, 65536
