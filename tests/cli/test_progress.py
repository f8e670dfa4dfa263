"""The progress display on a terminal; elsewhere it is plain lines (test_cli_run.py)."""

from __future__ import annotations

import io
from types import SimpleNamespace

import pytest

from disent_plugins.cli import state
from disent_plugins.cli.progress import TrainingDisplay, reporting
from disent_plugins.training.settings import RunSettings

LOSSES = {
    "total": 12.3456, "kl_content": 1.5, "validation/total": 13.0, "validation/kl_content": 1.6,
    "seconds": 2.0, "images_per_second": 1234.5, "learning_rate": 1e-3,
}  # fmt: skip
LINE = "epoch 3/3: total 12.35, kl_content 1.5, validation 13 (1,234 images/s, 2.0 s)"


@pytest.fixture
def screen(monkeypatch) -> io.StringIO:
    written = io.StringIO()
    monkeypatch.setattr(state, "err", state.Safe(file=written, force_terminal=True, width=120, color_system=None))
    return written


def test_training_shows_epoch_speed_and_time_left_and_one_line_per_epoch(screen):
    run = SimpleNamespace(first_epoch=3, epochs=3, steps_per_epoch=4, settings=RunSettings(batch_size=8))
    display = TrainingDisplay()
    display.disent_run_started(run)
    display.disent_batch_ended(run, 3, 2)
    task = display._progress.tasks[0]
    assert (task.completed, task.total) == (10, 12)  # two epochs of four were done before
    display.disent_epoch_ended(run, 3, LOSSES)
    display.close()
    display.close()
    for text in ("epoch 3/3", "images/s", LINE):
        assert text in screen.getvalue()


def test_long_work_shows_a_bar_and_takes_it_away(screen):
    with reporting() as report:
        report(0, 0, "waiting [for] it")
        report(3, 10, "encoding")
        report(10, 10, "encoding")
    assert "encoding" in screen.getvalue()


def test_long_work_is_a_line_where_there_is_no_terminal(monkeypatch):
    written = io.StringIO()
    monkeypatch.setattr(state, "err", state.Safe(file=written))
    with reporting() as report:
        for done in range(4):
            report(done, 1000, "encoding")
        report(0, 1, "hashing [bold]x")
    assert written.getvalue() == "encoding (1,000) ...\nhashing [bold]x ...\n"
