"""``check_model``: does a class keep the model contract (``disent_plugins.contracts.Model``)?"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from disent_plugins.contracts import ImageSpec, Posterior, TrainingData
from disent_plugins.contracts.broken import ContractError, demand
from disent_plugins.contracts.classes import check_class
from disent_plugins.contracts.outputs import check_images, check_module, check_pixels, check_posterior
from disent_plugins.testing.batches import every_kind
from disent_plugins.testing.contract import check_options
from disent_plugins.testing.losses import check_loss, check_repeatable
from disent_plugins.testing.steps import check_going_on, check_gradients, check_own_steps


def check_model(
    model_class: type,
    *,
    config: Any = None,
    image: ImageSpec | None = None,
    batch_size: int = 12,
    group_count: int = 6,
    untrained: Sequence[str] = (),
    seed: int = 0,
) -> None:
    """Check a model class: options, shapes, values, loss, gradients or own steps, determinism, saving, going on.

    Args:
        model_class: Called as ``model_class(config, data)``.
        config: Its options; by default ``Config()``.
        image: Size of the images; by default 1x32x32.
        batch_size: B, even; as many training images are told to the model.
        group_count: G, the upper bound of the group ids; not all of them occur.
        untrained: Parameters that training is not meant to change, by name.
        seed: Of the random images and weights.

    Raises:
        ContractError: What is broken, and how to mend it.
    """
    name = model_class.__name__
    image = image or ImageSpec(1, 32, 32)
    check_class("model", model_class)
    config = check_options(model_class, config)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        data = TrainingData(image, batch_size, group_count)
        model = model_class(config, data)
        check_module(name, model)
        # The trainer does the same, so a model that only knows plain strides must fail here.
        model = model.to(memory_format=torch.channels_last)
        needs = set(getattr(model, "requires", ()))
        batches = dict(every_kind(data, batch_size, needs))
        _check_codes(model, name, batches["groups"].images)
        check_loss(model, name, batches)
        if callable(getattr(model, "training_step", None)):
            check_own_steps(model, name, batches, set(untrained))
        else:
            check_gradients(model, name, batches, set(untrained))
        check_repeatable(model, name, batches["groups"])
        _check_saving(model, name, lambda: model_class(config, data), batches["groups"].images)
        check_going_on(lambda: model_class(config, data), name, batches["groups"])


def _check_codes(model: Any, name: str, images: Tensor) -> None:
    """Shapes, types and ranges of encode and decode, in evaluation mode."""
    model.eval()
    with torch.no_grad():
        z = model.encode(images)
        check_posterior(model, z, len(images))
        for block in ("content", "style"):
            code = getattr(z, block)
            for part in ("mean",) if code.logvar is None else ("mean", "logvar"):
                demand(
                    getattr(code, part).isfinite().all(),
                    f"{name}.encode: {block}.{part} is not finite.",
                    "Clamp log-variances before they are used.",
                )
        _check_eval_is_per_image(model, name, images, z)
        for scale in (1.0, 30.0):
            output = model.decode(z.content.mean * scale, z.style.mean * scale)
            check_images(f"{name}.decode", output, tuple(images.shape), Tensor)
            check_pixels(f"{name}.decode", output)


def _check_eval_is_per_image(model: Any, name: str, images: Tensor, z: Posterior) -> None:
    again, part = model.encode(images), model.encode(images[:3])
    check_posterior(model, part, 3, z)
    for block in ("content", "style"):
        first, second = getattr(z, block).mean, getattr(again, block).mean
        demand(
            torch.equal(first, second),
            f"{name}.encode gives other {block} codes the second time, in evaluation mode.",
            "encode returns means and log-variances and must not draw: the caller does.",
        )
        demand(
            torch.allclose(first[:3], getattr(part, block).mean, rtol=1e-3, atol=1e-4),
            f"{name}.encode: an image's {block} code depends on the other images of the batch, in evaluation mode.",
            "Normalise with running statistics in evaluation mode, and combine groups in loss only.",
        )


def _check_saving(model: Any, name: str, make: Any, images: Tensor) -> None:
    """The state dictionary is all there is, and loads without running foreign code."""
    file = io.BytesIO()
    torch.save(model.state_dict(), file)
    file.seek(0)
    fresh = make()
    try:
        fresh.load_state_dict(torch.load(file, weights_only=True))
    except Exception as error:
        raise ContractError(
            f"{name} cannot be loaded from its own state: {type(error).__name__}: {error}.",
            "Keep tensors only in state_dict, under names that do not change.",
        ) from error
    model.eval()
    fresh.eval()
    with torch.no_grad():
        z, loaded = model.encode(images), fresh.encode(images)
        same = all(
            torch.allclose(getattr(z, block).mean, getattr(loaded, block).mean, rtol=1e-4, atol=1e-5)
            for block in ("content", "style")
        ) and torch.allclose(
            model.decode(z.content.mean, z.style.mean), fresh.decode(z.content.mean, z.style.mean), rtol=1e-4, atol=1e-5
        )
    demand(
        same,
        f"{name} is another model after its state was saved and loaded.",
        "Keep everything that was learned in parameters and registered buffers.",
    )
