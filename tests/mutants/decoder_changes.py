"""Small changes of Python code, of the kind by which decoders of one format differ: a number off
by one, a comparison that takes in its bound or doesn't, a limit or a wrap left out, a division
that rounds otherwise, another neighbour in a context.

A change is made in the syntax tree in place and taken back. Messages, annotations and what
raises are left alone.
"""

from __future__ import annotations

import ast
import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SWAPPED: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.FloorDiv: ast.Mult,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitOr,
    ast.Pow: ast.Mult,
    ast.And: ast.Or,
    ast.Or: ast.And,
}
OTHER_NAMES = {"min": "max", "max": "min", "any": "all", "all": "any"}
OTHER_NAMES |= {"bisect_left": "bisect_right", "bisect_right": "bisect_left"}

# Names of neighbours and the like: each with another that stands in the same places.
PAIRED = "W N, NW NE, WW NN, NWW NEE, NNW NNE, WWW NNN, NNEE NNWW, MEDIAN MEAN, WIDE SLANT"
PAIRED += ", ALONG DOWN, RISE SLANT, E E10, P W, Q P, R P, B R, RR R, BB B, BR BL, BRR BLL"
PAIRED += ", BBR BBL, RRR RR, D C, 29 30, 30 31, 31 30"
PAIRS = [pair.split() for pair in PAIRED.split(", ")]
ANOTHER = {b: a for a, b in PAIRS} | dict(PAIRS)
WORDS = re.compile(r"[A-Z0-9]+'?(?:,? [A-Z0-9]+'?)*")

# Variables that hold numbers under 0, too.
SIGNED = {"s", "w", "x", "total", "error", "logit"}

# Functions that decode nothing.
NOT_DECODING = {"main", "fail", "read_file", "netpbm_head", "npy_head"}


@dataclass(frozen=True)
class Change:
    """A place in a tree and what else could stand there.

    Attributes:
        function: the functions and classes around it, "Row.learn" say; "" outside of all.
        line: that of its statement, from 1; 0 outside of functions.
        before, after: the code.
    """

    function: str
    line: int
    before: str
    after: str
    holder: Any
    field: str | int
    old: ast.AST
    new: ast.AST

    @property
    def what(self) -> str:
        """The change in words."""
        return f"{self.before} -> {self.after}"

    @contextmanager
    def made(self) -> Iterator[None]:
        """Have it in the tree."""
        self.put(self.new)
        try:
            yield
        finally:
            self.put(self.old)

    def put(self, node: ast.AST) -> None:
        """Put a node in its place."""
        if isinstance(self.field, int):
            self.holder[self.field] = node
        else:
            setattr(self.holder, self.field, node)


def truncated(x: int, y: int) -> int:
    """A quotient rounded towards 0, as C has it; mutants know it as `truncated`."""
    return x // y if x * y >= 0 else -(-x // y)


def changes_of(tree: ast.Module) -> Iterator[Change]:
    """All changes of a module."""
    yield from _within(tree, "", 0)


def _within(holder: ast.AST, function: str, line: int) -> Iterator[Change]:
    """All changes below a node."""
    for field, value in ast.iter_fields(holder):
        if field in {"annotation", "returns", "decorator_list", "type_comment"}:
            continue
        places: Iterable[tuple[Any, str | int, Any]] = [(holder, field, value)]
        if isinstance(value, list):
            places = [(value, i, each) for i, each in enumerate(value)]
        for where, at, node in places:
            if not isinstance(node, ast.AST) or _is_left_alone(node):
                continue
            name = function
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                name = f"{function}.{node.name}" if function else node.name
            inside = isinstance(holder, ast.FunctionDef) or line
            here = node.lineno if inside and isinstance(node, ast.stmt) else line
            for new in _others(node, function):
                ast.copy_location(new, node)
                ast.fix_missing_locations(new)
                before, after = (_text(each) for each in (node, new))
                yield Change(name, here, before, after, where, at, node, new)
            yield from _within(node, name, here)


def _text(node: ast.AST) -> str:
    """Code on one line."""
    if isinstance(node, ast.If | ast.While):
        return f"{type(node).__name__.lower()} {ast.unparse(node.test)}"
    return ast.unparse(node)


def _is_left_alone(node: ast.AST) -> bool:
    """Whether all of a node is text for people, or refuses."""
    if isinstance(node, ast.Raise | ast.JoinedStr | ast.Import | ast.ImportFrom):
        return True
    if isinstance(node, ast.FunctionDef) and node.name in NOT_DECODING:
        return True
    if isinstance(node, ast.keyword) and node.arg == "strict":
        return True
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _others(node: ast.AST, function: str) -> Iterator[ast.AST]:  # noqa: PLR0912 -- a list of kinds
    """What else could stand in the place of a node."""
    match node:
        case ast.Constant(value=bool() as value):
            yield ast.Constant(not value)
        case ast.Constant(value=int() as value):
            yield from (ast.Constant(value + 1), ast.Constant(value - 1))
        case ast.Constant(value=str() as text) if WORDS.fullmatch(text):
            yield from map(ast.Constant, _other_words(text))
        case ast.Compare():
            for i, operator in enumerate(node.ops):
                ops = [*node.ops[:i], SWAPPED[type(operator)](), *node.ops[i + 1 :]]
                yield ast.Compare(node.left, ops, node.comparators)
        case ast.BoolOp():
            yield ast.BoolOp(SWAPPED[type(node.op)](), node.values)
            for i in range(len(node.values)):
                rest = node.values[:i] + node.values[i + 1 :]
                yield rest[0] if len(rest) == 1 else ast.BoolOp(node.op, rest)
        case ast.UnaryOp(op=ast.Not() | ast.USub()):
            yield node.operand
        case ast.BinOp():
            yield from _other_operations(node)
        case ast.Call():
            yield from _other_calls(node)
        case ast.IfExp():
            yield from (node.body, node.orelse)
        case ast.If():
            yield ast.If(ast.Constant(True), node.body, node.orelse)
            yield ast.If(ast.Constant(False), node.body, node.orelse)
        case ast.AugAssign():
            yield ast.Pass()
            if type(node.op) in SWAPPED:
                yield ast.AugAssign(node.target, SWAPPED[type(node.op)](), node.value)
        case ast.Assign(targets=[ast.Attribute()]) if not function.endswith("__init__"):
            yield ast.Pass()
        case ast.Expr() | ast.Continue() | ast.Break():
            yield ast.Pass()


def _other_words(text: str) -> Iterator[str]:
    """Names with one of them another, or left out."""
    for found in re.finditer(r"[A-Z0-9]+", text):
        if found[0] in ANOTHER:
            yield text[: found.start()] + ANOTHER[found[0]] + text[found.end() :]
    words = text.split(" ")
    if len(words) > 1 and "," not in text:
        for i in range(len(words)):
            yield " ".join(words[:i] + words[i + 1 :])


def _other_operations(node: ast.BinOp) -> Iterator[ast.AST]:
    """A sum or the like with another operator, or without it."""
    if isinstance(node.op, ast.Mod):
        yield node.left
        return
    if isinstance(node.op, ast.FloorDiv) and _may_be_negative(node.left):
        yield ast.Call(ast.Name("truncated", ast.Load()), [node.left, node.right], [])
    if isinstance(node.op, ast.BitXor | ast.BitOr | ast.BitAnd):
        yield node.left
    yield ast.BinOp(node.left, SWAPPED[type(node.op)](), node.right)


def _may_be_negative(node: ast.expr) -> bool:
    """Whether a number looks as if it could be under 0."""
    inner = list(ast.walk(node))
    return any(isinstance(each, ast.Sub | ast.USub) for each in inner) or bool(
        SIGNED & {each.id for each in inner if isinstance(each, ast.Name)}
    )


def _other_calls(node: ast.Call) -> Iterator[ast.AST]:
    """A call of another function, or one of its arguments instead."""
    name = node.func.id if isinstance(node.func, ast.Name) else ""
    if name in OTHER_NAMES:
        yield ast.Call(ast.Name(OTHER_NAMES[name], ast.Load()), node.args, node.keywords)
    if name in {"min", "max", "clamp"} and len(node.args) == 2:
        yield from node.args[:1] if name == "clamp" else node.args
    if name in {"sorted", "reversed", "abs"}:
        yield node.args[0]
