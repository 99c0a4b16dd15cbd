"""What terminals can show, by their environment and answers."""

import pytest

from kqcodec.show.terminal import abilities
from kqcodec.show.terminal.abilities import Answers

pytestmark = pytest.mark.compiled


@pytest.mark.parametrize(
    ("environ", "answers", "expected"),
    [
        ({"TERM": "xterm-256color"}, Answers(), "blocks"),
        ({"TERM": "xterm-256color"}, Answers(sixel=True), "sixel"),
        ({"TERM": "foot"}, Answers(), "sixel"),
        ({"TERM": "xterm-kitty"}, Answers(sixel=True), "kitty"),
        ({"TERM": "xterm-kitty"}, None, "blocks"),  # a pipe
        ({"TERM": "xterm-256color", "KITTY_WINDOW_ID": "1"}, Answers(), "kitty"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "WezTerm"}, Answers(), "kitty"),
        ({"TERM": "xterm-ghostty"}, Answers(), "kitty"),
        ({"TERM": "screen-256color", "KITTY_WINDOW_ID": "1"}, Answers(), "blocks"),
        ({"TERM": "xterm-kitty", "TMUX": "/tmp/x"}, Answers(sixel=True), "sixel"),
        ({"TERM": "xterm-kitty", "NO_COLOR": "1"}, Answers(), "shades"),
        ({"TERM": "dumb"}, Answers(sixel=True), "shades"),
        ({"NO_COLOR": ""}, None, "shades"),
        ({}, None, "blocks"),
    ],
)
def test_the_best_that_is_understood(environ, answers, expected):
    assert abilities.graphics_of(environ, answers) == expected


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"TERM": "xterm-256color"}, False),
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, True),
        ({"COLORTERM": "24bit"}, True),
        ({"TERM": "xterm-direct"}, True),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "Apple_Terminal"}, False),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "iTerm.app"}, True),
        ({"TERM": "xterm-kitty"}, True),
        ({}, False),
    ],
)
def test_all_colors_or_256(environ, expected):
    assert abilities.shows_true_colors(environ) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\x1b[6;20;9t\x1b[?62;4;22c", Answers(True, (9, 20))),
        ("\x1b[?62;22c", Answers()),
        ("ls\n\x1b[?1;4c", Answers(sixel=True)),  # after what was typed ahead
        ("\x1b[?4;6c", Answers()),  # a class
        ("\x1b[?64;14c", Answers()),
        ("\x1b[6;0;9t\x1b[?6c", Answers()),
        ("\x1b[6;20;9t", Answers(cell=(9, 20))),  # nothing else came in time
        ("", Answers()),
    ],
)
def test_answers(text, expected):
    assert abilities.answers_of(text) == expected
    assert abilities.is_answered(text) is text.endswith("c")
