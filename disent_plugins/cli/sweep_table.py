"""What is seen of a sweep that runs: one table on a terminal, a line per event elsewhere."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from rich.console import Group
from rich.live import Live
from rich.text import Text

from disent_plugins.cli import show, state
from disent_plugins.studies.ends import INTERRUPTED, ended_how, last_words
from disent_plugins.studies.job import Job, last_epoch

_DRAWN = 0.5
"""Seconds between two drawings."""


class SweepDisplay:
    """A ``studies.local.Watch`` for people.

    Args:
        labels: A cell's name to its settings in words.
        jobs: What is going to run.
    """

    def __init__(self, labels: Mapping[str, str], jobs: Sequence[Job]) -> None:
        self._labels = labels
        self._total, self._done, self._failed = len(jobs), 0, 0
        self._running: dict[str, tuple[Job, float]] = {}
        self._live: Live | None = None
        self._began = self._drawn = time.monotonic()

    def __enter__(self) -> SweepDisplay:
        if state.err.is_terminal:
            self._live = Live(console=state.err, transient=True, auto_refresh=False, redirect_stdout=False)
            self._live.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self._live is not None:
            self._live.stop()

    def began(self, job: Job) -> None:
        self._running[job.name] = job, time.monotonic()
        if self._live is None:
            state.say(f"begun {job.name}: {self._labels[job.name]}")

    def ended(self, job: Job, exit_code: int) -> None:
        _, began = self._running.pop(job.name, (job, time.monotonic()))
        if exit_code in INTERRUPTED:
            state.say(f"stopped {job.name}: {last_words(job.log)}")
            return
        self._done += exit_code == 0
        self._failed += exit_code != 0
        count = f"[{self._done + self._failed}/{self._total}]"
        if exit_code == 0:
            state.say(f"{count} done {job.name} in {duration(time.monotonic() - began)}")
        else:
            why = last_words(job.log)
            state.say(f"{count} failed {job.name}: {ended_how(exit_code)}" + (f": {why}" if why else ""))

    def looked(self) -> None:
        now = time.monotonic()
        if self._live is not None and now - self._drawn > _DRAWN:
            self._drawn = now
            self._live.update(self._table(now), refresh=True)

    def stopping(self, count: int) -> None:
        if count:
            what = "a cell with its checkpoint" if count == 1 else f"{count} cells with their checkpoints"
            state.say(f"stopping {what}; once more to stop at once")

    def _table(self, now: float) -> Group:
        rows = []
        for job, began in self._running.values():
            last = last_epoch(job.path / "metrics.jsonl") or {}
            epoch, speed = last.get("epoch", 0), last.get("images_per_second")
            measuring = epoch >= job.epochs
            left = (job.epochs - epoch) * last.get("seconds", 0.0)
            where = "measuring" if measuring else f"{epoch}/{job.epochs}"
            fast = f"{speed:,.0f}" if speed and not measuring else ""
            rows.append([self._labels[job.name], where, fast, duration(left) if left else "", duration(now - began)])
        table = show.table("", ["cell", "epoch", "images/s", "time left", "since"], rows)
        for column in table.columns[1:]:
            column.justify = "right"
        ended = self._done + self._failed
        words = f"{self._done} of {self._total} done" + (f", {self._failed} failed" if self._failed else "")
        if ended:
            words += f", about {duration((now - self._began) / ended * (self._total - ended))} left"
        return Group(table, Text(words, style="dim"))


def duration(seconds: float) -> str:
    """Seconds for people.

    >>> duration(7.25), duration(75), duration(7300)
    ('7.2 s', '1:15', '2:01:40')
    """
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}" if minutes >= 60 else f"{minutes}:{rest:02}"
