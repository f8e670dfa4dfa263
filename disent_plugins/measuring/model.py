"""A trained model on anybody's arrays: encode, decode, swap."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, overload

import numpy as np
import torch
from torch import nn

from disent_plugins.contracts import ImageSpec, Report
from disent_plugins.data_adapters.cache import quiet
from disent_plugins.errors import UsageError
from disent_plugins.measuring.encode import decoder, encoded_arrays
from disent_plugins.measuring.images import checked_images
from disent_plugins.metrics.codes.arrays import taken
from disent_plugins.registry.host import Plugin, Registry

Codes4 = tuple[np.ndarray, np.ndarray, np.ndarray | None, np.ndarray | None]


@dataclass(kw_only=True)
class TrainedModel:
    """A model in evaluation mode.

    Attributes:
        model: The module; its class keeps the contract of ``contracts.Model``.
        name: Its registry name.
        image: Size of its images.
        made: How the images that it was trained on were made.
        device: Where it encodes and decodes.
        registry, plugin: What it came with.
    """

    model: nn.Module
    name: str
    image: ImageSpec
    made: str
    device: torch.device
    registry: Registry
    plugin: Plugin

    @overload
    def encode(self, images: Any, *, logvars: Literal[False] = False) -> tuple[np.ndarray, np.ndarray]: ...

    @overload
    def encode(self, images: Any, *, logvars: Literal[True]) -> Codes4: ...

    def encode(self, images: Any, *, logvars: bool = False) -> tuple[np.ndarray, np.ndarray] | Codes4:
        """The codes of images.

        Args:
            images: [N, H, W, C], [N, H, W] of one channel, or [N, C, H, W]: uint8 in 0..255 or floats in 0..1; an
                array, a tensor, or anything else that NumPy takes.
            logvars: Whether log-variances are wanted too.

        Returns:
            Means content [N, Dc] and style [N, Ds], float32; Ds is 0 for codes in one piece. With ``logvars`` also the
            log-variances of content and style, shaped alike; None of a block without variance.

        Raises:
            UsageError: The images are of another size or range (see ``measuring.images``).
            WorkFailed: The encoder gives what is no finite number.
        """
        columns = self.columns(checked_images(images, self.image, made=self.made))
        means = columns["content"], columns["style"]
        return (*means, columns.get("content_logvar"), columns.get("style_logvar")) if logvars else means

    def decode(self, content: Any, style: Any) -> np.ndarray:
        """Images [N, H, W, C] float32 in [0, 1] of codes: content [N, Dc], style [N, Ds].

        Raises:
            UsageError: The codes are no finite numbers, or of another shape than this model's.
            WorkFailed: The decoder gives what is no finite number.
        """
        blocks = [self._block(name, given) for name, given in (("content", content), ("style", style))]
        if len(blocks[0]) != len(blocks[1]):
            why = f"content has {len(blocks[0])} rows, style has {len(blocks[1])}."
            raise UsageError("The codes cannot be decoded.", why, "Row i of both belongs to the same image.")
        draw = decoder(self.model, self.device, self.image)
        found: np.ndarray = self._guarded("decoding", lambda: draw(*blocks))
        return found

    def swap(self, images_a: Any, images_b: Any) -> np.ndarray:
        """Images [N, H, W, C] float32 in [0, 1] with the content of ``images_a`` and the style of ``images_b``.

        Args:
            images_a, images_b: N images each, as ``encode`` takes them.

        Raises:
            UsageError: As ``encode``; or they are not equally many, or the model's codes are in one piece.
        """
        if not all(self.sizes):
            why = f"It has {self.sizes[0]} columns of content and {self.sizes[1]} of style."
            raise UsageError(f"Model '{self.name}' has not two blocks to swap.", why, "Choose one with two blocks.")
        (content, _), (_, style) = self.encode(images_a), self.encode(images_b)
        return self.decode(content, style)

    @cached_property
    def sizes(self) -> tuple[int, int]:
        """Columns of content and style, as its encoder gives them."""
        channels, height, width = self.image.shape
        columns = self.columns(np.zeros((1, height, width, channels), np.float32))
        return columns["content"].shape[1], columns["style"].shape[1]

    def columns(self, images: np.ndarray, report: Report = quiet) -> dict[str, np.ndarray]:
        """All that the encoder gives of checked images (see ``measuring.encode.encoded``)."""
        call = lambda: encoded_arrays(self.model, self.device, images, report)  # noqa: E731
        found: dict[str, np.ndarray] = self._guarded("encoding", call)
        return found

    def _block(self, name: str, given: Any) -> np.ndarray:
        """[N, D] float32."""
        found, columns = taken("The call", name, given, "It takes codes [N, D]."), self.sizes[name == "style"]
        if found.ndim != 2 or found.shape[1] != columns or not len(found) or found.dtype.kind not in "fiu":
            why = f"It is {found.dtype} of shape {found.shape}, and this model has [N, {columns}]."
            raise UsageError(f"'{name}' cannot be decoded.", why, "Give numbers such as encode returns.")
        if not np.isfinite(found).all():
            raise UsageError(f"'{name}' cannot be decoded.", "It holds NaN or infinity.", "Find out where from.")
        return found.astype(np.float32, copy=False)

    def _guarded(self, what: str, call: Callable[[], Any]) -> Any:
        return self.registry.call(self.plugin, f"Model '{self.name}' failed while {what}", call)
