"""``disent sweep``: the runs of a grid, each in a process and a folder of its own; the folders are the state."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from disent_plugins.cli import completion, show, state
from disent_plugins.errors import Interrupted, UsageError

if TYPE_CHECKING:
    from disent_plugins.studies.grid import Grid
    from disent_plugins.studies.local import Engine
    from disent_plugins.studies.sweep import Sweep

AXES, PLACE = "Axes (values comma-separated; they go before the file's)", "How and where"


def sweep(
    file: Annotated[Path | None, typer.Argument(metavar="[GRID.toml]", help="The grid.", show_default=False)] = None,
    model: Annotated[
        str | None, typer.Option(help="Models.", rich_help_panel=AXES, autocompletion=completion.models)
    ] = None,
    data: Annotated[
        str | None, typer.Option(help="Data sets.", rich_help_panel=AXES, autocompletion=completion.datasets)
    ] = None,
    seeds: Annotated[str | None, typer.Option(help="0:5 for 0 to 4, or 0,1,2.", rich_help_panel=AXES)] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUES", help="Model option; repeatable.", rich_help_panel=AXES),
    ] = None,
    set_data: Annotated[
        list[str] | None,
        typer.Option("--set-data", metavar="KEY=VALUES", help="Data set option; repeatable.", rich_help_panel=AXES),
    ] = None,
    recipe: Annotated[str | None, typer.Option(help="Named recipes.", rich_help_panel=AXES)] = None,
    epochs: Annotated[str | None, typer.Option(help="Epochs.", rich_help_panel=AXES)] = None,
    batch_size: Annotated[str | None, typer.Option(help="Images in a batch.", rich_help_panel=AXES)] = None,
    lr: Annotated[str | None, typer.Option(help="Learning rates.", rich_help_panel=AXES)] = None,
    sampler: Annotated[str | None, typer.Option(help="Samplers.", rich_help_panel=AXES)] = None,
    visible: Annotated[str | None, typer.Option(help="Shares with a known group.", rich_help_panel=AXES)] = None,
    limit: Annotated[str | None, typer.Option(help="Only the first N images.", rich_help_panel=AXES)] = None,
    precision: Annotated[str | None, typer.Option(help="Precisions.", rich_help_panel=AXES)] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu or cuda[:n].", rich_help_panel=AXES)] = None,
    measure: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES|all|none",
            help="Metrics to measure in every cell (default: all).",
            rich_help_panel=PLACE,
            autocompletion=completion.measured,
        ),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(min=1, max=1024, help="Cells at once (default: one for every two cores, or slot on a GPU).",
                     rich_help_panel=PLACE),
    ] = None,
    threads: Annotated[
        int | None,
        typer.Option(min=1, max=1024, help="Threads of a cell (default: cores divided by jobs).",
                     rich_help_panel=PLACE),
    ] = None,
    per_gpu: Annotated[
        int, typer.Option(min=1, max=64, help="Cells that share a GPU.", rich_help_panel=PLACE)
    ] = 1,
    on: Annotated[
        str, typer.Option(help="local, dask (workers here) or dask://HOST:PORT.", rich_help_panel=PLACE)
    ] = "local",
    name: Annotated[
        str | None, typer.Option(help="Name of the sweep (default: the file's).", rich_help_panel=PLACE)
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder of sweeps.", rich_help_panel=PLACE)] = Path("sweeps"),
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="List the cells and what they would cost, and stop.",
                           rich_help_panel=PLACE)
    ] = False,
    report: Annotated[
        bool, typer.Option("--report", help="When the cells are done, write report.html into the sweep's folder.",
                           rich_help_panel=PLACE)
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the cells and their states as JSON.")] = False,
) -> None:  # fmt: skip
    """Train and measure every cell of a grid, each as a disent run of its own.

    Issued again, it runs what is missing, goes on with what was cut off, and accepts a larger grid.
    """
    from disent_plugins.cli.sweep_words import document, refuse_failed, show_end, show_plan
    from disent_plugins.measuring.after_training import wish
    from disent_plugins.studies.grid import plan
    from disent_plugins.studies.sweep import Sweep

    flags = {
        "model": model, "data": data, "seed": seeds, "recipe": recipe, "epochs": epochs, "batch_size": batch_size,
        "lr": lr, "sampler": sampler, "visible": visible, "limit": limit, "precision": precision, "device": device,
    }  # fmt: skip
    tables = {**_options("options", set_, "--set"), **_options("data_options", set_data, "--set-data")}
    grid = _grid(file, {**flags, **tables})
    registry, wanted = state.registry(), measure or grid.measure
    if wish(registry, wanted).everything:
        wanted = "all"
    path = out / _name(name or grid.name or (file.stem if file else "sweep"))
    found = Sweep(path, plan(registry, grid, path), ",".join(part.strip() for part in wanted.split(",")))
    if dry_run:
        found.others()
        show_plan(found, found.standings(), json=json)
        return
    engine = _engine(on, jobs, per_gpu, threads, [one.cell.settings.device for one in found.cells])
    with found.claimed() as left:
        if left:
            state.say(f"{left} cells of an earlier grid are left as they are in {show.shorten(path)}")
        _run(found, engine)
    standings = found.standings()
    if json:
        state.print_json(document(found, standings))
    else:
        show_end(found, standings)
    if report:
        from disent_plugins.cli.report import write_report

        state.say(f"report: {show.shorten(write_report([found.path]))}")
    refuse_failed(found, standings)


def _options(table: str, texts: list[str] | None, flag: str) -> dict[str, str]:
    """Options of ``--set``, each once."""
    from disent_plugins.options import parse_assignments

    found: dict[str, str] = {}
    for text in texts or ():
        for key, values in parse_assignments([text], flag=flag).items():
            if f"{table}.{key}" in found:
                raise UsageError(f"The axis '{key}' was given twice.", "", f"Put its values together: {flag} {key}=1,2")
            found[f"{table}.{key}"] = values
    return found


def _grid(file: Path | None, flags: dict[str, str | None]) -> Grid:
    from disent_plugins.studies.grid import Axis, Grid, read_grid

    typed = {key: Axis(text, typed=True) for key, text in flags.items() if text is not None}
    if file is None and not typed:
        raise UsageError(
            "There is no grid.", "Neither a file nor an axis was named.",
            "For example: disent sweep --model gmvae,mlvae --data digits --seeds 0:3",
        )  # fmt: skip
    return (read_grid(file) if file else Grid("", "the command line")).with_flags(typed)


def _name(name: str) -> str:
    """A name that is a folder's, and below the one of sweeps."""
    if not re.fullmatch(r"\w[\w .+-]{0,99}", name):
        raise UsageError(
            f"{name[:100]!r} is no name for a sweep.",
            "Its folder is called so: up to 100 letters, digits, spaces, '.', '_', '+' and '-'.",
            "Choose one with --name.",
        )
    return name


def _engine(on: str, jobs: int | None, per_gpu: int, threads: int | None, devices: list[str]) -> Engine:
    from disent_plugins.studies.local import Local, on_any_gpu, own_gpus

    if on == "local":
        return Local(jobs, own_gpus() if any(map(on_any_gpu, devices)) else (), per_gpu, threads)
    if on.partition("://")[0] != "dask":
        raise UsageError(f"There is no place '{on}' to run cells.", "", "It is local, dask or dask://HOST:PORT.")
    from disent_plugins.studies.on_dask import OnDask

    return OnDask(on, jobs, threads, state.say)


def _run(found: Sweep, engine: Engine) -> None:
    """Run what is not done."""
    from disent_plugins.cli.progress import reporting
    from disent_plugins.cli.sweep_table import SweepDisplay
    from disent_plugins.cli.sweep_words import again, say_counts

    standings = found.standings()
    missing = [one for one in found.cells if standings[one.name].state != "done"]
    say_counts(found, standings)
    if not missing:
        return
    with reporting() as report:
        found.prepare(missing, report)
    flags = () if state.third_party else ("--no-plugins",)
    work = [found.job(one, flags) for one in missing]
    try:
        with SweepDisplay({one.name: one.label for one in missing}, work) as display:
            engine.run(work, display)
    except KeyboardInterrupt as error:
        raise Interrupted(
            "Interrupted.", f"What was trained and measured is kept in {show.shorten(found.path)}.",
            f"Go on with: {again()}",
        ) from error  # fmt: skip
