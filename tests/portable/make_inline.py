"""Makes kqcodec/portable/kq-inline.mjs, kq.mjs with the WebAssembly module within it.

    python tests/portable/make_inline.py [--check]

For pages that are one file, and wherever a second file is hard to find. The module is the one
with SIMD.
"""

from __future__ import annotations

import base64
import re

from making import PORTABLE, CannotMakeError, main

# In kq.mjs: where the module is found.
OWN_MODULE = re.compile(r"^/\*\* The module that this engine runs.*?\n\n", re.DOTALL | re.MULTILINE)
INLINE = """\
/** kq.wasm, of the same version. */
const ownModule = () =>
  Uint8Array.from(
    atob(
      "{module}",
    ),
    (letter) => letter.charCodeAt(0),
  );

"""


def make() -> dict[str, bytes]:
    """The file, by its name."""
    module = PORTABLE / "kq.wasm"
    if not module.is_file():
        raise CannotMakeError("there is no kq.wasm")
    text = (PORTABLE / "kq.mjs").read_text(encoding="utf-8")
    inline = INLINE.format(module=base64.b64encode(module.read_bytes()).decode())
    text, places = OWN_MODULE.subn(lambda _: inline, text)
    if places != 1:
        raise ValueError(f"kq.mjs finds its module in {places} places")
    return {"kq-inline.mjs": text.replace("beside this\n// file", "within this\n// file").encode()}


if __name__ == "__main__":
    main(make, __doc__)
