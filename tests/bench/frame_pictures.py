"""Fetches the public animations of `frame_pictures.list`: nobody looked at them while tuning.

    python tests/bench/frame_pictures.py FOLDER [--clones CLONES]
    python tests/bench/made_frames.py FOLDER
    python tests/bench/frames.py FOLDER

saves each in FOLDER/CLASS: recordings of screens, art drawn pixel by pixel, and film;
`pictures.py` tells of clones and FOLDER/manifest.json. All are GIF files below 1.1 MB.
"""

from __future__ import annotations

from pathlib import Path

from pictures import main

LIST = Path(__file__).with_suffix(".list")

if __name__ == "__main__":
    main(LIST, __doc__)
