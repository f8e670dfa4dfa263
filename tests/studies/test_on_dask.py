"""Sweeps on a dask cluster: real schedulers and workers on this machine, stubs for cells."""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path

import pytest
from helpers import stub_cell

from disent_plugins.studies import job, local, on_dask
from disent_plugins.studies.job import Job

distributed = pytest.importorskip("distributed")

GRID = ("sweep", "--model", "vae", "--seeds", "0:2", "--epochs", "3", "--device", "cpu")


@pytest.fixture
def sweep(disent, monkeypatch):
    monkeypatch.setattr(Job, "command", stub_cell.command)
    monkeypatch.setattr(local, "own_gpus", list)
    paths = [Path(__file__).parents[2], Path(__file__).parents[1], os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(str, paths)))  # for workers
    return disent


@pytest.fixture
def cluster(sweep, tmp_path):
    """Two workers that are processes, with the stub in place; started in the folder that they share."""
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, preload=["helpers.stub_cell"], silence_logs=50
    ) as found:
        yield found


def address(cluster) -> str:
    return cluster.scheduler_address.replace("tcp", "dask")


def started() -> dict[str, list[list[str]]]:
    """Cell to the process id of each start, and its parent's."""
    files = sorted(Path("sweeps/sweep").glob("*/started"))
    return {file.parent.name[:-9]: [line.split()[:2] for line in file.read_text().splitlines()] for file in files}


def test_cells_are_tasks_and_one_that_fails_is_told(sweep, cluster):
    Path("fail-1").touch()
    found = sweep(*GRID, "--on", address(cluster), "--json")
    assert found.code == 1
    assert [(cell["state"], cell["exit_code"]) for cell in found.json["cells"]] == [("done", 0), ("failed", 1)]
    assert found.err.count("begun ") == 2
    Path("fail-1").unlink()
    assert sweep(*GRID, "--on", address(cluster)).code == 0
    assert {name: len(starts) for name, starts in started().items()} == {"vae-digits-s0": 1, "vae-digits-s1": 2}
    with distributed.Client(cluster) as client:
        workers = {str(number) for number in client.run(os.getpid).values()}
    assert {parent for starts in started().values() for _, parent in starts} <= workers


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a cell outlives its worker")
def test_a_worker_that_is_killed_loses_nothing(sweep, cluster):
    """Dask runs its task again, which goes on after the epoch that was done."""
    os.mkfifo("hold-0")
    outcome: list = []
    thread = threading.Thread(target=lambda: outcome.append(sweep_once(sweep, cluster)))
    thread.start()
    with open("hold-0", "wb"):  # opens once the cell waits
        ((_, worker),) = started()["vae-digits-s0"]
        Path("hold-0").unlink()
        os.kill(int(worker), signal.SIGKILL)
        thread.join(timeout=120)
    assert outcome == [{"vae-digits-s0": 0, "vae-digits-s1": 0}]
    first, second = started()["vae-digits-s0"]
    assert first[1] != second[1]
    lines = next(Path("sweeps/sweep").glob("vae-digits-s0-*/metrics.jsonl")).read_text().splitlines()
    assert len(lines) == 3


class Heard:
    """A watch that keeps how jobs ended; after ``stop`` of them have begun, a signal comes."""

    def __init__(self, stop: int = 0) -> None:
        self.codes: dict[str, int] = {}
        self.stop, self.stopped = stop, 0

    def began(self, job) -> None:
        self.stop -= 1
        if self.stop == 0:
            raise KeyboardInterrupt

    def ended(self, job, exit_code) -> None:
        self.codes[job.name[:-9]] = exit_code

    def looked(self) -> None:
        pass

    def stopping(self, count) -> None:
        self.stopped = count


def jobs() -> list[Job]:
    from disent_plugins.cli import state
    from disent_plugins.studies.grid import Axis, Grid, plan
    from disent_plugins.studies.sweep import Sweep

    path = Path("sweeps/sweep")
    axes = {"model": "vae", "seed": "0:2", "epochs": "3", "device": "cpu"}
    typed = {key: Axis(text, typed=True) for key, text in axes.items()}
    sweep = Sweep(path, plan(state.registry(), Grid("", "").with_flags(typed), path), "none")
    (path / "cells").mkdir(parents=True, exist_ok=True)
    return [sweep.job(one) for one in sweep.cells]


def sweep_once(sweep, cluster) -> dict[str, int]:
    heard = Heard()
    on_dask.OnDask(address(cluster), None, None, print).run(jobs(), heard)
    return heard.codes


def test_a_signal_stops_what_runs_on_workers(sweep, cluster):
    os.mkfifo("hold-0")
    os.mkfifo("hold-1")
    heard = Heard(stop=2)
    with pytest.raises(KeyboardInterrupt):
        on_dask.OnDask(address(cluster), None, None, print).run(jobs(), heard)
    assert heard.stopped == 2
    for number in (0, 1):  # nobody reads: the cells have left
        path = next(Path("sweeps/sweep/cells").glob(f"vae-digits-s{number}-*.log"))
        with path.open("ab") as log:
            assert job._locked(log, 0.0)


def test_a_cluster_of_this_machine(sweep):
    """Its workers run the real command, which finds that there are too few images."""
    found = sweep(*GRID, "--seeds", "0", "--on", "dask", "--jobs", "1", "--limit", "1300", "--batch-size", "4000",
                  "--json")  # fmt: skip
    assert found.code == 1
    assert [(cell["state"], cell["exit_code"]) for cell in found.json["cells"]] == [("failed", 2)]
    assert "A batch of 4000 images cannot be drawn from 1297." in found.err


def test_a_scheduler_that_does_not_answer_is_named(sweep, monkeypatch):
    monkeypatch.setattr(on_dask, "TIMEOUT", 0.5)
    found = sweep(*GRID, "--on", "dask://127.0.0.1:9")
    assert (found.code, found.out) == (2, "")
    assert "error: No dask scheduler answers at tcp://127.0.0.1:9." in found.err
    assert "dask scheduler" in found.err


def test_without_dask_it_says_what_to_install(sweep, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    found = sweep(*GRID, "--on", "dask")
    assert (found.code, found.out, Path("sweeps").exists()) == (2, "", False)
    assert "error: dask is not installed." in found.err
    assert 'pip install "disent-plugins[dask]"' in found.err


def test_cells_that_ask_for_a_gpu_wait_for_a_worker_that_has_one():
    class Client:
        def scheduler_info(self, n_workers):
            return {"workers": {"a": {"resources": {}}}}

    settings = {"device": "cuda"}
    said: list[str] = []
    on_dask._warn_of_workers(Client(), [Job(Path("a"), settings, "none", 1, (), Path())], said.append)
    assert "--resources GPU=1" in said[0]
