"""Prefix codes and states of the coder `tokens` (spec/kq.md, rules 17.13 and 17.14): what both
sides make of the numbers that stand in the front."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence


class InvalidTokensError(Exception):
    """A payload that no encoder makes."""


class Code(NamedTuple):
    """The bits of a symbol, the first of them the most significant."""

    bits: int
    length: int


def codes_of(lengths: Sequence[int], most: int) -> dict[int, Code]:
    """The codes of symbols by their lengths, as everywhere: shorter ones first, then by symbol.

    A single symbol takes no bits, nor does the symbol 0 where there is none.

    Raises:
        InvalidTokensError: A length is over ``most``, or the code isn't complete.
    """
    symbols = sorted((length, symbol) for symbol, length in enumerate(lengths) if length)
    if sum(lengths) < 2:
        return {symbol: Code(0, 0) for _, symbol in symbols or [(0, 0)]}
    if max(lengths) > most or sum(1 << (most - length) for length, _ in symbols) != 1 << most:
        raise InvalidTokensError
    codes = {}
    last = bits = 0
    for length, symbol in symbols:
        bits <<= length - last
        last = length
        codes[symbol] = Code(bits, length)
        bits += 1
    return codes


def value_extra(symbol: int) -> int:
    """How many bits follow the symbol of a value: there are two symbols an octave."""
    return 0 if symbol < 4 else (symbol >> 1) - 1


def value_least(symbol: int) -> int:
    """The least value of a symbol."""
    return symbol if symbol < 4 else (2 | symbol & 1) << value_extra(symbol)


def value_symbol(value: int) -> int:
    """The symbol of a value."""
    if value < 4:
        return value
    power = value.bit_length() - 1
    return 2 * power + (value >> (power - 1) & 1)


def tokens_of_states(counts: Sequence[int], state_bits: int) -> list[int]:
    """The token of each state of a table: Yann Collet's order, of FSE."""
    states = 1 << state_bits
    tokens = [0] * states
    at = 0
    for token, count in enumerate(counts):
        for _ in range(count):
            tokens[at] = token
            at = (at + (states >> 1) + (states >> 3) + 3) % states
    return tokens


def states_of_tokens(counts: Sequence[int], state_bits: int) -> list[list[int]]:
    """The states of each token of a table, ascending."""
    states: list[list[int]] = [[] for _ in counts]
    for state, token in enumerate(tokens_of_states(counts, state_bits)):
        states[token].append(state)
    return states
