"""What every check shares: the error, and the rules of a ``Config``."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from disent_plugins.errors import UsageError
from disent_plugins.options import build, describe


class ContractError(AssertionError):
    """A contract is broken.

    Args:
        what: One sentence, what is broken.
        remedy: One sentence, how to mend it.
    """

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"{what} {remedy}")
        self.what, self.remedy = what, remedy


def demand(condition: Any, what: str, remedy: str) -> None:
    """Raise :class:`ContractError` unless ``condition`` holds."""
    if not condition:
        raise ContractError(what, remedy)


def check_config(owner: type, config: Any) -> Any:
    """Check a class's ``Config`` and make one of it with its defaults unless one is given.

    Raises:
        ContractError: It is no frozen dataclass, an option lacks default or description, or options do not survive
            being stored as JSON or typed as text.
    """
    name = f"{owner.__name__}.Config"
    kind = getattr(owner, "Config", None)
    demand(
        isinstance(kind, type) and dataclasses.is_dataclass(kind) and kind.__dataclass_params__.frozen,  # type: ignore[attr-defined]
        f"{name} is not a frozen dataclass.",
        "Write @dataclass(frozen=True) class Config(Options), and Config = Config in the class.",
    )
    assert isinstance(kind, type)
    for field in dataclasses.fields(kind):
        demand(
            field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING,
            f"{name}.{field.name} has no default.",
            "People start with no flags at all: declare it with option(default, description).",
        )
        demand(
            field.metadata.get("doc"),
            f"{name}.{field.name} has no description.",
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
