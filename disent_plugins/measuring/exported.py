"""A trained model as three files that need no run folder: ``model.safetensors``, ``config.json``, ``README.md``."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import nn

from disent_plugins.contracts import ImageSpec, TrainingData
from disent_plugins.contracts.classes import name_of
from disent_plugins.contracts.outputs import check_module
from disent_plugins.errors import UsageError, shown
from disent_plugins.files import clear_disk_errors, read_table, write_bytes, write_json, write_text
from disent_plugins.measuring.documents import plain
from disent_plugins.measuring.kept import read_documents
from disent_plugins.measuring.model import TrainedModel
from disent_plugins.measuring.model_card import model_card
from disent_plugins.measuring.results import JSON
from disent_plugins.measuring.trained import TrainedRun
from disent_plugins.options import build
from disent_plugins.registry.host import Registry, from_environment
from disent_plugins.training.devices import choose_device
from disent_plugins.training.folder import RUNS
from disent_plugins.version import __version__

FORMAT_VERSION = 1
KIND = "disent-plugins exported model"
WEIGHTS, CONFIG, CARD = "model.safetensors", "config.json", "README.md"


def export_run(run: TrainedRun, out: Path) -> list[Path]:
    """Write a run's model into a folder: weights, what is needed to make it again, and a model card.

    Args:
        run: The run, opened.
        out: The folder; an earlier export in it is replaced.

    Returns:
        The files.

    Raises:
        UsageError: safetensors is not installed; the folder is that of a run, or lies among runs; the model keeps more
            than tensors; the run's ``results.json`` is damaged.
    """
    save = _safetensors().save
    _check_place(out)
    state = run.model.state_dict()
    other = [name for name, value in state.items() if not isinstance(value, torch.Tensor)]
    if other:
        raise UsageError(
            f"Model '{run.name}' cannot be exported.",
            f"It keeps more than tensors: {', '.join(other)}.",
            "Its checkpoint holds everything: share the run's folder instead.",
        )
    documents = {name: found for name, found in read_documents(run.place / JSON).items() if found.get("of") == run.of}
    config = plain(
        {
            "kind": KIND,
            "format_version": FORMAT_VERSION,
            "maker": f"disent-plugins {__version__}",
            "model": run.settings.model,
            "target": run.parts.spec.target,
            "options": dict(run.settings.options),
            "training_data": asdict(run.data),
            "preprocessing": run.made,
            "of": run.of,
            "settings": asdict(run.settings),
        }
    )
    tensors = {name: value.detach().cpu().contiguous().clone() for name, value in state.items()}
    files = [out / name for name in (WEIGHTS, CONFIG, CARD)]
    with clear_disk_errors(out):
        out.mkdir(parents=True, exist_ok=True)
    write_bytes(files[0], save(tensors, metadata={"format": "pt"}))
    write_json(files[1], config)
    write_text(files[2], model_card(run, config, documents, tensors))
    return files


def open_export(path: str | Path, *, device: str = "auto", registry: Registry | None = None) -> TrainedModel:
    """Open what ``disent runs export`` wrote: ``encode``, ``decode`` and ``swap`` are those of a run.

    Args:
        path: The folder.
        device: Where to encode and decode: ``auto``, ``cpu`` or ``cuda[:n]``.
        registry: Plugins; those that are installed if None.

    Raises:
        UsageError: safetensors is not installed, the folder holds no export, or one of another version, or the weights
            do not fit.
        PluginFailure: The model's plugin failed.
    """
    load = _safetensors().load
    folder, target = Path(path), choose_device(device)
    config = _config(folder)
    found = from_environment(os.environ) if registry is None else registry
    spec, plugin = found.models.find(config["model"])
    model_class = found.load(spec, plugin)
    options = build(model_class.Config, config["options"], owner=f"model '{config['model']}'")
    data = _training_data(folder / CONFIG, config["training_data"])

    def make() -> nn.Module:
        model: nn.Module = model_class(options, data)
        check_module(name_of(model_class), model)
        return model

    model = found.call(plugin, f"Model '{spec.name}' could not be made", make)
    try:
        model.load_state_dict(load((folder / WEIGHTS).read_bytes()))
    except Exception as error:  # damaged bytes, or another model's
        why = (str(error).splitlines() or [type(error).__name__])[-1].strip()
        raise UsageError(f"{folder / WEIGHTS} cannot be loaded.", why, "Export the run again.") from error
    made = str(config.get("preprocessing") or "")
    return TrainedModel(
        model=model.to(target).eval(), name=config["model"], image=data.image, made=made, device=target, registry=found,
        plugin=plugin,
    )  # fmt: skip


def _check_place(out: Path) -> None:
    if (out / CONFIG).exists() and not (out / WEIGHTS).exists():
        raise UsageError(
            f"{out} holds another {CONFIG}.", "It would be overwritten.", "Choose another folder: --out FOLDER"
        )
    if out.resolve().parent == RUNS.resolve():
        raise UsageError(
            f"{out} lies among the runs.", "It would be taken for one.", "Choose another folder: --out FOLDER"
        )


def _config(folder: Path) -> dict[str, Any]:
    if not (folder / WEIGHTS).is_file():
        why = f"It has no {WEIGHTS}." if folder.is_dir() else "There is no such folder."
        raise UsageError(f"{folder} is no exported model.", why, "Export a run with: disent runs export RUN")
    config = read_table(folder / CONFIG)
    kinds = {"model": str, "options": dict, "training_data": dict}
    if (config.get("kind"), config.get("format_version")) != (KIND, FORMAT_VERSION) or not all(
        isinstance(config.get(name), kind) for name, kind in kinds.items()
    ):
        raise UsageError(
            f"{folder / CONFIG} is not that of a model exported by this version.",
            f"Its kind is {shown(config.get('kind'))}, format version {shown(config.get('format_version'))}; "
            f"this is disent-plugins {__version__}, which reads {FORMAT_VERSION}.",
            "Export the run again: disent runs export RUN",
        )
    return config


def _training_data(path: Path, found: dict[str, Any]) -> TrainingData:
    try:
        return TrainingData(**{**found, "image": ImageSpec(**found["image"])})
    except (KeyError, TypeError) as error:
        raise UsageError(f"{path} is damaged.", "It does not say what images the model takes.") from error


def _safetensors() -> Any:
    try:
        import safetensors.torch as found
    except ImportError as error:
        raise UsageError(
            "Exported models need safetensors.", "It is not installed.", "pip install 'disent-plugins[export]'"
        ) from error
    return found
