"""What a shell offers when Tab is pressed: the names that could stand there."""

from __future__ import annotations

import typing
from collections.abc import Callable

from disent_plugins.cli import state
from disent_plugins.printable import printable

Offer = Callable[[str], list[str]]


def _of(names: Callable[[], typing.Iterable[str]]) -> Offer:
    """What ``names`` gives of those that begin with what was typed."""

    def offer(incomplete: str) -> list[str]:
        return [printable(name) for name in names() if name.startswith(incomplete)]

    return offer


def _samplers() -> typing.Iterable[str]:
    from disent_plugins.options import describe
    from disent_plugins.training.settings import RunSettings

    return next(option.choices for option in describe(RunSettings) if option.name == "sampler")


def _items() -> typing.Iterable[str]:
    from disent_plugins.studies.paper import ALL, item_names

    return [*item_names(), ALL]


def _runs() -> typing.Iterable[str]:
    from disent_plugins.errors import UsageError
    from disent_plugins.measuring.kept import run_folders

    try:
        return [str(path) for path in run_folders()]
    except UsageError:  # there is none
        return []


def _measured() -> typing.Iterable[str]:
    return ["all", "none", *state.registry().metrics.names()]


models = _of(lambda: state.registry().models.names())
datasets = _of(lambda: state.registry().datasets.names())
metrics = _of(lambda: state.registry().metrics.names())
loggers = _of(lambda: state.registry().loggers.names())
measured = _of(_measured)
samplers = _of(_samplers)
items = _of(_items)
runs = _of(_runs)
