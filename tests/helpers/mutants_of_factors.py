"""Mutants of the metrics of codes against factors."""

from __future__ import annotations

from typing import Any

import numpy as np
from helpers.mutants import FACTORS_OF_TRAINING, Mutant, after, before, instead, shares

from disent_plugins.metrics.factors.information import binned, chance_information, entropies, mutual_information


def _over(entropy: Any) -> Any:
    """Shares of entropy(codes in bins, factors), free of chance as well, for those of the factor's entropy."""

    def mutant(right: Any) -> Any:
        def knowledge(codes: np.ndarray, factors: np.ndarray, *, bins: int, **how: Any) -> Any:
            cut = binned(codes, bins)
            whole = np.broadcast_to(entropy(cut, factors), (codes.shape[1], factors.shape[1]))
            chance = chance_information(cut, factors)
            share = np.maximum(mutual_information(cut, factors) - chance, 0) / np.maximum(whole - chance, 1e-9)
            return shares(right(codes, factors, bins=bins, **how), share)

        return knowledge

    return mutant


def _chance_kept(right: Any) -> Any:
    return lambda codes, factors, **how: right(codes, factors, **{**how, "adjust": False})


def _from_the_mean(share: np.ndarray) -> float:
    ordered = np.sort(share, axis=0)
    return float((ordered[-1] - ordered[:-1].mean(axis=0)).mean())


def _linear_rest(matrix: np.ndarray) -> np.ndarray:
    best = matrix.max(axis=1)
    return 1 - (matrix.sum(axis=1) - best) / np.maximum(best, 1e-9) / (matrix.shape[1] - 1)


def _over_all_factors(matrix: np.ndarray) -> np.ndarray:
    best = matrix.max(axis=1)
    return 1 - ((matrix**2).sum(axis=1) - best**2) / np.maximum(best, 1e-9) ** 2 / matrix.shape[1]


def _all_alike(right: Any) -> Any:
    def modularity(codes: np.ndarray, factors: np.ndarray, *, bins: int, **how: Any) -> float:
        from disent_plugins.metrics.factors import modularity as module

        known = module.knowledge(codes, factors, bins=bins)
        return float(module.modularities(np.where(known.significant, known.share, 0.0)).mean())

    return modularity


def _concentration(power: int, from_even: bool) -> Any:
    def concentration(top: np.ndarray, total: np.ndarray, parts: int) -> np.ndarray:
        even = 1 / parts if from_even else 0.0
        return np.asarray(((top / total) ** power - even) / (1 - even))

    return concentration


def _entropies_to(base: Any) -> Any:
    def disentanglement(importance: np.ndarray) -> float:
        mass = importance.sum(axis=1)
        share = importance / np.maximum(mass, 1e-12)[:, None]
        entropy = -(share * np.log(np.maximum(share, 1e-300))).sum(axis=1) / np.log(base(importance))
        return float((1 - entropy) @ mass / mass.sum())

    return disentanglement


def _unweighted(importance: np.ndarray) -> float:
    share = importance / np.maximum(importance.sum(axis=1, keepdims=True), 1e-12)
    return float(np.mean(1 + (share * np.log(np.maximum(share, 1e-300))).sum(axis=1) / np.log(importance.shape[1])))


def _exchanged(found: dict[str, float]) -> dict[str, float]:
    return found | {"disentanglement": found["completeness"], "completeness": found["disentanglement"]}


def _from_chance(found: dict[str, float]) -> dict[str, float]:
    return found | {"informativeness": (found["informativeness"] - 1 / 8) / (1 - 1 / 8)}


def _accuracy(truth: np.ndarray, answers: list[np.ndarray]) -> float:
    pairs = zip(truth.T, answers, strict=True)
    return float(np.mean([(answer.argmax(axis=1) == column).mean() for column, answer in pairs]))


def _told_on_training(right: Any) -> Any:
    return lambda piece, test_piece, factor, truth: right(piece, piece, factor, factor)


def _told_with_chance(right: Any) -> Any:
    from disent_plugins.metrics.factors.sap import _most_frequent

    def told(piece: np.ndarray, test_piece: np.ndarray, factor: np.ndarray, truth: np.ndarray) -> float:
        count, size = max(piece.max(), test_piece.max()) + 1, factor.max() + 1
        return float((_most_frequent(piece, factor, int(count), int(size))[test_piece] == truth).mean())

    return told


def _dead_codes_vote(right: Any) -> Any:
    def least_varying(codes: np.ndarray, rows: np.ndarray) -> np.ndarray:
        found = [column[rows].var(axis=1) / max(column.var(), 1e-12) for column in codes.T]
        return np.argmin(found, axis=0)

    return least_varying


def _unpruned(codes: np.ndarray, *how: Any) -> np.ndarray:
    return np.asarray(codes, dtype=np.float64)


def _signed(codes: np.ndarray, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.asarray((codes[one] - codes[other]).mean(axis=1))


def _mean_spread(codes: np.ndarray, column: np.ndarray, quantile: float) -> np.ndarray:
    groups = [codes[column == value] for value in np.unique(column)]
    return np.mean([np.abs(group - group.mean(axis=0)).mean(axis=0) for group in groups], axis=0)


def _mean_over_factors(right: Any) -> Any:
    def irs(codes: np.ndarray, factors: np.ndarray, *, quantile: float, scale: Any) -> float:
        from disent_plugins.metrics.factors import irs as module

        codes = module.scaled(codes, scale)
        largest = np.abs(codes - codes.mean(axis=0)).max(axis=0)
        spreads = np.stack([module.spread(codes, column, quantile) for column in factors.T], axis=1)
        return float(np.maximum(1 - spreads / largest[:, None], 0).mean(axis=1).mean())

    return irs


_MIG, _KNOWN, _ROWS = "factors.mig.gap", "factors.mig.knowledge", "factors.{}.fitted_sample"

OF_FACTORS = (
    Mutant("mig", "squared", "channels", {_MIG: after(lambda gap: gap**2)}),
    Mutant("mig", "square-rooted", "channels", {_MIG: after(lambda gap: gap**0.5)}),
    Mutant("mig", "shares above a half count as 1", "channels", {_MIG: before(lambda share: (share > 0.5) * 1.0)}),
    Mutant("mig", "gap of squared shares", "bits", {_MIG: before(lambda share: share**2)}),
    Mutant("mig", "gap to the mean of the others", "bits", {_MIG: instead(_from_the_mean)}),
    Mutant("mig", "gaps over codes, not factors", "bits", {_MIG: before(lambda share: share.T)}),
    Mutant("mig", "divided by the code's entropy", "bits", {_KNOWN: _over(lambda z, v: entropies(z)[:, None])}),
    Mutant("mig", "divided by the mean entropy", "bits", {_KNOWN: _over(lambda z, v: entropies(v).mean())}),
    Mutant("mig", "divided by the lesser entropy", "bits",
           {_KNOWN: _over(lambda z, v: np.minimum(entropies(z)[:, None], entropies(v)))}),
    Mutant("mig", "divided by the root of both entropies", "bits",
           {_KNOWN: _over(lambda z, v: np.sqrt(entropies(z)[:, None] * entropies(v)))}),
    Mutant("mig", "divided by the logarithm of the size", "gaussian",
           {_KNOWN: _over(lambda z, v: np.log(v.max(axis=0) + 1))}),
    Mutant("mig", "divided by the logarithm of the bins", "channels", {_KNOWN: _over(lambda z, v: np.log(20))}),
    Mutant("mig", "information in bits, entropy in nats", "bits",
           {_KNOWN: _over(lambda z, v: entropies(v) * np.log(2))}),
    Mutant("mig", "chance kept", "few-rows", {_KNOWN: _chance_kept}),
    Mutant("mig", "bins of equal width", "outlier", options={"binning": "width"}),
    Mutant("sap", "judged on training rows", "memorised", {"factors.sap._told": _told_on_training}),
    Mutant("sap", "chance kept", "channels", {"factors.sap._told": _told_with_chance}),
    Mutant("sap", "squared", "channels", {"factors.sap.gap": after(lambda gap: gap**2)}),
    Mutant("sap", "gap over codes, not factors", "bits", {"factors.sap.gap": before(lambda scores: scores.T)}),
    Mutant("sap", "squared correlation", "bits", options={"predictor": "r2"}),
    Mutant("dci", "judged on training rows", "memorised", {_ROWS.format("dci"): FACTORS_OF_TRAINING}),
    Mutant("dci", "disentanglement and completeness exchanged", "mixed", {"factors.dci.scores": after(_exchanged)}),
    Mutant("dci", "entropy in nats", "mixed",
           {"factors.dci.disentanglement": instead(_entropies_to(lambda importance: np.e))}),
    Mutant("dci", "entropy to the number of codes", "mixed",
           {"factors.dci.disentanglement": instead(_entropies_to(lambda importance: len(importance)))}),
    Mutant("dci", "codes not weighted", "mixed", {"factors.dci.disentanglement": instead(_unweighted)}),
    Mutant("dci", "informativeness counted from chance", "bits", {"factors.dci.scores": after(_from_chance)}),
    Mutant("explicitness", "accuracy for the area", "gaussian", {"factors.explicitness.mean_auc": instead(_accuracy)}),
    Mutant("explicitness", "not rescaled", "gaussian", options={"rescale": False}),
    Mutant("explicitness", "judged on training rows", "memorised",
           {_ROWS.format("explicitness"): FACTORS_OF_TRAINING}),
    Mutant("modularity", "not squared", "bits", {"factors.modularity.modularities": instead(_linear_rest)}),
    Mutant("modularity", "over K, not K - 1", "mixed",
           {"factors.modularity.modularities": instead(_over_all_factors)}),
    Mutant("modularity", "dead codes counted", "dead-code", {"factors.modularity.modularity": _all_alike}),
    Mutant("modularity", "codes not weighted", "bits", {"factors.modularity.modularity": _all_alike}),
    Mutant("modularity", "chance kept", "few-rows", options={"adjust": False}),
    Mutant("factor-vae", "20 votes judged", "one-known", options={"votes": 20}),
    Mutant("factor-vae", "20 votes train", "sixteen", options={"train_votes": 20}),
    Mutant("factor-vae", "dead codes vote", "dead-code",
           {"factors.factor_vae.scaled": instead(_unpruned), "factors.factor_vae.least_varying": _dead_codes_vote}),
    Mutant("factor-vae", "votes of two rows", "identity", options={"batch": 2}),
    Mutant("beta-vae", "signed differences", "one-known", {"factors.beta_vae.differences": instead(_signed)}),
    Mutant("beta-vae", "vectors of one pair", "identity", options={"batch": 1}),
    Mutant("irs", "mean deviation for the quantile", "one-known", {"factors.irs.spread": instead(_mean_spread)}),
    Mutant("irs", "quantile 0.9", "one-known", options={"quantile": 0.9}),
    Mutant("irs", "mean over factors for the largest", "one-known", {"factors.irs.irs": _mean_over_factors}),
    Mutant("info-mec", "InfoM and InfoC exchanged", "bits",
           {"factors.info_mec.mixing": after(lambda found: found[::-1])}),
    Mutant("info-mec", "shares not counted from 1/K", "bits",
           {"factors.info_mec.concentration": instead(_concentration(1, from_even=False))}),
    Mutant("info-mec", "squared shares", "bits",
           {"factors.info_mec.concentration": instead(_concentration(2, from_even=True))}),
    Mutant("info-mec", "judged on training rows", "memorised", {_ROWS.format("info_mec"): FACTORS_OF_TRAINING}),
    Mutant("kl", "without the half", "painter", {"quality.kl.kl_to_standard_normal": after(lambda kl: 2 * kl)}),
    Mutant("kl", "reversed", "painter",
           {"quality.kl.kl_to_standard_normal": instead(
               lambda mean, logvar: 0.5 * ((1 + mean**2) / np.exp(logvar) - 1 + logvar).sum(axis=1))}),
    Mutant("kl", "threshold on the deviation", "faint",
           {"quality.kl.active_units": instead(lambda mean, threshold: int((mean.std(axis=0) > threshold).sum()))}),
    Mutant("kl", "threshold 0.1", "faint", options={"threshold": 0.1}),
)  # fmt: skip

MISSED = (
    # Ranked codes of factors that are uniform all have the same variance.
    Mutant("factor-vae", "variance not relative to that of all rows", "one-known",
           {"factors.factor_vae.least_varying": instead(
               lambda codes, rows: np.argmin([column[rows].var(axis=1) for column in codes.T], axis=0))}),
    Mutant("beta-vae", "squared differences", "one-known",
           {"factors.beta_vae.differences": instead(
               lambda codes, one, other: ((codes[one] - codes[other]) ** 2).mean(axis=1))}),
)  # fmt: skip
"""No oracle tells these from the right metric."""
