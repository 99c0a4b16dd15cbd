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
    ├── UnmetGoalError         no number of colours meets a quality or size that was asked for
    ├── WorkersError           those who were to share the work can't be had
    └── KernelError            the kernels that were asked for aren't there

Wrong arguments raise ValueError or TypeError, and the operating system's
refusals stay OSError.
"""


class KqError(Exception):
    """The base of every exception that kqcodec defines."""


class FormatError(KqError):
    """A .kq file that is damaged, foreign or refused."""


class SignatureError(FormatError):
    """The bytes don't start with the signature of a .kq file."""


class TruncatedError(FormatError):
    """The file ends before its contents do."""


class ChecksumError(FormatError):
    """A checksum doesn't match the bytes that it covers."""


class InvalidDataError(FormatError):
    """Checksums match, but a rule of the format is broken."""


class UnsupportedError(FormatError):
    """The file needs a version, coder or section that this reader lacks."""


class LimitError(FormatError):
    """The file is larger than the limits in force, which the caller can raise."""


class ImageError(KqError):
    """An input picture can't be read, or can't be converted without loss that was refused."""


class UnsupportedImageError(ImageError):
    """An input isn't a picture, or is of a kind that Pillow doesn't read."""


class ColorsError(ImageError):
    """A picture can be read, but needs more colours than it may have."""


class LabelsError(ImageError):
    """What was to be a label map can be read, but doesn't hold labels."""


class ManifestError(KqError):
    """A manifest is damaged, in use, or of another run."""


class PaletteError(KqError):
    """A palette file can't be read, or holds what a palette can't."""


class UnmetGoalError(KqError):
    """No number of colours meets the quality or size that was asked for."""


class WorkersError(KqError):
    """The processes or machines that were to share the work can't be had."""


class KernelError(KqError):
    """The kernels that KQCODEC_KERNELS asks for aren't available."""
