"""Pictures that repeat themselves, drawn anew: tile maps, screens of text, tables.

    python tests/bench/made_pictures.py FOLDER [--seed 1]

saves one PNG of each kind below into FOLDER. The same seed draws the same picture under the
same Pillow; another one gives other words, tiles and colours, which nobody tuned to.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

if TYPE_CHECKING:
    from collections.abc import Callable

Random = np.random.Generator
Color = tuple[int, ...]
SIZE = (800, 500)


def color(random: Random, low: int = 0, high: int = 256) -> Color:
    return tuple(random.integers(low, high, 3).tolist())


def words(random: Random, count: int) -> list[str]:
    """Made of syllables; the early ones come far more often, as in a language."""
    syllables = [a + b for a in "bdfgklmnprstvz" for b in ("a", "e", "i", "o", "u", "an", "er")]
    random.shuffle(syllables)
    vocabulary = ["".join(random.choice(syllables, random.integers(1, 4))) for _ in range(300)]
    return [vocabulary[i] for i in np.minimum(random.zipf(1.3, count), 300) - 1]


def blank(ground: Color, size: tuple[int, int] = SIZE) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    image = Image.new("RGB", size, ground)
    return image, ImageDraw.Draw(image)


def terrain(random: Random, width: int, height: int, kinds: int) -> np.ndarray:
    """Kinds of ground in coherent areas, and now and then one of any kind."""
    noise = Image.fromarray(random.integers(0, 256, (height, width), dtype=np.uint8))
    smooth = np.asarray(noise.filter(ImageFilter.GaussianBlur(2.5))).astype(int)
    ranks = smooth.ravel().argsort().argsort().reshape(smooth.shape)
    ground = ranks * (kinds - 2) // ranks.size
    return np.where(
        random.random(ground.shape) < 0.05, random.integers(0, kinds, ground.shape), ground
    )


def tile(random: Random, side: int, texture: int) -> Image.Image:
    """A grainy square with a few shapes on it."""
    grain = random.integers(0, texture, (side, side, 1)) + np.array(color(random, 0, 256 - texture))
    image = Image.fromarray(grain.astype(np.uint8))
    draw = ImageDraw.Draw(image)
    for _ in range(random.integers(0, 4)):
        x, y = np.sort(random.integers(0, side, (2, 2)), axis=1).tolist()
        [draw.ellipse, draw.rectangle][random.integers(2)]((x[0], y[0], x[1], y[1]), color(random))
    return image


def pasted(
    random: Random, texture: int, step: tuple[int, int], skew: int, mask: Image.Image
) -> Image.Image:
    """Masked tiles ``step`` apart, each second row moved by ``skew``."""
    tiles = [tile(random, max(mask.size), texture).crop((0, 0, *mask.size)) for _ in range(12)]
    image, _ = blank(color(random))
    columns, rows = SIZE[0] // step[0] + 2, SIZE[1] // step[1] + 2
    for (row, column), kind in np.ndenumerate(terrain(random, columns, rows, len(tiles))):
        place = (column * step[0] - row % 2 * skew, row * step[1] - step[1] // 2)
        image.paste(tiles[kind], place, mask)
    return image


def shape(width: int, height: int, corners: list[tuple[float, float]]) -> Image.Image:
    mask = Image.new("1", (width, height))
    ImageDraw.Draw(mask).polygon([(x * width, y * height) for x, y in corners], fill=1)
    return mask


def square_tiles(random: Random) -> Image.Image:
    return pasted(random, 24, (16, 16), 0, Image.new("1", (16, 16), 1))


def flat_tiles(random: Random) -> Image.Image:
    return pasted(random, 1, (32, 32), 0, Image.new("1", (32, 32), 1))


def hexagonal_tiles(random: Random) -> Image.Image:
    corners = [(0.5, 0), (1, 0.25), (1, 0.75), (0.5, 1), (0, 0.75), (0, 0.25)]
    return pasted(random, 8, (27, 23), 13, shape(26, 30, corners))


def diamond_tiles(random: Random) -> Image.Image:
    corners = [(0.5, 0), (1, 0.5), (0.5, 1), (0, 0.5)]
    return pasted(random, 12, (48, 12), 24, shape(47, 24, corners))


def terminal(random: Random) -> Image.Image:
    """Lines of a log, in letters without soft edges: a time, a level, words."""
    image, draw = blank((18, 18, 24))
    draw.fontmode = "1"
    font = ImageFont.load_default(11)
    levels = {"INFO": (90, 200, 120), "DEBUG": (120, 150, 220), "WARN": (230, 190, 80)}
    for row, y in enumerate(range(2, SIZE[1], 14)):
        level = random.choice(list(levels), p=[0.6, 0.3, 0.1])
        draw.text((4, y), f"12:{row // 6:02}:{row * 7 % 60:02}", (130, 130, 130), font)
        draw.text((64, y), level, levels[level], font)
        draw.text((112, y), " ".join(words(random, 12)), (210, 210, 210), font)
    return image


def editor(random: Random) -> Image.Image:
    """Indented lines with a number each; every word keeps its colour."""
    image, draw = blank((250, 250, 246))
    font = ImageFont.load_default(13)
    palette = [color(random, 0, 160) for _ in range(6)]
    indent = 0
    for row, y in enumerate(range(2, SIZE[1], 17), 1):
        draw.text((36, y), str(row), (160, 160, 160), font, anchor="ra")
        indent = int(np.clip(indent + random.integers(-1, 2), 0, 5))
        x = 48 + 26 * indent
        for word in words(random, random.integers(0, 9)):
            draw.text((x, y), word, palette[len(word) % len(palette)], font)
            x += int(draw.textlength(word + " ", font))
    return image


def spreadsheet(random: Random) -> Image.Image:
    """A grid with heads, names at the left and figures at the right of their cells."""
    image, draw = blank((255, 255, 255))
    font = ImageFont.load_default(12)
    draw.rectangle((0, 0, SIZE[0], 19), (225, 228, 235))
    chosen = random.integers(1, SIZE[1] // 20)
    draw.rectangle((0, 20 * chosen, SIZE[0], 20 * chosen + 19), (205, 225, 255))
    for x in range(0, SIZE[0], 80):
        draw.line((x, 0, x, SIZE[1]), (200, 200, 200))
        for y in range(0, SIZE[1], 20):
            draw.line((0, y, SIZE[0], y), (200, 200, 200))
            if y == 0 or x == 0:
                draw.text((x + 4, y + 3), words(random, 1)[0], (40, 40, 40), font)
            else:
                figure = f"{random.lognormal(4, 2):,.2f}"
                draw.text((x + 76, y + 3), figure, (0, 0, 0), font, anchor="ra")
    return image


def table_of_icons(random: Random) -> Image.Image:
    """A file manager: few kinds of icons, each with a name below."""
    image, draw = blank((245, 246, 248))
    font = ImageFont.load_default(11)
    side = 48
    icons = []
    for _ in range(5):
        large = tile(random, 4 * side, 1)
        mask = Image.new("L", large.size)
        ImageDraw.Draw(mask).rounded_rectangle((0, 0, 4 * side - 1, 4 * side - 1), 40, 255)
        icons.append((large.resize((side, side)), mask.resize((side, side))))
    for y in range(10, SIZE[1] - side, 82):
        for x in range(16, SIZE[0] - side, 80):
            icon, mask = icons[random.integers(len(icons))]
            image.paste(icon, (x, y), mask)
            name = " ".join(words(random, 1))
            draw.text((x + side // 2, y + side + 4), name, (50, 50, 50), font, anchor="ma")
    return image


def dashboard(random: Random) -> Image.Image:
    """Cards, all drawn alike, with bars of different heights."""
    image, draw = blank((236, 239, 244))
    font = ImageFont.load_default(14)
    bar = color(random, 40, 200)
    for y in range(12, SIZE[1] - 100, 122):
        for x in range(12, SIZE[0] - 150, 196):
            draw.rounded_rectangle((x, y, x + 184, y + 110), 8, (255, 255, 255), (210, 214, 222))
            draw.text((x + 10, y + 6), " ".join(words(random, 2)), (60, 66, 80), font)
            for place, height in enumerate(random.integers(4, 70, 12).tolist()):
                left = x + 12 + 14 * place
                draw.rectangle((left, y + 100 - height, left + 9, y + 100), bar)
    return image


def wallpaper(random: Random) -> Image.Image:
    """One tile with the colours of noise, over and over, at a period that divides nothing."""
    pattern = np.asarray(tile(random, 53, 60).filter(ImageFilter.GaussianBlur(1)))
    repeats = (SIZE[1] // 53 + 1, SIZE[0] // 53 + 1, 1)
    return Image.fromarray(np.tile(pattern, repeats)[: SIZE[1], : SIZE[0]])


KINDS: tuple[Callable[[Random], Image.Image], ...] = (
    square_tiles,
    flat_tiles,
    hexagonal_tiles,
    diamond_tiles,
    terminal,
    editor,
    spreadsheet,
    table_of_icons,
    dashboard,
    wallpaper,
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for place, draw in enumerate(KINDS):
        picture = draw(np.random.default_rng([arguments.seed, place]))
        picture.save(arguments.folder / f"{draw.__name__.replace('_', '-')}-{arguments.seed}.png")


if __name__ == "__main__":
    main()
