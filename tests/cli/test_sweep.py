"""``disent sweep``: what runs, what does not run again, and what is said. Most cells are stubs that take no time."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from filelock import FileLock
from helpers import stub_cell
from helpers.command_line import TINY, begin, finish
from helpers.run_files import state

from disent_plugins.studies import job, local
from disent_plugins.studies.job import Job

GRID = ("--model", "gmvae,vae", "--seeds", "0:2", "--epochs", "3", "--set", "width=0.25")
STUB_SWEEP = "from helpers import stub_cell; stub_cell.put_in_place(); from disent_plugins.cli.main import main; main()"


@pytest.fixture
def sweep(disent, monkeypatch):
    """The command, with stubs for cells."""
    monkeypatch.setattr(Job, "command", stub_cell.command)
    monkeypatch.setattr(local, "own_gpus", list)
    return lambda *arguments: disent("sweep", *arguments)


def started(path: Path = Path("sweeps/sweep")) -> dict[str, int]:
    """How often each cell was started."""
    return {file.parent.name[:-9]: len(file.read_text().splitlines()) for file in path.glob("*/started")}


ALL = ("gmvae-digits-s0", "gmvae-digits-s1", "vae-digits-s0", "vae-digits-s1")


def test_what_is_done_is_not_run_again_and_a_grid_may_grow(sweep):
    planned = sweep(*GRID, "--dry-run", "--json")
    assert [(cell["state"], cell["cost"]) for cell in planned.json["cells"]] == [("new", None)] * 4
    assert not Path("sweeps").exists()
    found = sweep(*GRID, "--json")
    assert found.code == 0, found.err
    assert [(cell["state"], cell["epochs"], cell["exit_code"]) for cell in found.json["cells"]] == [("done", 3, 0)] * 4
    assert found.err.count("begun ") == 4
    assert "[4/4] done " in found.err
    assert started() == dict.fromkeys(ALL, 1)
    larger = sweep(*GRID, "--seeds", "0:3", "--dry-run", "--json").json["cells"]
    assert [cell["state"] for cell in larger] == ["done", "done", "new"] * 2
    assert 6.0 <= larger[2]["cost"] < 60  # three epochs of two seconds, as their lines say, and the process
    grown = sweep(*GRID, "--seeds", "0:3")
    assert grown.code == 0, grown.err
    assert "6 cells in sweeps/sweep: 4 done, 2 new" in grown.err
    assert grown.out.count(" done ") == 6
    assert started() == dict.fromkeys((*ALL, "gmvae-digits-s2", "vae-digits-s2"), 1)
    smaller = sweep(*GRID, "--model", "vae")
    assert smaller.code == 0
    assert "4 cells of an earlier grid are left as they are in sweeps/sweep" in smaller.err
    assert "2 cells in sweeps/sweep: 2 done" in smaller.err


def test_what_another_version_of_a_metric_measured_is_measured_again(sweep):
    """Only of what is asked for: the rest would never be made anew."""
    assert sweep(*GRID).code == 0
    documents = {name: {"metric": name, "version": "0", "values": {}, "reference": {}} for name in ("probe", "gone")}
    for path in Path("sweeps/sweep").glob("*-s0-*/results.json"):
        path.write_text(json.dumps(documents))

    def states(*more):
        return [cell["state"] for cell in sweep(*GRID, *more, "--dry-run", "--json").json["cells"]]

    assert states() == ["begun", "done"] * 2
    assert states("--measure", "probe") == ["begun", "done"] * 2
    assert states("--measure", "swap,leakage") == ["done"] * 4


@pytest.mark.parametrize("code", [130, -signal.SIGINT])
def test_a_cell_that_was_interrupted_has_not_failed(sweep, code):
    assert sweep(*GRID).code == 0
    end = next(Path("sweeps/sweep/cells").glob("vae-digits-s0-*.end.json"))
    end.write_text(json.dumps({**json.loads(end.read_text()), "exit_code": code}))
    states = [cell["state"] for cell in sweep(*GRID, "--dry-run", "--json").json["cells"]]
    assert states == ["done", "done", "begun", "done"]


def test_a_cell_hears_an_interrupt_that_the_sweep_was_begun_not_to(tmp_path, monkeypatch):
    """As in the background of a script. Cells are asked to leave by that signal."""
    monkeypatch.setattr(Job, "command", lambda job: [sys.executable, "-S", "-c", "import time; time.sleep(60)"])
    (tmp_path / "cells").mkdir()
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        began = time.monotonic()
        code = job.run_job(Job(tmp_path / "a", {}, "none", 1, (), tmp_path), {}, lambda: time.monotonic() < began + 2)
    finally:
        signal.signal(signal.SIGINT, before)
    assert code == -signal.SIGINT


def test_a_cell_that_fails_is_named_and_the_others_go_on(sweep):
    Path("fail-1").touch()
    found = sweep(*GRID)
    assert found.code == 1
    assert "error: 2 of 4 cells failed." in found.err
    assert ": exit code 1: The loss is no longer a finite number." in found.err
    assert "log: sweeps/sweep/cells/vae-digits-s1-" in found.err
    assert "Run what is missing with: disent sweep --model gmvae,vae --seeds 0:2" in found.err
    states = [cell["state"] for cell in sweep(*GRID, "--dry-run", "--json").json["cells"]]
    assert states == ["done", "failed"] * 2
    Path("fail-1").unlink()
    assert sweep(*GRID).code == 0
    assert started() == dict(zip(ALL, (1, 2, 1, 2), strict=True))


def test_a_cell_that_is_killed_is_told_and_goes_on(sweep):
    Path("loose-0").touch()
    found = sweep(*GRID, "--model", "vae", "--json")
    assert found.code == 1
    assert "killed by SIGKILL (is the memory full?)" in found.err
    again = sweep(*GRID, "--model", "vae", "--json")
    assert (again.code, again.json["cells"][0]["epochs"]) == (0, 3)


def test_more_to_measure_is_measured_without_more_training(sweep):
    grid = ("--model", "vae", "--epochs", "2")
    assert sweep(*grid, "--measure", "probe,mig").code == 0
    assert "1 done" in sweep(*grid, "--measure", "mig").err
    more = sweep(*grid, "--measure", "all", "--dry-run", "--json").json["cells"]
    assert [(cell["state"], cell["epochs"]) for cell in more] == [("begun", 2)]
    assert sweep(*grid).code == 0
    assert started() == {"vae-digits-s0": 2}


@pytest.mark.parametrize(
    ("given", "jobs", "threads"),
    [(None, "", "2"), (None, "--jobs 1", "4"), (None, "--jobs 4 --threads 3", "3"), ("7", "--jobs 2", "7")],
)
def test_threads_are_divided(sweep, monkeypatch, given, jobs, threads):
    for name in local.THREADS:
        monkeypatch.delenv(name, raising=False)
    if given:
        monkeypatch.setenv("OMP_NUM_THREADS", given)
    monkeypatch.setattr(local, "own_cores", lambda: 4)
    assert sweep("--model", "vae", "--epochs", "1", *jobs.split()).code == 0
    (line,) = next(Path("sweeps/sweep").glob("*/started")).read_text().splitlines()
    assert all(f'"{name}": "{threads}"' in line for name in local.THREADS)


def test_gpus_are_slots(sweep, monkeypatch):
    monkeypatch.setattr(local, "own_gpus", lambda: ["3", "GPU-a"])
    engine = local.Local(None, local.own_gpus(), 2, None)
    assert (engine.jobs, sorted(engine._slots)) == (4, ["3", "3", "GPU-a", "GPU-a"])
    assert sweep("--model", "vae", "--epochs", "1", "--seeds", "0:6", "--per-gpu", "2").code == 0
    lines = [file.read_text() for file in Path("sweeps/sweep").glob("*/started")]
    used = [json.loads(line.split(" ", 2)[2])["CUDA_VISIBLE_DEVICES"] for line in lines]
    assert (len(used), set(used)) == (6, {"3", "GPU-a"})
    assert sweep("--model", "vae", "--epochs", "1", "--device", "cpu", "--name", "cpu").code == 0
    (line,) = [file.read_text() for file in Path("sweeps/cpu").glob("*/started")]
    assert '"CUDA_VISIBLE_DEVICES": null' in line


def test_names_of_visible_gpus_are_kept(monkeypatch):
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert local.own_gpus() == ["0", "1"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5, GPU-b")
    assert local.own_gpus() == ["5", "GPU-b"]


# Folders that are not what they should be


def test_a_folder_that_is_no_sweeps_is_left_alone(sweep):
    Path("sweeps/sweep").mkdir(parents=True)
    Path("sweeps/sweep/thesis.tex").touch()
    for flags in ((), ("--dry-run",)):
        found = sweep(*GRID, *flags)
        assert (found.code, found.out) == (2, "")
        assert "error: sweeps/sweep is no sweep's folder." in found.err
    assert [file.name for file in Path("sweeps/sweep").iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"schema": 99, "disent-plugins": "9.0", "cells": {}}', "Its schema is 99, made by disent-plugins 9.0"),
        ('{"schema": 1, "cells": 3}', "It has no table 'cells'."),
        ("{", "sweep.json cannot be read."),
        ("[]", "sweep.json cannot be read."),
    ],
)
def test_a_sweep_of_another_schema_is_left_alone(sweep, content, words):
    Path("sweeps/sweep").mkdir(parents=True)
    Path("sweeps/sweep/sweep.json").write_text(content)
    found = sweep(*GRID)
    assert (found.code, found.out) == (2, "")
    assert words in found.err
    assert Path("sweeps/sweep/sweep.json").read_text() == content


def test_two_sweeps_at_once_in_one_folder_are_refused(sweep):
    assert sweep(*GRID).code == 0
    with FileLock("sweeps/sweep/.sweep.lock"):
        found = sweep(*GRID)
    assert (found.code, found.out) == (2, "")
    assert "error: Another sweep is running in sweeps/sweep." in found.err


def test_another_run_in_a_cells_folder_is_refused(sweep):
    assert sweep(*GRID).code == 0
    config = next(Path("sweeps/sweep").glob("vae-digits-s1-*/config.json"))
    config.write_text(json.dumps({**json.loads(config.read_text()), "epochs": 9}))
    found = sweep(*GRID)
    assert found.code == 2
    assert "holds another run than the one that its name stands for.\n         epochs: 9 -> 3" in found.err


@pytest.mark.parametrize("file", ["results.json", "checkpoints/last.pt", "config.json", "metrics.jsonl"])
def test_a_folder_that_is_half_deleted_is_not_done(sweep, file):
    grid = ("--model", "vae", "--epochs", "1")
    assert sweep(*grid).code == 0
    next(Path("sweeps/sweep").glob(f"*/{file}")).unlink()
    (cell,) = sweep(*grid, "--dry-run", "--json").json["cells"]
    assert cell["state"] in ("begun", "new")
    assert (sweep(*grid).code, started()) == (0, {"vae-digits-s0": 2})


def test_a_damaged_note_of_an_end_only_costs_another_look(sweep):
    assert sweep("--model", "vae", "--epochs", "1").code == 0
    next(Path("sweeps/sweep/cells").glob("*.end.json")).write_text("{")
    found = sweep("--model", "vae", "--epochs", "1")
    assert (found.code, started()) == (0, {"vae-digits-s0": 2})


def test_a_cell_that_another_process_still_runs_is_not_run_twice(sweep, monkeypatch):
    monkeypatch.setattr(job, "PATIENCE", 0.0)
    assert sweep("--model", "vae", "--epochs", "1").code == 0
    next(Path("sweeps/sweep/cells").glob("*.end.json")).unlink()
    log = next(Path("sweeps/sweep/cells").glob("*.log"))
    with log.open("ab") as held:
        assert job._locked(held, 0.0)
        found = sweep("--model", "vae", "--epochs", "1")
    assert (found.code, started()) == (1, {"vae-digits-s0": 1})
    assert "A process of another sweep is still running this cell." in found.err


def test_data_that_are_missing_end_it_before_anything_runs(sweep, monkeypatch, tmp_path):
    monkeypatch.setenv("DISENT_CACHE", str(tmp_path / "empty"))
    monkeypatch.setenv("DISENT_OFFLINE", "1")
    found = sweep("--model", "vae", "--data", "digits,mnist")
    assert (found.code, found.out, started()) == (3, "", {})


# Signals


@pytest.fixture
def held(tmp_path, cache):
    """A sweep of stubs of which the first waits after its first epoch; and what lets that one go on."""
    os.mkfifo(tmp_path / "hold-0")
    process = begin(tmp_path, cache, "sweep", *GRID, "--jobs", "1", program=("-c", STUB_SWEEP))
    lines = iter(process.stderr.readline, "")
    assert any(line.startswith("begun gmvae-digits-s0") for line in lines)
    pipe = os.open(tmp_path / "hold-0", os.O_WRONLY)  # once it waits
    yield process
    os.close(pipe)


@pytest.fixture(autouse=True)
def helpers_are_found(monkeypatch):
    paths = [str(Path(__file__).parents[1]), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    here = str(Path(__file__).parents[2])
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([here, *filter(None, paths)]))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_the_cells_and_the_same_command_goes_on(sweep, held, tmp_path, number):
    held.send_signal(number)
    found = finish(held)
    assert (found.code, found.out) == (130, ""), found.err
    assert "stopping a cell with its checkpoint" in found.err
    assert "error: Interrupted." in found.err
    assert "Go on with: disent sweep --model gmvae,vae" in found.err.replace("-c sweep", "disent sweep")
    assert _gone(tmp_path)
    states = [cell["state"] for cell in sweep(*GRID, "--dry-run", "--json").json["cells"]]
    assert states == ["begun", "new", "new", "new"]
    Path("hold-0").unlink()
    assert sweep(*GRID).code == 0
    assert started() == dict(zip(ALL, (2, 1, 1, 1), strict=True))


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system does not end processes with their parent")
def test_kill_9_of_a_sweep_takes_its_cells_along(sweep, held, tmp_path):
    held.kill()
    held.communicate()
    Path("hold-0").unlink()
    found = sweep(*GRID)  # waits until the old process has left, which the lock of its log says
    assert found.code == 0, found.err
    assert _gone(tmp_path)
    assert started() == dict(zip(ALL, (2, 1, 1, 1), strict=True))
    lines = next(Path("sweeps/sweep").glob("gmvae-digits-s0-*/metrics.jsonl")).read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in lines] == [1, 2, 3]


def _gone(folder: Path) -> bool:
    """Whether the first process of the first cell has ended; one that nobody has asked for its exit code has."""
    text = next(folder.glob("sweeps/sweep/gmvae-digits-s0-*/started")).read_text()
    number = int(text.split()[0])
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return True
    status = Path(f"/proc/{number}/stat")
    return status.is_file() and status.read_text().rpartition(")")[2].split()[0] == "Z"


# The real thing


def test_cells_are_single_runs_bit_for_bit(disent, tmp_path, cache):
    """And their settings, logs and exit codes are kept."""
    found = finish(begin(tmp_path, cache, "sweep", "--model", "vae", "--epochs", "1", *TINY, "--measure", "retrieval",
                         "--json"), seconds=280)  # fmt: skip
    assert found.code == 0, found.err
    (cell,) = found.json["cells"]
    flags = ("--model", "vae", "--epochs", "1", *TINY, "--measure", "retrieval")
    assert disent("run", *flags, "--out", "single").code == 0
    one, other = state(Path(cell["run"])), state(Path("single"))
    assert one.model.keys() == other.model.keys()
    assert all((one.model[name] == other.model[name]).all() for name in one.model)
    results = [json.loads((Path(path) / "results.json").read_text()) for path in (cell["run"], "single")]
    assert results[0]["retrieval"]["values"] == results[1]["retrieval"]["values"]
    notes = {file.name.removeprefix(cell["name"]) for file in Path("sweeps/sweep/cells").iterdir()}
    assert notes == {".json", ".log", ".end.json"}
    again = disent("run", "--config", f"sweeps/sweep/cells/{cell['name']}.json", "--dry-run")
    assert again.code == 0
    assert (
        "vae on digits: 64 training and 300 test images, cpu"
        in Path(f"sweeps/sweep/cells/{cell['name']}.log").read_text()
    )


def test_the_leash_needs_its_parent():
    """A process whose parent has gone before it could ask to be told of that does not begin."""
    done = subprocess.run([sys.executable, "-c", job._LEASH, "1", "/bin/true"], check=False)
    assert done.returncode == (143 if os.getpid() != 1 else 0)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system does not end processes with their parent")
def test_kill_9_at_random_times(tmp_path, cache, monkeypatch):
    """A small ``benchmarks/sweep.py kills``, whose cells are stubs."""
    monkeypatch.setenv("DISENT_CACHE", str(cache))
    path = Path(__file__).parents[2] / "benchmarks" / "sweep.py"
    spec = importlib.util.spec_from_file_location("sweep_benchmark", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    disent = (sys.executable, "-c", STUB_SWEEP)
    assert module.kills(tmp_path, 3, 0, disent, ("sweep", *GRID, "--jobs", "2")) == []
