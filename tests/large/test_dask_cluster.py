"""Clusters that can't do it: workers that lack a class, workers and schedulers that are gone."""

import importlib
import os
import signal
import threading
import time

import numpy as np
import pytest
from commands import kq, refusal
from PIL import Image
from servers import dask_processes
from slow_array import Slow

from kqcodec.cli.screen import failures
from kqcodec.errors import WorkersError

distributed = pytest.importorskip("distributed")
da = pytest.importorskip("dask.array")

import kqcodec.large.dask as kq_dask  # noqa: E402 - skipped where Dask isn't installed
from kqcodec.large import dask_cluster as clusters  # noqa: E402
from kqcodec.large.dask import task_sizes  # noqa: E402

pytestmark = pytest.mark.compiled

# An array of a class that other processes don't find.
SOURCE = """
import time

class Source:
    ndim = 3

    def __init__(self, array, seconds=0):
        self.array, self.seconds = array, seconds
        self.shape, self.dtype = array.shape, array.dtype

    def __getitem__(self, key):
        time.sleep(self.seconds)
        return self.array[key]
"""


@pytest.fixture(scope="module")
def cluster():
    with distributed.LocalCluster(
        n_workers=1,
        threads_per_worker=1,
        processes=True,
        dashboard_address="127.0.0.1:0",
        silence_logs=50,
    ) as cluster:
        yield cluster


@pytest.fixture
def picture(portrait):
    return np.ascontiguousarray(portrait[100:300, 150:350])


def dask_array(source):
    return da.from_array(source, chunks=(50, 50, 3), asarray=False, meta=np.empty((0, 0, 0), "u1"))


def test_workers_that_cant_import_the_arrays_class(cluster, picture, tmp_path, monkeypatch):
    (tmp_path / "kq_only_here.py").write_text(SOURCE, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)  # the worker runs already, and doesn't hear of it
    source = importlib.import_module("kq_only_here").Source(picture)
    target = tmp_path / "out" / "p.kq"
    target.parent.mkdir()
    with distributed.Client(cluster, set_as_default=False) as client:
        sentence = r"workers lack a part .*: ModuleNotFoundError: .*'kq_only_here'; install there"
        with pytest.raises(WorkersError, match=sentence):
            kq_dask.encode(dask_array(source), target, 9, client=client)
        assert os.listdir(target.parent) == []
        # The worker is none the worse for it.
        kq_dask.encode(dask_array(picture), target, 9, client=client)
    assert os.listdir(target.parent) == ["p.kq"]


def test_an_array_that_cant_be_sent(cluster, picture, tmp_path):
    class Unsent:
        ndim, shape, dtype = 3, picture.shape, picture.dtype

        def __getitem__(self, key):
            return picture[key]

        def __reduce__(self):
            raise TypeError("it holds a device that is open")

    with (
        distributed.Client(cluster, set_as_default=False) as client,
        pytest.raises(WorkersError, match=r"can't be sent to the Dask cluster: .*it holds a dev"),
    ):
        kq_dask.encode(dask_array(Unsent()), tmp_path / "p.kq", 9, client=client)
    assert os.listdir(tmp_path) == []


FORGET = "import sys; [sys.modules.pop(n) for n in [*sys.modules] if n.startswith('kqcodec')]"
HIDE = FORGET + "; sys.modules['kqcodec'] = None"


def test_workers_without_this_package(cluster, picture, tmp_path):
    Image.fromarray(picture).save(tmp_path / "p.png")
    with distributed.Client(cluster, set_as_default=False) as client:
        client.run(exec, HIDE)
        try:
            run = ["encode", tmp_path / "p.png", "--scheduler", cluster.scheduler_address]
            sentence = refusal(kq(*run), failures.SYSTEM)
        finally:
            client.run(exec, FORGET)
    assert "workers lack a part of the task: ModuleNotFoundError" in sentence
    assert "kqcodec" in sentence
    assert os.listdir(tmp_path) == ["p.png"]


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(clusters, "_POLL_SECONDS", 0.3)
    monkeypatch.setattr(clusters, "_TIMEOUT_SECONDS", 2)
    monkeypatch.setattr(task_sizes, "_GROUP_PIXELS", 2500)


@pytest.mark.skipif(os.name != "posix", reason="POSIX signals")
@pytest.mark.parametrize(
    ("whom", "how", "sentence"),
    [
        ("worker", signal.SIGKILL, "the Dask cluster has no workers any more"),
        ("scheduler", signal.SIGKILL, r"the Dask cluster( was lost|'s scheduler is gone)"),
        ("scheduler", signal.SIGSTOP, "the Dask cluster was lost: "),
    ],
)
def test_who_goes_away_midway(whom, how, sentence, picture, tmp_path, impatient):
    target = tmp_path / "p.kq"
    with dask_processes() as (address, processes):
        client = distributed.Client(address, set_as_default=False, timeout=20)
        client.wait_for_workers(1)

        def lose(stage, share):
            if stage == "counting" and share > 0.2:
                processes[whom].send_signal(how)

        started = time.monotonic()
        with pytest.raises(WorkersError, match=sentence):
            kq_dask.encode(dask_array(Slow(picture)), target, 9, client=client, progress=lose)
        assert time.monotonic() - started < 60
        client.close(timeout=1)
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(os.name != "posix", reason="POSIX signals")
@pytest.mark.parametrize("whom", ["worker", "scheduler"])
def test_a_folder_whose_workers_go_away(whom, picture, tmp_path, impatient):
    source, out, manifest = tmp_path / "in", tmp_path / "out", tmp_path / "m.jsonl"
    source.mkdir()
    for number in range(400):
        Image.fromarray(picture[number % 100 : number % 100 + 50]).save(source / f"{number:03}.png")
    run = ["encode", "-r", source, "-o", out, "--manifest", manifest, "-q", "--effort", "fast"]
    run += ["-k", 16, "--coder", "packed"]
    with dask_processes() as (address, processes):

        def lose():
            while not list(out.rglob("*.kq")):
                time.sleep(0.02)
            processes[whom].kill()

        threading.Thread(target=lose, daemon=True).start()
        sentence = refusal(kq(*run, "--scheduler", address), failures.SYSTEM)
    assert "the Dask cluster" in sentence
    # Here or elsewhere, the rest is done by the same command, which also removes what a
    # worker that was killed at the end left behind.
    assert kq(*run).exit_code == 0
    assert not [path for path in out.rglob("*") if path.suffix not in ("", ".kq")]
    assert len(list(out.rglob("*.kq"))) == 400
    assert kq("verify", "--manifest", manifest, "-q").exit_code == 0
