"""``disent run``: train a model on a data set, measure it, draw it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from disent_plugins.cli import completion, state
from disent_plugins.errors import UsageError

if TYPE_CHECKING:
    from disent_plugins.training.processes import Processes
    from disent_plugins.training.session import Session

TRAINING, MODEL, PLACE = "Training", "Model and data", "Files"


def run(
    model: Annotated[
        str | None,
        typer.Option(help="Model (default: gmvae).", rich_help_panel=MODEL, autocompletion=completion.models),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(help="Data set (default: digits).", rich_help_panel=MODEL, autocompletion=completion.datasets),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Model option; repeatable.", rich_help_panel=MODEL),
    ] = None,
    set_data: Annotated[
        list[str] | None,
        typer.Option("--set-data", metavar="KEY=VALUE", help="Data set option; repeatable.", rich_help_panel=MODEL),
    ] = None,
    recipe: Annotated[
        str | None, typer.Option(help="Named recipe; see: disent models show MODEL.", rich_help_panel=TRAINING)
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Epochs (default: recipe).", rich_help_panel=TRAINING)] = None,
    batch_size: Annotated[
        int | None, typer.Option(help="Images in a batch (default: recipe).", rich_help_panel=TRAINING)
    ] = None,
    lr: Annotated[float | None, typer.Option(help="Learning rate (default: recipe).", rich_help_panel=TRAINING)] = None,
    milestones: Annotated[
        str | None,
        typer.Option(
            help="Epochs after which it is multiplied by gamma: 50,100, or none (default: recipe).",
            rich_help_panel=TRAINING,
        ),
    ] = None,
    gamma: Annotated[float | None, typer.Option(help="See milestones.", rich_help_panel=TRAINING)] = None,
    sampler: Annotated[
        str | None,
        typer.Option(
            help="random, blocks or pairs (default: recipe).",
            rich_help_panel=TRAINING,
            autocompletion=completion.samplers,
        ),
    ] = None,
    leftovers: Annotated[
        str | None,
        typer.Option(
            help="blocks: pack, loose or drop classes' last images (default: recipe).", rich_help_panel=TRAINING
        ),
    ] = None,
    visible: Annotated[
        float | None,
        typer.Option(help="Share of training images with a known group (default: 1).", rich_help_panel=TRAINING),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(help="Only the first N training images.", rich_help_panel=TRAINING)
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Seed of everything random (default: 0).", rich_help_panel=TRAINING)
    ] = None,
    device: Annotated[
        str | None, typer.Option(help="auto, cpu or cuda[:n] (default: auto).", rich_help_panel=TRAINING)
    ] = None,
    precision: Annotated[
        str | None,
        typer.Option(help="auto, fp32 or bf16 (default: auto, the faster one here).", rich_help_panel=TRAINING),
    ] = None,
    graph: Annotated[
        str | None,
        typer.Option(help="CUDA graph of the step: auto, on or off (default: on a GPU).", rich_help_panel=TRAINING),
    ] = None,
    compile: Annotated[
        str | None, typer.Option(help="torch.compile: auto, on or off (default: off).", rich_help_panel=TRAINING)
    ] = None,
    group_statistics: Annotated[
        str | None,
        typer.Option(
            help="Of several processes: rank or exact, as if they were one (default: rank).",
            rich_help_panel=TRAINING,
        ),
    ] = None,
    measure: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES|all|none",
            help="Metrics to measure afterwards, comma-separated (default: probe, reconstruction and pictures).",
            rich_help_panel=TRAINING,
            autocompletion=completion.measured,
        ),
    ] = None,
    source: Annotated[
        Path | None, typer.Option(help="Folder with the raw files; no network.", rich_help_panel=PLACE)
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(help="TOML file of settings, or a run's config.json; flags go before it.", rich_help_panel=PLACE),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Run folder (default: runs/<time>_...).", rich_help_panel=PLACE)
    ] = None,
    resume: Annotated[Path | None, typer.Option(help="Go on with a run.", rich_help_panel=PLACE)] = None,
    log: Annotated[
        list[str] | None,
        typer.Option(
            "--log",
            metavar="NAME",
            help="Logger, such as tensorboard; repeatable. See: disent plugins",
            rich_help_panel=PLACE,
            autocompletion=completion.loggers,
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the merged settings as TOML, and stop.", rich_help_panel=PLACE)
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the results as one JSON document.")] = False,
) -> None:
    """Train a model on a data set, then measure and draw how far content and style came apart.

    Without flags: GM-VAE on the embedded handwritten digits.
    """
    from disent_plugins.cli.progress import reporting
    from disent_plugins.cli.run_words import show_end
    from disent_plugins.measuring.after_training import measure_run, wish
    from disent_plugins.options import parse_assignments
    from disent_plugins.training.processes import launched

    processes = launched()
    with state.one_voice(processes.first), processes:
        with processes.together():
            wanted = wish(state.registry(), measure)
            flags: dict[str, Any] = {
                "model": model, "data": data, "recipe": recipe, "epochs": epochs, "batch_size": batch_size, "lr": lr,
                "milestones": milestones, "gamma": gamma, "sampler": sampler, "leftovers": leftovers,
                "visible": visible, "limit": limit, "seed": seed, "device": device, "precision": precision,
                "graph": graph, "compile": compile, "group_statistics": group_statistics,
                "options": parse_assignments(set_ or []),
                "data_options": parse_assignments(set_data or [], flag="--set-data"),
            }  # fmt: skip
            ready = _ready(flags, config, source, out, log, resume, dry_run, processes)
        if ready is not None:
            _train(ready)
    if ready is None or not processes.first:
        return
    with reporting() as report:
        documents = measure_run(ready, report, wanted)
    if json:
        state.print_json({"run": str(ready.run.folder.path), "results": documents})
    else:
        show_end(ready, documents)


def _ready(
    flags: dict[str, Any],
    config: Path | None,
    source: Path | None,
    out: Path | None,
    log: list[str] | None,
    resume: Path | None,
    dry_run: bool,
    processes: Processes,
) -> Session | None:
    """The run that was asked for, new or to go on with; none if its settings are all that was."""
    from disent_plugins.cli.progress import reporting
    from disent_plugins.training import session
    from disent_plugins.training.parts import resolve
    from disent_plugins.training.settings import MAY_CHANGE, as_toml, read_config_file

    file = read_config_file(config) if config else {}
    model, data = flags.pop("model"), flags.pop("data")
    source, out = source or _path(file, "source"), out or _path(file, "out")
    given = {key: value for key, value in file.items() if key not in ("source", "out", "log")}
    registry = state.registry()
    for name in log or file.get("log", []):
        registry.log_to(name)
    if resume is not None:
        asked = {**given, **{key: value for key, value in flags.items() if value is not None}}
        asked |= {key: {**given.get(key, {}), **flags[key]} for key in ("options", "data_options")}
        asked |= {key: value for key, value in (("model", model), ("data", data)) if value is not None}
        folder, settings = _resumable(registry, resume, asked, out)
    else:
        names = {"model": str(model or file.get("model", "gmvae")), "data": str(data or file.get("data", "digits"))}
        parts, settings = resolve(registry, **names, file=given, flags=flags)
    if dry_run:
        if resume is None:
            session.check(parts, settings)
        state.out.print(as_toml(settings), markup=False, soft_wrap=True, end="")
        return None
    with reporting() as report:
        if resume is not None:
            to = {name: getattr(settings, name) for name in MAY_CHANGE}
            return session.resume(registry, folder, **to, source=source, report=report, processes=processes)
        return session.start(parts, settings, source=source, out=out, report=report, processes=processes)


def _train(ready: Session) -> None:
    from disent_plugins.cli.progress import TrainingDisplay
    from disent_plugins.cli.run_words import announce

    announce(ready)
    display = TrainingDisplay()
    ready.parts.registry.add(display, name="display")
    try:
        ready.fit()
    finally:
        display.close()


def _resumable(registry: Any, path: Path, asked: dict[str, Any], out: Path | None) -> tuple[Any, Any]:
    """The run to go on with and its settings, if nothing was asked for that would make it another run."""
    from disent_plugins.training.folder import find_folder
    from disent_plugins.training.parts import load_parts
    from disent_plugins.training.settings import MAY_CHANGE, changed, differences

    folder = find_folder(path)
    before = folder.settings()
    if registry.datasets.split(str(asked.get("data", "")))[1]:  # a place is kept as it is seen from anywhere
        asked["data"] = load_parts(registry, before.model, asked["data"], asked["data_options"]).data
    parts = load_parts(registry, before.model, before.data, {**before.data_options, **asked["data_options"]})
    settings = changed(before, parts.model_class.Config, {**asked, "data_options": parts.adapter.info.options})
    different = differences(before, settings)
    if out is not None and out.resolve() != folder.path.resolve():
        different.append(f"out: {folder.path} -> {out}")
    if different:
        may_change = " and ".join(", ".join(f"--{name}" for name in MAY_CHANGE).rsplit(", ", 1))
        raise UsageError(
            f"{folder.path} was started with other settings.",
            "\n".join(f"  {line}" for line in different),
            f"Leave them out to go on with the run (only {may_change} may change): disent run --resume {folder.path}",
        )
    return folder, settings


def _path(file: dict[str, Any], key: str) -> Path | None:
    if key not in file:
        return None
    text = str(file[key])
    if not text.strip() or "\0" in text:
        raise UsageError(f"{key}={text!r} in the configuration file names no folder.", hint="Leave the line out.")
    return Path(text)
