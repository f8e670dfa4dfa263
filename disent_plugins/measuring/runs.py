"""Runs in Python: train one, open one."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from disent_plugins.errors import UsageError, shown
from disent_plugins.measuring import trained
from disent_plugins.measuring.trained import TrainedRun
from disent_plugins.options import by_name
from disent_plugins.registry.host import Registry, from_environment
from disent_plugins.training import session
from disent_plugins.training.display import TrainingDisplay, reporting
from disent_plugins.training.folder import RunFolder, find_folder
from disent_plugins.training.parts import resolve


def train(
    model: str = "gmvae",
    data: str = "digits",
    *,
    options: Mapping[str, Any] | None = None,
    data_options: Mapping[str, Any] | None = None,
    recipe: str | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    lr: float | None = None,
    milestones: Sequence[int] | None = None,
    gamma: float | None = None,
    sampler: str | None = None,
    leftovers: str | None = None,
    visible: float | None = None,
    limit: int | None = None,
    seed: int | None = None,
    device: str | None = None,
    precision: str | None = None,
    graph: str | None = None,
    compile: str | None = None,
    source: str | Path | None = None,
    out: str | Path | None = None,
    progress: bool = True,
    registry: Registry | None = None,
) -> TrainedRun:
    """Train a model on a data set, as ``disent run`` does; nothing is measured yet.

    Args:
        model, data: Registry names; ``disent models list`` and ``disent data list`` show them.
        options: Options of the model.
        data_options: Options of the data set.
        recipe, epochs, batch_size, lr, milestones, gamma, sampler, leftovers, visible, limit, seed, device, precision,
            graph, compile: Settings of the run (see ``training.settings.RunSettings``); None for those of the recipe.
        source: Folder with the raw files of the data set; then the network is not used.
        out: The run's folder; one below ``runs`` if None.
        progress: Whether to show on stderr, or in the notebook, how far it is.
        registry: Plugins; those that are installed if None.

    Returns:
        The run, opened (see ``open_run``).

    Raises:
        UsageError: An unknown name, a setting out of bounds, or a folder that holds a run already.
        DataMissing: The data set is not there, and cannot be fetched.
        Interrupted: Ctrl-C; the state was saved, and ``disent run --resume FOLDER`` goes on.
        PluginFailure, WorkFailed: The training failed.
    """
    for kind, name in (("model", model), ("data", data)):
        if not isinstance(name, str):
            raise UsageError(f"{kind}={shown(name)} cannot be used.", f"It takes a name: disent {_LISTS[kind]} list")
    flags = {
        "recipe": recipe, "epochs": epochs, "batch_size": batch_size, "lr": lr, "milestones": milestones,
        "gamma": gamma, "sampler": sampler, "leftovers": leftovers, "visible": visible, "limit": limit, "seed": seed,
        "device": device, "precision": precision, "graph": graph, "compile": compile,
        "options": _table("options", options), "data_options": _table("data_options", data_options),
    }  # fmt: skip
    found = from_environment(os.environ) if registry is None else registry
    parts, settings = resolve(found, model=model, data=data, file={}, flags=flags)
    with reporting(progress) as report:
        ready = session.start(parts, settings, source=_path(source), out=_path(out), report=report)
    if progress:
        _fit(ready)
    else:
        ready.fit()
    return open_run(ready.run.folder.path, device=settings.device, progress=progress, registry=found)


def open_run(
    path: str | Path | None = None,
    *,
    checkpoint: str = "last",
    device: str = "auto",
    progress: bool = True,
    registry: Registry | None = None,
) -> TrainedRun:
    """Open a trained run: ``disent_plugins.open_run("runs/mine").encode(images)``.

    Its data set is needed, and opened, when the run is measured.

    Args:
        path: Its folder, also looked up below ``runs``; the newest run if None.
        checkpoint: ``last`` or ``best``.
        device: Where to encode and decode: ``auto``, ``cpu`` or ``cuda[:n]``.
        progress: Whether ``measure`` shows on stderr, or in the notebook, how far it is.
        registry: Plugins; those that are installed if None.

    Raises:
        UsageError: There is no run, no checkpoint, or one of another model or another run.
    """
    if checkpoint not in ("last", "best"):
        raise UsageError(f"There is no checkpoint {shown(checkpoint)}.", "It is last or best.")
    folder = find_folder(_path(path))
    _refuse_export(folder)
    found = from_environment(os.environ) if registry is None else registry
    run = trained.open_run(found, folder, which=checkpoint, device=device, images=False)
    run.progress = progress
    return run


def _refuse_export(folder: RunFolder) -> None:
    """Say of a folder that ``export`` wrote that it is none of a run.

    Raises:
        UsageError: It is one.
    """
    if (folder.path / "model.safetensors").is_file():
        raise UsageError(
            f"{folder.path} is an exported model, and no run.",
            "It holds weights, and nothing to go on or to measure with.",
            f"Open it with: disent_plugins.open_export({str(folder.path)!r})",
        )


_LISTS = {"model": "models", "data": "data"}


def _fit(ready: session.Session) -> None:
    registry, display = ready.parts.registry, TrainingDisplay()
    registry.add(display, name="display")
    try:
        ready.fit()
    finally:
        display.close()
        registry.remove(display)


def _table(name: str, given: Any) -> dict[str, Any]:
    if given is not None and not by_name(given):
        raise UsageError(f"{name}={shown(given)} cannot be used.", "It takes a dictionary of options by name.")
    return dict(given or {})


def _path(given: Any) -> Path | None:
    if given is not None and (not isinstance(given, str | Path) or not str(given) or "\0" in str(given)):
        raise UsageError(f"{shown(given)} is no path.", "It takes the path of a folder.")
    return None if given is None else Path(given)
