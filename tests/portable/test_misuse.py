"""kq.h in the hands of who hasn't read its comments: arguments that are outside, calls in another
order, odd addresses, several files and threads."""

from __future__ import annotations

import pytest
from making import KERNELS
from places import VECTORS
from test_header import C99, HERE, compiled, ran
from vector_index import INDEX

pytestmark = [
    pytest.mark.compiled,
    pytest.mark.skipif(not KERNELS.exists(), reason="no C sources here"),
]


@pytest.mark.parametrize(
    "more", [("-fsanitize=address,undefined", "-fno-sanitize-recover=all"), ("-m32",)]
)
def test_misuse_is_refused_or_harmless(more, tmp_path):
    program = tmp_path / "misuse"
    compiled(("gcc", *C99, "-O0", "-pthread", *more), HERE / "misuse.c", out=program)
    vectors = [one for one in INDEX["valid"] if "frames" in one or "dtype" in one][::9]
    vectors += INDEX["valid"][::29]
    assert int(ran(program, *(VECTORS / one["name"] for one in vectors))) == len(vectors)
