"""Mutants of the metrics of content and style, of the probe, and of images."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from helpers.mutants import (
    LABELS_OF_TRAINING,
    Mutant,
    after,
    before,
    box_ssim,
    instead,
    linear_for_all,
    manhattan,
)

from disent_plugins.contracts import Subject
from disent_plugins.metrics.content_style.classifiers import normalise
from disent_plugins.metrics.content_style.few_shot import Plan

_READ = {"content_style.reading.read": linear_for_all}
_READ_ROWS = {"content_style.reading.choose_rows": LABELS_OF_TRAINING}


def _no_floor(accuracy: np.ndarray, floor: np.ndarray) -> float:
    return float(accuracy.mean())


def _in_nats(pair: np.ndarray) -> np.ndarray:
    share = pair / np.maximum(pair.sum(axis=0), 1e-12)
    entropy = -(share * np.log(np.maximum(share, 1e-300))).sum(axis=0)
    return np.asarray(pair.max(axis=0) * np.clip(1 - entropy, 0.0, 1.0))


def _not_weighted(pair: np.ndarray) -> np.ndarray:
    share = pair / np.maximum(pair.sum(axis=0), 1e-12)
    return np.asarray(1 + (share * np.log2(np.maximum(share, 1e-300))).sum(axis=0))


def _one_difference(found: dict[str, float]) -> dict[str, float]:
    return found | {"placement": 2 * found["placement"] - 1}


def _doubly_centred(distances: np.ndarray) -> np.ndarray:
    row = distances.mean(axis=0)
    return np.asarray(distances - row - row[:, None] + row.mean())


def _manhattan_centred(x: np.ndarray) -> np.ndarray:
    from scipy.spatial.distance import pdist, squareform

    from disent_plugins.metrics.content_style.dependence import _u_centre

    return _u_centre(squareform(pdist(x, "cityblock")))


def _itself_found(right: Any) -> Any:
    return lambda *args, same_rows=False, **how: right(*args, **how)


def _supported_by_queries(
    subject: Subject, rows: np.ndarray, plan: Plan, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    from disent_plugins.metrics.content_style.nearest import share_right

    labels, content, right, places = subject.codes.labels[rows], subject.codes.content, [], []
    members = [rows[labels == label] for label in plan.classes]
    for _ in range(plan.count):
        drawn = [generator.choice(some, plan.queries, replace=False) for some in members]
        asked, way = np.concatenate(drawn), np.arange(len(drawn))
        gallery = np.stack([content[some[: plan.shots]].mean(axis=0) for some in drawn])
        right.append(share_right(content[asked], np.repeat(way, plan.queries), gallery, way))
        places.append(asked)
    return np.array(right), np.array(places)


def _to_the_content_donor(right: Any) -> Any:
    def targets(*args: Any) -> tuple[np.ndarray, int]:
        triples, repeated = right(*args)
        return triples[:, [0, 1, 0]], repeated

    return targets


def _of_the_mean_error(sse: np.ndarray, size: int) -> np.ndarray:
    return np.full(len(sse), -10 * np.log10(np.maximum(sse.mean() / size, 1e-10)))


def _wrong_donor(given: np.ndarray, found: np.ndarray) -> Any:
    return np.roll(given, 1, axis=0), found


_SHARE = "content_style.{}.share_right"

OF_BLOCKS = (
    Mutant("leakage", "read from the right blocks", "half-leak",
           {"content_style.leakage.wrong_block": after(lambda block: "style" if block == "content" else "content")}),
    Mutant("leakage", "a linear classifier called non-linear", "half-leak", _READ),
    Mutant("leakage", "chance not taken off", "memorised-blocks",
           {"content_style.leakage.leakage": instead(_no_floor)}),
    Mutant("leakage", "squared", "half-leak",
           {"content_style.leakage.leakage": instead(lambda a, f: float((normalise(a, f) ** 2).mean()))}),
    Mutant("leakage", "judged on training rows", "memorised-blocks", _READ_ROWS),
    Mutant("blocks", "a linear classifier called non-linear", "half-leak", _READ),
    Mutant("blocks", "entropy in nats", "half-leak", {"content_style.blocks.one_sided": instead(_in_nats)}),
    Mutant("blocks", "not times what is read", "memorised-blocks",
           {"content_style.blocks.one_sided": instead(_not_weighted)}),
    Mutant("blocks", "placement of the wrong size", "half-leak",
           {"content_style.blocks.scores": after(_one_difference)}),
    Mutant("blocks", "judged on training rows", "memorised-blocks", _READ_ROWS),
    Mutant("dependence", "information in bits", "half-leak",
           {"content_style.dependence.information_bound": after(lambda nats: nats / np.log(2)),
            "content_style.dependence.entropy": after(lambda nats: nats / np.log(2))}),
    Mutant("dependence", "a linear classifier called non-linear", "half-leak", _READ),
    Mutant("dependence", "judged on training rows", "memorised-blocks", _READ_ROWS),
    Mutant("dependence", "the root of R", "correlated",
           {"content_style.dependence.correlation_of": after(lambda r: max(r, 0.0) ** 0.5)}),
    Mutant("dependence", "R squared", "correlated", {"content_style.dependence.correlation_of": after(lambda r: r**2)}),
    Mutant("dependence", "Manhattan distances", "turned",
           {"content_style.dependence.u_centred": instead(_manhattan_centred)}),
    Mutant("dependence", "biased by doubly centred distances", "wide",
           {"content_style.dependence._u_centre": instead(_doubly_centred)}),
    Mutant("few-shot", "Manhattan distances", "variants", {_SHARE.format("few_shot"): instead(manhattan)}),
    Mutant("few-shot", "queries among the examples", "blind",
           {"content_style.few_shot.episodes": instead(_supported_by_queries)}),
    Mutant("retrieval", "Manhattan distances", "ladder", {_SHARE.format("retrieval"): instead(manhattan)}),
    Mutant("retrieval", "angles for distances", "ladder", options={"distance": "cosine"}),
    Mutant("retrieval", "images that find themselves", "blind", {_SHARE.format("retrieval"): _itself_found}),
    Mutant("probe", "a linear network", "half-leak", {"probe.network.SLOPE": instead(1.0)}),
    Mutant("probe", "judged on training rows", "memorised-blocks", {"probe.metric.choose_rows": LABELS_OF_TRAINING}),
    Mutant("probe", "the untuned budget called strong", "half-leak",
           {"probe.training.PRESETS": lambda right: right | {"strong": replace(right["paper"], tuned=False)}}),
    Mutant("exact-swap", "compared with the content donor", "painter",
           {"content_style.exact_swap.targets": _to_the_content_donor}),
    Mutant("exact-swap", "a box for the Gaussian window", "collapsed",
           {"content_style.exact_swap.ssim": instead(box_ssim)}),
    Mutant("exact-swap", "a peak of 0.9", "bright-painter",
           {"content_style.exact_swap.psnr": before(lambda sse: sse / 0.81)}),
    Mutant("reconstruction", "mean for sum", "bright-painter",
           {"quality.reconstruction.squared_error": after(lambda sse: sse / 256)}),
    Mutant("reconstruction", "a box for the Gaussian window", "collapsed",
           {"quality.reconstruction.ssim": instead(box_ssim)}),
    Mutant("reconstruction", "a peak of 0.9", "bright-painter",
           {"quality.reconstruction.psnr": before(lambda sse: sse / 0.81)}),
    Mutant("reconstruction", "decibels of the mean error", "collapsed",
           {"quality.reconstruction.psnr": instead(_of_the_mean_error)}),
    Mutant("cycle", "compared with another donor", "painter",
           {"content_style.cycle.squares": lambda right: lambda given, found: right(*_wrong_donor(given, found))}),
    Mutant("cycle", "identified among the answers", "style-painter",
           {"content_style.cycle.identified": lambda right: lambda given, found: right(found, found)}),
)  # fmt: skip
