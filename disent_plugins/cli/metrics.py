"""``disent metrics list`` and ``disent metrics NAME`` for every registered metric, third-party ones included."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from disent_plugins.cli import show, state
from disent_plugins.cli.check import check
from disent_plugins.cli.listing import list_specs
from disent_plugins.cli.models import Json
from disent_plugins.errors import UsageError, suggestion

_GENERIC = "measure"

Content = Annotated[str | None, typer.Option(metavar="START:STOP", help="Content columns of one array 'codes'.")]
Style = Annotated[str | None, typer.Option(metavar="START:STOP", help="Style columns of one array 'codes'.")]
Preset = Annotated[str | None, typer.Option("--as", metavar="PRESET", help="Use the settings of a published study.")]


class MetricCommands(TyperGroup):
    """One command per registered metric, all of them the same function."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [name for name in super().list_commands(ctx) if name != _GENERIC] + state.registry().metrics.names()

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name == _GENERIC:
            return None
        own = super().get_command(ctx, cmd_name)
        if own is not None or cmd_name.startswith("-"):
            return own
        spec, _ = state.registry().metrics.find(cmd_name)
        command = copy.copy(super().get_command(ctx, _GENERIC))
        assert command is not None
        command.name, command.help, command.short_help = cmd_name, spec.summary, spec.summary
        command.hidden = False
        return command


app = typer.Typer(cls=MetricCommands, no_args_is_help=True, help="Measure a run, or codes from anywhere.")


@app.command("list")
def list_metrics(json: Json = False) -> None:
    """List the metrics."""
    hint = "On the newest run: disent metrics NAME; on arrays: disent metrics NAME --codes FILE.npz"
    metrics = state.registry().metrics
    list_specs(metrics, "Metrics", capability="needs", columns=("needs",), hint=hint, json=json)


@app.command("all")
def measure_all_metrics(
    runs: Annotated[
        list[Path] | None,
        typer.Argument(help="Run folders (default: the newest); of several, the mean.", show_default=False),
    ] = None,
    codes: Annotated[Path | None, typer.Option(help="Arrays (.npz or .h5) instead of a run.")] = None,
    content: Content = None,
    style: Style = None,
    preset: Preset = None,
    groups: Annotated[
        str | None, typer.Option(help="Only these groups, comma-separated: leakage, swap, blocks, factors, quality.")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, max=2**31 - 1, help="Seed (default: the run's, or 0).")] = None,
    checkpoint: Annotated[str, typer.Option(help="last or best.")] = "last",
    device: Annotated[str, typer.Option(help="auto, cpu or cuda[:n].")] = "auto",
    out: Annotated[Path | None, typer.Option(help="Folder for figures and CSV (default: the run's, or here).")] = None,
    json: Json = False,
) -> None:
    """Measure everything: one table, results.json, results.csv and pictures."""
    from disent_plugins.cli import suite as tables
    from disent_plugins.cli.progress import reporting
    from disent_plugins.files import write_json
    from disent_plugins.training.suite import measure_all, over_runs, suite, write_csv

    registry = state.registry()
    wanted = [group.strip() for group in (groups or "").split(",") if group.strip()]
    known = {group for group, _ in suite(registry)}
    for group in wanted:
        if group not in known:
            raise UsageError(f"There is no group '{group}'.", suggestion(group, known))
    blocks = _blocks(codes, content, style, "all")
    found, names = [], []
    with reporting() as report:
        for run in runs or (None,):
            subject, folder = _subject(run, codes, blocks, seed, checkpoint, device, out, report)
            place = folder.path if folder is not None and out is None else out or Path("figures")
            keep = _keeper(place, folder if out is None else None)
            found.append(measure_all(registry, subject, groups=wanted, preset=preset, done=keep))
            names.append(subject.name)
            write_csv(place / "results.csv", found[-1])
    together = over_runs(found)
    if len(found) > 1:
        place = out or Path("figures")
        write_json(place / "results.json", tables.documents(together))
        write_csv(place / "results.csv", together)
    if json:
        state.print_json({"metrics": tables.documents(together), "left_out": tables.left_out(together)})
        return
    state.say(f"measured: {', '.join(names)}")
    tables.show_entries(together)
    state.say(f"written: {show.shorten(place / 'results.json')}, {show.shorten(place / 'results.csv')}")


def _keeper(place: Path, folder: Any) -> Callable[[Any], None]:
    """What writes every metric's result when it is done: among a run's results, or else into a file in ``place``."""
    from disent_plugins.cli.suite import documents
    from disent_plugins.files import write_json

    done: dict[str, Any] = {}

    def keep(entry: Any) -> None:
        found = documents([entry])
        done.update(found)
        if folder is not None:
            folder.add_results(found)
        else:
            write_json(place / "results.json", done)

    return keep


app.command("check")(check)


@app.command(_GENERIC, hidden=True)
def measure_one(
    ctx: typer.Context,
    run: Annotated[Path | None, typer.Argument(help="Run folder (default: the newest).", show_default=False)] = None,
    codes: Annotated[Path | None, typer.Option(help="Arrays (.npz or .h5) instead of a run.")] = None,
    content: Content = None,
    style: Style = None,
    preset: Preset = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Metric option; repeatable.")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, max=2**31 - 1, help="Seed (default: the run's, or 0).")] = None,
    checkpoint: Annotated[str, typer.Option(help="last or best.")] = "last",
    device: Annotated[str, typer.Option(help="auto, cpu or cuda[:n].")] = "auto",
    out: Annotated[Path | None, typer.Option(help="Folder for figures (default: the run's, or here).")] = None,
    options: Annotated[bool, typer.Option("--options", help="Show the metric's options, and stop.")] = False,
    json: Json = False,
) -> None:
    """Measure one metric."""
    name = ctx.info_name or ""
    registry = state.registry()
    if options:
        _show_options(registry, name)
        return
    from disent_plugins.cli.progress import reporting
    from disent_plugins.options import parse_assignments
    from disent_plugins.training.documents import document
    from disent_plugins.training.evaluate import measure

    blocks = _blocks(codes, content, style, name)
    chosen = parse_assignments(set_ or [])
    with reporting() as report:
        subject, folder = _subject(run, codes, blocks, seed, checkpoint, device, out, report)
        found = document(measure(registry, name, chosen, subject, preset=preset))
    if folder is not None and out is None:
        folder.add_results({name: found})
    if json:
        state.print_json(found)
        return
    state.say(f"measured: {subject.name}")
    show.show_result(found)


def _blocks(
    codes: Path | None, content: str | None, style: str | None, name: str
) -> tuple[str | None, str | None] | None:
    """Which columns of the array ``codes`` are which, if that was said."""
    if content is None and style is None:
        return None
    if codes is None:
        raise UsageError(
            "--content and --style were given without --codes.",
            "They cut the array 'codes' of a file; the codes of a run are in blocks already.",
            f"disent metrics {name} --codes FILE.npz --content 0:8 --style 8:16",
        )
    return content, style


def _subject(
    run: Path | None, codes: Path | None, blocks: Any, seed: int | None, which: str, device: str, out: Path | None,
    report: Any,
) -> tuple[Any, Any]:  # fmt: skip
    """What is measured, and the run's folder if it is a run."""
    if codes is None:
        return _run_subject(run, seed, which, device, out, report)
    if run is not None:
        raise UsageError("A run and --codes were both given.", "One thing is measured at a time.")
    return _codes_subject(codes, blocks, seed or 0, out, report), None


def _codes_subject(path: Path, blocks: Any, seed: int, out: Path | None, report: Any) -> Any:
    from disent_plugins.contracts import Subject
    from disent_plugins.metrics.codes_file import read_codes

    codes = read_codes(path, seed=seed, blocks=blocks)
    return Subject(name=path.name, codes=codes, seed=seed, out=out or Path("figures"), report=report)


def _run_subject(run: Path | None, seed: int | None, which: str, device: str, out: Path | None, report: Any) -> Any:
    from disent_plugins.training.folder import find_folder
    from disent_plugins.training.trained import open_run

    if which not in ("last", "best"):
        raise UsageError(f"There is no checkpoint '{which}'.", "It is last or best.")
    folder = find_folder(run)
    subject = open_run(state.registry(), folder, which=which, device=device, report=report).subject(
        seed=seed, report=report
    )
    if out is not None:
        subject.out = out
    return subject, folder


def _show_options(registry: Any, name: str) -> None:
    from disent_plugins.options import describe

    spec, plugin = registry.metrics.find(name)
    metric = registry.load(spec, plugin)
    found = registry.call(plugin, f"the options of '{name}' could not be read", lambda: describe(metric.Config))
    state.out.print(show.options_table(name, found))
