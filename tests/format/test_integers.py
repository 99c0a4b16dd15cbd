"""Whole numbers as arguments, whatever kind of integer they are."""

import functools
import io
import re

import numpy as np
import pytest
import samples

import kqcodec
import kqcodec.large.dask
from kqcodec.format.integers import whole_number
from kqcodec.kernels import kernels  # noqa: F401 - chosen before any test asks for them

pytestmark = pytest.mark.compiled

PIXELS = np.random.default_rng(5).integers(0, 9, (6, 40, 3), dtype=np.uint8) * 28
BLUE = [(0, 0, 255)]


@functools.cache
def kq_bytes():
    return kqcodec.encode(samples.indexed(40, 36, 5), tile=16)


@functools.cache
def segmentation():
    return kqcodec.segment(PIXELS, 3)


def raw(width=40, height=6):
    return kqcodec.RawPixels(io.BytesIO(PIXELS.tobytes()), width, height)


def streamed(source=None, k=4, **more):
    target = io.BytesIO()
    kqcodec.encode_stream(source or raw(), target, k, **more)
    return target.getvalue()


def dasked(tmp, **more):
    import dask.array

    path = tmp / "a.kq"
    array = dask.array.from_array(PIXELS, chunks=(6, 20, 3))
    kqcodec.large.dask.encode(array, path, **{"k": 4, **more})
    return path.read_bytes()


def written(**more):
    file = io.BytesIO()
    kqcodec.write(file, PIXELS, **{"k": 4, **more})
    return file.getvalue()


def lazily(cache_bytes=9999, **more):
    with kqcodec.open(kq_bytes(), **more).as_array(cache_bytes=cache_bytes) as array:
        return array[:]


def saved(**more):
    file = io.BytesIO()
    import kqcodec.pillow

    kqcodec.IndexedImage(*PALETTED).to_pil().save(file, "KQ", **more)
    return file.getvalue()


PALETTED = (np.array([[1, 2, 3], [4, 5, 6]], np.uint8), np.array([[0, 1]], np.uint8))

# The function and its argument, the call, and a value that is right.
SEARCHES = {
    "quantize": lambda **more: kqcodec.quantize(PIXELS, **{"k": 4, **more}).labels,
    "encode": lambda **more: kqcodec.encode(PIXELS, **{"k": 4, **more}),
    "write": written,
    "kmeans": lambda **more: kqcodec.kmeans(PIXELS[0], None, **{"k": 4, **more}).centers,
    "segment": lambda **more: kqcodec.segment(PIXELS, **{"k": 4, **more}).labels,
    "shared_palette": lambda **more: kqcodec.shared_palette([PIXELS], **{"k": 4, **more}),
    "encode_stream": streamed,
    "html_report": lambda **more: kqcodec.html_report(
        PIXELS[:, :8], **{"k": 3, "effort": "fast", **more}
    ),
}
CALLS = {
    **{(name, "k"): (call, 5) for name, call in SEARCHES.items()},
    **{(name, "seed"): (call, 3) for name, call in SEARCHES.items()},
    **{(name, "restarts"): (call, 2) for name, call in SEARCHES.items()},
    **{(name, "threads"): (call, 1) for name, call in SEARCHES.items() if name != "kmeans"},
    **{
        (name, "tile"): (SEARCHES[name], 16)
        for name in ("encode", "write", "encode_stream", "html_report")
    },
    ("html_report", "source_bytes"): (SEARCHES["html_report"], 1234),
    ("encode_stream", "memory"): (streamed, 1 << 29),
    ("RawPixels", "width"): (lambda width: streamed(raw(width)), 40),
    ("RawPixels", "height"): (lambda height: streamed(raw(height=height)), 6),
    ("elbow", "restarts"): (lambda **more: kqcodec.elbow(PIXELS, [2, 3], **more).to_dict(), 2),
    ("elbow", "threads"): (lambda **more: kqcodec.elbow(PIXELS, [2, 3], **more).to_dict(), 1),
    ("elbow", "k"): (lambda k: kqcodec.elbow(PIXELS, [2, k]).to_dict(), 3),
    ("Elbow.image", "k"): (lambda k: kqcodec.elbow(PIXELS, [2]).image(k).labels, 3),
    ("Elbow.pictures", "k"): (
        lambda k: np.asarray(kqcodec.elbow(PIXELS, [2]).pictures([k])),
        3,
    ),
    ("quantize_to", "most"): (lambda most: kqcodec.quantize_to(PIXELS, psnr=9, most=most).k, 9),
    ("quantize_to", "max_bytes"): (lambda **a: kqcodec.quantize_to(PIXELS, **a).k, 200),
    ("quantize_to", "threads"): (lambda **a: kqcodec.quantize_to(PIXELS, psnr=9, **a).k, 1),
    ("quantize_to", "tile"): (lambda **a: kqcodec.quantize_to(PIXELS, max_bytes=300, **a).k, 16),
    ("encode, indexed", "tile"): (
        lambda tile: kqcodec.encode(samples.indexed(40, 36, 5), tile=tile),
        16,
    ),
    ("encode, a pair", "tile"): (
        lambda tile: kqcodec.encode(samples.indexed(40, 36, 5), tile=(16, tile)),
        32,
    ),
    ("encode, indexed", "threads"): (
        lambda **a: kqcodec.encode(samples.indexed(40, 36, 5), **a),
        1,
    ),
    **{
        (name, argument): (call, value)
        for name, call in {
            "decode": lambda **a: kqcodec.decode(kq_bytes(), **a),
            "decode, recovering": lambda **a: kqcodec.decode(kq_bytes(), errors="recover", **a),
            "read": lambda **a: kqcodec.read(kq_bytes(), **a).labels,
            "open": lambda **a: kqcodec.open(kq_bytes(), **a).read().labels,
            "KqFile.as_array": lazily,
        }.items()
        for argument, value in (("threads", 1), ("max_pixels", 5000))
    },
    ("KqFile.scaled", "times"): (lambda times: kqcodec.open(kq_bytes()).scaled(times), 3),
    ("KqFile.region", "box"): (
        lambda box: kqcodec.open(kq_bytes()).region((1, 1, box, 9)).labels,
        7,
    ),
    ("KqFile.as_array", "cache_bytes"): (lazily, 9999),
    ("Segmentation.mask", "label"): (lambda label: segmentation().mask(label), 2),
    ("Segmentation.components", "connectivity"): (lambda **a: segmentation().components(**a), 4),
    ("Pillow", "tile"): (saved, 16),
    ("dask.decode", "max_pixels"): (
        lambda **a: kqcodec.large.dask.decode(kq_bytes(), **a).compute(scheduler="synchronous"),
        5000,
    ),
    **{
        (name, "background"): (lambda background, call=call: call((1, background, 3)), 7)
        for name, call in {
            "quantize": lambda b: kqcodec.quantize(PIXELS, 4, background=b).labels,
            "to_rgb": lambda b: kqcodec.IndexedImage(*PALETTED).to_rgb(b),
        }.items()
    },
    ("quantize", "pins"): (
        lambda pins: kqcodec.quantize(PIXELS, 4, pins=[(1, 2, pins)]).palette,
        3,
    ),
    ("quantize", "palette"): (
        lambda palette: kqcodec.quantize(PIXELS, palette=[(1, 2, palette)]).palette,
        3,
    ),
    ("recover", "fill"): (lambda fill: kqcodec.open(kq_bytes()).recover(fill=(1, 2, fill)).fill, 3),
}
CASES = [
    pytest.param(call, argument, value, id=f"{name}: {argument}")
    for (name, argument), (call, value) in CALLS.items()
]
MAY_BE_NONE = {"threads", "max_pixels", "tile", "source_bytes", "max_bytes"}
# Where any number of digits is a value like others.
UNBOUNDED = {"seed", "threads", "max_pixels", "cache_bytes", "memory", "max_bytes"}


def same(a, b):
    return bool(np.array_equal(a, b)) if isinstance(a, np.ndarray) else a == b


class Index:
    def __init__(self, value):
        self.value = value

    def __index__(self):
        return self.value


@pytest.mark.parametrize(("call", "argument", "value"), CASES)
def test_every_kind_of_integer_is_one(call, argument, value):
    wanted = call(**{argument: value})
    kinds = [np.int64, np.uint16, Index] if value < 1 << 16 else [np.int64, Index]
    for kind in kinds:
        assert same(call(**{argument: kind(value)}), wanted), kind


@pytest.mark.parametrize(("call", "argument", "value"), CASES)
def test_what_is_no_integer_is_told(call, argument, value):
    odd = [float(value), np.float64(value), True, np.True_, str(value), np.array(value), [value]]
    odd += [float("nan"), None] if argument not in MAY_BE_NONE else [float("nan")]
    if argument == "tile":  # a pair of sides is a tile
        odd[-2] = [value, value, value]
    for wrong in odd:
        if wrong is None and argument == "k":
            continue  # where no k is given, something else may be
        with pytest.raises((TypeError, ValueError), match=rf"\b{re.escape(argument)}\b"):
            call(**{argument: wrong})


@pytest.mark.parametrize(("call", "argument", "value"), CASES)
@pytest.mark.parametrize("digits", [30, 5000])
@pytest.mark.parametrize("sign", [1, -1])
def test_huge_numbers_are_taken_or_told(call, argument, value, sign, digits):
    huge = sign * 10**digits
    if argument in UNBOUNDED and (huge > 0 or argument == "seed"):
        call(**{argument: huge})
    else:
        with pytest.raises((TypeError, ValueError), match=rf"\b{re.escape(argument)}\b"):
            call(**{argument: huge})


@pytest.mark.parametrize("argument", ["k", "seed", "restarts", "tile"])
def test_dask_takes_every_kind_too(argument, tmp_path):
    value = {"k": 5, "seed": 3, "restarts": 2, "tile": 16}[argument]
    wanted = dasked(tmp_path, **{argument: value})
    assert dasked(tmp_path, **{argument: np.int64(value)}) == wanted
    for wrong in (float(value), True, str(value), np.array(value)):
        with pytest.raises((TypeError, ValueError), match=rf"\b{argument}\b"):
            dasked(tmp_path, **{argument: wrong})


def test_ks_may_be_an_array():
    assert kqcodec.elbow(PIXELS, np.arange(2, 5)).to_dict() == (
        kqcodec.elbow(PIXELS, range(2, 5)).to_dict()
    )


def test_the_sentences():
    assert whole_number(np.uint8(200), "n") + 100 == 300
    for value, kind in ((8.0, "float"), (True, "bool"), ("8", "str"), (None, "None")):
        with pytest.raises(TypeError, match=rf"^n must be a whole number, not {kind}$"):
            whole_number(value, "n")
    with pytest.raises(ValueError, match=r"^n must be at least 1, not -1,000$"):
        whole_number(-1000, "n", 1)
    with pytest.raises(ValueError, match=r"^n must be in 1\.\.9,999, not 10,000$"):
        whole_number(10_000, "n", 1, 9999)
    with pytest.raises(ValueError, match=r"^n must be in 1\.\.2, not one of very many digits$"):
        whole_number(10**9999, "n", 1, 2)
