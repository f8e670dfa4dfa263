"""What a model is and gives, checked in its form: the module, posteriors, images, the content of groups.

A single row broadcasts against any number of codes, and one row too few shifts every image after it: nothing would
fail, and every number would be of something else.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from disent_plugins.contracts.broken import ContractError, demand
from disent_plugins.contracts.models import CAPABILITIES, Gaussian, Loss, Posterior
from disent_plugins.errors import shown

if TYPE_CHECKING:
    import torch

Shape = tuple[int | None, ...]
"""Sizes of an array; None for any."""


def check_module(name: str, model: Any) -> None:
    """Check a model that has just been made.

    Raises:
        ContractError: It is no ``torch.nn.Module``, requires what nothing provides, has no trainable parameter,
            parameters or buffers without values, or a state that cannot be loaded again as weights only.
    """
    from torch import nn
    from torch.nn.parameter import is_lazy

    demand(isinstance(model, nn.Module), f"{name} is not a torch.nn.Module.", "Derive it from nn.Module.")
    needs = getattr(model, "requires", ())
    demand(
        isinstance(needs, tuple | list | set | frozenset) and all(isinstance(need, str) for need in needs),
        f"{name}.requires is {shown(needs)}.",
        'It is a tuple of texts, such as requires = ("groups",).',
    )
    demand(
        set(needs) <= CAPABILITIES,
        f"{name}.requires names {sorted(set(needs) - CAPABILITIES)}, which no data set can provide.",
        f"It takes any of {', '.join(sorted(CAPABILITIES))}.",
    )
    state = [*model.named_parameters(), *model.named_buffers()]
    empty = [key for key, value in state if is_lazy(value) or value.is_meta]
    demand(
        not empty,
        f"{name} has parameters or buffers without values: {', '.join(empty)}.",
        "Make them with their sizes, which data.image tells, and not on the device 'meta'.",
    )
    demand(
        any(value.requires_grad for value in model.parameters()),
        f"{name} has no trainable parameter.",
        "Register its layers as attributes of the module, and freeze only what is not to be trained.",
    )
    _check_state(name, model)


def _check_state(name: str, model: Any) -> None:
    """What cannot be loaded again would be told only when it has been trained."""
    import torch

    try:
        state, file = model.state_dict(), io.BytesIO()
        model.load_state_dict(state)
        torch.save({key: value for key, value in state.items() if not isinstance(value, torch.Tensor)}, file)
        file.seek(0)
        torch.load(file, weights_only=True)
    except Exception as error:
        raise ContractError(
            f"{name} cannot be loaded from its own state: {type(error).__name__}: {str(error).partition(chr(10))[0]}",
            "Keep tensors only in state_dict, under names that do not change.",
        ) from error


def check_posterior(model: Any, found: Any, images: int, before: Posterior | None = None) -> None:
    """Check what ``encode`` gave.

    Args:
        model: Whose it is.
        found: What it gave.
        images: B, how many images it was given.
        before: What it gave for other images, if it was asked before.

    Raises:
        ContractError: It is no ``Posterior``, or a mean or log-variance is not float [B, D] with the D of before.
    """
    import torch

    name = type(model).__name__
    remedy = "Return Posterior(content=Gaussian(mean, logvar), style=Gaussian(mean, logvar))."
    demand(isinstance(found, Posterior), f"{name}.encode returns {type(found).__name__}, not a Posterior.", remedy)
    for block in ("content", "style"):
        code = getattr(found, block)
        demand(isinstance(code, Gaussian), f"{name}.encode: {block} is {type(code).__name__}, not a Gaussian.", remedy)
        columns = None
        for part in ("mean",) if code.logvar is None else ("mean", "logvar"):
            value = getattr(code, part)
            remedy = "Mean and logvar of a block are both float [B, D]; logvar is None for a code without variance."
            where, of = f"{name}.encode: {block}.{part} is", f"{images} images"
            check_array(where, of, value, (images, columns), remedy, kind=torch.Tensor)
            columns = value.shape[1]
        demand(
            columns or block == "style" or getattr(model, "infers_blocks", False),
            f"{name}.encode: {block}.mean has no columns.",
            "Codes in one piece are the content, and the style is [B, 0].",
        )
        if before is not None:
            old = getattr(before, block)
            demand(
                old.mean.shape[1] == columns and (old.logvar is None) == (code.logvar is None),
                f"{name}.encode gives {block} codes of another form than for the images before.",
                "Sizes are the same for every batch, and so is whether there is a logvar.",
            )


def check_images(name: str, found: Any, shape: Shape, kind: type | None = None) -> None:
    """Check what a decoder gave.

    Raises:
        ContractError: It is not float of that shape.
    """
    remedy = "Give images of the size that were encoded, one for every row of the codes."
    check_array(f"{name} gives", f"{shape[0]} codes", found, shape, remedy, kind=kind)


def check_pixels(name: str, images: Any) -> None:
    """Check that images, one at least, lie in [0, 1].

    Raises:
        ContractError: They do not, or are no numbers.
    """
    low, high = float(images.min()), float(images.max())
    demand(
        low >= 0 and high <= 1,
        f"{name} gives values from {low:.3g} to {high:.3g}.",
        "Images lie in [0, 1]: divide or clamp them where they are made.",
    )


def check_fused(name: str, found: torch.Tensor, groups: int, columns: int) -> None:
    """Check what ``fuse`` gave.

    Raises:
        ContractError: It is not float [G, Dc].
    """
    import torch

    remedy = "Return the content of every group as float [group_count, D]."
    check_array(f"{name}.fuse gives", f"{groups} groups", found, (groups, columns), remedy, kind=torch.Tensor)


def check_form(where: str, found: Any) -> None:
    """Check that something is a loss: a total and named terms, all scalar tensors.

    Args:
        where: What gave it, for messages: ``"Model.loss"``.
        found: What it gave.

    Raises:
        ContractError: It is none.
    """
    import torch

    demand(isinstance(found, Loss), f"{where} returns {type(found).__name__}, no Loss.", "Return Loss(total, terms).")
    right = isinstance(found.terms, Mapping)
    demand(right, f"{where}: terms are {type(found.terms).__name__}, no mapping.", "Return Loss(total, terms).")
    for term, value in {"total": found.total, **found.terms}.items():
        demand(
            isinstance(value, torch.Tensor) and value.ndim == 0,
            f"{where}: {term} is not a scalar tensor.",
            "total and every term are tensors without dimensions: average over the batch.",
        )


def check_array(where: str, of: str, found: Any, shape: Shape, remedy: str, *, kind: type | None = None) -> None:
    """Check that something is an array of floating-point numbers, NumPy's or torch's, of that shape.

    Args:
        where: What it is, for messages: ``"Model.encode: style.mean is"``.
        of: What it was made of: ``"12 images"``.
        found: The array.
        shape: Its sizes.
        remedy: What its author is to do.
        kind: Its type; None for any.

    Raises:
        ContractError: It is not, or not of the type ``kind``.
    """
    sizes, dtype = getattr(found, "shape", None), str(getattr(found, "dtype", ""))
    right = kind is None or isinstance(found, kind)
    right = right and sizes is not None and len(sizes) == len(shape) and "float" in dtype
    right = right and all(size in (None, have) for size, have in zip(shape, sizes or (), strict=False))
    shown = type(found).__name__ if sizes is None else f"{dtype} {list(sizes)}"
    expected = ", ".join("any" if size is None else str(size) for size in shape)
    demand(right, f"{where} {shown} for {of}, and not float [{expected}].", remedy)
