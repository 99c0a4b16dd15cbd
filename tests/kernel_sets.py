"""Both sets of kernels, for tests that compare them or go through each."""

from __future__ import annotations

import pytest

from kqcodec.errors import KernelError
from kqcodec.kernels import load, reference

try:
    compiled = load("compiled")
except KernelError:
    compiled = None

needs_compiled = pytest.mark.skipif(compiled is None, reason="the compiled kernels aren't built")
both = [reference, *([compiled] if compiled else [])]
each_kernel = pytest.mark.parametrize("kernel", both, ids=lambda kernel: kernel.__name__)
fastest = compiled or reference
