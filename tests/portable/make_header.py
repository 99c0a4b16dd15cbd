"""Makes kqcodec/portable/kq.h of the C headers that a decoder needs.

    python tests/portable/make_header.py [--check]

file/api.h becomes what every source file sees, file/file.h and what it includes the
implementation. A header stands there once; one without an include guard, which is a template for
the macros around it, as often as it is included, from the second time on without its comments.
What only encoders need goes, between `#ifndef KQ_DECODE_ONLY` and `#endif`, and so does what only
the fuzzer needs.
"""

from __future__ import annotations

import re

from making import KERNELS, ROOT, main

API, CODE = "file/api.h", "file/file.h"
DEFINED = {"KQ_DECODE_ONLY": True, "KQ_FUZZ": False}  # and therefore gone
_GUARD = re.compile(r"#ifndef (KQ_\w+_H)\n#define \1\n(.*)\n#endif\n\Z", re.DOTALL)
_COMMENT = re.compile(r"[ \t]*/\*.*?\*/", re.DOTALL)
_DIRECTIVE = re.compile(r"\s*#\s*(\w+)\b\s*(.*?)\s*(?:/\*.*)?$")


class Amalgamation:
    """Headers as one text; each of them once, as are those of the C library."""

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._system: list[str] = []  # includes of this text
        self._lines: list[str] = []

    def add(self, name: str) -> None:
        """A header, behind those that it includes and nobody did before."""
        if name not in self._seen:
            own = self._expanded(name)
            self._lines += own

    def text(self) -> str:
        """What was added since last time, behind the C library's headers that it needs."""
        text = "\n".join([*sorted(self._system), "", *self._lines, ""])
        self._system, self._lines = [], []
        return re.sub(r"\n{3,}", "\n\n", text)

    def _expanded(self, name: str) -> list[str]:
        again = name in self._seen
        self._seen.add(name)
        text = (KERNELS / name).read_text(encoding="utf-8")
        if guarded := _GUARD.search(text):
            text = text[: guarded.start()] + guarded[2]
        lines = [f"/* ---- {name}{', again' if again else ''} ---- */"]
        depth = 0
        for line in decoder_of(_COMMENT.sub("", text) if again else text):
            word, rest = directive_of(line)
            depth += word.startswith("if") - (word == "endif")
            if word != "include" or (rest.startswith("<") and depth > 0):
                lines.append(line)
            elif rest.startswith("<"):
                self._system += [line] * (rest not in self._seen)
                self._seen.add(rest)
            elif is_template(included := rest.strip('"')):
                lines += self._expanded(included)
            else:
                self.add(included)
        return lines


def is_template(name: str) -> bool:
    """Whether a header has no guard."""
    return _GUARD.search((KERNELS / name).read_text(encoding="utf-8")) is None


def directive_of(line: str) -> tuple[str, str]:
    """`ifdef` and what follows it, say; of a line of code nothing."""
    found = _DIRECTIVE.match(line)
    return (found[1], found[2]) if found else ("", "")


def decoder_of(text: str) -> list[str]:
    """The lines of a header that are there with the macros DEFINED."""
    lines, open_conditions = [], []  # of each whether its lines are kept; None: any other
    for line in text.splitlines():
        word, rest = directive_of(line)
        ours: bool | None = None
        if word in ("ifdef", "ifndef") and rest in DEFINED:
            ours = DEFINED[rest] == (word == "ifdef")
            open_conditions.append(ours)
        elif word.startswith("if"):
            open_conditions.append(None)
        elif word in ("else", "endif"):
            ours = open_conditions.pop()
            if word == "else":
                open_conditions.append(None if ours is None else not ours)
        elif word == "define" and rest in DEFINED:
            continue
        if word.startswith(("if", "elif")) and ours is None and any(one in rest for one in DEFINED):
            raise ValueError(f"only #ifdef and #ifndef may ask for {', '.join(DEFINED)}: {line}")
        if ours is None and False not in open_conditions:
            lines.append(line)
    return lines


HEAD = """\
/* kq.h - reads .kq pictures: palette images, animations and label maps. Format 1.0. MIT licence,
 * see the end of this file.
 *
 * In one source file, C99 or C++11:
 *
 *     #define KQ_IMPLEMENTATION
 *     #include "kq.h"
 *
 * and in all that use it just the second line. A picture from memory to RGBA:
 *
 *     uint32_t width, height;
 *     kq_result result;
 *     uint8_t *pixels = kq_load(data, size, 4, &width, &height, &result);
 *     if (!pixels)
 *         fprintf(stderr, "%s\\n", kq_result_text(result));
 *     kq_free(pixels);
 *
 * kq_open is for all else: palettes, labels, ids, frames, parts of a picture, step by step. Have it
 * compiled with -O3, which decodes faster than -O2 by a quarter.
 *
 * Defined before KQ_IMPLEMENTATION's #include:
 *
 *     KQ_STATIC       functions are static: everything in one source file
 *     KQ_API          what stands before public functions, such as a visibility
 *     KQ_MALLOC(n), KQ_FREE(p), and if it is better than those and memset KQ_CALLOC(count, n)
 *                     memory from elsewhere, aligned as malloc's; all three are the C library's
 *     KQ_NO_SIMD      plain C only: SSE2 and AVX2 are used where the processor has them
 *
 * Bytes may come from anybody: all lengths and checksums are looked at before memory of the
 * picture's size is asked for, and what decoding may take is limited (kq_limits). What is wrong
 * with a file kq_result says; a picture is read whole and right, or not at all. A file is for one
 * thread at a time, several files are for several threads; nothing is global. No library is needed
 * but <string.h> and, without KQ_MALLOC, <stdlib.h>; nothing is read from disk.
 *
 * It reads every file of format 1.x. This file is made from kqcodec's C sources: change those.
 */
"""


def kq_h() -> str:
    """The text of kq.h."""
    headers = Amalgamation()
    headers.add(API)
    api = headers.text()
    headers.add(CODE)
    code = headers.text()
    licence = (ROOT / "LICENSE").read_text(encoding="utf-8").strip()
    return f"""{HEAD}#ifndef KQ_H
#define KQ_H

{api}
#endif

#if defined(KQ_IMPLEMENTATION) && !defined(KQ_IMPLEMENTED)
#define KQ_IMPLEMENTED

/* windows.h has macros of these names. */
#if defined(_WIN32)
#pragma push_macro("near")
#pragma push_macro("far")
#pragma push_macro("small")
#undef near
#undef far
#undef small
#endif

{code}
#if defined(_WIN32)
#pragma pop_macro("near")
#pragma pop_macro("far")
#pragma pop_macro("small")
#endif

#endif

/*
{licence}
*/
"""


if __name__ == "__main__":
    main(lambda: {"kq.h": kq_h().encode()}, __doc__)
