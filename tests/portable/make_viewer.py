"""Makes kqcodec/portable/viewer.html, one file, of its sources in kqcodec/portable/viewer.

    python tests/portable/make_viewer.py [--check]

The modules become one program: each a function of its own, called once, behind those that it
imports from. The page's policy lets that program run, and that style apply, by their hashes,
and nothing else; a worker is made of the same text.
"""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

from making import PORTABLE, ROOT, main

SOURCES = PORTABLE / "viewer"
# The pages of `kq report` have the same colours, swatches, bars and tables.
REPORT_STYLE = ROOT / "kqcodec" / "show" / "report" / "page.css"
FILES = "<!--kq-files-->"  # where `kq view` puts files

_IMPORT = re.compile(r'^import \{([^}]*)\} from "(\.{1,2}/[^"]+)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function\*?|class|const|let) (\w+))", re.MULTILINE)
_EXPORT_LIST = re.compile(r"^export \{([^}]*)\};?\n", re.MULTILINE)
_LEFT = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)


def make() -> dict[str, bytes]:
    """The page, by its name."""
    return {"viewer.html": viewer().encode()}


def viewer() -> str:
    """The text of the page."""
    style = REPORT_STYLE.read_text(encoding="utf-8") + _source("style.css")
    program = bundle(SOURCES / "main.mjs")
    for name, text in (("style", style), ("program", program)):
        if re.search("<!--|</?(script|style)", text, re.IGNORECASE):
            raise ValueError(f"the {name} has what HTML would take for markup")
    policy = (
        f"default-src 'none'; script-src 'sha256-{_hash(chr(10) + program)}' 'wasm-unsafe-eval'; "
        f"style-src 'sha256-{_hash(chr(10) + style)}'; img-src data: blob:; worker-src blob:; "
        "base-uri 'none'; form-action 'none'"
    )
    page = _source("index.html")
    for place, text in (("policy", policy), ("style", style), ("program", program)):
        before, behind = page.split(f"{{{place}}}")
        page = before + text + behind
    if page.count(FILES) != 1:
        raise ValueError(f"{FILES} is to stand in the page once")
    return page


def bundle(path: Path) -> str:
    """A module and all that it imports from, as the text of one module."""
    modules: dict[Path, str] = {}
    _add(path.resolve(), modules)
    return "".join(modules.values())


def _add(path: Path, modules: dict[Path, str]) -> None:
    text = path.read_text(encoding="utf-8")
    for _, name in _IMPORT.findall(text):
        other = (path.parent / name).resolve()
        if other not in modules:
            _add(other, modules)
    exported = _EXPORT.findall(text)
    for names in _EXPORT_LIST.findall(text):
        exported += [name.strip() for name in names.split(",") if name.strip()]
    text = _IMPORT.sub(lambda found: f"const {{{found[1]}}} = {_name(found[2])};\n", text)
    text = _EXPORT_LIST.sub("", _EXPORT.sub("", text))
    left = _LEFT.search(text)
    if left or any(" as " in name for name in exported):
        what = left[0] if left else " as "
        raise ValueError(f"{path.name}: a form of import or export not known here: {what}")
    name = _name(path.name)
    result = f"return {{ {', '.join(exported)} }};\n" if exported else ""
    modules[path] = f"// {path.name}\nconst {name} = (() => {{\n{text}{result}}})();\n\n"


def _name(path: str) -> str:
    """What the module of a file is called: kq_inline_module."""
    return Path(path).stem.replace("-", "_") + "_module"


def _source(name: str) -> str:
    return (SOURCES / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


if __name__ == "__main__":
    main(make, __doc__)
