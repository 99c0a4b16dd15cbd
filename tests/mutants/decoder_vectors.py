"""spec/decode.py on the vectors, with a module of it changed."""

from __future__ import annotations

import ast
import functools
import hashlib
import json
import signal
import sys
import time
import types
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from decoder_changes import truncated
from places import SPEC, VECTORS

if TYPE_CHECKING:
    from collections.abc import Iterator

DECODER = "decode"
SLOWER = 10  # times, than without the change, and it doesn't end
SECONDS = 2.0  # more


class TooSlow(BaseException):
    """A decoder doesn't end."""


class Vector(NamedTuple):
    """A file, and what becomes of it: a digest, or a kind of refusal."""

    name: str
    data: bytes
    result: str


@functools.cache
def vectors() -> list[Vector]:
    """All vectors."""
    index = json.loads((VECTORS / "index.json").read_text(encoding="utf-8"))
    return [
        Vector(v["name"], (VECTORS / v["name"]).read_bytes(), v.get("pixels_sha256") or v["kind"])
        for v in index["valid"] + index["invalid"]
    ]


@functools.cache
def sources() -> dict[str, str]:
    """The modules of the decoder by name, each behind those that it imports."""
    texts = {path.stem: path.read_text(encoding="utf-8") for path in SPEC.glob("decode*.py")}
    found: dict[str, str] = {}

    def add(name: str) -> None:
        if name in texts and name not in found:
            for node in ast.parse(texts[name]).body:
                if isinstance(node, ast.ImportFrom) and node.module:
                    add(node.module)
            found[name] = texts[name]

    add(DECODER)
    return found


@functools.cache
def compiled() -> dict[str, types.CodeType]:
    """The same as code."""
    return {name: compile(text, f"{name}.py", "exec") for name, text in sources().items()}


@contextmanager
def decoder(**changed: Any) -> Iterator[types.ModuleType]:
    """The decoder, with some of its modules by other code."""
    before = {name: sys.modules.pop(name, None) for name in compiled()}
    try:
        for name, code in (compiled() | changed).items():
            module = sys.modules[name] = types.ModuleType(name)
            module.__dict__["truncated"] = truncated
            exec(code, module.__dict__)
        yield sys.modules[DECODER]
    finally:
        for name, module in before.items():
            sys.modules.pop(name, None)
            if module is not None:
                sys.modules[name] = module


def result(decode: types.ModuleType, data: bytes, seconds: float) -> str:
    """What a decoder makes of a file: a digest, a kind of refusal, or how it fails."""

    def stop(*_: object) -> None:
        raise TooSlow

    handler = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        return hashlib.sha256(decode.decode(data).pixels).hexdigest()
    except decode.Refused as refused:
        return str(refused.kind)
    except TooSlow:
        return "no end"
    except Exception as failed:  # noqa: BLE001 -- whatever a change makes of it
        return f"fails with {type(failed).__name__}"
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, handler)


# ── Which vectors come by a statement ───────────────────────────────────────


class _Marked(ast.NodeTransformer):
    """Has each statement of a function say that it is there."""

    def __init__(self, module: str) -> None:
        self.module = module

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        self.generic_visit(node)
        node.body = self.marked(node.body)
        return node

    def marked(self, body: list[ast.stmt]) -> list[ast.stmt]:
        """Statements, each behind its mark."""
        found: list[ast.stmt] = []
        for statement in body:
            for field in ("body", "orelse", "finalbody"):
                if not isinstance(statement, ast.FunctionDef) and getattr(statement, field, None):
                    setattr(statement, field, self.marked(getattr(statement, field)))
            for handler in getattr(statement, "handlers", []):
                handler.body = self.marked(handler.body)
            mark = ast.parse(f"came_by({self.module!r}, {statement.lineno})").body[0]
            found += [ast.copy_location(mark, statement), statement]
        return found


class Reach(NamedTuple):
    """How a vector is decoded without any change."""

    seconds: float
    lines: set[tuple[str, int]]  # modules, and the statements in functions by their lines


def reaches() -> dict[str, Reach]:
    """For each vector, by name, what decodes it, and how long that takes."""
    lines: set[tuple[str, int]] = set()
    marked = {}
    for name, text in sources().items():
        tree = ast.fix_missing_locations(_Marked(name).visit(ast.parse(text)))
        marked[name] = compile(tree, f"{name}.py", "exec")
    found = {}
    __builtins__["came_by"] = lambda *line: lines.add(line)  # type: ignore[index]
    try:
        with decoder(**marked) as decode:
            for vector in vectors():
                lines.clear()
                start = time.process_time()
                said = result(decode, vector.data, 600)
                assert said == vector.result, f"{vector.name}: {said}"
                found[vector.name] = Reach(time.process_time() - start, set(lines))
    finally:
        del __builtins__["came_by"]  # type: ignore[attr-defined]
    return found
