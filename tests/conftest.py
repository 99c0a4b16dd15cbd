"""What every test module shares: which kernels run, and pictures to run on."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from servers import http_site

from kqcodec import kernels

# Examples are drawn from a fixed seed, so that a failure is everybody's failure;
# the noisy machines that tests run on make deadlines meaningless.
settings.register_profile("kqcodec", derandomize=True, deadline=None, print_blob=True)
# The reference kernels are some 100 times slower than the compiled ones.
settings.register_profile("reference", settings.get_profile("kqcodec"), max_examples=25)
if kernels.chosen() == "reference":  # the header says so, and a warning would be an error
    os.environ[kernels.VARIABLE] = "reference"
settings.load_profile("reference" if kernels.chosen() == "reference" else "kqcodec")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out what is marked `compiled` on the reference kernels."""
    if kernels.chosen() != "reference" or "KQCODEC_EVERY_TEST" in os.environ:
        return
    skip = pytest.mark.skip(reason="without compiled kernels only with KQCODEC_EVERY_TEST=1")
    for item in items:
        if item.get_closest_marker("compiled"):
            item.add_marker(skip)


def pytest_report_header() -> str:
    return f"kqcodec kernels: {kernels.chosen()}"


@pytest.fixture(scope="session")
def photograph() -> np.ndarray:
    """A real photograph from scikit-learn, uint8, shape (427, 640, 3)."""
    from sklearn.datasets import load_sample_image

    return load_sample_image("china.jpg")


@pytest.fixture(scope="session")
def portrait() -> np.ndarray:
    """A real photograph from scikit-image, uint8, shape (512, 512, 3)."""
    from skimage import data

    return data.astronaut()


@pytest.fixture(scope="session")
def corpus() -> Path:
    """A folder of images to try, where KQCODEC_CORPUS names one."""
    folder = os.environ.get("KQCODEC_CORPUS", "")
    if not folder:
        pytest.skip("KQCODEC_CORPUS names no folder of images")
    return Path(folder)


@pytest.fixture(scope="module")
def _server():
    with http_site() as site:
        yield site


@pytest.fixture
def site(_server):
    """A web server without files, and without troubles."""
    _server.files.clear()
    _server.asked.clear()
    _server.headers.clear()
    _server.trouble = None
    _server.etags = _server.ranges = _server.insists = True
    return _server


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pause before another attempt to reach a server."""
    monkeypatch.setattr("kqcodec.storage.ranges._PAUSES", (0, 0))


@pytest.fixture
def small_inputs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures may have a megabyte, however many pixels they may have."""
    monkeypatch.setattr("kqcodec.format.limits._INPUT", 1 << 20)
    monkeypatch.setattr("kqcodec.format.limits._INPUT_BYTES_A_PIXEL", 0)
