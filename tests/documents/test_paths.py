"""The files that documents, docstrings and comments name are there."""

import re

from places import ROOT

# Where this project's files are named: by their path from its root.
NAMED = re.compile(r"(?<![\w/.-])(?:kqcodec|spec|tests)/[\w./-]*\w")
PLACES = ("*.md", "*.toml", ".*.yaml", ".ci/*", "spec/**/*", "kqcodec/**/*", "tests/**/*")
# Names in these are those of the entries of an npm package.
NOT_OURS = {ROOT / "kqcodec/portable/README.md", ROOT / "tests/portable/test_npm.py"}
KINDS = {"", ".md", ".toml", ".yaml", ".py", ".pyi", ".c", ".h", ".txt"}


def test_named_files_are_there():
    sources = [path for place in PLACES for path in ROOT.glob(place) if path.suffix in KINDS]
    missing = {
        (str(path.relative_to(ROOT)), name)
        for path in sources
        if path.is_file() and path not in NOT_OURS
        for name in NAMED.findall(path.read_text(encoding="utf-8"))
        if not (ROOT / name).exists()
    }
    assert missing == set()
