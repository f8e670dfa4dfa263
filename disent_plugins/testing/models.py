"""``check_model``: does a class keep the model contract (``disent_plugins.contracts.Model``)?"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from disent_plugins.contracts import Gaussian, GroupBatch, ImageSpec, Loss, Posterior
from disent_plugins.testing.contract import ContractError, check_config, demand

CAPABILITIES = {"groups", "pairs", "dataset_index", "distinct_groups"}
RESERVED = {"total", "seconds", "images_per_second", "learning_rate"}
"""Names that the trainer logs beside a model's terms."""


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
    """Check a model class: options, shapes, values, loss, gradients, determinism, saving and loading.

    Args:
        model_class: Called as ``model_class(config, image)``.
        config: Its options; by default ``Config()``.
        image: Size of the images; by default 1x32x32.
        batch_size: B.
        group_count: G, the upper bound of the group ids; not all of them occur.
        untrained: Parameters that the loss is not meant to train, by name.
        seed: Of the random images and weights.

    Raises:
        ContractError: What is broken, and how to mend it.
    """
    name = model_class.__name__
    image = image or ImageSpec(1, 32, 32)
    config = check_config(model_class, config)
    for member in ("encode", "decode", "loss"):
        demand(
            callable(getattr(model_class, member, None)),
            f"{name} has no method '{member}'.",
            "A model has Config, encode, decode and loss.",
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = model_class(config, image)
        demand(isinstance(model, nn.Module), f"{name} is not a torch.nn.Module.", "Derive it from nn.Module.")
        # The trainer does the same, so a model that only knows plain strides must fail here.
        model = model.to(memory_format=torch.channels_last)
        needs = set(getattr(model, "requires", ()))
        demand(
            needs <= CAPABILITIES,
            f"{name}.requires names {sorted(needs - CAPABILITIES)}, which no data set can provide.",
            f"It takes any of {', '.join(sorted(CAPABILITIES))}.",
        )
        batches = dict(_batches(image, batch_size, group_count))
        _check_codes(model, name, batches["groups"].images)
        _check_loss(model, name, batches)
        _check_gradients(model, name, batches, set(untrained))
        _check_repeatable(model, name, batches["groups"])
        _check_saving(model, name, lambda: model_class(config, image), batches["groups"].images)


def _batches(image: ImageSpec, size: int, groups: int) -> Iterator[tuple[str, GroupBatch]]:
    """Batches with every kind of group that training can bring."""
    half = groups // 2
    kinds = {
        "groups": torch.arange(size) % max(half, 1),
        "some groups unknown": torch.where(torch.arange(size) % 3 == 0, -1, torch.arange(size) % max(half, 1)),
        "no group known": torch.full((size,), -1),
        "a single group": torch.zeros(size, dtype=torch.int64),
        "one image per group": torch.where(torch.arange(size) < groups, torch.arange(size), -1),
    }
    for kind, group in kinds.items():
        images = torch.rand(size, image.height, image.width, image.channels).permute(0, 3, 1, 2)
        yield kind, GroupBatch(images, group, torch.arange(size), groups)


def _check_codes(model: Any, name: str, images: Tensor) -> None:
    """Shapes, types and ranges of encode and decode, in evaluation mode."""
    model.eval()
    with torch.no_grad():
        z = model.encode(images)
        remedy = "Return Posterior(content=Gaussian(mean, logvar), style=Gaussian(mean, logvar))."
        demand(isinstance(z, Posterior), f"{name}.encode returns {type(z).__name__}, not a Posterior.", remedy)
        for block in ("content", "style"):
            code = getattr(z, block)
            demand(isinstance(code, Gaussian), f"{name}.encode: {block} is not a Gaussian.", remedy)
            for part in ("mean", "logvar"):
                value = getattr(code, part)
                fits = value.ndim == 2 and len(value) == len(images) and value.shape == code.mean.shape
                demand(
                    fits and value.is_floating_point(),
                    f"{name}.encode: {block}.{part} is {value.dtype} {list(value.shape)} for {len(images)} images.",
                    "Mean and logvar of a block are both float [B, D].",
                )
                demand(
                    value.shape[1] or block == "style",
                    f"{name}.encode: {block}.{part} has no columns.",
                    "Codes in one piece are the content, and the style is [B, 0].",
                )
                demand(
                    value.isfinite().all(),
                    f"{name}.encode: {block}.{part} is not finite.",
                    "Clamp log-variances before they are used.",
                )
        _check_eval_is_per_image(model, name, images, z)
        for scale in (1.0, 30.0):
            output = model.decode(z.content.mean * scale, z.style.mean * scale)
            demand(
                output.shape == images.shape and output.is_floating_point(),
                f"{name}.decode gives {output.dtype} {list(output.shape)} for codes of images {list(images.shape)}.",
                "It must give float images of the size that were encoded.",
            )
            demand(
                output.min() >= 0 and output.max() <= 1,
                f"{name}.decode gives values from {output.min():.3g} to {output.max():.3g}.",
                "Images lie in [0, 1]: clamp them in decode (not in the loss).",
            )


def _check_eval_is_per_image(model: Any, name: str, images: Tensor, z: Posterior) -> None:
    again, part = model.encode(images), model.encode(images[:3])
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


def _check_loss(model: Any, name: str, batches: dict[str, GroupBatch]) -> None:
    """Form of the loss for every kind of groups, while training and while validating."""
    names: list[str] | None = None
    for training in (True, False):
        model.train(training)
        for kind, batch in batches.items():
            where = f"{name}.loss, batch with {kind}{'' if training else ', evaluation mode'}"
            with torch.set_grad_enabled(training):
                loss = model.loss(batch)
            demand(isinstance(loss, Loss), f"{where}: returns {type(loss).__name__}.", "Return Loss(total, terms).")
            for term, value in {"total": loss.total, **loss.terms}.items():
                demand(
                    isinstance(value, Tensor) and value.ndim == 0,
                    f"{where}: {term} is not a scalar tensor.",
                    "total and every term are tensors without dimensions: average over the batch.",
                )
                demand(
                    value.isfinite(),
                    f"{where}: {term} is {value.item()}.",
                    "Guard logarithms and divisions: groups may be unknown (-1), empty or of one image.",
                )
            reserved = sorted(term for term in loss.terms if term in RESERVED or "/" in term)
            demand(
                not reserved,
                f"{where}: terms are named {', '.join(reserved)}.",
                "The log uses these names and '/': choose others.",
            )
            names = list(loss.terms) if names is None else names
            demand(
                list(loss.terms) == names,
                f"{where}: its terms are {', '.join(loss.terms)}; before they were {', '.join(names)}.",
                "Give the same terms in the same order for every batch; 0 where one does not apply.",
            )


def _check_gradients(model: Any, name: str, batches: dict[str, GroupBatch], untrained: set[str]) -> None:
    """Every parameter gets a finite gradient that is not always 0."""
    parameters = {key: value for key, value in model.named_parameters() if value.requires_grad}
    strange = sorted(untrained - set(parameters))
    demand(not strange, f"{name} has no trainable parameter {', '.join(strange)}.", "Correct 'untrained'.")
    demand(parameters, f"{name} has no trainable parameter.", "Register its layers as attributes of the module.")
    model.train()
    reached = set()
    for kind, batch in batches.items():
        model.zero_grad(set_to_none=True)
        total = model.loss(batch).total
        demand(total.requires_grad, f"{name}.loss: total has no gradient.", "Do not detach it, nor use no_grad.")
        total.backward()
        for key, value in parameters.items():
            gradient = value.grad
            demand(
                gradient is None or gradient.isfinite().all(),
                f"{name}: the gradient of {key} is not finite for a batch with {kind}.",
                "Look for 0/0 and square roots of 0; torch.where does not stop a NaN in the branch not taken.",
            )
            if gradient is not None and gradient.any():
                reached.add(key)
    lost = [key for key in parameters if key not in reached and key not in untrained]
    demand(
        not lost,
        f"{name}: the loss never reaches {', '.join(lost)}.",
        "Something cuts the gradient (detach, .data, an unused layer); if that is meant, name them in untrained=(...).",
    )


def _check_repeatable(model: Any, name: str, batch: GroupBatch) -> None:
    """Same seed, same numbers: otherwise a resumed run is another run."""
    totals = []
    model.eval()
    for _ in range(2):
        torch.manual_seed(1)
        with torch.no_grad():
            totals.append(model.loss(batch).total)
    demand(
        torch.equal(*totals),
        f"{name}.loss gives {totals[0].item()} and then {totals[1].item()} for the same batch, weights and seed.",
        "Draw all noise from torch's own generator, and keep no state outside parameters and buffers.",
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
