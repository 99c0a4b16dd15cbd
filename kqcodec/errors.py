"""Every exception of our own, one tree:

    KqError
    ├── FormatError            a file that is damaged, foreign or refused
    │   ├── SignatureError     not a .kq file, or one mangled by a text-mode transfer
    │   ├── TruncatedError     the file ends before its contents do
    │   ├── ChecksumError      a checksum doesn't match: the bytes were changed
    │   ├── InvalidDataError   checksums match, but a rule of the format is broken
    │   ├── UnsupportedError   valid, but needs a feature that this version lacks
    │   └── LimitError         larger than the limits that guard memory and time
    ├── ImageError             an input picture that can't be read or converted
    │   ├── UnsupportedImageError  it isn't one, or of a kind that isn't read
    │   ├── ColorsError        it can be read, but not in so few colours
    │   └── LabelsError        it can be read, but what it holds isn't labels
    ├── ManifestError          a manifest that is damaged, or of another run
    ├── PaletteError           a palette file that can't be read or used
    ├── ArgumentError          an argument that doesn't fit the file or picture at hand
    ├── UnmetGoalError         no number of colours meets a quality or size that was asked for
    ├── WorkersError           those who were to share the work can't be had
    └── KernelError            the kernels that were asked for aren't there

Arguments that are wrong whatever they are for raise ValueError or TypeError, and the
operating system's refusals stay OSError.
"""

from __future__ import annotations

from typing import Literal

Advice = Literal[
    "undamaged copy",  # get another copy of the file
    "binary transfer",  # transfer it again: a text-mode transfer has changed it
    "kq file",  # give a .kq file
    "convert",  # convert the picture to a common format
    "more colors",  # allow more colours, or put a background behind transparent pixels
    "choose colors",  # choose some of the colours, rather than keep all
    "background",  # put a background behind transparent pixels
    "max pixels",  # raise the limit of pixels, for a file that is trusted
    "part",  # read a part of the picture, or a smaller one
    "one frame",  # take one of the frames
    "box",  # take a box within the picture
    "smaller tiles",
    "lesser goal",
]


class KqError(Exception):
    """The base of every exception that kqcodec defines.

    Attributes:
        advice: what to do, for whoever words it for their users; None where nothing is
            known, or the message says it. Each class has one of its own.
    """

    advice: Advice | None = None

    def __init__(self, message: str = "", advice: Advice | None = None) -> None:
        super().__init__(message)
        if advice is not None:
            self.advice = advice


class FormatError(KqError):
    """A .kq file that is damaged, foreign or refused."""


class SignatureError(FormatError):
    """The bytes don't start with the signature of a .kq file."""

    advice = "kq file"


class TruncatedError(FormatError):
    """The file ends before its contents do."""

    advice = "undamaged copy"


class ChecksumError(FormatError):
    """A checksum doesn't match the bytes that it covers."""

    advice = "undamaged copy"


class InvalidDataError(FormatError):
    """Checksums match, but a rule of the format is broken."""

    advice = "undamaged copy"


class UnsupportedError(FormatError):
    """The file needs a version, coder or section that this reader lacks."""


class LimitError(FormatError):
    """The file is larger than the limits in force, which the caller can raise."""


class ImageError(KqError):
    """An input picture can't be read, or can't be converted without loss that was refused."""


class UnsupportedImageError(ImageError):
    """An input isn't a picture, or is of a kind that Pillow doesn't read."""

    advice = "convert"


class ColorsError(ImageError):
    """A picture can be read, but needs more colours than it may have."""

    advice = "more colors"


class LabelsError(ImageError):
    """What was to be a label map can be read, but doesn't hold labels."""


class ManifestError(KqError):
    """A manifest is damaged, in use, or of another run."""


class PaletteError(KqError):
    """A palette file can't be read, or holds what a palette can't."""


class ArgumentError(KqError, ValueError):
    """An argument doesn't fit the file or picture at hand: a box outside it, tiles that
    are too large, too little memory."""


class UnmetGoalError(KqError):
    """No number of colours meets the quality or size that was asked for."""

    advice = "lesser goal"


class WorkersError(KqError):
    """The processes or machines that were to share the work can't be had."""


class KernelError(KqError):
    """The kernels that KQCODEC_KERNELS asks for aren't available."""
