"""Options as frozen dataclasses: every field typed, documented and bounded, and built from text with clear errors.

    @dataclass(frozen=True)
    class Config(Options):
        k: float = option(2.0, "Weight of the attraction to the group mean (Eq. 5).", low=0)

``Config(k=-1)`` fails at once; ``build(Config, {"k": "3"}, owner="model 'gmvae'")`` coerces the text and names the
owner in its errors.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from disent_plugins.errors import UsageError, shown, suggestion

T = TypeVar("T")

_TRUE, _FALSE = {"true", "yes", "on", "1"}, {"false", "no", "off", "0"}


def option(
    default: Any, doc: str, *, low: float | None = None, high: float | None = None, above: float | None = None
) -> Any:
    """A dataclass field with its documentation and bounds (``low`` and ``high`` included, ``above`` excluded).

    For choices, annotate the field with ``Literal["a", "b"]``.
    """
    return dataclasses.field(default=default, metadata={"doc": doc, "low": low, "high": high, "above": above})


class Options:
    """Convenience base: checks types' bounds and choices when the dataclass is made."""

    def __post_init__(self) -> None:
        for info in describe(type(self)):
            _check(info, getattr(self, info.name), owner=type(self).__qualname__)


@dataclass(frozen=True)
class OptionInfo:
    """What one option accepts, for help texts and listings."""

    name: str
    type: Any
    default: Any
    doc: str
    low: float | None
    high: float | None
    above: float | None

    @property
    def has_default(self) -> bool:
        """Whether it may be left out."""
        return self.default is not dataclasses.MISSING

    @property
    def choices(self) -> tuple[Any, ...]:
        """The allowed values, empty if any value of the type is allowed."""
        return typing.get_args(self.type) if typing.get_origin(self.type) is typing.Literal else ()

    @property
    def accepts(self) -> str:
        """In words: ``a number >= 0``, ``one of 'a', 'b'``."""
        if self.choices:
            return "one of " + ", ".join(repr(choice) for choice in self.choices)
        words = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}
        plain = _plain(self.type)
        kind = "a table" if typing.get_origin(plain) is Mapping else words.get(plain, "a value")
        bounds = [f"{sign} {_number(bound)}" for sign, bound in ((">=", self.low), (">", self.above), ("<=", self.high))
                  if bound is not None]  # fmt: skip
        return " ".join([kind, " and ".join(bounds)]).strip()


def describe(config_class: type) -> list[OptionInfo]:
    """The options of a configuration dataclass, in order; ``contracts.classes.check_config`` says whether it is one."""
    hints = typing.get_type_hints(config_class)
    return [
        OptionInfo(
            name=field.name,
            type=hints[field.name],
            default=field.default if field.default_factory is dataclasses.MISSING else field.default_factory(),
            doc=field.metadata.get("doc", ""),
            low=field.metadata.get("low"),
            high=field.metadata.get("high"),
            above=field.metadata.get("above"),
        )
        for field in dataclasses.fields(config_class)
    ]


def build(config_class: type[T], values: Mapping[str, Any], *, owner: str, hint: str = "") -> T:
    """Make a configuration from values that may be text (``--set``) or already typed (TOML, JSON).

    Args:
        config_class: A frozen dataclass, usually of :class:`Options`.
        values: Option name to value.
        owner: Whose options these are, for messages: ``"model 'gmvae'"``.
        hint: Last line of the message: where to look them up.

    Raises:
        UsageError: An unknown option, or a value of the wrong type, out of bounds or not among the choices.
    """
    infos = {info.name: info for info in describe(config_class)}
    coerced = {}
    try:
        for name, value in values.items():
            if name not in infos:
                raise UsageError(f"Unknown option '{name}' for {owner}.", suggestion(name, infos))
            coerced[name] = _coerce(infos[name], value, owner)
            _check(infos[name], coerced[name], owner)
        return config_class(**coerced)
    except UsageError as error:
        raise UsageError(error.what, error.why, error.hint or hint) from error
    except Exception as error:  # what a Config of its own checks, in its own way
        why = f"{type(error).__name__}: {' '.join(str(error).split())}"
        raise UsageError(f"The options do not fit {owner}.", why, hint) from error


def parse_assignments(texts: typing.Iterable[str], *, flag: str = "--set") -> dict[str, str]:
    """``["k=3", "width=0.5"]`` as a dictionary.

    Raises:
        UsageError: A text without ``=``.
    """
    pairs = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise UsageError(f"{flag} {text!r} is not of the form key=value.", hint=f"For example: {flag} k=3")
        pairs[name.strip().replace("-", "_")] = value.strip()
    return pairs


def by_name(table: Any) -> bool:
    """Whether it is a table whose keys are texts."""
    return isinstance(table, Mapping) and all(isinstance(key, str) for key in table)


def _number(bound: float) -> str:
    """A bound as it is read: 0.5, 65,536."""
    return f"{int(bound):,}" if abs(bound) >= 1e4 and bound == int(bound) else f"{bound:g}"


def _plain(kind: Any) -> Any:
    """``float`` for ``float | None``; other types as they are."""
    if isinstance(kind, types.UnionType) or typing.get_origin(kind) is typing.Union:
        return next(part for part in typing.get_args(kind) if part is not type(None))
    return kind


def _coerce(info: OptionInfo, value: Any, owner: str) -> Any:
    kind = _plain(info.type)
    optional = kind is not info.type
    if optional and (value is None or (isinstance(value, str) and value == "none")):
        return None
    if kind == tuple[int, ...]:
        return _whole_numbers(info, value, owner)
    try:
        if typing.get_origin(kind) is Mapping:
            if not by_name(value):
                raise ValueError
            return value
        if info.choices:
            return next((choice for choice in info.choices if str(choice) == str(value)), value)
        if kind is bool:
            text = str(value).lower()
            if text not in _TRUE | _FALSE:
                raise ValueError
            return text in _TRUE
        if kind is int:
            return _whole(value)
        if kind is float:
            if isinstance(value, bool):
                raise ValueError
            return float(value)
        if kind is str:
            return str(value)
        return value
    except Exception as error:  # a value may be any object, and answer a question with any error
        raise UsageError(
            f"{info.name}={shown(value, str)} does not fit {owner}.", f"It takes {info.accepts}."
        ) from error


def _whole_numbers(info: OptionInfo, value: Any, owner: str) -> tuple[int, ...]:
    text = value.strip() if isinstance(value, str) else None
    parts = value if text is None else [] if text == "none" else [part for part in text.split(",") if part.strip()]
    try:
        numbers = tuple(_whole(part) for part in parts)
    except (ValueError, TypeError, OverflowError) as error:
        raise UsageError(f"{info.name}={value} does not fit {owner}.", "It takes whole numbers: 50,100.") from error
    if list(numbers) != sorted(set(numbers)) or any(number < 1 for number in numbers):
        raise UsageError(f"{info.name}={value} does not fit {owner}.", "The numbers must be positive and ascending.")
    return numbers


def _whole(value: Any) -> int:
    """A whole number; 10.0 and ``1e1`` are one as well, 1.5 is none."""
    if isinstance(value, str):
        with contextlib.suppress(ValueError):
            return int(value)
    if isinstance(value, bool) or float(value) != int(float(value)):
        raise ValueError(f"{value} is not whole")
    return value if isinstance(value, int) else int(float(value))


def _check(info: OptionInfo, value: Any, owner: str) -> None:
    if info.choices:
        if not any(isinstance(value, type(choice)) and value == choice for choice in info.choices):
            hint = suggestion(shown(value, str), [str(choice) for choice in info.choices])
            raise UsageError(
                f"{info.name}={shown(value, str)} does not fit {owner}.", f"It takes {info.accepts}.", hint
            )
        return
    if value is None or isinstance(value, bool) or not isinstance(value, int | float):
        return
    bad = (
        not math.isfinite(value)
        or (info.low is not None and value < info.low)
        or (info.above is not None and value <= info.above)
        or (info.high is not None and value > info.high)
    )
    if bad:
        raise UsageError(f"{info.name}={value} is out of bounds for {owner}.", f"It takes {info.accepts}.")
