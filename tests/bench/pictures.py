"""Fetches the public pictures of `pictures.list`: nobody looked at them while tuning.

    python tests/bench/pictures.py FOLDER
    python tests/bench/pictures.py FOLDER --clones CLONES
    kq bench FOLDER -k 16,64,256

saves each in FOLDER/CLASS, as it is in the commit that is named, or where GitHub can't be
reached out of clones in CLONES/OWNER+NAME. What is there already stays.
FOLDER/manifest.json says where each is from, and its SHA-256. All are PNG files of at most
1.5 megapixels, under the licences of their repositories; `made_pictures.py` draws more,
which repeat themselves.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote
from urllib.request import urlopen

if TYPE_CHECKING:
    from collections.abc import Iterator

LIST = Path(__file__).with_suffix(".list")


def entries(pictures: Path = LIST) -> Iterator[tuple[str, str, str, str]]:
    """Class, repository, commit and path of each picture."""
    repository = commit = ""
    for line in pictures.read_text("utf-8").splitlines():
        if line.startswith(" "):
            folder, path = line.split(maxsplit=1)
            yield folder, repository, commit, path
        elif not line.startswith("#"):
            repository, _, commit = line.partition("@")


def content(repository: str, commit: str, path: str, clones: Path | None) -> bytes:
    """The file as it is in the commit."""
    if clones is not None:
        clone = clones / repository.replace("/", "+")
        command = ["git", "-C", clone, "show", f"{commit}:{path}"]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    url = f"https://raw.githubusercontent.com/{repository}/{commit}/{quote(path)}"
    with urlopen(url, timeout=60) as answer:
        return bytes(answer.read())


def fetch(pictures: Path, folder: Path, clones: Path | None) -> None:
    """Bring what the list names into the folder, and the manifest up to date."""
    manifest = {}
    for kind, repository, commit, path in entries(pictures):
        name = f"{kind}/{repository.partition('/')[2]}-{Path(path).name}"
        target = folder / name
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content(repository, commit, path, clones))
        digest = hashlib.sha256(target.read_bytes()).hexdigest()
        origin = {"repository": repository, "commit": commit, "path": path}
        manifest[name] = {**origin, "sha256": digest}
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")
    print(f"{len(manifest)} files in {folder}")


def main(listing: Path = LIST, description: str | None = __doc__) -> None:
    """The command, of the pictures that are listed there."""
    parser = argparse.ArgumentParser(description=(description or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, help="where the classes' folders are made")
    parser.add_argument("--clones", type=Path, help="take them out of clones in this folder")
    arguments = parser.parse_args()
    fetch(listing, arguments.folder, arguments.clones)


if __name__ == "__main__":
    main()
