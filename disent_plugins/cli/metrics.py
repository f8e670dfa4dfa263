"""``disent metrics list`` and ``disent metrics NAME`` for every registered metric, third-party ones included."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from typer.core import TyperGroup

from disent_plugins.cli import show, state
from disent_plugins.cli.check import check
from disent_plugins.cli.listing import list_specs
from disent_plugins.cli.measure_all import measure_all_metrics
from disent_plugins.cli.models import Json
from disent_plugins.cli.subjects import Content, Preset, Style, blocks_of, subject_of, words
from disent_plugins.printable import printable

_GENERIC = "measure"


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
        summary = escape(printable(spec.summary))
        command.name, command.help, command.short_help = cmd_name, summary, summary
        command.hidden = False
        return command


app = typer.Typer(cls=MetricCommands, no_args_is_help=True, help="Measure a run, or codes from anywhere.")


@app.command("list")
def list_metrics(json: Json = False) -> None:
    """List the metrics."""
    hint = "On the newest run: disent metrics NAME; on arrays: disent metrics NAME --codes FILE.npz"
    metrics = state.registry().metrics
    list_specs(metrics, "Metrics", capability="needs", columns=("needs",), hint=hint, json=json)


app.command("all")(measure_all_metrics)
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
    out: Annotated[
        Path | None, typer.Option(help="Folder for pictures (default: the run's, or figures/FILE-DIGEST).")
    ] = None,
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
    from disent_plugins.measuring.documents import document
    from disent_plugins.measuring.items import with_items
    from disent_plugins.measuring.measure import check_request, measure
    from disent_plugins.measuring.results import add_results, kept_name, require_place, set_aside
    from disent_plugins.options import parse_assignments

    blocks = blocks_of(codes, content, style, name)
    chosen = parse_assignments(set_ or [])
    check_request(registry, name, chosen, preset)
    with reporting() as report:
        subject, place = subject_of(run, codes, blocks, seed, checkpoint, device, out, report)
        kept = codes is None and out is None
        if kept:
            require_place(place)
            set_aside(place, subject.of, subject.out)
        group = registry.metrics.find(name)[0].group
        result = measure(registry, name, chosen, subject, preset=preset)
        result = with_items(result, place) if kept else result
        found = document(result, subject=subject.name, group=group, of=subject.of)
    if kept:
        add_results(place, {kept_name(name, found["settings"]): found})
    if json:
        state.print_json(found)
        return
    state.say(f"measured: {words(subject)}")
    show.show_result(found)


def _show_options(registry: Any, name: str) -> None:
    from disent_plugins.options import describe

    spec, plugin = registry.metrics.find(name)
    metric = registry.load(spec, plugin)
    found = registry.call(plugin, f"the options of '{name}' could not be read", lambda: describe(metric.Config))
    state.out.print(show.options_table(name, found))
