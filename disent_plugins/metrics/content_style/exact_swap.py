"""Exact swaps: where the data holds the image that a swap should give, how near the decoded swap comes to it.

psnr, ssim of decode(content of i, style of j) against the image whose content is that of i and whose style
factors are those of j
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np

from disent_plugins.about import About, Expect
from disent_plugins.content import content_columns, has_value
from disent_plugins.contracts import Codes, Items, Result, Subject, Value
from disent_plugins.errors import UsageError
from disent_plugins.metrics.content_style.donors import numbered
from disent_plugins.metrics.pictures.examples import model_of
from disent_plugins.metrics.quality.reconstruction import BATCH, MEAN_OF, mean_training_image, psnr, squared_error
from disent_plugins.metrics.quality.ssim import ssim
from disent_plugins.metrics.statistics.bootstrap import mean_interval
from disent_plugins.metrics.statistics.seeds import stream
from disent_plugins.options import Options, option

DRAWS = 50
"""Pairs that are looked up for every one that is wanted, before the data is taken to hold no more."""

_ALL = "mean over all pairs of scenes"


@dataclass(frozen=True)
class ExactSwapConfig(Options):
    """Options of exact swaps."""

    pairs: int = option(1000, "Most pairs of donors.", low=10)
    bootstrap: int = option(1000, "Resamples of the pairs for the 95 % intervals.", low=100, high=100_000)


class ExactSwap:
    """The metric ``exact-swap``: values ``psnr`` and ``ssim``."""

    Config = ExactSwapConfig
    about = About(
        definition="Pairs of test images `(i, j)` that differ in content and in style factors, for which the data "
        "holds an image `x` with the content of `i` and all style factors of `j`; `x` is compared with "
        "`decode(content_i, style_j)`:\n\n```\npsnr = -10 log10(mean squared error)        dB, mean over pairs\nssim "
        "= structural similarity (Wang et al. 2004), mean over pairs\n```\n\nThe settings tell three more references "
        "on the same targets: the model's plain reconstruction of `x`, which is what its decoder can reach, and the "
        "images of either donor, which is what a model reaches that ignores the other. The protocol is that of LORD "
        "(Gabbay and Hoshen 2020), with other measures of the difference.",
        range="`psnr` in dB and `ssim` from -1 to 1; high is good.",
        floor="The mean training image in place of every swap.",
        ceiling="1 for `ssim`; none for `psnr`, whose reference is the plain reconstruction in the settings.",
        cost="Grows with pairs times pixels: for 1,000 pairs of 64 x 64 colour images on one core 27 s with the "
        "paper's network, 7 s with one of an eighth of its width.",
        distrust="Both measures favour blurred images, and a large common background makes all values high: look at "
        "the floor first. Where several images share all their factors, the first is the target and a note says so. "
        "Pairs share donors, so the interval is somewhat too narrow.",
        expects=(
            Expect("painter", "psnr", 99.9, 100.1, "every swap is its target: 100 dB by definition"),
            Expect("painter", "ssim", 0.999, 1.001, "every swap is its target: 1"),
            Expect("bright-painter", "psnr", 19.9, 20.1, "every pixel is off by a tenth: -20 log10(0.1) = 20 dB"),
            Expect("style-painter", "psnr", 11.1, 12.1, f"it is the style donor's image: 11.6 dB, {_ALL}"),
            Expect("content-painter", "psnr", 9.3, 10.3, f"it is the content donor's image: 9.8 dB, {_ALL}"),
            Expect("collapsed", "psnr", 11.7, 12.7, f"it is the mean image: 12.2 dB, {_ALL}"),
            Expect("collapsed", "ssim", -0.03, 0.03, "it is the mean image: the floor", normalised=True),
            Expect("collapsed", "ssim", 0.056, 0.086, "similarity of all scenes to their mean, by direct sums: 0.071"),
        ),
    )

    def __init__(self, config: ExactSwapConfig) -> None:
        self.config = config

    def measure(self, subject: Subject) -> Result:
        """Decode the swaps and compare them with the images that they should be.

        Raises:
            UsageError: Only codes were given, there are no style factors, or the data holds no target.
        """
        decode, images = model_of(subject)
        codes, config = subject.codes, self.config
        triples, repeated = targets(codes, config.pairs, stream(subject.seed, "exact swap"))
        mean_image = mean_training_image(images, codes.rows("train"), subject.seed)
        answers: dict[str, Callable[[np.ndarray], np.ndarray]] = {
            "swap": lambda t: decode(codes.content[t[:, 0]], codes.style[t[:, 1]]),
            "mean image": lambda t: mean_image,
            "reconstruction": lambda t: decode(codes.content[t[:, 2]], codes.style[t[:, 2]]),
            "content donor": lambda t: images(t[:, 0]),
            "style donor": lambda t: images(t[:, 1]),
        }
        scores = {name: np.empty((2, len(triples))) for name in answers}
        for start in range(0, len(triples), BATCH):
            some = triples[start : start + BATCH]
            true = images(some[:, 2])
            for name, answer in answers.items():
                given = answer(some)
                errors = squared_error(true, given)
                scores[name][:, start : start + BATCH] = psnr(errors, true[0].size), ssim(true, given)
            subject.report(min(start + BATCH, len(triples)), len(triples), "exact swaps")
        values = {}
        for place, (name, unit, ceiling) in enumerate((("psnr", "dB", None), ("ssim", "structural similarity", 1.0))):
            of = scores["swap"][place]
            low, high = mean_interval(of, config.bootstrap, stream(subject.seed, "exact swap", "bootstrap", name))
            values[name] = Value(
                float(of.mean()), unit, float(scores["mean image"][place].mean()), ceiling, low, high, len(of),
                "decoded means, per pair, mean over pairs of the test split", "up",
            )  # fmt: skip
        swaps = numbered(triples[:, :2], len(codes.split))
        items = {name: Items(swaps, scores["swap"][place]) for place, name in enumerate(values)}
        settings = {
            **asdict(config),
            "seed": subject.seed,
            "n": len(triples),
            "references": {
                name: dict(zip(("psnr", "ssim"), of.mean(axis=1).tolist(), strict=True))
                for name, of in scores.items()
                if name not in ("swap", "mean image")
            },
            "floor": f"the mean of {min(len(codes.rows('train')), MEAN_OF)} training images as every swap",
            "interval": "95 %, bootstrap over the pairs",
            "split": codes.split_source,
            "versions": {"numpy": np.__version__},
        }
        notes = []
        if repeated:
            notes.append(f"{repeated} rows repeat the factors of another, so these factors do not settle the image.")
        return Result("exact-swap", values, settings, notes=notes, items=items)


def targets(codes: Codes, most: int, generator: np.random.Generator) -> tuple[np.ndarray, int]:
    """Pairs of test rows with the row that their swap should give.

    Args:
        codes: Their factors count.
        most: Most pairs; fewer where the data holds fewer.
        generator: Decides which.

    Returns:
        [M, 3] int64 positions, sorted and without repetition: content donor, style donor, target (of any split), and
        the number of rows with the factors of an earlier row, which are no targets.

    Raises:
        UsageError: There are no test rows, no style factors, or no target.
    """
    shared = content_columns(codes.factor_names, codes.content_factor)
    rest = [column for column in range(len(codes.factor_names)) if column not in shared]
    if not rest:
        raise UsageError(
            "There are no style factors.",
            f"The only factor is the content, {codes.content_factor}, so the data does not say which image a swap "
            "should give.",
            "Judge swaps by a classifier instead: disent metrics swap RUN",
        )
    whole = np.ones(len(codes.factors), dtype=bool)
    for name, column in zip(codes.factor_names, codes.factors.T, strict=True):
        whole &= has_value(column, codes.factor(name).kind)
    content = np.unique(codes.labels, return_inverse=True)[1].reshape(-1)
    style = np.unique(codes.factors[:, rest], axis=0, return_inverse=True)[1].reshape(-1)
    width = int(style.max()) + 1
    known, first = np.unique((content * width + style)[whole], return_index=True)
    first = np.flatnonzero(whole)[first]
    test = codes.rows("test")
    test = test[whole[test]]
    if not len(test):
        raise UsageError("There are no test rows to swap.", "Their split has none.", "Measure codes with a test split.")
    i, j = test[generator.integers(len(test), size=(2, DRAWS * most))]
    wanted = content[i] * width + style[j]
    place = np.searchsorted(known, wanted).clip(max=len(known) - 1)
    right = (known[place] == wanted) & (content[i] != content[j]) & (style[i] != style[j])
    drawn = np.stack([i, j, first[place]], axis=1)[right]
    if not len(drawn):
        raise UsageError(
            "The data does not hold the image of any swap.",
            f"{DRAWS * most} pairs of test rows were looked up among {len(codes.factors)} rows, by all their factors.",
            "Judge swaps by a classifier instead: disent metrics swap RUN",
        )
    order = np.sort(np.unique(drawn, axis=0, return_index=True)[1])[:most]
    chosen = drawn[order]
    return chosen[np.lexsort(chosen.T[::-1])], int(whole.sum()) - len(known)
