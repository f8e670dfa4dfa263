"""``disent report``: one HTML file of a run, of a sweep or of several runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from disent_plugins.cli import show, state
from disent_plugins.errors import UsageError

if TYPE_CHECKING:
    from disent_plugins.studies.comparison import Comparison

FILE = "report.html"


def report(
    runs: Annotated[
        list[Path] | None,
        typer.Argument(help="Run folders, or folders of runs such as a sweep's (default: the newest run)."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.html",
            help="Where to write (default: report.html in the folder that was named; of several, here).",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Compare results that differ in how they were made.")] = False,
    browser: Annotated[bool, typer.Option("--open", help="Show it in the browser.")] = False,
) -> None:
    """Write one HTML file, to read and to send: tables, curves, pictures and what to be careful about."""
    path = write_report(runs or (), out, force=force)
    state.out.print(Text(show.shorten(path)), soft_wrap=True)
    if browser:
        import webbrowser

        webbrowser.open(path.resolve().as_uri())


def write_report(runs: Sequence[Path], out: Path | None = None, *, force: bool = False) -> Path:
    """Write the report of runs, or of folders of runs, and return where it is; see ``report``."""
    from disent_plugins.files import write_text
    from disent_plugins.measuring.kept import find_runs
    from disent_plugins.reports.page import report as page
    from disent_plugins.studies.compare import compare
    from disent_plugins.training.folder import find_folder

    found = find_runs(list(runs) or [find_folder(None).path])
    comparisons: list[Comparison] = []
    refused = ""
    if len(found) > 1:
        try:
            comparisons = compare(found, force=force)
        except UsageError as error:  # the rest of the report is of use all the same
            refused = " ".join(part for part in (error.what, error.why, error.hint) if part)
            state.say(f"warning: the runs are not compared. {refused}")
    text = page(found, comparisons, refused)
    path = out or _place(runs, found[0].path)
    try:
        write_text(path, text)
    except UsageError as error:
        raise UsageError(error.what, error.why, "Write it elsewhere: disent report ... --out FILE.html") from error
    state.say(f"written: a report of {len(found)} {'run' if len(found) == 1 else 'runs'}, {len(text) / 1e6:.1f} MB")
    return path


def _place(named: Sequence[Path], first: Path) -> Path:
    """In the folder that was named, a run or the folder of the ``first`` run, or here where several were."""
    from disent_plugins.training.folder import RUNS

    if len(named) > 1:
        return Path(FILE)
    is_run = not named or first in (named[0], RUNS / named[0])
    return (first if is_run else first.parent) / FILE
