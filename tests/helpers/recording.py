"""A logger that keeps what it is given, and one that fails."""

from __future__ import annotations

from typing import Any

from disent_plugins import LoggerSpec, hookimpl
from disent_plugins.loggers.base import Logger

calls: list[tuple[Any, ...]] = []
"""What ``Recording`` was given; emptied by who reads it."""


class Recording(Logger):
    """It holds the first epoch's total already."""

    def begin(self, run: Any, settings: Any) -> set[tuple[str, int]]:
        calls.append(("begin", settings["seed"], settings["options.width"]))
        return {("train/total", 1)}

    def scalars(self, values: Any, epoch: int) -> None:
        calls.append(("scalars", epoch, dict(values)))

    def picture(self, name: str, path: str, epoch: int) -> None:
        calls.append(("picture", name, epoch))

    def end(self) -> None:
        calls.append(("end",))


class Failing:
    """It fails at the first epoch."""

    @hookimpl
    def disent_epoch_ended(self, epoch: int) -> None:
        calls.append(("failing", epoch))
        raise OSError("the server is gone")


class Mute:
    """It implements no hook."""


class Loggers:
    """The plugin that names them."""

    @hookimpl
    def disent_loggers(self) -> list[LoggerSpec]:
        here = "helpers.recording"
        return [
            LoggerSpec(name="recording", summary="Keeps.", target=f"{here}:Recording"),
            LoggerSpec(name="failing", summary="Fails.", target=f"{here}:Failing"),
            LoggerSpec(name="mute", summary="Says nothing.", target=f"{here}:Mute"),
            LoggerSpec(name="absent", summary="Is not here.", target="no_such_package:Logger", install="pip install x"),
        ]
