"""Fetches the public animations of `frame_pictures.list`: nobody looked at them while tuning.

    python tests/bench/frame_pictures.py FOLDER [--clones CLONES]
    python tests/bench/made_frames.py FOLDER
    python tests/bench/frames.py FOLDER

saves each in FOLDER/CLASS: recordings of screens, art drawn pixel by pixel, and film;
`pictures.py` tells of clones and FOLDER/manifest.json. All are GIF files below 1.1 MB.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from pictures import fetch

LIST = Path(__file__).with_suffix(".list")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="where the classes' folders are made")
    parser.add_argument("--clones", type=Path, help="take them out of clones in this folder")
    arguments = parser.parse_args()
    fetch(LIST, arguments.folder, arguments.clones)


if __name__ == "__main__":
    main()
