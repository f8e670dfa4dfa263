"""Progress of commands, on stderr (see ``training.display``)."""

from __future__ import annotations

from contextlib import AbstractContextManager

from disent_plugins.cli import state
from disent_plugins.contracts import Report
from disent_plugins.training import display


def reporting() -> AbstractContextManager[Report]:
    """A ``Report`` for long work."""
    return display.reporting(console=state.err)


class TrainingDisplay(display.TrainingDisplay):
    """Epoch, named losses, images per second and the time left."""

    def __init__(self) -> None:
        super().__init__(state.err)
