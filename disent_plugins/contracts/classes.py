"""What a spec names, checked when it is loaded: the methods of a model or metric, a usable ``Config``, presets."""

from __future__ import annotations

import json
from dataclasses import asdict, is_dataclass
from typing import Any

from disent_plugins.contracts.broken import ContractError, demand
from disent_plugins.options import build, by_name, describe

MEMBERS = {"model": ("encode", "decode", "loss"), "metric": ("measure",), "data set": (), "logger": ()}
"""Kind of plugin to the methods that its class must have; the ``Config`` of those without any may be left out."""


def check_class(kind: str, found: Any) -> None:
    """Check what a model's, data set's or metric's spec names, before anything of it is called.

    Raises:
        ContractError: A method is missing, the ``Config`` is unusable, or presets are no options by name.
    """
    name = name_of(found)
    demand(callable(found), f"{name} is {type(found).__name__}, which cannot be called.", f"Name the {kind}'s class.")
    for member in MEMBERS[kind]:
        demand(
            callable(getattr(found, member, None)),
            f"{name} has no method '{member}'.",
            f"A {kind} has Config and {', '.join(MEMBERS[kind])}.",
        )
    if MEMBERS[kind] or getattr(found, "Config", None) is not None:
        check_config(found)
    presets = getattr(found, "presets", {})
    demand(
        kind != "metric" or (by_name(presets) and all(by_name(options) for options in presets.values())),
        f"{name}.presets is no table of options by name.",
        'Write presets = {"study": {"option": value}}.',
    )


def check_config(owner: Any) -> None:
    """Check that a class's ``Config`` can be used: asked for its options, made with its defaults alone, and kept.

    Raises:
        ContractError: It is no frozen dataclass, the type of an option is unknown, a bound is no number, a default is
            missing or does not fit its option, or cannot be stored as JSON.
    """
    name, kind = f"{name_of(owner)}.Config", getattr(owner, "Config", None)
    demand(
        isinstance(kind, type) and is_dataclass(kind) and vars(kind)["__dataclass_params__"].frozen,
        f"{name} is not a frozen dataclass.",
        "Write @dataclass(frozen=True) class Config(Options), and Config = Config in the class.",
    )
    assert isinstance(kind, type)
    try:
        options = describe(kind)
    except Exception as error:
        raise ContractError(
            f"{name}: the types of its options cannot be read: {type(error).__name__}: {error}.",
            "Import what its annotations name at the top of the module.",
        ) from error
    for option in options:
        demand(
            option.has_default,
            f"{name}.{option.name} has no default.",
            "People start with no flags at all: declare it with option(default, description).",
        )
        bounds = (option.low, option.high, option.above)
        demand(
            all(bound is None or isinstance(bound, int | float) for bound in bounds),
            f"{name}.{option.name} has bounds that are no numbers.",
            "Declare it with option(default, description, low=0, high=1).",
        )
    try:
        made = kind()
        values = {option.name: getattr(made, option.name) for option in options}
        build(kind, {key: value for key, value in values.items() if value is not None}, owner=name)
        json.dumps(asdict(made), allow_nan=False)
    except Exception as error:
        raise ContractError(
            f"{name} cannot be made with its defaults, or not be stored: {type(error).__name__}: "
            f"{' '.join(str(error).split())}",
            "A default has the type of its option, lies within its bounds and choices, and is one that JSON knows.",
        ) from error


def name_of(found: Any) -> str:
    """What to call a plugin's class in messages."""
    return str(getattr(found, "__name__", type(found).__name__))
