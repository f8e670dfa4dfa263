"""A small convolutional classifier of real images, which judges decoded ones. It never sees a model's codes.

It depends on the data set alone, so it is trained once and kept as a file.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from disent_plugins.contracts import Report
from disent_plugins.errors import UsageError, WorkFailed
from disent_plugins.files import replacing
from disent_plugins.metrics.statistics.seeds import derived

VERSION = 1
"""Of network and training together: raise it when either changes, and kept files are not used any more."""

WIDTH = 32
RATE, WEIGHT_DECAY = 3e-3, 1e-4
BATCH = 256


@dataclass(frozen=True)
class Training:
    """How the classifier is trained.

    Attributes:
        epochs: Passes over the training images, at least.
        minimum_steps: Small sets get more epochs, until this many steps are taken.
        batch: Most images a step: small sets take a twentieth of themselves, and at least 2.
        seed: Of weights and order.
    """

    epochs: int = 2
    minimum_steps: int = 300
    batch: int = 128
    seed: int = 0

    def schedule(self, n: int) -> tuple[int, int]:
        """(epochs, images a step) for ``n`` training images.

        >>> Training().schedule(50_000), Training().schedule(1_000)
        ((2, 128), (15, 50))
        """
        batch = max(2, min(self.batch, n // 20))
        return max(self.epochs, math.ceil(self.minimum_steps / max(1, n // batch))), batch


class Network(nn.Module):
    """Four convolutions, all but the third of which halve the image, then a linear layer on what is left of it.

    Args:
        shape: (H, W, C).
        classes: Number of outputs.
    """

    def __init__(self, shape: tuple[int, int, int], classes: int) -> None:
        super().__init__()
        height, width, channels = shape
        layers: list[nn.Module] = []
        sizes = ((channels, WIDTH, 5, 2), (WIDTH, 2 * WIDTH, 3, 2), (2 * WIDTH, 2 * WIDTH, 3, 1),
                 (2 * WIDTH, 4 * WIDTH, 3, 2))  # fmt: skip
        for before, after, kernel, stride in sizes:
            layers += [
                nn.Conv2d(before, after, kernel, stride, kernel // 2, bias=False),
                nn.BatchNorm2d(after),
                nn.ReLU(),
            ]
        self.features = nn.Sequential(*layers)
        left = math.ceil(height / 8) * math.ceil(width / 8)
        self.head = nn.Sequential(nn.Flatten(), nn.Dropout(0.2), nn.Linear(4 * WIDTH * left, classes))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """[B, C, H, W] in [0, 1] -> [B, classes]."""
        return self.head(self.features(images - 0.5))


@dataclass(frozen=True)
class ImageClassifier:
    """A trained classifier.

    Attributes:
        network: In evaluation mode.
        classes: [K] labels, ascending.
        kept: The file it is kept in, if any.
        trained: Whether it was trained just now rather than read back.
        digest: SHA-256 of its weights.
    """

    network: Network
    classes: np.ndarray
    kept: Path | None
    trained: bool
    digest: str

    def predict(self, images: np.ndarray) -> np.ndarray:
        """Labels [B] of images [B, H, W, C] in [0, 1]."""
        with torch.inference_mode():
            parts = [
                self.network(_tensor(images[start : start + BATCH])).argmax(dim=1).numpy()
                for start in range(0, len(images), BATCH)
            ]
        return self.classes[np.concatenate(parts)]


def image_classifier(
    images: np.ndarray, labels: np.ndarray, training: Training, keep: Path | None, report: Report
) -> ImageClassifier:
    """The classifier of these images: read back if it is kept, trained otherwise.

    The kept file's name holds a hash of network, training, classes, labels and images, so that it is never taken for
    another's, and the file a digest of the weights. One that cannot be read or has changed is no loss: the classifier
    is trained again; nor is a place that cannot be written to.

    Args:
        images: [N, H, W, C] uint8.
        labels: [N].
        training: How to train.
        keep: Folder to keep it in; None for nowhere.
        report: Progress.
    """
    classes, targets = np.unique(labels, return_inverse=True)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derived(training.seed, "image classifier", "weights"))
        network = Network(images.shape[1:], len(classes))
        path = None if keep is None else keep / f"classifier-{_identity(images, labels, training)}.pt"
        trained = path is None or not _read(network, path)
        if trained:
            _train(network, images, targets.reshape(-1), training, report)
            if path is not None:
                with contextlib.suppress(UsageError, WorkFailed), replacing(path) as temporary:
                    torch.save({"weights": network.state_dict(), "digest": _digest(network)}, temporary)
    return ImageClassifier(network.eval(), classes, path, trained, _digest(network))


def _identity(images: np.ndarray, labels: np.ndarray, training: Training) -> str:
    facts = {"version": VERSION, **asdict(training), "shape": images.shape, "classes": np.unique(labels).tolist()}
    seen = hashlib.sha256(json.dumps(facts).encode())
    seen.update(np.ascontiguousarray(labels, dtype=np.int64).tobytes())
    seen.update(np.ascontiguousarray(images).tobytes())
    return seen.hexdigest()[:16]


def _read(network: Network, path: Path) -> bool:
    """Whether the weights could be read and are those that were kept; if not, the network is as it was."""
    before = {name: value.clone() for name, value in network.state_dict().items()}
    try:
        kept = torch.load(path, map_location="cpu", weights_only=True)
        network.load_state_dict(kept["weights"])
        if kept["digest"] == _digest(network):
            return True
    except Exception:  # what a damaged or foreign file raises depends on where the damage is
        pass
    network.load_state_dict(before)
    return False


def _digest(network: Network) -> str:
    content = hashlib.sha256()
    for name, value in network.state_dict().items():
        content.update(f"{name} {value.dtype} {tuple(value.shape)}\n".encode())
        content.update(value.contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return content.hexdigest()


def _train(network: Network, images: np.ndarray, targets: np.ndarray, training: Training, report: Report) -> None:
    """Train in place, with the global generator as the caller has set it."""
    n = len(images)
    epochs, batch = training.schedule(n)
    steps = max(1, n // batch)  # an incomplete last batch is left out; the next epoch's order brings its images back
    optimiser = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=WEIGHT_DECAY)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=epochs * steps)
    wanted = torch.from_numpy(targets)
    # Order and dropout from generators that reading or initialising does not move.
    torch.manual_seed(derived(training.seed, "image classifier", "training"))
    network.train()
    for epoch in range(epochs):
        order = torch.randperm(n)
        for step in range(steps):
            rows = order[step * batch : (step + 1) * batch]
            loss = nn.functional.cross_entropy(network(_tensor(images[rows.numpy()])), wanted[rows])
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            rate.step()
            report(epoch * steps + step + 1, epochs * steps, "training the image classifier")


def _tensor(images: np.ndarray) -> torch.Tensor:
    """[B, H, W, C] bytes, or floats in [0, 1], as [B, C, H, W] float32 in [0, 1]."""
    scale = 255 if images.dtype == np.uint8 else 1
    return torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2), dtype=np.float32) / scale)
