"""What every check shares: the rules of a ``Config`` that people can work with."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from disent_plugins.contracts.broken import ContractError, demand
from disent_plugins.contracts.classes import check_config
from disent_plugins.errors import UsageError
from disent_plugins.options import build, describe


def check_options(owner: Any, config: Any) -> Any:
    """Check a class's ``Config`` and make one of it with its defaults unless one is given.

    Raises:
        ContractError: It cannot be used (see ``check_config``), an option lacks a description, or options do not
            survive being stored as JSON or typed as text.
    """
    check_config(owner)
    name, kind = f"{owner.__name__}.Config", owner.Config
    for option in describe(kind):
        demand(
            option.doc,
            f"{name}.{option.name} has no description.",
            "It is what 'show' prints: declare it with option(default, description, low=..., high=...).",
        )
    config = kind() if config is None else config
    demand(
        _stored(kind, config) == config,
        f"{name} is not the same after it was stored as JSON and read back.",
        "Use fields of type int, float, bool, str, Literal, tuple[int, ...], or one of these | None.",
    )
    for option in describe(kind):
        value = getattr(config, option.name)
        if isinstance(value, int | float | str):
            typed = getattr(_typed(kind, option.name, str(value), name), option.name)
            demand(
                typed == value,
                f"{name}.{option.name} becomes {typed!r} when {value!r} is typed as --set {option.name}={value}.",
                "Annotate the field with the type of its value.",
            )
    return config


def _stored(kind: type, config: Any) -> Any:
    try:
        content = json.loads(json.dumps(dataclasses.asdict(config), allow_nan=False))
        return build(kind, content, owner=kind.__qualname__)
    except (TypeError, ValueError, UsageError):
        return None


def _typed(kind: type, name: str, text: str, owner: str) -> Any:
    try:
        return build(kind, {name: text}, owner=owner)
    except UsageError as error:
        raise ContractError(
            f"{owner}.{name} refuses its own value {text} when it is typed: {error.why}",
            "Its default must lie within its bounds and choices.",
        ) from error
