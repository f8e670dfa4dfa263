"""What a run is: every setting with its bounds, and how defaults, recipe, file and flags become one of them."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Container, Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from disent_plugins.errors import UsageError, suggestion
from disent_plugins.files import read_bytes
from disent_plugins.options import Options, build, option
from disent_plugins.registry.specs import DatasetSpec, ModelSpec


@dataclass(frozen=True)
class RunSettings(Options):
    """The merged, complete settings of a run; ``config.json`` in its folder."""

    model: str = option("gmvae", "Model, by registry name.")
    data: str = option("digits", "Data set, by registry name.")
    recipe: str = option("default", "Name of the recipe that the settings begin with.")
    epochs: int = option(20, "Passes over the training images.", low=1, high=1_000_000)
    batch_size: int = option(256, "Images in a batch.", low=2, high=1_000_000)
    lr: float = option(1e-3, "Initial learning rate of Adam.", above=0)
    milestones: tuple[int, ...] = option((), "Epochs after which the learning rate is multiplied by gamma.")
    gamma: float = option(0.2, "Factor of the learning rate at each milestone.", above=0, high=1)
    sampler: Literal["random", "blocks", "pairs"] = option("random", "How batches are drawn.")
    leftovers: Literal["pack", "loose", "drop"] = option("pack", "blocks: what becomes of classes' last images.")
    visible: float = option(1.0, "Share of the training images whose group is known.", above=0, high=1)
    limit: int | None = option(None, "Use only the first N training images.", low=2)
    seed: int = option(0, "Seed of everything random.", low=0, high=2**31 - 1)
    device: str = option("auto", "auto, cpu or cuda[:n].")
    precision: Literal["auto", "fp32", "bf16"] = option(
        "auto", "Arithmetic of convolutions and matrix products in training; auto: the faster one here."
    )
    graph: Literal["auto", "on", "off"] = option("auto", "Record the training step as a CUDA graph; auto: on a GPU.")
    compile: Literal["auto", "on", "off"] = option("auto", "torch.compile of encoder and decoder; auto: off.")
    group_statistics: Literal["rank", "exact"] = option(
        "rank", "Several processes: statistics of groups over each one's share of a batch, or over the whole batch."
    )
    options: Mapping[str, Any] = field(default_factory=dict, metadata={"doc": "Model options, complete."})
    data_options: Mapping[str, Any] = field(default_factory=dict, metadata={"doc": "Data set options, complete."})


MAY_CHANGE = ("epochs", "device", "precision", "graph", "compile")
"""Settings in which a run may differ when it goes on."""

DEFAULT_RECIPE = "default"
SETTING_NAMES = tuple(f.name for f in fields(RunSettings))
_RUN_HINT = "See what a run takes with: disent run --help"
CONFIG_KEYS = (*SETTING_NAMES, "source", "out", "log")
"""What a ``--config`` file may hold; ``options`` and ``data_options`` are tables, ``log`` is a list of names."""


@cache
def _table() -> Mapping[str, Mapping[str, Any]]:
    return tomllib.loads(files("disent_plugins.training").joinpath("recipes.toml").read_text(encoding="utf-8"))


def recipe(
    spec: ModelSpec,
    data: str,
    data_spec: DatasetSpec | None = None,
    name: str = DEFAULT_RECIPE,
    known: Container[str] | None = None,
) -> dict[str, Any]:
    """The recipe of a model on a data set; options are merged key by key.

    What holds for all, then what the data set says of itself, then ours, then what the model's plugin brings, and on
    top what the recipe of that name adds. A model that requires pairs gets their sampler, whatever suits the data
    otherwise.

    Args:
        spec: The model's spec.
        data: The data set's name.
        data_spec: Its spec, where it is at hand.
        name: One of ``recipe_names()``.
        known: The options that the model has; a shared recipe speaks of others as well, which are left out.

    Raises:
        UsageError: There is no recipe of that name.
    """
    if name not in recipe_names():
        raise UsageError(f"There is no recipe '{name}'.", suggestion(name, recipe_names()))
    of_all, of_ours, *own = _layers(_table(), spec.name, data)
    of_data = data_spec.recipes if data_spec else {}
    theirs = [of_data.get(key, {}) for key in ("default", spec.name)]
    needed = {"sampler": "pairs"} if "pairs" in spec.requires else {}
    brought = [spec.recipes.get(key, {}) for key in ("default", data)]
    named = _layers(_table()["named"].get(name, {}), spec.name, data)
    merged = layered([of_all, *theirs, of_ours, needed, *own, *brought, *named])
    if known is not None:
        merged["options"] = {key: value for key, value in merged["options"].items() if key in known}
    return merged


def layered(layers: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Settings of which later layers override earlier ones; ``options``, a table in them, key by key."""
    merged: dict[str, Any] = {"options": {}}
    for layer in layers:
        merged = {**merged, **layer, "options": {**merged["options"], **layer.get("options", {})}}
    return merged


def recipe_names() -> tuple[str, ...]:
    """The names of the recipes, ``default`` first."""
    return (DEFAULT_RECIPE, *_table()["named"])


def _layers(table: Mapping[str, Any], model: str, data: str) -> list[dict[str, Any]]:
    """What a table says of all models and of one, on every data set and on one; later ones override."""
    places = [("any", "default"), ("any", data), (model, "default"), (model, data)]
    return [table.get(owner, {}).get(name, {}) for owner, name in places]


def merge(
    spec: ModelSpec,
    config_class: type,
    *,
    model: str,
    data: str,
    file: Mapping[str, Any],
    flags: Mapping[str, Any],
    data_spec: DatasetSpec | None = None,
) -> RunSettings:
    """Settings by precedence: model defaults < recipe < configuration file < flags.

    Args:
        spec: The model's spec.
        config_class: The model's ``Config``.
        model, data: The names to record.
        file: Content of the configuration file.
        flags: Settings that were given on the command line, ``options`` among them; None means not given.
        data_spec: The data set's spec, where it is at hand.

    Raises:
        UsageError: An unknown key or a value out of bounds.
    """
    known = {f.name for f in fields(config_class)}
    name = flags.get("recipe") or file.get("recipe") or DEFAULT_RECIPE
    base = recipe(spec, data, data_spec, str(name), known)
    if name != DEFAULT_RECIPE and base == recipe(spec, data, data_spec, known=known):
        raise UsageError(f"The recipe '{name}' changes nothing of model '{model}'.", hint="Leave --recipe out.")
    options = base.pop("options")
    given: dict[str, Any] = {}
    for layer in (file, {key: value for key, value in flags.items() if value is not None}):
        options.update(layer.get("options", {}))
        given.update({key: value for key, value in layer.items() if key != "options"})
    return _checked({**base, **given, "model": model, "data": data}, config_class, options, sorted(known))


def _checked(
    values: Mapping[str, Any], config_class: type, options: Mapping[str, Any], names: Iterable[str]
) -> RunSettings:
    """Settings and model options coerced and checked; ``names`` are the options to record."""
    model = values["model"]
    hint = f"See them all with: disent models show {model}"
    config: Any = build(config_class, options, owner=f"model '{model}'", hint=hint)
    complete = {name: getattr(config, name) for name in names}
    return build(RunSettings, {**values, "options": complete}, owner="the run", hint=_RUN_HINT)


def read_config_file(path: Path) -> dict[str, Any]:
    """A ``--config`` file: the keys of ``disent run --dry-run`` and a table ``[options]``, or a run's ``config.json``.

    Raises:
        UsageError: It is missing, is neither TOML nor a JSON object, or has an unknown key.
    """
    parse = json.loads if path.suffix == ".json" else tomllib.loads
    try:
        content = parse(read_bytes(path).decode())
    except FileNotFoundError as error:
        raise UsageError(f"There is no configuration file {path}.") from error
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"The configuration file {path} cannot be read.", f"{error}.") from error
    if not isinstance(content, dict):
        raise UsageError(f"The configuration file {path} holds no table of settings.")
    for key in content:
        if key not in CONFIG_KEYS:
            raise UsageError(f"Unknown key '{key}' in {path}.", suggestion(key, CONFIG_KEYS))
    for table, of in (("options", "model"), ("data_options", "data set")):
        if not isinstance(content.get(table, {}), dict):
            raise UsageError(f"'{table}' in {path} is not a table.", hint=f"Write {of} options below a line [{table}].")
    log = content.get("log", [])
    if not isinstance(log, list) or not all(isinstance(name, str) for name in log):
        raise UsageError(f"'log' in {path} is not a list of loggers.", hint='Write: log = ["tensorboard"]')
    return content


def changed(before: RunSettings, config_class: type, asked: Mapping[str, Any]) -> RunSettings:
    """The settings of a run with what was asked for on top, checked like those of a new run.

    Args:
        before: The settings the run was started with.
        config_class: The model's ``Config``.
        asked: Settings, ``options`` among them; None means not given.

    Raises:
        UsageError: An unknown key or a value out of bounds.
    """
    given = {key: value for key, value in asked.items() if value is not None}
    options = {**before.options, **given.get("options", {})}
    return _checked({**asdict(before), **given}, config_class, options, options)


def as_toml(settings: RunSettings) -> str:
    """Settings as a file for ``--config``. What is none is left out: TOML has no such value."""
    tables = {"options": settings.options, "data_options": settings.data_options}
    lines = _assigned({key: value for key, value in vars(settings).items() if key not in tables})
    for name, table in tables.items():
        if table or name == "options":
            lines += ["", f"[{name}]", *_assigned(table)]
    return "\n".join(lines) + "\n"


def _assigned(table: Mapping[str, Any]) -> list[str]:
    return [f"{key} = {_literal(value)}" for key, value in table.items() if value is not None]


def _literal(value: Any) -> str:
    if isinstance(value, bool | str):
        return json.dumps(value, ensure_ascii=False)  # TOML has no surrogate pairs
    return str(list(value)) if isinstance(value, list | tuple) else repr(value)


def differences(before: RunSettings, after: RunSettings) -> list[str]:
    """The settings in which a resumed run would differ, as ``key: before -> after``, of those that may not."""
    tables = ("options", "data_options")
    plain = [key for key in SETTING_NAMES if key not in (*MAY_CHANGE, *tables)]
    pairs = [(key, getattr(before, key), getattr(after, key)) for key in plain]
    for name in tables:
        old, new = getattr(before, name), getattr(after, name)
        pairs += [(f"{name}.{key}", old.get(key), value) for key, value in new.items()]
    return [f"{key}: {old} -> {new}" for key, old, new in pairs if _listed(old) != _listed(new)]


def _listed(value: Any) -> Any:
    """JSON knows no tuples."""
    return list(value) if isinstance(value, tuple) else value
