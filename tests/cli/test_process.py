"""What only a process of its own shows: signals, exit codes, stdout and stderr apart, a reader that has gone."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest
import torch
from helpers.command_line import TINY, begin, call, finish

from disent_plugins.training.checkpoint import load

LONG = ("--epochs", "3", *TINY)


@pytest.fixture(scope="module")
def uninterrupted(cache, tmp_path_factory) -> Path:
    """The run that the interrupted ones have to equal."""
    folder = tmp_path_factory.mktemp("uninterrupted") / "a"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DISENT_CACHE", str(cache))
        outcome = call("run", *LONG, "--out", folder, "--json")
    assert outcome.code == 0, outcome.err
    return folder


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_resumes_as_if_it_had_never_stopped(tmp_path, cache, uninterrupted, disent, monkeypatch, number):
    program = (Path(__file__).parents[1] / "helpers" / "pausing_run.py", 2, 1)
    process = begin(tmp_path, cache, "run", *LONG, "--out", "a", program=program)
    assert "paused\n" in iter(process.stderr.readline, "")
    process.send_signal(number)
    stopped = finish(process, "go on\n")
    assert stopped.code == 130, stopped.err
    assert stopped.out == ""
    *_, what, why, hint = stopped.err.splitlines()
    assert what == f"error: Stopped by {signal.Signals(number).name} at epoch 2, batch 1 of 2 (3 epochs in all)."
    assert why.strip() == "Everything up to there is saved in a/checkpoints/last.pt."
    assert hint.strip() == "Go on with: disent run --resume a"
    if number == signal.SIGTERM:
        monkeypatch.setenv("DISENT_DISABLE_PLUGINS", "metrics")  # measured once is enough
    resumed = disent(*hint.split("disent ")[1].split(), "--json")
    assert resumed.code == 0, resumed.err
    if number == signal.SIGINT:
        whole = json.loads((uninterrupted / "results.json").read_text())
        assert {n: found["values"] for n, found in resumed.json["results"].items()} == {
            n: found["values"] for n, found in whole.items()
        }
    one, other = (load(folder / "checkpoints" / "last.pt") for folder in (tmp_path / "a", uninterrupted))
    assert one.model.keys() == other.model.keys()
    assert all(torch.equal(one.model[name], other.model[name]) for name in one.model)


def test_exit_codes_and_streams_of_a_process(tmp_path, cache):
    found = finish(begin(tmp_path, cache, "run", "--model", "gmvea"))
    assert (found.code, found.out) == (2, "")
    assert found.err.startswith("error: There is no model 'gmvea'.\n       Did you mean 'gmvae'?\n")
    listed = finish(begin(tmp_path, cache, "models", "list", "--json"))
    assert (listed.code, listed.err) == (0, "")
    assert [entry["name"] for entry in listed.json][:2] == ["gmvae", "mlvae"]


@pytest.mark.parametrize("flags", [(), ("--json",)])
def test_a_reader_that_has_gone_is_not_worth_a_word(tmp_path, cache, flags):
    with begin(tmp_path, cache, "models", "list", *flags) as process:
        process.stdout.close()  # before anything is written
        assert process.stderr.read() == ""
        assert process.wait(timeout=60) == 0


def test_a_run_goes_on_when_nobody_reads_its_progress(tmp_path, cache, monkeypatch):
    monkeypatch.setenv("DISENT_DISABLE_PLUGINS", "metrics")  # nothing to measure: done sooner
    with begin(tmp_path, cache, "run", "--epochs", "1", *TINY, "--out", "a", "--json") as process:
        process.stderr.close()
        out = process.stdout.read()
        assert process.wait(timeout=120) == 0
    assert json.loads(out) == {"run": "a", "results": {}}
    assert load(tmp_path / "a" / "checkpoints" / "last.pt").progress.epoch == 2
