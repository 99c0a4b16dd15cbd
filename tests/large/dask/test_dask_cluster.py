"""Encoding on the workers of a cluster, some of which are killed."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from places import TESTS
from slow_array import Slow

import kqcodec
from kqcodec.errors import ImageError, WorkersError

distributed = pytest.importorskip("distributed")
da = pytest.importorskip("dask.array")
import dask  # noqa: E402 - skipped where it isn't installed

import kqcodec.large.dask as kq_dask  # noqa: E402 - skipped where Dask isn't installed
from kqcodec.large.dask import executors, task_sizes  # noqa: E402

pytestmark = pytest.mark.compiled

OPTIONS = {"tile": 32, "effort": "fast", "coder": "dense"}


def dask_array(pixels, fatal=None):
    source = Slow(pixels, fatal)
    return da.from_array(source, chunks=(50, 50, 3), asarray=False, meta=pixels[:0, :0])


@contextlib.contextmanager
def cluster_of(workers):
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "120s"}),  # on a busy machine
        distributed.LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            dashboard_address="127.0.0.1:0",
            silence_logs=50,
        ) as cluster,
    ):
        yield cluster


@pytest.fixture(autouse=True)
def small_groups(monkeypatch):
    monkeypatch.setattr(task_sizes, "_GROUP_PIXELS", 5000)
    monkeypatch.setattr(task_sizes, "_MOST_CELL_PIXELS", 4096)
    monkeypatch.setattr(executors, "_AHEAD", 2)


@pytest.fixture(scope="module")
def picture(portrait):
    return np.ascontiguousarray(portrait[100:295, 150:367])


def test_a_cluster_whose_workers_are_killed(picture, tmp_path, monkeypatch):
    submitted = []
    submit = executors.ClusterExecutor._submit
    monkeypatch.setattr(
        executors.ClusterExecutor,
        "_submit",
        lambda *task, **how: submitted.append(1) or submit(*task, **how),
    )
    wanted = kqcodec.encode(picture, 9, **OPTIONS)
    target = tmp_path / "p.kq"
    with cluster_of(2) as cluster, distributed.Client(cluster) as client:
        # One is killed in each pass.
        killed = []

        def kill(stage, share):
            if stage != "palette" and share > 0.2 and stage not in killed:
                if len(client.nthreads()) < 2:  # the first isn't replaced yet
                    return
                killed.append(stage)
                for pid in list(client.run(os.getpid, on_error="ignore").values())[:1]:
                    os.kill(pid, signal.SIGKILL)

        result = kq_dask.encode(dask_array(picture), target, 9, **OPTIONS, progress=kill)
        assert killed[0] == "counting"
        assert target.read_bytes() == wanted
        assert result.tasks == len(submitted) > 20

        # What is on the cluster already isn't computed again.
        held = dask_array(picture).persist()
        assert distributed.wait(held).not_done == set()
        kq_dask.encode(held + 0, target, 9, **OPTIONS, client=client)
        assert target.read_bytes() == wanted

        lazy = kq_dask.decode(target)
        assert (lazy.compute() == kqcodec.decode(wanted)).all()

        # What a worker raises comes as it is, and what is under way is cancelled.
        with pytest.raises(ImageError, match=r"rows 100 to 149, .* can't be read: Input/output"):
            kq_dask.encode(dask_array(picture, "error"), target, 9, **OPTIONS)
        assert target.read_bytes() == wanted
        assert os.listdir(tmp_path) == ["p.kq"]
        for _ in range(20):
            left = client.run_on_scheduler(tasks_of_ours)
            if not left:
                break
            time.sleep(0.1)
        assert left == []

        # A task that workers die of is given up, and then the scheduler itself goes.
        client.run_on_scheduler(allow_failures, 0)
        with pytest.raises(WorkersError, match="workers die of a task"):
            kq_dask.encode(dask_array(picture, "death"), target, 9, **OPTIONS)

        def lose(*_):
            cluster.close()

        with pytest.raises(WorkersError, match=r"the Dask cluster( was lost|'s scheduler is gone)"):
            kq_dask.encode(dask_array(picture), target, 9, **OPTIONS, progress=lose)
    assert target.read_bytes() == wanted
    assert os.listdir(tmp_path) == ["p.kq"]


def tasks_of_ours(dask_scheduler):
    return [str(key) for key in dask_scheduler.tasks if "kqcodec" in str(key)]


def allow_failures(count, dask_scheduler):
    dask_scheduler.allowed_failures = count


# Of this module, and of those that it imports.
FOLDERS = (Path(__file__).parent, TESTS)

RUN = """
import sys
import numpy as np
from test_dask_cluster import OPTIONS, cluster_of, dask_array, distributed, kq_dask, task_sizes

if __name__ == "__main__":
    task_sizes._GROUP_PIXELS, task_sizes._MOST_CELL_PIXELS = 5000, 4096
    with cluster_of(1) as cluster, distributed.Client(cluster):
        kq_dask.encode(
            dask_array(np.load("picture.npy")), "p.kq", 9, **OPTIONS,
            progress=lambda *step: print(*step, flush=True),
        )
"""


@pytest.mark.skipif(os.name != "posix", reason="processes are killed by their group")
def test_a_run_that_is_killed_leaves_nothing_and_can_be_run_again(picture, tmp_path):
    np.save(tmp_path / "picture.npy", picture)
    (tmp_path / "run.py").write_text(RUN, encoding="utf-8")
    run = subprocess.Popen(
        [sys.executable, "run.py"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, FOLDERS))},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    for line in run.stdout:
        stage, share = line.split()
        if stage == "coding" and float(share) > 0.3:
            os.killpg(run.pid, signal.SIGKILL)
            break
    run.stdout.close()
    assert run.wait() == -signal.SIGKILL
    assert not (tmp_path / "p.kq").exists()
    kq_dask.encode(dask_array(picture), tmp_path / "p.kq", 9, **OPTIONS)
    assert (tmp_path / "p.kq").read_bytes() == kqcodec.encode(picture, 9, **OPTIONS)
    assert sorted(os.listdir(tmp_path)) == ["p.kq", "picture.npy", "run.py"]
