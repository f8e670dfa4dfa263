"""Progress on a terminal or in a notebook, plain lines elsewhere; the training display is a plugin on the run hooks."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from disent_plugins.contracts import Report
from disent_plugins.data_adapters.cache import quiet
from disent_plugins.registry.hookspecs import hookimpl
from disent_plugins.training.log import epoch_line


def stderr() -> Console:
    """The standard error stream, as it is now."""
    return Console(stderr=True, highlight=False, emoji=False)


def moves(console: Console) -> bool:
    """Whether bars can be drawn there: on a terminal, or in a notebook that has widgets."""
    return console.is_terminal or (console.is_jupyter and find_spec("ipywidgets") is not None)


@contextmanager
def reporting(wanted: bool = True, console: Console | None = None) -> Iterator[Report]:
    """A ``Report`` for long work: a bar where one can be drawn; elsewhere one line when a piece of work begins.

    Args:
        wanted: Whether to say anything.
        console: Where; stderr if None.
    """
    if not wanted:
        yield quiet
        return
    console = console or stderr()
    if not moves(console):
        begun: set[str] = set()

        def say(done: int, total: int, what: str) -> None:
            if what not in begun:
                begun.add(what)
                line = f"{what} ..." if total <= 1 else f"{what} ({total:,}) ..."
                console.print(line, markup=False, soft_wrap=True)

        yield say
        return
    columns = TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console, transient=True, redirect_stdout=False) as progress:
        tasks: dict[str, Any] = {}

        def show(done: int, total: int, what: str) -> None:
            if what not in tasks:
                tasks[what] = progress.add_task(what)
            progress.update(tasks[what], completed=done, total=total or None)
            if total and done >= total:
                progress.remove_task(tasks.pop(what))

        yield show


class TrainingDisplay:
    """Epoch, named losses, images per second and the time left."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or stderr()
        self._progress: Progress | None = None
        self._started = 0.0
        self._seen = 0
        self._last_drawn = 0.0

    @hookimpl
    def disent_run_started(self, run: Any) -> None:
        """Open the display."""
        self._started, self._seen = time.perf_counter(), 0
        if not moves(self._console):
            return
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[speed]}"),
            TimeRemainingColumn(compact=True),
            console=self._console,
            transient=True,
            redirect_stdout=False,
        )
        first = (run.first_epoch - 1) * run.steps_per_epoch
        total = run.epochs * run.steps_per_epoch
        self._task = self._progress.add_task("starting", total=total, completed=first, speed="")
        self._progress.start()

    @hookimpl
    def disent_batch_ended(self, run: Any, epoch: int, step: int) -> None:
        """Move the bar, at most ten times a second."""
        self._seen += 1
        now = time.perf_counter()
        if self._progress is None or now - self._last_drawn < 0.1:
            return
        self._last_drawn = now
        speed = self._seen * run.settings.batch_size / (now - self._started)
        self._progress.update(
            self._task,
            completed=(epoch - 1) * run.steps_per_epoch + step,
            description=f"epoch {epoch}/{run.epochs}",
            speed=f"{speed:,.0f} images/s",
        )

    @hookimpl
    def disent_epoch_ended(self, run: Any, epoch: int, losses: Mapping[str, float]) -> None:
        """Print the epoch's line: above the bar on a terminal, plainly elsewhere."""
        self._say(epoch_line(epoch, run.epochs, losses), style="dim")

    @hookimpl
    def disent_run_noted(self, run: Any, note: str) -> None:
        """Print the note likewise."""
        self._say(note)

    def _say(self, line: str, style: str | None = None) -> None:
        style = None if self._progress is None else style
        self._console.print(line, markup=False, style=style, soft_wrap=self._progress is None)

    def close(self) -> None:
        """Take the display away, also after an error."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None
