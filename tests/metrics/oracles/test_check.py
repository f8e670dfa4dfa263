"""The oracles are what they say, and broken scores are found out."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import oracle_files as scores
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

from disent_plugins.about import Expect
from disent_plugins.metrics.factors.dci import dci
from disent_plugins.metrics.factors.info_mec import mixing
from disent_plugins.metrics.factors.mig import mig
from disent_plugins.metrics.factors.modularity import modularity
from disent_plugins.metrics.factors.sample import sample_of
from disent_plugins.metrics.factors.sap import gap as best_less_second
from disent_plugins.metrics.factors.sap import predictability
from disent_plugins.metrics.oracles.cases import CASES
from disent_plugins.metrics.oracles.check import check_function_on_oracles, check_metric_on_oracles, check_on_oracles
from disent_plugins.metrics.oracles.scores import scores_of_function

ROWS = 1500
NAMES = {
    "identity", "continuous", "duplicated", "rotated", "noise", "dead-code", "outlier", "many-valued", "many-valued-5",
    "permuted",
    "extra-noise", "constant-factor", "one-code", "split-apart", "leaky", "swapped", "blind", "all-in-content",
    "non-linear-leak", "painter", "style-painter", "content-painter", "bright-painter", "collapsed",
    "channels", "gaussian", "bits", "mixed", "one-known", "tangled", "sixteen", "few-rows", "memorised", "faint",
    "half-leak", "memorised-blocks", "correlated", "turned", "wide", "variants", "ladder",
    "noisy-0.9", "noisy-0.5", "noisy-0.3-of-20",
}  # fmt: skip


def built(name: str, seed: int = 0, n: int = ROWS):
    codes = CASES[name].build(seed, n)
    return codes, np.hstack([codes.content, codes.style]), codes.factors


def wrong(findings) -> set[tuple[str, str]]:
    return {(one.case, one.value) for one in findings if not one.ok}


def test_a_function_is_held_to_the_ceiling_of_the_kind_of_its_codes():
    oracle = CASES["continuous"].oracle(0, 3000)
    assert scores_of_function(mig, oracle, 0, reference=True)["score"].normalised == pytest.approx(1.0, abs=0.02)
    assert scores_of_function(mig, oracle, 0)["score"].raw < 0.97


def test_the_list_of_oracles():
    assert set(CASES) == NAMES
    assert all(case.name == name and case.summary and case.source for name, case in CASES.items())
    assert np.bincount(CASES["identity"].build(0, 15_000).split).tolist() == [10_000, 0, 5_000]
    assert np.bincount(CASES["leaky"].build(0, CASES["leaky"].rows).split).tolist() == [4_000, 0, 2_000]


@given(name=st.sampled_from(sorted(NAMES)), seed=st.integers(0, 2**31), n=st.integers(30, 300))
@settings(max_examples=25, deadline=None, derandomize=True)
def test_every_oracle_is_a_set_of_codes_and_the_same_for_the_same_seed(name, seed, n):
    codes, both, factors = built(name, seed, n)
    assert codes.content.dtype == codes.style.dtype == np.float32
    assert len(both) == len(factors) == len(codes.split) == n
    assert np.isfinite(both).all()
    assert factors.shape[1] == len(codes.factor_names)
    assert codes.content_factor == codes.factor_names[0]
    again, same, _ = built(name, seed, n)
    assert np.array_equal(both, same)
    assert np.array_equal(factors, again.factors)
    assert not np.array_equal(factors, built(name, seed + 1, n)[2])


def test_codes_of_factors():
    factors = built("identity")[2]
    assert np.array_equal(built("identity")[1], factors)
    assert np.array_equal(built("duplicated")[1], np.hstack([factors, factors]))
    assert built("duplicated")[0].content.shape[1] == 6
    rotated = built("rotated")[1]
    assert np.allclose(np.linalg.norm(rotated, axis=1), np.linalg.norm(factors, axis=1), rtol=1e-5)
    assert np.ptp(built("dead-code")[1][:, 0]) == 0
    outlier = built("outlier")[1]
    assert ((outlier != factors).sum(axis=0) == 1).all()
    assert (outlier.max(axis=0) == 7000).all()
    permuted = built("permuted")[1]
    assert np.allclose(np.sort(np.abs(np.corrcoef(permuted.T, factors.T)[:6, 6:]).max(axis=1)), 1)
    assert built("constant-factor")[2][:, 6].max() == 0
    assert built("one-code")[0].style.shape == (ROWS, 0)
    assert (built("many-valued")[2].max(axis=0) + 1).tolist() == [4, 24, 183]
    for name, p, values in (("noisy-0.9", 0.9, 8), ("noisy-0.5", 0.5, 8), ("noisy-0.3-of-20", 0.3, 20)):
        told, right = built(name)[1] == built(name)[2], p + (1 - p) / values
        assert told.mean() == pytest.approx(right, abs=4 * (right * (1 - right) / told.size) ** 0.5)
    assert np.abs(np.corrcoef(built("noise")[1].T, factors.T)[:10, 10:]).max() < 0.1


@pytest.mark.parametrize(
    ("name", "content", "style"),
    [("split-apart", 1, 0), ("leaky", 1, 1), ("swapped", 0, 1), ("blind", 0, 0), ("all-in-content", 1, 0)],
)
def test_which_block_tells_the_label(name, content, style):
    codes = CASES[name].build(0, ROWS)
    train, test, label = codes.rows("train"), codes.rows("test"), codes.labels
    for block, told in ((codes.content, content), (codes.style, style)):
        found = LogisticRegression(max_iter=500).fit(block[train], label[train]).score(block[test], label[test])
        assert found > 0.97 if told else found < 0.2


def test_only_a_non_linear_probe_sees_the_leak():
    codes = CASES["non-linear-leak"].build(0, 3000)
    train, test, label = codes.rows("train"), codes.rows("test"), codes.labels
    linear = LogisticRegression(max_iter=500).fit(codes.style[train], label[train])
    assert linear.score(codes.style[test], label[test]) < 0.2
    bits = codes.style[:, 2:6] * codes.style[:, 6:10] > 0
    assert np.array_equal(bits @ (1 << np.arange(4)), label)
    network = MLPClassifier((64,), max_iter=300, learning_rate_init=0.01, early_stopping=True, random_state=0)
    assert network.fit(codes.style[train], label[train]).score(codes.style[test], label[test]) > 0.8


# Functions


def test_a_right_function_passes():
    findings = check_function_on_oracles(scores.gap, rows=ROWS)
    assert {one.case for one in findings} >= {"identity", "noise", "outlier"}
    assert wrong(findings) == set()


def test_a_loop_that_ends_early_is_found_out():
    findings = check_function_on_oracles(scores.loop_that_ends_early, rows=15_000)
    assert wrong(findings) == {("dead-code", "disentanglement")}
    assert next(one.found for one in findings if not one.ok) == 0


def test_equal_width_bins_are_found_out():
    findings = check_function_on_oracles(scores.equal_width_mig, rows=5000)
    assert wrong(findings) == {("outlier", "score"), ("many-valued", "score"), ("many-valued-5", "score")}
    found = {one.case: one.found for one in findings}
    assert found["outlier"] < 0.05
    assert found["many-valued-5"] == pytest.approx(0.896, abs=0.01)  # measured on the published code too


@pytest.mark.parametrize(
    ("score", "found"),
    [
        (scores.transposed, {"extra-noise"}),
        (scores.transposed_sum, {"duplicated"}),
        (scores.best_alone, {"tangled"}),
    ],
)
def test_gaps_that_are_none_are_found_out_without_knowing_the_metric(score, found):
    assert {case for case, _ in wrong(check_function_on_oracles(score, rows=ROWS))} == found


def halves(codes, factors):
    """Rows to fit on, and others to judge."""
    half = len(codes) // 2
    return codes[:half], factors[:half], codes[half:], factors[half:]


PUBLISHED = {
    "dci": lambda z, v: {k: x for k, x in dci(*halves(z, v)).items() if k != "informativeness"},
    "mig": mig,
    "modularity": modularity,
    "sap": lambda z, v: best_less_second(predictability(sample_of(z, v, np.arange(len(z)) >= 2 * len(z) // 3))),
    "info-mec": lambda z, v: dict(zip("MC", mixing(z, v), strict=True)),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_scores_pass_without_being_named(name):
    assert wrong(check_function_on_oracles(PUBLISHED[name], rows=3000)) == set()


def test_a_function_that_raises_is_a_finding():
    findings = check_function_on_oracles(scores.failing, rows=60)
    assert not any(one.ok for one in findings)
    assert {(one.found, one.error) for one in findings} == {(None, "ZeroDivisionError: no code varies")}


def test_a_function_gets_the_seed_it_asks_for():
    first, second, other = (check_function_on_oracles(scores.seeded, rows=60, seed=seed)[0].found for seed in (1, 1, 2))
    assert first == second != other


def test_a_function_is_held_against_a_metric():
    like = (
        Expect("identity", "gap", 0.97, 1.0, "x"),
        Expect("identity", "gap/other", 5.0, 6.0, "another value of that metric"),
        Expect("noise", "gap", -0.03, 0.03, "x", normalised=True),
    )
    findings = check_function_on_oracles(lambda codes, factors: 7 + 2 * scores.gap(codes, factors), like, rows=ROWS)
    assert [(one.value, one.ok) for one in findings] == [("gap", False), ("gap", True)]  # 9, but 0 between 7 and 9


# Metrics


def test_a_metric_is_held_against_its_own_expectations():
    findings = check_metric_on_oracles(scores.Told, scores.Told.about.expects, rows=ROWS)
    assert [one.ok for one in findings] == [True, False, True, False]
    assert findings[1].error == "There is no value 'other', but: gap."
    assert findings[3].found == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    ("metric", "found"),
    [
        (scores.Gap, set()),
        (scores.Unseeded, {("identity, again", "gap")}),
        (scores.FirstCode, {("identity, reordered", "gap")}),
        (scores.KindToNoise, {("noise", "gap")}),
    ],
)
def test_what_holds_for_any_metric(metric, found):
    assert wrong(check_metric_on_oracles(metric, (), ("factors",), rows=ROWS)) == found


def test_an_oracle_that_does_not_exist_is_a_finding():
    (finding,) = check_metric_on_oracles(scores.Gap, (Expect("identiti", "gap", 0.0, 1.0, "x"),), rows=60)
    assert (finding.ok, finding.error) == (False, "LookupError: there is no oracle 'identiti'")


def test_findings_do_not_depend_on_processes_and_an_oracle_is_measured_once():
    expects, calls, reports = scores.Told.about.expects, [], []

    def measured(oracle, seed):
        calls.append(1)
        return {}

    check_on_oracles(measured, expects, rows=60, report=lambda done, total, what: reports.append((done, total)))
    assert len(calls) == 3
    assert reports == [(0, 3), (1, 3), (2, 3), (3, 3)]
    one, two = (check_metric_on_oracles(scores.Told, expects, rows=300, jobs=jobs) for jobs in (1, 2))
    assert [finding.found for finding in one] == [finding.found for finding in two]
