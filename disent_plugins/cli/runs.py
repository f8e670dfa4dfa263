"""``disent runs list | show | rm | export``. Listing and showing load no torch."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from disent_plugins.cli import completion, show, state
from disent_plugins.cli.models import Json
from disent_plugins.errors import UsageError

if TYPE_CHECKING:
    from disent_plugins.measuring.kept import KeptRun

app = typer.Typer(no_args_is_help=True, help="The runs: what there is, what they say, and using them elsewhere.")

Runs = Annotated[list[Path], typer.Argument(help="Run folders.", autocompletion=completion.runs)]

HEADLINES = {
    "content": ("probe", "content/mean/strong"),
    "style": ("probe", "style/mean/strong"),
    "swap": ("swap", "keeps-content"),
}
"""Column to the metric and the value that stand in it."""


@app.command("list")
def list_runs(
    folders: Annotated[
        list[Path] | None, typer.Argument(help="Runs, or folders of runs (default: runs).", show_default=False)
    ] = None,
    json: Json = False,
) -> None:
    """List runs, the newest first, with a few of their values."""
    from disent_plugins.measuring.kept import run_folders

    paths = sorted(run_folders(folders or ()), key=lambda path: -(path / "config.json").stat().st_mtime_ns)
    runs = list(_readable(paths))
    if json:
        state.print_json([_summary(run) for run in runs])
        return
    chance = show.piped() or state.out.width >= WIDE
    rows = [
        [
            _name(run.path), run.model, run.dataset, "?" if run.seed is None else run.seed,
            f"{run.done}/{run.planned}", run.state, *(_cell(_headline(run, *of), chance) for of in HEADLINES.values()),
        ]
        for run in runs
    ]  # fmt: skip
    columns = ["run", "model", "data", "seed", "epochs", "state", *HEADLINES]
    made = show.table("Runs", columns, rows)
    for column in made.columns[3:]:
        column.no_wrap = True
    show.print_listing(made)
    words = "In brackets: chance. " if chance else ""
    state.out.print(f"\n{words}All values and their chance: disent runs show RUN", style="dim", markup=False)


WIDE = 100
"""Columns of a terminal on which chance finds room beside each value."""


def _name(path: Path) -> str:
    """As the commands take it: below ``runs`` the bare name is enough."""
    return path.name if path.parent == Path("runs") else show.shorten(path)


def _readable(paths: Sequence[Path]) -> Iterator[KeptRun]:
    """The runs; of those that cannot be read, and of damaged files, a line on stderr."""
    from disent_plugins.measuring.kept import read_run

    for path in paths:
        try:
            run = read_run(path)
        except UsageError as error:
            state.say(f"warning: {error.what} {error.why}")
            continue
        for fault in run.faults:
            state.say(f"warning: {show.shorten(path)}: {fault}")
        yield run


def _headline(run: KeptRun, metric: str, name: str) -> dict[str, Any] | None:
    found = run.documents.get(metric) or {}
    value = found.get("values", {}).get(name)
    return None if value is None else {"value": value, **found["reference"][name]}


def _cell(found: Mapping[str, Any] | None, chance: bool) -> str:
    if found is None:
        return ""
    floor = found.get("floor") if chance else None
    return f"{found['value']:.2f}" + (f" ({floor:.2f})" if floor is not None else "")


def _summary(run: KeptRun) -> dict[str, Any]:
    values = {of[1]: found for of in HEADLINES.values() if (found := _headline(run, *of)) is not None}
    return {
        "run": str(run.path), "model": run.model, "data": run.dataset, "seed": run.seed, "epochs": run.done,
        "planned": run.planned, "state": run.state, "seconds": run.seconds, "values": values, "faults": run.faults,
    }  # fmt: skip


@app.command("show")
def show_run(
    run: Annotated[Path, typer.Argument(help="Run folder.", autocompletion=completion.runs)], json: Json = False
) -> None:
    """Show what a run was, how far it is, and everything that was measured."""
    from disent_plugins.measuring.kept import read_run

    found = read_run(_here(run))
    if json:
        state.print_json({**asdict(found), "state": found.state, "path": str(found.path)})
        return
    settings = {key: value for key, value in found.settings.items() if key not in ("options", "data_options")}
    state.out.print(show.table(show.shorten(found.path), ["", ""], _facts(found)))
    for title, table in (("Settings", settings), ("Options", found.settings.get("options"))):
        if isinstance(table, dict) and table:
            rows = [[key, "" if value is None else value] for key, value in table.items()]
            state.out.print()
            state.out.print(show.table(title, ["name", "value"], rows))
    for document in found.documents.values():
        state.out.print()
        show.show_values(document)
    for fault in found.faults:
        state.say(f"warning: {fault}")


def _facts(run: KeptRun) -> Iterator[list[str]]:
    libraries = run.environment.get("libraries")
    torch = libraries.get("torch", "?") if isinstance(libraries, dict) else "?"
    last = {key: value for key, value in (run.epochs[-1] if run.epochs else {}).items() if key.endswith("total")}
    yield ["model", run.model]
    yield ["data", f"{run.dataset}, content hash {run.digest or 'unknown'}"]
    yield ["state", f"{run.state}, {run.done} of {run.planned} epochs in {run.seconds:,.1f} s"]
    yield ["last epoch", ", ".join(f"{key} {value:.4g}" for key, value in last.items() if isinstance(value, float))]
    yield ["begun", time.strftime("%Y-%m-%d %H:%M", time.localtime((run.path / "config.json").stat().st_mtime))]
    yield ["made by", f"disent-plugins {run.environment.get('disent-plugins', '?')}, torch {torch}"]
    yield ["machine", f"{run.environment.get('gpu') or run.environment.get('device') or '?'}"]


@app.command("rm")
def remove_runs(
    runs: Runs,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    json: Json = False,
) -> None:
    """Remove runs: what they wrote into their folders, and nothing else."""
    from disent_plugins.training.removal import remove_run, require_run

    paths = [_here(run) for run in runs]
    for path in paths:
        require_run(path)
    if not (yes or _agreed(paths)):
        state.say("Nothing was removed.")
        return
    left = {str(path): remove_run(path) for path in dict.fromkeys(paths)}
    if json:
        state.print_json([{"run": name, "left": others} for name, others in left.items()])
        return
    for name, others in left.items():
        state.out.print(f"removed {show.shorten(name)}", markup=False, soft_wrap=True)
        if others:
            state.say(f"What is not the run's stays in {show.shorten(name)}: {', '.join(others)}")


def _agreed(paths: Sequence[Path]) -> bool:
    for path in paths:
        size = sum(file.lstat().st_size for file in path.rglob("*") if file.is_file())
        state.say(f"{show.shorten(path)} ({size / 1e6:,.1f} MB)")
    if not sys.stdin.isatty():
        raise UsageError("Nothing was removed.", "This command asks first, and here nobody can answer.", "Say: --yes")
    return typer.confirm("Remove?", err=True)


@app.command("export")
def export(
    run: Annotated[Path, typer.Argument(help="Run folder.", autocompletion=completion.runs)],
    out: Annotated[Path | None, typer.Option(help="Folder (default: exports/NAME).", show_default=False)] = None,
    checkpoint: Annotated[str, typer.Option(help="last or best.")] = "last",
    json: Json = False,
) -> None:
    """Write a run's model as model.safetensors, config.json and a model card, README.md."""
    from disent_plugins.measuring.exported import export_run
    from disent_plugins.measuring.runs import open_run

    found = open_run(run, checkpoint=checkpoint, device="cpu", registry=state.registry())
    place = out or Path("exports") / found.folder.path.resolve().name
    files = export_run(found, place)
    if json:
        state.print_json({"run": str(found.folder.path), "files": [str(file) for file in files]})
        return
    for file in files:
        state.out.print(show.shorten(file), markup=False, soft_wrap=True)
    state.say(f"next: disent encode {show.shorten(place)} PICTURES --out codes.npz")


def _here(path: Path) -> Path:
    """The folder, also looked up below ``runs``."""
    from disent_plugins.training.folder import find_folder

    return find_folder(path).path
