"""Oracles between the ends are what they say, and what is expected of them is what their closed forms give."""

from __future__ import annotations

from pkgutil import resolve_name

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from scipy.stats import norm

from disent_plugins.metrics.oracles.cases import CASES
from disent_plugins.metrics.oracles.channels import BITS, DEVIATION, FAINT, KEPT, PRIORS, SHARED
from disent_plugins.metrics.oracles.leaks import CORRELATION
from disent_plugins.metrics.oracles.scenes import VALUES, mean_scene, paint
from disent_plugins.metrics.plugin import disent_metrics

TARGETS = {spec.name: spec.target for spec in disent_metrics()}
SEEN = KEPT + (1 - KEPT) / 8
KNOWN = SHARED / np.array(BITS)
RIGHT = (2.0**SHARED - 1) / (2.0 ** np.array(BITS) - 1)


def built(name, seed=0):
    codes = CASES[name].oracle(seed).codes
    return codes, np.hstack([codes.content, codes.style]), codes.factors


def gap(scores):
    best = np.sort(scores, axis=0)
    return (best[-1] - best[-2]).mean()


def concentrated(matrix):
    even = 1 / matrix.shape[1]
    return ((matrix.max(axis=1) / matrix.sum(axis=1) - even) / (1 - even)).mean()


def modular(matrix):
    best = matrix.max(axis=1)
    alike = 1 - ((matrix**2).sum(axis=1) - best**2) / best**2 / (matrix.shape[1] - 1)
    return (best * alike).sum() / best.sum()


def entropy(shares):
    shares = np.asarray(shares)
    return -(shares * np.log(shares)).sum()


def gaussian():
    """Mean over the priors of I/H and of the Bayes accuracy, and of that from chance on: by a fine grid."""
    x, found = np.linspace(-4, 5, 90_001), []
    for prior in PRIORS:
        joint = np.stack([(1 - prior) * norm.pdf(x, 0, DEVIATION), prior * norm.pdf(x, 1, DEVIATION)])
        missing = -(joint * np.log(joint / joint.sum(axis=0))).sum() * (x[1] - x[0])
        right, chance = joint.max(axis=0).sum() * (x[1] - x[0]), max(prior, 1 - prior)
        found.append((1 - missing / entropy([prior, 1 - prior]), right, (right - chance) / (1 - chance)))
    return np.mean(found, axis=0)


def gaussian_distance_correlation(r):
    """Szekely, Rizzo and Bakirov 2007, theorem 7, squared."""
    top = r * np.arcsin(r) + np.sqrt(1 - r**2) - r * np.arcsin(r / 2) - np.sqrt(4 - r**2) + 1
    return top / (1 + np.pi / 3 - np.sqrt(3))


def both(share):
    """1 less the entropy in bits of a factor of which one block tells all and the other ``share``."""
    return 1 - entropy([1 / (1 + share), share / (1 + share)]) / np.log(2)


def of_scenes(what):
    images = paint(np.stack(np.unravel_index(np.arange(960), VALUES), axis=1)).astype(np.float64)
    mean = images.mean(axis=0)
    if what == "psnr":
        return (-10 * np.log10(np.square(images - mean).mean(axis=(1, 2, 3)))).mean()
    weight = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
    window = np.outer(weight, weight)[..., None] / weight.sum() ** 2
    found = []
    for i in range(5, 11):
        for j in range(5, 11):
            x, y = images[:, i - 5 : i + 6, j - 5 : j + 6], mean[i - 5 : i + 6, j - 5 : j + 6]
            mx, my = (window * x).sum(axis=(1, 2, 3)), (window * y).sum()
            dx, dy = x - mx[:, None, None, None], y - my
            spread = (window * dx**2).sum(axis=(1, 2, 3)) + (window * dy**2).sum()
            common = (window * dx * dy).sum(axis=(1, 2, 3))
            found.append((2 * mx * my + 1e-4) * (2 * common + 9e-4) / ((mx**2 + my**2 + 1e-4) * (spread + 9e-4)))
    return np.mean(found)


I_H, BAYES, FROM_CHANCE = gaussian()
RING = (1 / 2 - 1 / 10) / (1 - 1 / 10)
PAIR = 1 - np.log(2) / np.log(6)
TRUTH = {
    ("mig", "channels", "mig"): 1 - entropy([SEEN] + 7 * [(1 - SEEN) / 7]) / np.log(8),
    ("mig", "gaussian", "mig"): I_H,
    ("mig", "bits", "mig"): gap(KNOWN),
    ("mig", "one-known", "mig"): 1 / 3,
    ("sap", "channels", "sap"): (SEEN - 1 / 8) / (1 - 1 / 8),
    ("sap", "gaussian", "sap"): FROM_CHANCE,
    ("sap", "bits", "sap"): gap(RIGHT),
    ("dci", "channels", "informativeness"): SEEN,
    ("dci", "gaussian", "informativeness"): BAYES,
    ("dci", "bits", "informativeness"): (2.0 ** (SHARED.max(axis=0) - BITS)).mean(),
    ("dci", "mixed", "disentanglement"): 2 / 3 * PAIR + 1 / 3,
    ("explicitness", "gaussian", "explicitness"): 2 * norm.cdf(1 / DEVIATION / np.sqrt(2)) - 1,
    ("modularity", "bits", "modularity"): modular(KNOWN),
    ("modularity", "mixed", "modularity"): (2 * (1 - 1 / 5) + 2) / 4,
    ("modularity", "tangled", "modularity"): 1 - 1 / 5,
    ("factor-vae", "one-known", "factor-vae"): 1 / 3 + 2 / 3 * 3 / 4 * 1 / 2,
    ("beta-vae", "one-known", "beta-vae"): 1 / 3 + 2 / 3 * 1 / 2,
    ("irs", "one-known", "irs"): 1 / 4,
    ("info-mec", "bits", "info-mec/modularity"): (KNOWN.max(axis=1).sum() / KNOWN.sum() - 1 / 4) / (1 - 1 / 4),
    ("info-mec", "bits", "info-mec/compactness"): concentrated(KNOWN.T),
    ("info-mec", "gaussian", "info-mec/explicitness"): I_H,
    ("info-mec", "mixed", "info-mec/modularity"): ((1 + 1 + 1 + 1) / 6 - 1 / 6) / (1 - 1 / 6),
    ("leakage", "half-leak", "leakage"): RING / 3,
    ("leakage", "half-leak", "style/label/nonlinear"): 1 / 2,
    ("probe", "half-leak", "style/mean/strong"): 1 / 2,
    ("blocks", "half-leak", "completeness/label"): both(RING),
    ("blocks", "half-leak", "completeness"): (2 + both(RING)) / 3,
    ("blocks", "half-leak", "disentanglement"): (1 + both(RING)) / 2,
    ("blocks", "half-leak", "placement"): ((1 - RING) + 1) / 2,
    ("dependence", "half-leak", "information/style"): np.log(5),
    ("dependence", "correlated", "distance-correlation"): gaussian_distance_correlation(CORRELATION),
    ("reconstruction", "collapsed", "psnr"): of_scenes("psnr"),
    ("reconstruction", "collapsed", "ssim"): of_scenes("ssim"),
    ("exact-swap", "collapsed", "ssim"): of_scenes("ssim"),
}


@pytest.mark.parametrize(("metric", "case", "value"), TRUTH)
def test_the_truth_is_what_is_expected(metric, case, value):
    truth = TRUTH[metric, case, value]
    # Raw, and where a number stands for both ends, the one that holds the closed form on both sides.
    (one,) = (
        expect
        for expect in resolve_name(TARGETS[metric]).about.expects
        if (expect.case, expect.value, expect.normalised) == (case, value, False)
    )
    assert 0.3 * (one.high - one.low) < truth - one.low < 0.7 * (one.high - one.low)


def test_channels_are_right_as_often_as_said():
    _, codes, factors = built("channels")
    assert (codes == factors).mean(axis=0) == pytest.approx(SEEN, abs=0.015)
    wrong = (codes - factors)[codes != factors].astype(int) % 8
    assert np.bincount(wrong)[1:] / len(wrong) == pytest.approx(1 / 7, abs=0.015)


def test_gaussian_codes_have_their_priors_and_their_noise():
    _, codes, factors = built("gaussian")
    assert factors.mean(axis=0) == pytest.approx(PRIORS, abs=0.02)
    assert (codes - factors).std(axis=0) == pytest.approx(DEVIATION, rel=0.03)
    assert abs(np.corrcoef((codes - factors).T, factors.T)[:3, 3:]).max() < 0.04


def test_codes_of_bits_hold_the_bits_that_are_said():
    _, codes, factors = built("bits")
    for j, code in enumerate(codes.T):
        assert len(np.unique(code)) == 2 ** SHARED[j].sum()
        for k, bits in enumerate(BITS):
            held = factors[:, k] >> (bits - SHARED[j, k])
            pairs = np.unique(np.stack([code, held]), axis=1)
            assert pairs.shape[1] == len(np.unique(code))  # the code tells what it holds


@pytest.mark.parametrize(("name", "codes", "each"), [("mixed", 4, [2, 2, 1, 1]), ("tangled", 6, [2] * 6)])
def test_how_many_factors_a_code_tells(name, codes, each):
    _, both, factors = built(name)
    assert both.shape[1] == codes
    told = [[len(np.unique(np.stack([z, v]), axis=1).T) == len(np.unique(z)) for v in factors.T] for z in both.T]
    assert np.sum(told, axis=1).tolist() == each


def test_memorised_codes_tell_the_training_rows_alone():
    codes, both, factors = built("memorised")
    train, test = codes.rows("train"), codes.rows("test")
    assert np.array_equal(both[train], factors[train])
    assert np.array_equal(np.sort(both[test], axis=0), np.sort(factors[test], axis=0))
    assert (both[test] == factors[test]).mean() == pytest.approx(1 / 8, abs=0.02)


def test_faint_codes_have_the_variances_that_are_said():
    _, codes, _ = built("faint")
    assert codes.var(axis=0) == pytest.approx(FAINT, rel=0.06)
    assert np.abs(np.array(FAINT) / 0.01 - 1).min() > 0.1


def test_a_ring_stands_for_two_labels():
    codes, _, _ = built("half-leak")
    radius = np.linalg.norm(codes.style[:, 2:], axis=1)
    assert np.array_equal(np.rint(radius), 1 + codes.labels // 2)
    assert np.abs(codes.style[:, 2:].mean(axis=0)).max() < 0.15


@pytest.mark.parametrize("name", ["variants", "ladder"])
def test_which_neighbour_is_nearest_depends_on_the_distance(name):
    codes, _, _ = built(name)
    content, label = codes.content[codes.rows("test")], codes.labels[codes.rows("test")]
    same = label[:, None] == label

    def own_is_nearer(kind):
        apart = cdist(content, content, kind)
        own = np.where(same & (apart > 1e-3), apart, np.inf).min(axis=1)
        return (own < np.where(same, np.inf, apart).min(axis=1)).mean()

    assert own_is_nearer("euclidean") == 1
    assert own_is_nearer("cityblock") < 0.15  # the last rungs of the longest ladders have none beside them


def test_turned_corners_are_as_far_from_each_other():
    codes, _, _ = built("turned")
    assert np.allclose(cdist(codes.content, codes.content), cdist(codes.style, codes.style), atol=1e-5)
    assert len(np.unique(cdist(codes.style, codes.style, "cityblock").round(4))) == 2


def test_the_mean_of_all_scenes():
    assert np.allclose(mean_scene(), paint(np.stack(np.unravel_index(np.arange(960), VALUES), axis=1)).mean(axis=0))
