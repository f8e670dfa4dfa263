"""The probe: how well a classifier reads a factor from the content code, and from the style code.

If content and style came apart, the content code is read well (high accuracy) and the style code at chance (GM-VAE
paper, section 3 and appendix D). One number is not enough: what is read from a code depends on the probe's budget and
on its input, so the default prints a table of both. Inputs: ``sample``, a draw from the posterior; ``mean``;
``mean_std``, mean and standard deviation side by side, the strictest test for leakage.

Beside the accuracies stands what each block holds at all: its KL in nats and its active units. A sample of the
code cannot tell more of the class than its KL; a *mean* that is almost constant can, as standardising enlarges it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch

from disent_plugins.about import About, Expect
from disent_plugins.content import content_labels
from disent_plugins.contracts import Codes, Items, Result, Subject, Value
from disent_plugins.errors import UsageError, suggestion
from disent_plugins.metrics.probe.evidence import accumulate
from disent_plugins.metrics.probe.rows import Rows, choose_rows
from disent_plugins.metrics.probe.training import PRESETS, Inputs, ProbeFit, probes
from disent_plugins.metrics.quality.gaussians import active_units, kl_to_standard_normal
from disent_plugins.metrics.statistics.bootstrap import mean_interval, proportion_interval
from disent_plugins.metrics.statistics.seeds import derived, stream
from disent_plugins.options import Options, option

BLOCKS = ("content", "style")
INPUTS = ("sample", "mean", "mean_std")
ENOUGH_STEPS = 3000
"""Steps at a learning rate of 1e-5 below which the ``paper`` preset hardly leaves its random start."""

_CHANCE = "independent of the label: guesses are right at most as often as the largest class"


@dataclass(frozen=True)
class ProbeConfig(Options):
    """Options of the probe."""

    presets: str = option("paper,strong", "Budgets, comma-separated: paper (appendix D exactly), strong.")
    inputs: str = option("sample,mean", "What the probe reads, comma-separated: sample, mean, mean_std.")
    target: str | None = option(None, "Factor to read; none: the content factor.")
    evidence: int = option(0, "Fuse the content of each image with N others of its class (uses test labels).", low=0)
    bootstrap: int = option(1000, "Resamples of the test set for the 95 % intervals.", low=100, high=100_000)
    max_train: int | None = option(None, "Most training samples to use; none: all.", low=10)

    def __post_init__(self) -> None:
        super().__post_init__()
        _words(self.presets, PRESETS, "presets")
        _words(self.inputs, INPUTS, "inputs")


class Probe:
    """The metric ``probe``."""

    Config = ProbeConfig
    about = About(
        definition=(
            "`{block}/{input}/{preset}` is the share of test rows whose content a classifier reads right from a block: "
            "the probe of the GM-VAE paper (section 3, appendix D), two hidden layers of 256 units, each with batch "
            "norm and LeakyReLU 0.2. What is read depends on the input and on the budget, so a table has both.\n\n"
            "```\n"
            "sample    z ~ N(mean, std^2), drawn anew every epoch; tells no more of the class than the block's KL\n"
            "mean      the posterior's mean, whatever its scale\n"
            "mean_std  mean and standard deviation side by side: the strictest test for leakage\n\n"
            "paper     Adam at 1e-5, batches of 128, 8 epochs, input as it is, last step (appendix D)\n"
            "strong    Adam from 1e-3 to 0 along a cosine, batches of at most 512, 20 epochs and 640 steps or more,\n"
            "          levelled and whitened input, best on validation rows of all epochs and of linear classifiers\n"
            "```\n\n"
            "Whitened is the input turned so that its columns do not correlate, each scaled by the deviation of its "
            "middle 99 % and cut to +-5; levelled is, for every column, the mean of its normal score and of asinh of "
            "the distance from its median in deviations of its middle half. Both stand side by side. The linear "
            "classifiers are logistic regression (C = 1 on standardised, C = 100 on whitened input) and linear "
            "discriminants of whitened and of levelled input; the estimator names the one that was right on more "
            "validation rows than the network, if one was. Beside the accuracies stands what each block holds at all, "
            "on the test split: `{block}/kl`, the mean divergence of its posteriors from N(0, I) in nats, and "
            "`{block}/active_units`, the dimensions whose mean has a variance above 0.01 (Burda, Grosse and "
            "Salakhutdinov 2016). `--set target=NAME` reads another factor. Where no "
            "class of the test split occurs in training, half of each class's test rows train the probe and the other "
            "half test it. Codes without log-variances are read by their means only."
        ),
        range="0..1; high is good for the content block, low for the style block (for a style factor the other way). "
        "`kl` and `active_units` from 0; neither end is good in itself.",
        floor="The share of the most frequent class among the test rows; 0 for `kl` and `active_units`.",
        ceiling="1, which codes reach that hold the factor; all dimensions for `active_units`; none for `kl`.",
        cost="Grows with training rows, inputs and presets: 48 s on one thread for 60,000 rows of 8 + 8 columns to "
        "train on and 10,000 to test, two inputs and both presets.",
        distrust=(
            "The `paper` preset hardly moves on small sets (a note says so below 3,000 steps) and leaves leakage "
            "unread on large ones: low style accuracies count only with `strong`. A probe is a lower bound: what it "
            "cannot read may still be there; on 10,000 rows the parity of three signs among 64 codes, or a hundred "
            "bands of one code that take turns, read as chance. The intervals are over test rows and leave out the "
            "training's own scatter: where codes are read in part, another seed moves accuracies by .002 to .010 "
            "(standard deviation; the more, the fewer the rows), which may exceed what the test rows give. "
            "A low style accuracy is no merit of a block that is empty: see its `kl`. Standardising enlarges a mean "
            "that is almost constant, so `mean` may read what drowns in the noise of every sample, and what the "
            "decoder never saw. Content that depends on style factors in the data set leaks by necessity: see the "
            "note of `leakage`. With `evidence` the test labels are used, and the accuracy is none of single images."
        ),
        expects=(
            Expect("split-apart", "content/mean/strong", 0.97, 1.0, "the content is the label: 1"),
            Expect("split-apart", "style/mean/strong", -0.05, 0.03, _CHANCE, normalised=True),
            Expect("leaky", "style/mean/strong", 0.97, 1.0, "style holds the label: 1"),
            Expect("non-linear-leak", "style/mean/strong", 0.97, 1.0, "a network can multiply the signs: 1"),
            Expect("swapped", "content/mean/strong", -0.05, 0.03, _CHANCE, normalised=True),
            Expect("swapped", "style/mean/strong", 0.97, 1.0, "style is what content should be: 1"),
            Expect("blind", "content/mean/strong", -0.05, 0.03, _CHANCE, normalised=True),
            Expect("blind", "style/mean/strong", -0.05, 0.03, _CHANCE, normalised=True),
            Expect("painter", "content/active_units", 10, 10, "one dimension for each of ten shapes"),
            Expect("painter", "style/active_units", 3, 3, "row, column and light"),
            Expect("collapsed", "content/kl", 0.0, 1e-6, "the posterior is the prior: 0"),
            Expect("collapsed", "style/active_units", 0, 0, "every mean is constant: 0"),
            Expect("half-leak", "style/mean/strong", 0.45, 0.55, "a ring for every two labels: 1/2"),
            Expect("memorised-blocks", "style/mean/strong", -0.08, 0.05, "test rows say nothing: 0", normalised=True),
        ),
    )

    def __init__(self, config: ProbeConfig) -> None:
        self.config = config

    def measure(self, subject: Subject) -> Result:
        """Probe both codes of the subject.

        Raises:
            UsageError: The target is no factor of these codes, or there are too few samples to train or test on.
        """
        config, codes = self.config, subject.codes
        target = codes.content_factor if config.target is None else config.target
        if target not in (*codes.factor_names, codes.content_factor):
            raise UsageError(f"{subject.name} has no factor '{target}'.", suggestion(target, codes.factor_names))
        if codes.factor(target).kind == "continuous":
            why = f"'{target}' is continuous, and the probe tells classes."
            raise UsageError(f"target={target} does not fit metric 'probe'.", why, "Try: disent metrics leakage")
        labels = content_labels(codes.factors, codes.factor_names, target)
        rows = choose_rows(codes, labels, target, subject.seed, config.max_train)
        presets = _words(config.presets, PRESETS, "presets")
        if config.evidence:
            codes = accumulate(codes, config.evidence, subject.seed)
        table, left_out = _readings(config, codes)
        fits = _fit_all(subject, labels, rows, presets, table)
        home = "style" if target in codes.style_factors else "content"  # the block that should hold the factor
        values = {
            name: _accuracy(fit, labels[rows.test], rows, name, home, subject.seed, config.bootstrap)
            for name, fit in fits.items()
        }
        items = {name: Items(rows.test, fit.correct) for name, fit in fits.items()}
        values |= _information(subject.codes, config.bootstrap, subject.seed)
        made = [] if codes.split_source == "as given" else [f"Split {codes.split_source}."]
        told = (
            f"Content fused with {config.evidence} images of the same class, test images too: this is no accuracy of "
        )
        fused = [told + "single images, and close to 1 whatever was learnt."] if config.evidence else []
        notes = [*made, *rows.notes, *fused, *left_out, *_budget_note(fits)]
        return Result("probe", values, _settings(config, subject, target, rows, fits), notes=notes, items=items)


def _words(text: str, known: Collection[str], name: str) -> list[str]:
    words = list(dict.fromkeys(word.strip() for word in text.split(",") if word.strip()))
    for word in words:
        if word not in known:
            raise UsageError(f"{name}={text} does not fit metric 'probe'.", suggestion(word, known))
    if not words:
        raise UsageError(f"{name} is empty.", f"It takes any of {', '.join(known)}, comma-separated.")
    return words


def _readings(config: ProbeConfig, codes: Codes) -> tuple[dict[tuple[str, str], Inputs], list[str]]:
    """(block, input) to what the probe reads, and a note on what these codes do not allow.

    Raises:
        UsageError: They allow none of it.
    """
    wanted = [(block, read) for read in _words(config.inputs, INPUTS, "inputs") for block in BLOCKS]
    known = {block for block in BLOCKS if getattr(codes, f"{block}_logvar") is not None}
    table = {(block, read): _input(codes, block, read) for block, read in wanted if read == "mean" or block in known}
    left_out = ", ".join(f"{block}/{read}" for block, read in wanted if (block, read) not in table)
    if not table:
        why = "They hold means only; samples and standard deviations need content_logvar and style_logvar."
        raise UsageError(f"These codes cannot be probed with inputs={config.inputs}.", why, "Use: --set inputs=mean")
    return table, [f"Left out, as the codes hold no log-variances for it: {left_out}."] if left_out else []


def _input(codes: Codes, block: str, read: str) -> Inputs:
    mean, logvar = getattr(codes, block), getattr(codes, f"{block}_logvar")
    if read == "mean":
        return Inputs(mean)
    sigma = np.exp(0.5 * logvar)
    return Inputs(mean, sigma) if read == "sample" else Inputs(np.concatenate([mean, sigma], axis=1))


def _fit_all(
    subject: Subject, labels: np.ndarray, rows: Rows, presets: list[str], table: dict[tuple[str, str], Inputs]
) -> dict[str, ProbeFit]:
    """Value name to probe, in the order of the table; probes of one preset and width are trained together."""
    widths = dict.fromkeys(x.value.shape[1] for x in table.values())
    jobs = [(preset, width) for preset in presets for width in widths]
    fits: dict[str, ProbeFit] = {}
    for number, (preset, width) in enumerate(jobs):
        keys = [key for key, x in table.items() if x.value.shape[1] == width]
        train = rows.tuned_train if PRESETS[preset].tuned else rows.train
        what = f"probe {preset}: " + ", ".join("/".join(key) for key in keys)

        def tick(done: int, total: int, number: int = number, what: str = what) -> None:
            subject.report(number * 100 + 100 * done // total, 100 * len(jobs), what)

        found = probes(
            [table[key].take(train) for key in keys],
            labels[train],
            [table[key].take(rows.test) for key in keys],
            labels[rows.test],
            preset=preset,
            seeds=[derived(subject.seed, "probe", *key, preset) for key in keys],
            validation=([table[key].take(rows.validation) for key in keys], labels[rows.validation]),
            tick=tick,
        )
        fits |= {_name(*key, preset): fit for key, fit in zip(keys, found, strict=True)}
    return {_name(*key, preset): fits[_name(*key, preset)] for preset in presets for key in table}


def _name(block: str, read: str, preset: str) -> str:
    return f"{block}/{read}/{preset}"


def _accuracy(fit: ProbeFit, labels: np.ndarray, rows: Rows, name: str, home: str, seed: int, resamples: int) -> Value:
    block, read, preset = name.split("/")
    low, high = proportion_interval(fit.correct, resamples, stream(seed, "bootstrap", name))
    rate = f"Adam {PRESETS[preset].learning_rate:g}"
    last = "falling to 0, epoch {} chosen on validation" if PRESETS[preset].tuned else "throughout, last step"
    network = f"{rate} {last.format(fit.epoch)}, {fit.steps} steps of {fit.batch}"
    how = network if fit.rival is None else f"{fit.rival}, better on validation rows than the network ({network})"
    return Value(
        value=fit.accuracy,
        unit="accuracy",
        floor=float(np.unique(labels, return_counts=True)[1].max() / len(labels)),
        ceiling=1.0,
        low=low,
        high=high,
        n=len(labels),
        estimator=f"probe '{preset}' on {_SAYS[read]}: {how}; {rows.protocol}; "
        "interval over test rows, not over trainings",
        better="up" if block == home else "down",
    )


_SAYS = {"sample": "a sample", "mean": "the mean", "mean_std": "mean and standard deviation"}


def _information(codes: Codes, resamples: int, seed: int) -> Iterator[tuple[str, Value]]:
    """KL and active units of the blocks whose posterior is known, on the test split."""
    test = codes.rows("test")
    for block in BLOCKS:
        mean, logvar = getattr(codes, block)[test], getattr(codes, f"{block}_logvar")
        if logvar is None:
            continue
        kl = kl_to_standard_normal(mean, logvar[test])
        low, high = mean_interval(kl, resamples, stream(seed, "bootstrap", block, "kl"))
        how = "mean over the test split of KL(q(z|x) || N(0, I))"
        yield f"{block}/kl", Value(float(kl.mean()), "nats", 0.0, None, low, high, len(test), how)
        active, width = active_units(mean), mean.shape[1]
        how = "dimensions whose mean has a variance above 0.01 on the test split"
        yield f"{block}/active_units", Value(float(active), "dimensions", 0.0, float(width), n=len(test), estimator=how)


def _budget_note(fits: dict[str, ProbeFit]) -> list[str]:
    steps = min((fit.steps for name, fit in fits.items() if name.endswith("/paper")), default=ENOUGH_STEPS)
    if steps >= ENOUGH_STEPS:
        return []
    return [
        f"The paper preset took {steps} steps at a learning rate of 1e-5; on MNIST it takes 3,128. With so few it "
        "hardly leaves its random start and reads too low: go by the strong preset."
    ]


def _settings(
    config: ProbeConfig, subject: Subject, target: str, rows: Rows, fits: dict[str, ProbeFit]
) -> dict[str, Any]:
    budgets = {name.rsplit("/")[-1]: {"steps": fit.steps, "batch": fit.batch} for name, fit in fits.items()}
    return {
        **asdict(config),
        "target": target,
        "seed": subject.seed,
        "split": subject.codes.split_source,
        "protocol": rows.protocol,
        "train_rows": len(rows.train),
        "tuned_train_rows": len(rows.tuned_train),
        "validation_rows": len(rows.validation),
        "test_rows": len(rows.test),
        "budgets": {name: asdict(PRESETS[name]) | budget for name, budget in budgets.items()},
        "floor": "share of the most frequent class among the test rows",
        "interval": "95 %, bootstrap over the test rows; the training's own scatter is not in it",
        "versions": {"torch": torch.__version__, "numpy": np.__version__},
    }
