"""Any metric on anybody's arrays, in one call."""

from __future__ import annotations

import contextlib
import operator
import os
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from disent_plugins.contracts import Report, Result, Subject
from disent_plugins.data_adapters.cache import quiet
from disent_plugins.errors import UsageError, shown
from disent_plugins.measuring.functions import checked
from disent_plugins.measuring.measure import measure as measure_subject
from disent_plugins.metrics.codes.file import make_codes
from disent_plugins.options import by_name
from disent_plugins.registry.host import Registry, from_environment

if TYPE_CHECKING:
    import numpy as np


def measure(
    metric: str,
    *,
    content: np.ndarray | None = None,
    style: np.ndarray | None = None,
    codes: np.ndarray | None = None,
    blocks: tuple[str, str] | None = None,
    labels: np.ndarray | None = None,
    factors: np.ndarray | None = None,
    factor_names: Sequence[str] | None = None,
    factor_kinds: Sequence[str] | None = None,
    content_factor: str | None = None,
    split: np.ndarray | None = None,
    content_logvar: np.ndarray | None = None,
    style_logvar: np.ndarray | None = None,
    decode: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None,
    encode: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]] | None = None,
    images: Callable[[np.ndarray], np.ndarray] | None = None,
    options: Mapping[str, Any] | None = None,
    preset: str | None = None,
    seed: int = 0,
    out: str | Path | None = None,
    registry: Registry | None = None,
) -> Result:
    """Measure a registered metric on arrays: ``disent_plugins.measure("mig", codes=z, factors=v)``.

    Args:
        metric: Registry name; ``disent metrics list`` shows them.
        content, style: Codes in two blocks, means [N, Dc] and [N, Ds].
        codes: Codes in one piece instead, [N, D]; enough for metrics of factors.
        blocks: Which columns of ``codes`` are content and which style: ``("0:8", "8:16")``.
        labels: [N] whole numbers, what groups share; or ``factors``.
        factors: [N, F] whole numbers, -1 where one is missing; of continuous factors real numbers, NaN where missing.
            What ``labels`` and columns say twice counts once, with a note in the result.
        factor_names: F names.
        factor_kinds: F of ``category`` (if None), ``ordered``, ``circular``, ``continuous``; see ``contracts.Factor``.
        content_factor: The factor that groups share, several joined by ``+``; the first one if None.
        split: [N] 0, 1, 2 or train, validation, test; a seeded, stratified 80/20 split if None.
        content_logvar, style_logvar: Log-variances, shaped like the blocks.
        decode, encode, images: A model, for metrics that need one (see ``disent_plugins.contracts.Subject``).
        options: Options of the metric.
        preset: A published study whose settings to use, such as ``"dlib"``.
        seed: Of everything random, in 0..2^31 - 1.
        out: Folder for pictures; None for none, and then nothing is written.
        registry: Plugins; those that are installed if None.

    Raises:
        UsageError: An argument is of the wrong type, an array or the seed is unusable, the metric, an option or the
            preset is unknown, a function fails or gives something else than ``Subject`` promises, or ``out`` cannot be
            written to.
        PluginFailure: A metric of another package failed.
    """
    _require("metric", metric, isinstance(metric, str), "a name; disent metrics list shows them")
    _require("options", options, options is None or by_name(options), "a dictionary of options by name")
    arrays = {
        "content": content, "style": style, "codes": codes, "labels": labels, "factors": factors,
        "factor_names": factor_names, "factor_kinds": factor_kinds, "content_factor": content_factor, "split": split,
        "content_logvar": content_logvar, "style_logvar": style_logvar,
    }  # fmt: skip
    model = {"decode": decode, "encode": encode, "images": images}
    given = Given(arrays, blocks, model, preset, seed, out, registry)
    with given.subject() as subject:
        result = measure_subject(given.plugins, metric, options or {}, subject, preset=preset)
    return given.kept(result)


@dataclass(frozen=True)
class Given:
    """What a call gave to be measured, checked. The attributes are the arguments of ``measure``.

    Raises:
        UsageError: An argument is of the wrong type.
    """

    arrays: Mapping[str, Any]
    blocks: Any
    model: Mapping[str, Any]
    preset: Any
    seed: Any
    out: Any
    registry: Any

    def __post_init__(self) -> None:
        _seed(self.seed)
        preset, out, blocks = self.preset, self.out, self.blocks
        _require("preset", preset, preset is None or isinstance(preset, str), "a name")
        _require("out", out, out is None or _is_path(out), "the path of a folder")
        right = self.registry is None or isinstance(self.registry, Registry)
        _require("registry", self.registry, right, "a Registry, or None")
        two = (
            isinstance(blocks, tuple | list)
            and [isinstance(block, str | slice | None) for block in blocks] == [True] * 2
        )
        _require("blocks", blocks, blocks is None or two, 'two columns\' ranges, such as ("0:8", "8:16")')
        for name in ("factor_names", "factor_kinds"):
            texts = self.arrays[name]
            if isinstance(texts, str | bytes):
                why = "It takes a sequence with a text for every column of factors."
                raise UsageError(f"{name}={texts!r} is one text.", why, f"For example: [{texts!r}]")
            right = texts is None or _are_texts(texts)
            _require(name, texts, right, "a sequence with a text for every column of factors")
        content = self.arrays["content_factor"]
        several = content is None or isinstance(content, str) or _are_texts(content)
        _require("content_factor", content, several, "the name of a factor")

    @cached_property
    def plugins(self) -> Registry:
        """The registry that was given, otherwise the plugins that are installed."""
        return from_environment(os.environ) if self.registry is None else self.registry

    @contextlib.contextmanager
    def subject(self, report: Report = quiet) -> Iterator[Subject]:
        """What is measured. Pictures that nobody wants go to a folder that is removed."""
        seed = _seed(self.seed)
        given = {name: array for name, array in self.arrays.items() if array is not None}
        made = make_codes(given, source="The call", seed=seed, blocks=self.blocks)
        model = checked(made, **self.model)
        with contextlib.ExitStack() as held:
            # Metrics may draw whether or not anybody wants it; theirs to decide is only what to draw.
            folder = self.out or held.enter_context(tempfile.TemporaryDirectory(prefix="disent-"))
            yield Subject(name="arrays", codes=made, seed=seed, out=Path(folder), report=report, **model)

    def kept(self, result: Result) -> Result:
        """The result without files that are no longer there."""
        return result if self.out is not None else replace(result, artifacts={})


def _require(name: str, value: Any, right: bool, takes: str) -> None:
    if not right:
        raise UsageError(f"{name}={shown(value)} cannot be used.", f"It takes {takes}.")


def _is_path(out: Any) -> bool:
    return isinstance(out, str | Path) and bool(str(out)) and "\0" not in str(out)


def _are_texts(texts: Any) -> bool:
    """Whether it is a sequence of texts, be it an array or a table's columns; a set has no order."""
    ordered = isinstance(texts, Collection) and not isinstance(texts, Set | Mapping)
    try:
        return ordered and all(isinstance(text, str | bytes) for text in texts)
    except Exception:
        return False


def _seed(seed: Any) -> int:
    try:
        number = -1 if isinstance(seed, bool) else operator.index(seed)
    except TypeError:
        number = -1
    if not 0 <= number < 2**31:
        raise UsageError(f"seed={shown(seed)} is no seed.", "It takes a whole number from 0 to 2147483647.")
    return number
