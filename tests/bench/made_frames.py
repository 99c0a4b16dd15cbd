"""Animations drawn anew: replayed terminals, scrolling text, windows, pixel art.

    python tests/bench/made_frames.py FOLDER [--seed 1]

saves a GIF of each kind below into FOLDER/made-screen and FOLDER/made-art. The same seed draws
the same frames under the same Pillow; another one gives other words, tiles and colours. A frame
is made as labels of one palette of at most 256 colours: letters have soft edges of 15 steps
between ground and ink, as terminals draw them. `made_recording.py` draws longer ones.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from made_pictures import color, terrain, words
from PIL import Image, ImageDraw, ImageFont

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Random = np.random.Generator
Labels = np.ndarray[Any, np.dtype[np.uint8]]
Palette = list[tuple[int, ...]]

STEPS = 16  # of a letter's edge: a colour of ink has so many entries, the first of them the ground
INKS = ((220, 220, 215), (130, 200, 110), (230, 190, 90), (225, 100, 95), (110, 160, 240))
GROUND = (24, 26, 32)
PLAIN, GREEN, YELLOW, RED, BLUE = range(len(INKS))


def ramps(ground: tuple[int, ...], inks: tuple[tuple[int, ...], ...]) -> Palette:
    """For each ink the colours from the ground to it."""
    return [
        tuple(
            low + (high - low) * step // (STEPS - 1) for low, high in zip(ground, ink, strict=True)
        )
        for ink in inks
        for step in range(STEPS)
    ]


class Letters:
    """The printable characters of ASCII in cells of one size."""

    def __init__(self, width: int, height: int, soft: bool = True) -> None:
        font = ImageFont.load_default(height * 3 // 4)
        self.cells = np.zeros((128, height, width), np.uint8)
        for code in range(33, 127):
            cell = Image.new("L", (width, height))
            draw = ImageDraw.Draw(cell)
            draw.fontmode = "L" if soft else "1"
            draw.text((width / 2, height / 8), chr(code), 255, font, anchor="ma")
            self.cells[code] = (np.asarray(cell).astype(int) * (STEPS - 1) + 127) // 255

    def drawn(self, text: Labels, inks: Labels) -> Labels:
        """Labels of characters and their inks, shape (rows, columns) each."""
        cells = self.cells[text]
        cells = np.where(cells, cells + STEPS * inks[..., None, None], 0).astype(np.uint8)
        rows, columns, height, width = cells.shape
        return cells.transpose(0, 2, 1, 3).reshape(rows * height, columns * width)


class Terminal:
    """A grid of characters that scrolls."""

    def __init__(self, columns: int, rows: int, letters: Letters) -> None:
        self.text = np.full((rows, columns), ord(" "), np.uint8)
        self.inks = np.zeros((rows, columns), np.uint8)
        self.letters = letters
        self.row = self.column = 0

    def write(self, text: str, ink: int = PLAIN) -> None:
        for letter in text:
            if letter == "\n" or self.column == self.text.shape[1]:
                self.new_line()
            if letter != "\n":
                self.text[self.row, self.column] = ord(letter)
                self.inks[self.row, self.column] = ink
                self.column += 1

    def new_line(self) -> None:
        self.column = 0
        if self.row + 1 < self.text.shape[0]:
            self.row += 1
            return
        self.text = np.vstack([self.text[1:], np.full_like(self.text[:1], ord(" "))])
        self.inks = np.vstack([self.inks[1:], np.zeros_like(self.inks[:1])])

    def at(self, row: int, column: int, text: str, ink: int = PLAIN) -> None:
        self.row, self.column = row, column
        self.write(text, ink)

    def frame(self, cursor: bool = False) -> Labels:
        labels = self.letters.drawn(self.text, self.inks)
        if cursor and self.column < self.text.shape[1]:
            height, width = self.letters.cells.shape[1:]
            y, x = self.row * height, self.column * width
            labels[y : y + height, x : x + width] = STEPS - 1
        return labels


def session(random: Random) -> Iterator[Labels]:
    """Commands are typed, what they print comes a few lines at a time."""
    terminal = Terminal(80, 24, Letters(8, 17))
    for _ in range(6):
        terminal.write("user@host", GREEN)
        terminal.write(":~/work$ ", BLUE)
        yield terminal.frame(cursor=True)
        for letter in " ".join(words(random, int(random.integers(2, 6)))):
            terminal.write(letter)
            yield terminal.frame(cursor=True)
        terminal.write("\n")
        for line in range(int(random.integers(3, 14))):
            ink = random.choice([PLAIN, PLAIN, PLAIN, GREEN, YELLOW, RED])
            terminal.write(" ".join(words(random, int(random.integers(1, 9)))) + "\n", ink)
            if line % 2 == 0:
                yield terminal.frame()


def log(random: Random) -> Iterator[Labels]:
    """Lines without soft edges that scroll."""
    terminal = Terminal(110, 36, Letters(7, 14, soft=False))
    levels = (("INFO ", GREEN), ("DEBUG", BLUE), ("WARN ", YELLOW), ("ERROR", RED))
    for second in range(90):
        for _ in range(int(random.integers(0, 4))):
            name, ink = levels[min(int(random.geometric(0.55)) - 1, 3)]
            terminal.write(f"12:{second // 60:02}:{second % 60:02}.{random.integers(1000):03} ")
            terminal.write(name, ink)
            terminal.write(f" {' '.join(words(random, 9))[:88]}\n")
        yield terminal.frame()


def progress(random: Random) -> Iterator[Labels]:
    """Bars that grow, each with its percentage, and something that turns."""
    terminal = Terminal(70, 9, Letters(9, 18))
    names = words(random, 6)
    speeds = random.integers(4, 20, 6)
    for step in range(120):
        terminal.at(0, 0, "|/-\\"[step % 4] + f" {step / 10:5.1f} s", YELLOW)
        for row, (name, speed) in enumerate(zip(names, speeds.tolist(), strict=True), 2):
            done = min(step * speed // 10, 100)
            terminal.at(row, 0, f"{name[:12]:<13}")
            terminal.at(row, 14, "#" * (done * 45 // 100), GREEN if done == 100 else BLUE)
            terminal.at(row, 61, f"{done:3}%")
        yield terminal.frame()


def processes(random: Random) -> Iterator[Labels]:
    """A table sorted by numbers that change, so that its rows change places."""
    terminal = Terminal(90, 30, Letters(8, 16))
    names = words(random, 28)
    load = random.exponential(5, 28)
    for _ in range(60):
        load = 0.9 * load + random.exponential(0.5, 28)
        terminal.at(0, 0, f"{'pid':>7} {'load':>7} {'memory':>9}  name", YELLOW)
        for row, place in enumerate(np.argsort(-load, kind="stable").tolist(), 1):
            memory = place * 7919 % 4000
            line = f"{1000 + place:7} {load[place]:7.1f} {memory:9,}  {names[place]:<40}"
            terminal.at(row, 0, line, RED if load[place] > 10 else PLAIN)
        yield terminal.frame()


def editor(random: Random) -> Iterator[Labels]:
    """Code that is scrolled smoothly, by more and less pixels a frame."""
    terminal = Terminal(75, 140, Letters(8, 16))
    indent = 0
    for row in range(140):
        terminal.at(row, 0, f"{row + 1:4} ", YELLOW)
        indent = int(np.clip(indent + random.integers(-1, 2), 0, 5))
        column = 5 + 4 * indent
        for word in words(random, int(random.integers(0, 8))):
            if column + len(word) < 75:
                terminal.at(row, column, word, len(word) % len(INKS))
                column += len(word) + 1
    whole = terminal.frame()
    y = 0
    for step in range(100):
        y += (0, 2, 5, 16, 24, 16, 5, 2, 0, 0)[step // 2 % 10]
        yield whole[y : y + 400]


def credits_roll(random: Random) -> Iterator[Labels]:
    """Lines in the middle of the picture that rise by two pixels a frame."""
    height = 460
    roll = Image.new("L", (480, 700))
    draw = ImageDraw.Draw(roll)
    for y in range(200, 640, 26):
        font = ImageFont.load_default(int(random.integers(14, 22)))
        draw.text((240, y), " ".join(words(random, 3)), 255, font, anchor="ma")
    whole = ((np.asarray(roll).astype(int) * (STEPS - 1) + 127) // 255).astype(np.uint8)
    for y in range(0, 700 - height, 2):
        yield whole[y : y + height]


def windows(random: Random) -> Iterator[Labels]:
    """A window is dragged over a desktop of icons by a pointer."""
    desktop = Terminal(80, 30, Letters(8, 16))
    for row in range(2, 28, 5):
        for column, name in zip(range(2, 80, 13), words(random, 6), strict=True):
            desktop.at(row, column, name[:10], int(random.integers(len(INKS))))
    ground = desktop.frame()
    inside = Terminal(40, 12, Letters(7, 15))
    inside.write(" ".join(words(random, 2))[:38] + "\n\n", GREEN)
    for _ in range(9):
        inside.write(" ".join(words(random, 5))[:38] + "\n")
    window = np.full((12 * 15 + 30, 40 * 7 + 8), STEPS * len(INKS) - 1, np.uint8)
    window[26:-4, 4:-4] = inside.frame()
    pointer = np.tri(14, 14, dtype=bool)[:, :10]
    place, speed = np.array([20.0, 30.0]), np.array([3.0, 7.0])
    for _ in range(90):
        speed = np.where((place + speed < 0) | (place + speed > [260, 350]), -speed, speed)
        place += speed
        y, x = place.astype(int).tolist()
        frame = ground.copy()
        frame[y : y + window.shape[0], x : x + window.shape[1]] = window
        frame[y + 8 : y + 22, x + 60 : x + 70][pointer] = STEPS - 1
        yield frame


def sprite(random: Random, side: int, first: int, colors: int) -> Labels:
    """A figure that is the same on both sides; 0 is what is seen through."""
    half = (random.random((side // 2, side // 4)) < 0.6).repeat(2, 0).repeat(2, 1)
    inks = first + random.integers(0, colors, (side // 4, side // 4)).repeat(4, 0).repeat(2, 1)
    half = np.where(half, inks, 0).astype(np.uint8)
    return np.hstack([half, half[:, ::-1]])


def grain(random: Random, *shape: int) -> np.ndarray:
    """Shades of a colour, mostly the first."""
    return np.maximum(random.integers(-12, 4, shape), 0)


def tile_map(random: Random, columns: int, rows: int) -> Labels:
    """Tiles of 16 x 16 with some grain in six kinds of ground, of labels from 1 to 24."""
    tiles = 1 + 4 * np.arange(6)[:, None, None] + grain(random, 6, 16, 16)
    cells = tiles[terrain(random, columns, rows, 6)]
    return cells.transpose(0, 2, 1, 3).reshape(16 * rows, 16 * columns).astype(np.uint8)


def put(frame: Labels, figure: Labels, y: int, x: int) -> None:
    """What isn't 0, as far as it is within the frame."""
    part = frame[y : y + figure.shape[0], x : x + figure.shape[1]]
    figure = figure[: part.shape[0], : part.shape[1]]
    part[figure > 0] = figure[figure > 0]


def camera(random: Random) -> Iterator[Labels]:
    """A map moves under walking figures."""
    ground = tile_map(random, 44, 30)
    figures = [[sprite(random, 16, 25, 12) for _ in range(2)] for _ in range(5)]
    places = random.integers(0, 200, (5, 2))
    for step in range(60):
        frame = ground[step : step + 224, 2 * step : 2 * step + 320].copy()
        for (y, x), poses in zip(places.tolist(), figures, strict=True):
            put(frame, poses[step // 6 % 2], (y + step) % 208, (x + 3 * step) % 300)
        yield frame


def parallax(random: Random) -> Iterator[Labels]:
    """Three layers pass at different speeds behind a figure that runs on the spot."""
    frame_width, height = 320, 180
    sky = (1 + np.arange(height) // 20).astype(np.uint8)[:, None]
    layers = []
    for layer in range(3):
        heights = abs(np.cumsum(random.integers(-2, 3, 160)) % 100 - 50) + 30 * (2 - layer)
        mask = np.arange(height)[::-1, None] < heights.repeat(4)[None]
        ground = 13 + 4 * layer + grain(random, height, 640)
        layers.append(np.where(mask, ground, 0).astype(np.uint8))
    poses = [sprite(random, 24, 25, 12) for _ in range(4)]
    for step in range(60):
        frame = np.repeat(sky, frame_width, 1)
        for speed, layer in enumerate(layers, 1):
            put(frame, np.roll(layer, -speed * step, 1), 0, 0)
        put(frame, poses[step // 3 % 4], 130, 140)
        yield frame


def fire(random: Random) -> Iterator[Labels]:
    """Heat rises, and is lost on its way: an old effect of demonstrations."""
    heat = np.zeros((72, 120), np.int64)
    for step in range(100):
        heat[-1] = random.integers(20, 37, 120)
        drift = random.integers(-1, 2, heat.shape)
        columns = (np.arange(120) + drift[1:]) % 120
        heat[:-1] = np.maximum(np.take_along_axis(heat[1:], columns, 1) - (drift[1:] > 0), 0)
        if step >= 50:
            yield heat.astype(np.uint8).repeat(2, 0).repeat(2, 1)


def life(random: Random) -> Iterator[Labels]:
    """Conway's, in cells of 4 x 4; what died lately can be seen."""
    alive = random.random((60, 80)) < 0.3
    age = np.zeros(alive.shape, np.int64)
    for _ in range(60):
        near = sum(np.roll(alive, (y, x), (0, 1)) for y in (-1, 0, 1) for x in (-1, 0, 1))
        age = np.where(alive, 9, np.maximum(age - 1, 0))
        yield age.astype(np.uint8).repeat(4, 0).repeat(4, 1)
        alive = (near == 3) | (alive & (near == 4))


def figures(random: Random) -> Iterator[Labels]:
    """Figures on nothing cross each other, larger ones behind."""
    shown = [
        [sprite(random, side, 1, 30) for _ in range(3)]
        for side in (64, 48, 32, 32, 24)
        for _ in "x"
    ]
    speeds = random.integers(1, 5, (5, 2))
    for step in range(72):
        frame = np.zeros((160, 200), np.uint8)
        for poses, (down, right) in zip(shown, speeds.tolist(), strict=True):
            y, x = down * step % 180 - 20, right * step % 220 - 20
            put(frame, poses[step // 4 % 3], max(y, 0), max(x, 0))
        yield frame


def shades(random: Random, groups: int) -> Palette:
    """A ground, then groups of four like colours."""
    bases = [color(random, 20, 220) for _ in range(groups)]
    lighter = [tuple(part + 8 * step for part in base) for base in bases for step in range(4)]
    return [(16, 16, 24), *lighter]


SCREENS = (session, log, progress, processes, editor, credits_roll, windows)
ART = (camera, parallax, fire, life, figures)


def save(
    draw: Callable[[Random], Iterator[Labels]], random: Random, palette: Palette, target: Path
) -> None:
    images = []
    for labels in draw(random):
        image = Image.fromarray(labels, "P")
        image.putpalette([channel for entry in palette for channel in entry])
        images.append(image)
    options = {"transparency": 0, "disposal": 2} if draw is figures else {}
    images[0].save(target, save_all=True, append_images=images[1:], duration=100, loop=0, **options)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    for kind, drawings in (("made-screen", SCREENS), ("made-art", ART)):
        folder = arguments.folder / kind
        folder.mkdir(parents=True, exist_ok=True)
        for place, draw in enumerate(drawings):
            random = np.random.default_rng([arguments.seed, place])
            palette = ramps(GROUND, INKS) if drawings is SCREENS else shades(random, 10)
            name = f"{draw.__name__.replace('_', '-')}-{arguments.seed}.gif"
            save(draw, random, palette, folder / name)


if __name__ == "__main__":
    main()
