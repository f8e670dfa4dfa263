"""``check_metric``: does a class keep the metric contract (``disent_plugins.contracts.Metric``)?"""

from __future__ import annotations

import copy
import json
import tempfile
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from disent_plugins.contracts import Codes, Result, Subject, Value
from disent_plugins.contracts.broken import demand
from disent_plugins.contracts.classes import check_class
from disent_plugins.contracts.findings import NUMBERS, check_result
from disent_plugins.errors import UsageError
from disent_plugins.testing.contract import check_options


def example_subject(out: Path, *, needs: Sequence[str] = ("codes",), n: int = 400, seed: int = 0) -> Subject:
    """A made-up subject: 4 classes that the content code shows clearly and the style code faintly, images of 16x16.

    Args:
        out: Where pictures go.
        needs: ``decoder``, ``encoder`` and ``images`` are given only if they are named, as for a spec.
        n: Images; 60 % train, 15 % validation, 25 % test.
        seed: Of codes and subject.
    """
    random = np.random.default_rng(seed)
    factors = np.stack([np.arange(n) % 4, random.integers(0, 3, n)], axis=1)
    content = (2.0 * np.eye(4)[factors[:, 0]] + 0.4 * random.normal(size=(n, 4))).astype(np.float32)
    style = (0.3 * content[:, :3] + random.normal(size=(n, 3))).astype(np.float32)
    codes = Codes(
        content=content,
        style=style,
        factors=factors.astype(np.int64),
        factor_names=("shape", "pose"),
        content_factor="shape",
        split=np.repeat(np.array([0, 1, 2], np.uint8), [n - n * 2 // 5, n * 3 // 20, n * 2 // 5 - n * 3 // 20]),
        content_logvar=np.full_like(content, -1.0),
        style_logvar=np.full_like(style, -0.5),
    )

    def decode(c: np.ndarray, s: np.ndarray) -> np.ndarray:
        grey = 1 / (1 + np.exp(-(np.repeat(c[:, :4], 64, axis=1) + np.tile(s[:, :1], (1, 256)))))
        return grey.reshape(-1, 16, 16, 1).astype(np.float32)

    def images(positions: np.ndarray) -> np.ndarray:
        return decode(content[positions], style[positions])

    def encode(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        grey = np.clip(pixels, 1e-6, 1 - 1e-6).reshape(-1, 4, 64)
        quarters = np.log(grey / (1 - grey)).mean(axis=2).astype(np.float32)
        return quarters, quarters[:, :3] - quarters.mean(axis=1, keepdims=True)

    return Subject(
        name="example",
        codes=codes,
        seed=seed,
        out=out,
        decode=decode if "decoder" in needs else None,
        images=images if "images" in needs else None,
        encode=encode if "encoder" in needs else None,
    )


def check_metric(
    metric_class: type, *, config: Any = None, needs: Sequence[str] = ("codes",), name: str | None = None
) -> None:
    """Check a metric: options, values with reference points, settings, files, and that it measures the same twice.

    Args:
        metric_class: Called as ``metric_class(config)``.
        config: Its options; by default ``Config()``.
        needs: As in its spec: what else than ``codes`` it is given.
        name: Its registry name, if ``Result.metric`` is to be compared.

    Raises:
        ContractError: What is broken, and how to mend it.
    """
    owner = metric_class.__name__
    check_class("metric", metric_class)
    config = check_options(metric_class, config)
    with tempfile.TemporaryDirectory() as folder:
        subject = example_subject(Path(folder) / "first", needs=needs)
        result = _measure(metric_class, config, subject)
        check_result(owner, result, name)
        demand(
            result.values or result.artifacts,
            f"{owner}.measure found nothing: no values and no artifacts.",
            "Return at least one of them.",
        )
        for key, value in result.values.items():
            _check_complete(f"{owner}: value '{key}'", value)
        _check_settings(owner, result, subject.seed)
        _check_artifacts(owner, result, subject.out)
        again = _measure(metric_class, config, example_subject(Path(folder) / "second", needs=needs))
        demand(
            dict(again.values) == dict(result.values),
            f"{owner}.measure gives other values the second time, with the same codes and seed.",
            "Derive every random choice from subject.seed.",
        )
        _check_means_only(metric_class, config, example_subject(Path(folder) / "third", needs=needs))


def _measure(metric_class: type, config: Any, subject: Subject) -> Any:
    before = copy.deepcopy(subject.codes)
    result = metric_class(config).measure(subject)
    for field in fields(Codes):
        value = getattr(subject.codes, field.name)
        if isinstance(value, np.ndarray):
            demand(
                np.array_equal(value, getattr(before, field.name)),
                f"{metric_class.__name__}.measure changed subject.codes.{field.name}.",
                "Other metrics read the same arrays: work on a copy.",
            )
    return result


def _check_complete(where: str, value: Value) -> None:
    """What a number is printed with, beyond what ``check_value`` asks of its form."""
    for key in NUMBERS:
        number = getattr(value, key)
        demand(
            number is None or isinstance(number, int | float),
            f"{where}: {key} is {number!r}.",
            "Numbers are finite Python floats; what is unknown is None.",
        )
    demand(value.unit, f"{where} has no unit.", "Say what it is: accuracy, nats, squared error per image.")
    demand(value.estimator, f"{where} has no estimator.", "Say in words how it was obtained.")
    demand(
        value.floor is not None or value.ceiling is not None,
        f"{where} has no reference point.",
        "Give floor (what a code without information scores) or ceiling (what a perfect one scores).",
    )
    demand((value.low is None) == (value.high is None), f"{where} has half an interval.", "Give low and high.")
    if value.low is not None and value.high is not None:
        demand(
            value.low <= value.value <= value.high,
            f"{where} is {value.value}, outside its own interval {value.low} to {value.high}.",
            "Compute value and interval from the same samples.",
        )
    demand(value.n is None or value.n > 0, f"{where}: n is {value.n}.", "n counts the test samples.")


def _check_settings(owner: str, result: Result, seed: int) -> None:
    try:
        json.dumps(dict(result.settings), allow_nan=False)
        plain = True
    except (TypeError, ValueError):
        plain = False
    demand(plain, f"{owner}: Result.settings cannot be stored as JSON.", "Use numbers, text, lists and dictionaries.")
    demand(
        result.settings.get("seed") == seed,
        f"{owner}: Result.settings has no 'seed', or not the subject's.",
        "Record every setting that the values depend on: settings={'seed': subject.seed, ...}.",
    )


def _check_artifacts(owner: str, result: Result, out: Path) -> None:
    for key, path in result.artifacts.items():
        demand(
            isinstance(path, Path) and path.is_file(),
            f"{owner}: artifact '{key}' is {path}, and there is no such file.",
            "Name only files that were written, as pathlib.Path.",
        )
        demand(
            path.resolve().is_relative_to(out.resolve()),
            f"{owner}: artifact '{key}' was written to {path}.",
            "Write below subject.out only.",
        )


def _check_means_only(metric_class: type, config: Any, subject: Subject) -> None:
    """Codes from elsewhere often have no log-variances: a metric may refuse them, but in words."""
    subject.codes.content_logvar = subject.codes.style_logvar = None
    try:
        _measure(metric_class, config, subject)
    except UsageError:
        return
    except (AttributeError, TypeError) as error:
        demand(
            False,
            f"{metric_class.__name__}.measure fails on codes without log-variances: {type(error).__name__}: {error}.",
            "content_logvar and style_logvar may be None: do without, or raise disent_plugins.errors.UsageError.",
        )
