"""What is seen of a sweep while it runs: a table on a terminal, lines elsewhere."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from disent_plugins.cli import state, sweep_table
from disent_plugins.cli.sweep_table import SweepDisplay
from disent_plugins.studies.job import Job

LABELS = {"a": "gmvae on digits, seed=0", "b": "gmvae on digits, seed=[1]", "c": "c", "d": "d"}


@pytest.fixture
def jobs(tmp_path) -> list[Job]:
    return [Job(tmp_path / name, {"device": "cpu"}, "all", 4, (), Path()) for name in LABELS]


def written(monkeypatch, **terminal) -> io.StringIO:
    found = io.StringIO()
    monkeypatch.setattr(state, "err", state.Safe(file=found, width=120, color_system=None, **terminal))
    return found


def epoch(job: Job, number: int) -> None:
    job.path.mkdir(exist_ok=True)
    line = {"epoch": number, "seconds": 40.0, "images_per_second": 1234.5}
    (job.path / "metrics.jsonl").write_text(json.dumps(line) + '\n{"epoch": 9, "unfini')


def test_a_terminal_shows_one_table(jobs, monkeypatch):
    screen = written(monkeypatch, force_terminal=True)
    monkeypatch.setattr(sweep_table, "_DRAWN", -1.0)
    with SweepDisplay(LABELS, jobs) as display:
        for job in jobs[:3]:
            display.began(job)
        epoch(jobs[0], 2)
        epoch(jobs[1], 4)
        display.ended(jobs[2], 0)
        display.looked()
    lines = screen.getvalue().splitlines()
    first = [line for line in lines if "seed=0" in line][-1]
    assert first.split()[4:7] == ["2/4", "1,234", "1:20"], first
    assert any("seed=[1]" in line and "measuring" in line for line in lines)
    assert any(line.startswith("1 of 4 done, about ") for line in lines)


def test_elsewhere_an_event_is_a_line(jobs, monkeypatch):
    said = written(monkeypatch)
    jobs[1].log.parent.mkdir()
    jobs[1].log.write_text("--- first\nerror: Old.\n--- second\nepoch 1\nerror: The loss is NaN.\n       Try again.\n")
    jobs[3].log.write_text("--- first\nerror: Stopped by SIGINT.\n")
    with SweepDisplay(LABELS, jobs) as display:
        display.began(jobs[0])
        display.looked()
        display.ended(jobs[0], 0)
        display.ended(jobs[1], 1)
        display.ended(jobs[2], -9)
        display.stopping(1)
        display.ended(jobs[3], 130)
    begun, done, *others = said.getvalue().splitlines()
    assert begun == "begun a: gmvae on digits, seed=0"
    assert done.startswith("[1/4] done a in ")
    assert others == [
        "[2/4] failed b: exit code 1: The loss is NaN.",
        "[3/4] failed c: killed by SIGKILL (is the memory full?)",
        "stopping a cell with its checkpoint; once more to stop at once",
        "stopped d: Stopped by SIGINT.",
    ]
