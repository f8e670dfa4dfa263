"""A block without dimensions, as a code that tells nothing: one constant stands in for it.

Which dimensions are content may be found in training (``models.pairs.ContentBlock``), and a model may find all of them,
or none. Its other block is then known exactly, a constant: probes of it score chance and its KL is 0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from disent_plugins.contracts import Codes

Call = Callable[..., np.ndarray]
Encode = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class StandIn:
    """Which blocks of a model's codes are empty.

    Attributes:
        content, style: Whether that block has no dimensions.
    """

    content: bool
    style: bool

    @classmethod
    def of(cls, codes: Codes) -> StandIn:
        """For these codes."""
        return cls(content=not codes.content.shape[1], style=not codes.style.shape[1])

    def codes(self, codes: Codes) -> Codes:
        """The codes with a column of zeros in place of an empty block, whose posterior is the prior; and a note."""
        for block, other in (("content", "style"), ("style", "content")):
            if not getattr(self, block):
                continue
            zeros = np.zeros((len(codes.split), 1), np.float32)
            logvar = None if getattr(codes, f"{block}_logvar") is None else zeros
            note = (
                f"The {block} block has no dimensions, all are {other}. A constant stands in for it: what it tells is "
                "chance."
            )
            known = {block: zeros, f"{block}_logvar": logvar, "notes": (*codes.notes, note)}
            codes = replace(codes, **known)  # type: ignore[arg-type]
        return codes

    def decoder(self, decode: Call) -> Call:
        """A decoder that is given the stand-ins and leaves them out."""
        return lambda content, style: decode(self._without(self.content, content), self._without(self.style, style))

    def encoder(self, encode: Encode) -> Encode:
        """An encoder that gives them."""

        def filled(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            content, style = encode(images)
            zeros = np.zeros((len(images), 1), np.float32)
            return zeros if self.content else content, zeros if self.style else style

        return filled

    def fusion(self, fuse: Call | None) -> Call | None:
        """A rule of fusing content; for an empty block the means serve."""
        return None if self.content else fuse

    def _without(self, empty: bool, block: np.ndarray) -> np.ndarray:
        return block[:, :0] if empty else block
