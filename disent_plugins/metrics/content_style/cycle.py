"""Cycle consistency: a swap is decoded and encoded again, and the codes are compared with those of its donors.

    c', s' = encode(decode(c_i, s_j))
    explained  = 1 - sum |c' - c_i|^2 / sum |c_i - mean c|^2        and alike for s' and s_j
    identified = share of swaps whose c' is nearest to c_i among the codes of all content donors, alike for s' and s_j

The idea of comparing codes after a swap is that of cycle-consistent VAEs (Jha et al. 2018); no labels are needed but to
pair images of different content.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from disent_plugins.about import About, Expect
from disent_plugins.contracts import Result, Subject, Value
from disent_plugins.errors import UsageError
from disent_plugins.metrics.content_style.donors import donors
from disent_plugins.metrics.pictures.examples import decoder_of
from disent_plugins.metrics.statistics.bootstrap import LEVEL, share_interval
from disent_plugins.metrics.statistics.seeds import stream
from disent_plugins.options import Options, option

BATCH = 256


@dataclass(frozen=True)
class CycleConfig(Options):
    """Options of cycle consistency."""

    pairs: int = option(1000, "Most pairs of donors, which are also the gallery to identify among.", low=2)
    bootstrap: int = option(1000, "Resamples of the pairs for the 95 % intervals.", low=100, high=100_000)


class Cycle:
    """The metric ``cycle``: ``explained`` and ``identified`` of content and style."""

    Config = CycleConfig
    about = About(
        definition="Pairs of test images `(i, j)` of different content, no image twice in one role. The swap is "
        "decoded, encoded again, and its means are compared with the donors':\n\n```\nc', s' = encode(decode(c_i, "
        "s_j))\ncontent/explained  = 1 - sum |c' - c_i|^2 / sum |c_i - mean c|^2\ncontent/identified = share of swaps "
        "whose c' is nearest to c_i among all donors' codes (Euclid; ties share)\n```\n\nand alike for the style, "
        "`s'` and `s_j`. After the cycle-consistent VAE of Jha et al. (2018).",
        range="`explained` up to 1, below 0 when the answer is worse than the mean code; `identified` from 0 to 1; "
        "high is good.",
        floor="`explained`: 0, the mean code as every answer, and also the value for a block that does not vary. "
        "`identified`: 1/n for n pairs.",
        ceiling="`explained`: 1. `identified`: what the donors' own codes score, less than 1 where donors share a "
        "code.",
        cost="Grows with pairs, decoding and encoding, and with the square of pairs for the identification: 1 s for "
        "1,000 pairs of 32 x 32 images on one core.",
        distrust="It measures the model's agreement with itself: a decoder that hides the codes in details nobody sees "
        "scores high, and so does a model that puts everything into both blocks. Content codes that are rightly alike "
        "within a class are hard to identify one by one. Read it beside swap or exact-swap.",
        expects=(
            Expect("painter", "content/explained", 0.999, 1.001, "the encoder inverts the decoder: 1"),
            Expect("painter", "style/explained", 0.999, 1.001, "the encoder inverts the decoder: 1"),
            Expect("painter", "content/identified", 0.97, 1.03, "no worse than the codes themselves", normalised=True),
            Expect("painter", "style/identified", 0.97, 1.03, "no worse than the codes themselves", normalised=True),
            Expect("style-painter", "content/explained", -1.3, -1.15, "another one-hot code: 1 - 2 / 0.9 = -1.22"),
            Expect("style-painter", "content/identified", 0.0, 0.0, "always another shape than the donor's: 0"),
            Expect("style-painter", "style/explained", 0.999, 1.001, "the style donor's image: 1"),
            Expect("content-painter", "style/explained", -1.2, -0.8, "an independent code: 1 - 2 = -1"),
            Expect("content-painter", "style/identified", -0.03, 0.03, "an independent code: chance", normalised=True),
            Expect("content-painter", "content/explained", 0.999, 1.001, "the content donor's image: 1"),
            Expect("collapsed", "content/explained", 0.0, 0.0, "codes that do not vary: 0"),
            Expect("collapsed", "style/explained", 0.0, 0.0, "codes that do not vary: 0"),
            Expect("collapsed", "content/identified", 0.0, 0.01, "n equal codes: 1/n, of some 290 pairs"),
        ),
    )

    def __init__(self, config: CycleConfig) -> None:
        self.config = config

    def measure(self, subject: Subject) -> Result:
        """Swap, decode, encode and compare.

        Raises:
            UsageError: There is no model, or the test rows show one content only.
        """
        decode, encode = decoder_of(subject), subject.encode
        if encode is None:
            raise UsageError(
                "Swaps cannot be encoded again.",
                f"{subject.name} has no encoder.",
                "Measure a run: disent metrics cycle RUN",
            )
        codes, config = subject.codes, self.config
        pairs = donors(codes.labels, codes.rows("test"), config.pairs, stream(subject.seed, "cycle"))
        given = {"content": codes.content[pairs[:, 0]], "style": codes.style[pairs[:, 1]]}
        parts = []
        for start in range(0, len(pairs), BATCH):
            some = slice(start, start + BATCH)
            parts.append(encode(decode(given["content"][some], given["style"][some])))
            subject.report(min(start + BATCH, len(pairs)), len(pairs), "cycle")
        values: dict[str, Value] = {}
        notes = []
        for block, again in zip(given, zip(*parts, strict=True), strict=True):
            found = np.concatenate(again)
            values |= self._values(block, given[block], found, subject.seed)
            if not np.ptp(given[block], axis=0).any():
                notes.append(f"The {block} code does not vary, so there is nothing to explain.")
        settings = {
            **asdict(config),
            "seed": subject.seed,
            "n": len(pairs),
            "split": codes.split_source,
            "interval": "95 %, bootstrap over the pairs, the gallery held fixed",
            "versions": {"numpy": np.__version__},
        }
        return Result("cycle", values, settings, notes=notes)

    def _values(self, block: str, given: np.ndarray, found: np.ndarray, seed: int) -> dict[str, Value]:
        n, resamples = len(given), self.config.bootstrap
        error, variation = squares(given, found)
        drawn = stream(seed, "cycle", "explained", block).integers(n, size=(resamples, n))
        low, high = np.quantile(_share(error[drawn].sum(axis=1), variation[drawn].sum(axis=1)), LEVEL)
        right, ideal = identified(given, found), identified(given, given)
        bounds = share_interval(right, resamples, stream(seed, "cycle", "identified", block))
        return {
            f"{block}/explained": Value(
                explained(given, found), "share of variance", 0.0, 1.0, float(low), float(high), n,
                "squared distance of means, all dimensions of the block together", "up",
            ),
            f"{block}/identified": Value(
                _mean(right), "accuracy", 1 / n, _mean(ideal), *bounds, n,
                f"nearest of {n} donors by Euclidean distance of means", "up",
            ),
        }  # fmt: skip


def _mean(shares: np.ndarray) -> float:
    """Of equal shares their very number, so that a model that tells nothing scores its floor to the last bit."""
    return float(shares.mean() if np.ptp(shares) else shares[0])


def squares(given: np.ndarray, found: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Squared distance of every answer [N, D] from its code [N, D], and of every code from the mean code, [N] each."""
    given, found = given.astype(np.float64), found.astype(np.float64)
    return np.square(found - given).sum(axis=1), np.square(given - given.mean(axis=0)).sum(axis=1)


def explained(given: np.ndarray, found: np.ndarray) -> float:
    """Share of the codes' variance [N, D] that the answers [N, D] explain; 0 for codes that do not vary.

    >>> codes = np.array([[0.0], [2.0]])
    >>> explained(codes, codes), explained(codes, np.ones((2, 1)))
    (1.0, 0.0)
    """
    error, variation = squares(given, found)
    return float(_share(error.sum(), variation.sum()))


def identified(given: np.ndarray, found: np.ndarray) -> np.ndarray:
    """How far every answer [N, D] tells its code from the others [N, D]: 1/k if k codes are nearest and it is one.

    Returns:
        [N] float64 in [0, 1].

    >>> identified(np.array([[0.0], [0.0], [5.0]]), np.array([[1.0], [4.0], [4.0]]))
    array([0.5, 0. , 1. ])
    """
    codes, answers = given.astype(np.float64), found.astype(np.float64)
    right = np.empty(len(codes))
    for start in range(0, len(codes), BATCH):
        some = answers[start : start + BATCH]
        # Subtracted code by code: the expansion into scalar products would not see that two distances are equal.
        distance = np.zeros((len(some), len(codes)))
        for column in range(codes.shape[1]):
            distance += np.square(some[:, column, None] - codes[:, column])
        nearest = distance == distance.min(axis=1, keepdims=True)
        own = nearest[np.arange(len(some)), np.arange(start, start + len(some))]
        right[start : start + BATCH] = own / nearest.sum(axis=1)
    return right


def _share(error: np.ndarray, variation: np.ndarray) -> np.ndarray:
    varies = variation > 0
    return np.where(varies, 1 - error / np.where(varies, variation, 1), 0.0)
