"""A model card in Markdown: what the model is, what it was trained on, its values, and how to load it.

Names, options and texts of others are escaped: they are text in Markdown and literals in Python, and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from disent_plugins.printable import printable

if TYPE_CHECKING:
    import torch

    from disent_plugins.measuring.trained import TrainedRun

_MEANING = re.compile(r"([\\`*_\[\]<>|&~$]|:(?=//)|\.(?<=www\.)|^[#=]|^[+-](?=\s))")
"""What would be markup, HTML or a link; at the beginning also a heading or a list."""


def model_card(
    run: TrainedRun, config: Mapping[str, Any], documents: Mapping[str, Any], tensors: Mapping[str, torch.Tensor]
) -> str:
    """The card of an exported run.

    Args:
        run: The run.
        config: Its exported ``config.json``.
        documents: What was measured of these weights.
        tensors: The weights.
    """
    spec, info, settings = run.parts.spec, run.parts.adapter.info, run.settings
    channels, height, width = run.image.shape
    parameters = sum(tensor.numel() for tensor in tensors.values())
    counted = f"{run.data.images:,} images, {run.data.groups:,} groups"
    epoch, dataset = run.of["epoch"], f"{settings.data}{info.subset_words}"
    lines = [
        f"# {md(settings.model)} on {md(dataset)}",
        "",
        f"{md(spec.summary)} {md(spec.reference)}",
        "",
        "It encodes an image into two codes, *content* (what the images of a group share) and *style* (the rest), and "
        "decodes them again.",
        "",
        "## Images and codes",
        "",
        *_table(
            ["", ""],
            [
                ["images", f"{height} x {width} pixels, channels: {channels}, values in [0, 1]"],
                ["made by", run.made],
                ["content, style", "{} and {} columns".format(*run.sizes)],
                ["weights", f"{len(tensors)} tensors, {parameters:,} numbers; {run.of['weights']}"],
            ],
        ),
        "",
        "## Training",
        "",
        *_table(
            ["", ""],
            [
                ["data set", f"{dataset}: {counted}; content is {info.content}"],
                ["content hash", run.of["data"]],
                ["licence of the data", info.licence],
                ["reference of the data", info.reference],
                ["epochs", f"{epoch} (checkpoint {run.of['checkpoint']})"],
                *([name, getattr(settings, name)] for name in _SETTINGS),
                *([f"option {name}", value] for name, value in settings.options.items()),
                ["made with", config["maker"]],
            ],
        ),
        "",
        "## Values",
        "",
        *_values(documents),
        "",
        "## Use it",
        "",
        "With disent-plugins, and `pip install 'disent-plugins[export]'`:",
        "",
        *_code(
            "import numpy as np",
            "import disent_plugins",
            "",
            "model = disent_plugins.open_export(folder)  # the folder of this file",
            f"images = np.zeros((2, {height}, {width}, {channels}), np.uint8)  # 0..255, or floats in 0..1",
            "content, style = model.encode(images)",
            "pictures = model.decode(content, style)",
        ),
        "",
        "By hand, with PyTorch and the model's class alone:",
        "",
        *_by_hand(config),
    ]
    return "\n".join(lines) + "\n"


def md(text: Any) -> str:
    r"""A text of others in one line of Markdown.

    >>> print(md("# a|b <i>\n![c](https://d)"))
    \# a\|b \<i\> !\[c\](https\://d)
    """
    return _MEANING.sub(r"\\\1", " ".join(printable(str(text)).split()))


_SETTINGS = ("seed", "batch_size", "lr", "milestones", "sampler", "visible", "precision")


def _values(documents: Mapping[str, Any]) -> list[str]:
    if not documents:
        return ["Nothing was measured of these weights."]
    rows = [
        [name, value_name, found["reference"][value_name]["unit"], _number(value)]
        + [_number(found["reference"][value_name].get(key)) for key in ("floor", "ceiling", "low", "high", "n")]
        for name, found in documents.items()
        for value_name, value in found["values"].items()
    ]
    head = ["metric", "value of", "unit", "value", "chance", "ceiling", "95 % from", "to", "N"]
    return [
        "Chance is what a code without information scores on these test samples, the ceiling what a perfect one does.",
        "",
        *_table(head, rows),
    ]


def _number(value: Any) -> str:
    return "" if value is None else f"{value:,}" if isinstance(value, int) else f"{value:.4g}"


def _table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[str]:
    lines = [head, ["---"] * len(head), *([md(cell) for cell in row] for row in rows)]
    return [f"| {' | '.join(line)} |" for line in lines]


def _by_hand(config: Mapping[str, Any]) -> list[str]:
    module, _, name = config["target"].partition(":")
    first = name.partition(".")[0]
    return _code(
        "import json, pathlib",
        "import torch",
        "from safetensors.torch import load_file",
        "from disent_plugins import ImageSpec, TrainingData",
        f"from {module} import {first}",
        "",
        'config = json.loads((pathlib.Path(folder) / "config.json").read_text())',
        'data = config["training_data"]',
        'data = TrainingData(**{**data, "image": ImageSpec(**data["image"])})',
        f'model = {name}({name}.Config(**config["options"]), data).eval()',
        'model.load_state_dict(load_file(pathlib.Path(folder) / "model.safetensors"))',
        "with torch.no_grad():",
        "    posterior = model.encode(torch.zeros(2, *data.image.shape))  # [N, C, H, W] in [0, 1]",
        "print(posterior.content.mean.shape, posterior.style.mean.shape)",
    )


def _code(*lines: str) -> list[str]:
    return ["```python", *lines, "```"]
