"""A model that was given as Python functions: what they return is checked before a metric sees it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from disent_plugins.contracts import Codes
from disent_plugins.contracts.broken import ContractError, demand
from disent_plugins.contracts.outputs import Shape, check_array, check_images, check_pixels
from disent_plugins.errors import DisentError, UsageError, shown
from disent_plugins.metrics.codes.arrays import taken


def checked(
    codes: Codes, *, decode: Callable[..., Any] | None, encode: Callable[..., Any] | None, images: Any
) -> dict[str, Any]:
    """The functions ``decode``, ``encode`` and ``images`` of a ``Subject``, each None where it was not given.

    Their arrays may be torch's tensors. Images have one size [H, W, C], whichever function gives them.

    Raises:
        UsageError: One is no function; later, when it is called: it failed, or gave something else than a ``Subject``
            promises.
    """
    size: list[Shape] = [(None, None, None)]

    def pictures(name: str, rows: int, call: Callable[[], Any]) -> np.ndarray:
        found = taken(f"The function {name}", "what it returns", call())
        check_images(name, found, (rows, *size[-1]), np.ndarray)
        if found.size:
            check_pixels(name, found)
        size.append(found.shape[1:])
        return found.astype(np.float32, copy=False)

    def two_blocks(given: np.ndarray) -> tuple[np.ndarray, ...]:
        found = encode(given)  # type: ignore[misc]  # wrapped only where it was given
        remedy = "Return the means of content and style: (content, style)."
        demand(isinstance(found, tuple | list) and len(found) == 2, f"encode gives {type(found).__name__}.", remedy)
        means = tuple(taken("The function encode", block, part) for block, part in zip(_BLOCKS, found, strict=True))
        for block, mean in zip(_BLOCKS, means, strict=True):
            columns = getattr(codes, block).shape[1]
            check_array(f"{block} of encode is", f"{len(given)} images", mean, (len(given), columns), remedy)
            demand(np.isfinite(mean).all(), f"{block} of encode holds NaN or infinity.", "Find out why it does.")
        return tuple(mean.astype(np.float32, copy=False) for mean in means)

    wrapped: dict[str, Any] = {
        "decode": lambda content, style: pictures("decode", len(content), lambda: decode(content, style)),  # type: ignore[misc]
        "encode": two_blocks,
        "images": lambda positions: pictures("images", len(positions), lambda: images(positions)),
    }
    given = {"decode": decode, "encode": encode, "images": images}
    for name, function in given.items():
        if function is not None and not callable(function):
            why = "It takes a function; see disent_plugins.contracts.Subject."
            raise UsageError(f"{name}={shown(function)} cannot be called.", why)
    return {name: _blamed(name, wrapped[name]) if given[name] is not None else None for name in given}


_BLOCKS = ("content", "style")


def _blamed(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
    """The function, whose failure is that of the argument, and not of the metric that calls it."""

    def ask(*arguments: Any) -> Any:
        try:
            return call(*arguments)
        except DisentError:
            raise
        except ContractError as error:
            raise UsageError(f"The function {name} does not give what it must.", error.what, error.remedy) from error
        except Exception as error:
            why = f"{type(error).__name__}: {' '.join(str(error).split())}"
            raise UsageError(f"The function {name} failed.", why) from error

    return ask
