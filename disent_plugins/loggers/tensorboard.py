"""TensorBoard: event files in ``tensorboard/`` of the run folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch.utils.tensorboard import SummaryWriter

from disent_plugins.loggers.base import Logger

FOLDER = "tensorboard"


class TensorBoard(Logger):
    """``tensorboard --logdir runs`` shows all runs."""

    def begin(self, run: Any, settings: Mapping[str, Any]) -> set[tuple[str, int]]:
        """Open the folder, and read what it holds."""
        folder = run.folder.path / FOLDER
        known = _held(folder)
        self.writer = SummaryWriter(str(folder))
        text = json.dumps(settings, indent=2, default=str)
        self.writer.add_text("settings", "".join(f"    {line}\n" for line in text.splitlines()), run.first_epoch)
        self.writer.flush()
        return known

    def scalars(self, values: Mapping[str, float], epoch: int) -> None:
        """Write and flush."""
        for name, value in values.items():
            self.writer.add_scalar(name, value, epoch)
        self.writer.flush()

    def picture(self, name: str, path: str, epoch: int) -> None:
        """Write a PNG as it is."""
        import numpy as np
        from PIL import Image

        with Image.open(path) as image:
            self.writer.add_image(name, np.asarray(image.convert("RGB")), epoch, dataformats="HWC")

    def end(self) -> None:
        """Close the file."""
        self.writer.close()


def _held(folder: Path) -> set[tuple[str, int]]:
    if not folder.is_dir():
        return set()
    found = EventAccumulator(str(folder), size_guidance={"scalars": 0, "images": 1, "tensors": 1})
    found.Reload()
    return {(name, event.step) for name in found.Tags()["scalars"] for event in found.Scalars(name)}
