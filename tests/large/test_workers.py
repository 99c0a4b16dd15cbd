"""Tasks in processes and on Dask: all are done once, and a death costs one item at most."""

import os
import time

import pytest
from number_tasks import Broken, Numbers, Slow
from servers import dask_cluster

from kqcodec.errors import WorkersError
from kqcodec.large.workers import in_processes, on_dask

pytestmark = pytest.mark.compiled


def tasks(deadly=(), note="", count=20):
    for first in range(0, count, 4):
        yield Numbers(tuple(range(first, first + 4)), deadly, note)


def by_number(results):
    found = {}
    for outcome in (outcome for some in results for outcome in some):
        assert outcome["number"] not in found
        found[outcome["number"]] = outcome.get("square", outcome.get("error"))
    return found


SQUARES = {n: n * n for n in range(20)}


def test_processes_do_each_task_once():
    assert by_number(in_processes(tasks(), 2)) == SQUARES


@pytest.mark.skipif(os.name != "posix", reason="POSIX signals")
def test_an_item_that_its_process_dies_of_is_lost_alone():
    assert by_number(in_processes(tasks((6,)), 2)) == {**SQUARES, 6: "lost"}


@pytest.mark.skipif(os.name != "posix", reason="POSIX signals")
def test_a_process_that_is_killed_costs_nothing(tmp_path):
    assert by_number(in_processes(tasks((6,), str(tmp_path / "note")), 2)) == SQUARES


def test_leaving_early_ends_the_processes():
    results = in_processes((Slow((n,)) for n in range(10_000)), 2)
    next(results)
    started = time.monotonic()
    results.close()
    assert time.monotonic() - started < 10


# Dask


@pytest.fixture(scope="module")
def cluster():
    with dask_cluster() as cluster:
        yield cluster


def test_dask_does_each_task_once(cluster):
    assert by_number(on_dask(tasks(), cluster.scheduler_address)) == SQUARES


def test_dask_survives_the_death_of_a_worker(cluster, tmp_path):
    found = by_number(on_dask(tasks((6,), str(tmp_path / "note")), cluster.scheduler_address))
    assert found == SQUARES


def test_dask_gives_up_what_kills_every_worker(cluster):
    found = by_number(on_dask(tasks((6,), count=8), cluster.scheduler_address))
    assert found == {**{n: n * n for n in range(8)}, 6: "lost"}


def test_workers_that_cant_do_it_are_a_sentence(cluster):
    with pytest.raises(WorkersError, match=r"the Dask cluster's workers fail: Attr"):
        list(on_dask([Broken((1,))], cluster.scheduler_address))


def test_no_scheduler_is_a_sentence(monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr("kqcodec.large.workers._CONNECT_SECONDS", 0.3)
    with pytest.raises(WorkersError, match="there is no Dask scheduler at tcp"):
        list(on_dask(tasks(), "tcp://127.0.0.1:9"))


def test_without_dask_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    with pytest.raises(ImportError, match=r"kqcodec\[dask\]"):
        list(on_dask(tasks(), "tcp://127.0.0.1:9"))
