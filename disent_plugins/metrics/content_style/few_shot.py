"""Few-shot recognition: a class from 1 or 5 example images of it, by the nearest fused content code.

c_k = fuse of the content of the examples of class k,    answer(x) = argmin_k |content(x) - c_k|
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from disent_plugins.about import About, Expect
from disent_plugins.contracts import Items, Result, Subject, Value
from disent_plugins.errors import UsageError
from disent_plugins.metrics.content_style.nearest import Distance, fused, rule, seen_note, share_right
from disent_plugins.metrics.factors.references import interval
from disent_plugins.metrics.statistics.partition import stratified
from disent_plugins.metrics.statistics.seeds import stream
from disent_plugins.options import Options, option


@dataclass(frozen=True)
class FewShotConfig(Options):
    """Options of few-shot."""

    shots: tuple[int, ...] = option((1, 5), "Example images of a class.")
    ways: int = option(20, "Classes of an episode; fewer if the test split has fewer.", low=2)
    queries: int = option(5, "Images of each class to recognise in an episode; fewer where a class has fewer.", low=1)
    episodes: int = option(200, "Seeded draws of classes, examples and queries.", low=2, high=100_000)
    distance: Distance = option("euclid", "Distance between codes.")
    bootstrap: int = option(30, "Half-samples of the test images for the 95 % intervals.", low=10, high=100_000)


class FewShot:
    """The metric ``few-shot``."""

    Config = FewShotConfig
    about = About(
        definition=(
            "`{n}-shot` is the accuracy of the nearest class on test images. An episode draws classes of the test "
            "split (20, or all if they are fewer), n example images of each, and 5 other images of each to "
            "recognise. The content of the examples is fused into one code, and an image is given the class whose "
            "fused code is nearest (Euclidean, or cosine):\n\n"
            "    c_k = fuse(content of the n examples of k),    answer(x) = argmin_k |content(x) - c_k|\n\n"
            "Fused by the model's own rule, otherwise by the product of the images' Gaussians, otherwise by the mean; "
            "which one stands in the settings. Equally near classes share the answer. The value is the mean over "
            "200 episodes. Nearest-mean few-shot classification after Snell et al. 2017 (prototypical networks, "
            "Eq. 1 and 2), with evidence accumulated as in Bouchacourt et al. 2018 (ML-VAE, section 3)."
        ),
        range="0..1, high is good.",
        floor="1 / classes of an episode, exactly what guessing scores: every class has as many queries.",
        ceiling="1, which content scores whose classes lie apart.",
        cost=(
            "Grows with episodes times classes times half-samples: for 10,000 test codes of 8 columns, 1.7 s on one "
            "thread with 10 classes, 2.9 s with 20."
        ),
        distrust=(
            "It is a test of unseen classes only where the test classes are absent from training; a note says "
            "whether they are. Codes are compared as they are, so columns of large scale rule the distance. The "
            "interval is 1.96 standard deviations of the values of 30 half-samples of every class's images, each with "
            "episodes of its own; it takes the classes as given, and classes whose half has too few images for an "
            "episode play no part in it. It says nothing of style."
        ),
        expects=(
            Expect("split-apart", "1-shot", 0.97, 1.0, "classes lie further apart than their noise: 1"),
            Expect("split-apart", "5-shot", 0.97, 1.0, "classes lie further apart than their noise: 1"),
            Expect("leaky", "1-shot", 0.97, 1.0, "the content block is that of split-apart: 1"),
            Expect("blind", "1-shot", -0.03, 0.03, "noise: chance", normalised=True),
            Expect("blind", "5-shot", -0.03, 0.03, "noise: chance", normalised=True),
            Expect("swapped", "5-shot", -0.03, 0.03, "the content knows the style factors only", normalised=True),
            Expect("variants", "1-shot", 0.97, 1.0, "own points at most 0.8 away, others sqrt 2: 1"),
        ),
    )

    def __init__(self, config: FewShotConfig) -> None:
        self.config = config

    def _halves(self, subject: Subject, test: np.ndarray, shots: int) -> list[float]:
        """The value on halves of every class's images, or nothing where a half is too small."""
        seed, found = subject.seed, []
        for i in range(self.config.bootstrap):
            half = stratified(subject.codes.labels[test], 0.5, stream(seed, "few-shot", str(shots), "half", str(i)))
            plan = planned(subject.codes.labels[test[half]], shots, self.config)
            if plan is None:
                return []
            generator = stream(seed, "few-shot", str(shots), "half episodes", str(i))
            found.append(float(episodes(subject, test[half], plan, generator)[0].mean()))
        return found

    def measure(self, subject: Subject) -> Result:
        """Measure the accuracy for every number of shots.

        Raises:
            UsageError: The test split has not two classes with one image more than the least number of shots.
        """
        config, codes = self.config, subject.codes
        test = codes.rows("test", labelled=True)
        labels, counts = np.unique(codes.labels[test], return_counts=True)
        values, settings, items, notes = {}, {}, {}, [seen_note(subject, labels)]
        for step, shots in enumerate(config.shots):
            subject.report(step, len(config.shots), f"{shots}-shot")
            usable = labels[counts > shots]
            plan = planned(codes.labels[test], shots, config)
            if plan is None:
                notes.append(f"No {shots}-shot: {len(usable)} classes have more than {shots} test images.")
                continue
            if len(usable) < len(labels):
                left = len(labels) - len(usable)
                notes.append(f"{shots}-shot leaves out {left} classes with {shots} test images or fewer.")
            right, asked = episodes(subject, test, plan, stream(subject.seed, "few-shot", str(shots)))
            value, draws = float(right.mean()), self._halves(subject, test, shots)
            if not draws:
                notes.append(f"No interval of {shots}-shot: halves of the classes have {shots} test images or fewer.")
            low, high = interval(value, draws) if draws else (None, None)
            words = (
                f"nearest of {plan.ways} fused codes ({config.distance}), {config.episodes} episodes; {rule(subject)}"
            )
            values[f"{shots}-shot"] = Value(
                value, "accuracy", 1 / plan.ways, 1.0, low, high, len(np.unique(asked)), words, "up"
            )
            items[f"{shots}-shot"] = _by_image(asked, right)
            settings[f"{shots}-shot"] = {"ways": plan.ways, "queries": plan.queries, "classes": len(usable)}
        if not values:
            raise UsageError(
                "Few-shot recognition needs two classes with examples and an image to recognise.",
                f"The test split has {len(test)} images, at most {max(counts, default=0)} of one class.",
                "Give a test split with more images of a class, or ask for fewer examples: --set shots=1",
            )
        recorded = {
            **asdict(config), "seed": subject.seed, "split": codes.split_source, "fused_by": rule(subject),
            "episode": settings, "versions": {"numpy": np.__version__},
        }  # fmt: skip
        return Result("few-shot", values, recorded, notes=notes, items=items)


def _by_image(asked: np.ndarray, right: np.ndarray) -> Items:
    """What every image that was asked for adds to the mean: episodes share images, and images are what differs.

    An image that is asked for in more episodes counts for more, such that the mean over images is that over queries.
    """
    rows, place, counts = np.unique(asked, return_inverse=True, return_counts=True)
    total = np.bincount(place.reshape(-1), right.reshape(-1), minlength=len(rows))
    return Items(rows, total * len(rows) / counts.sum())


@dataclass(frozen=True)
class Plan:
    """What the episodes of some rows are made of.

    Attributes:
        classes: Classes to draw from, each with ``shots + queries`` rows or more.
        shots, queries: Examples and queries of a class.
        ways: Classes of an episode.
        count: Number of episodes.
        distance: See ``share_right``.
    """

    classes: np.ndarray
    shots: int
    queries: int
    ways: int
    count: int
    distance: Distance


def planned(labels: np.ndarray, shots: int, config: FewShotConfig) -> Plan | None:
    """The episodes that rows of these ``labels`` [N] allow; None if they have not two classes for them."""
    classes, counts = np.unique(labels, return_counts=True)
    classes, counts = classes[counts > shots], counts[counts > shots]
    if len(classes) < 2:
        return None
    queries, ways = int(min(config.queries, counts.min() - shots)), min(config.ways, len(classes))
    return Plan(classes, shots, queries, ways, config.episodes, config.distance)


def episodes(
    subject: Subject, rows: np.ndarray, plan: Plan, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Which queries were recognised, in part where several are nearest, and their rows: both [count, ways * queries].

    Args:
        subject: The codes.
        rows: Rows to draw from.
        plan: What to draw.
        generator: Source of randomness.
    """
    labels, shots, queries, ways, count = subject.codes.labels[rows], plan.shots, plan.queries, plan.ways, plan.count
    members = [rows[labels == label] for label in plan.classes]
    drawn = np.array([
        [generator.choice(members[k], shots + queries, replace=False)
         for k in generator.choice(len(members), ways, replace=False)]
        for _ in range(count)
    ])  # fmt: skip
    examples, asked = drawn[:, :, :shots], drawn[:, :, shots:].reshape(count, -1)
    # One call fuses the examples of all episodes: a group is one class of one episode.
    gallery = fused(subject, examples.reshape(-1), np.repeat(np.arange(count * ways), shots), count * ways)
    way = np.arange(ways)
    right = [
        share_right(subject.codes.content[asked[e]], np.repeat(way, queries), gallery[e * ways : (e + 1) * ways], way,
                    distance=plan.distance)
        for e in range(count)
    ]  # fmt: skip
    return np.array(right), asked
