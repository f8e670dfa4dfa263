"""Every metric on anybody's arrays, in one call."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from disent_plugins.contracts import Result
from disent_plugins.contracts.frames import frame
from disent_plugins.errors import UsageError, shown
from disent_plugins.measuring.arrays import Given
from disent_plugins.measuring.results import COLUMNS, value_rows
from disent_plugins.measuring.suite import check_groups, check_preset, documents, left_out, suite
from disent_plugins.measuring.suite import measure_all as measure_subject
from disent_plugins.registry.host import Registry
from disent_plugins.training.display import reporting

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Results:
    """What all metrics found.

    Attributes:
        results: Metric name to its result.
        left_out: Metric name to why it was not measured.
        rows: A value each, with the columns of ``results.csv``.
    """

    results: Mapping[str, Result]
    left_out: Mapping[str, str]
    rows: Sequence[Mapping[str, Any]]

    def to_frame(self) -> Any:
        """A ``pandas.DataFrame``, a value a row, with the columns of ``results.csv``.

        Raises:
            UsageError: pandas is not installed.
        """
        return frame(self.rows, COLUMNS)


def measure_all(
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
    groups: Sequence[str] = (),
    preset: str | None = None,
    seed: int = 0,
    out: str | Path | None = None,
    progress: bool = True,
    registry: Registry | None = None,
) -> Results:
    """Measure every metric that arrays allow: ``disent_plugins.measure_all(content=c, style=s, labels=y)``.

    Args:
        content, style, codes, blocks, labels, factors, factor_names, factor_kinds, content_factor, split,
            content_logvar, style_logvar, decode, encode, images: As ``measure`` takes them.
        groups: Only metrics of these groups: ``leakage``, ``swap``, ``blocks``, ``factors``, ``quality``, ``pictures``.
        preset: A published study whose settings to use; metrics without it are left out.
        seed: Of everything random, in 0..2^31 - 1.
        out: Folder for pictures; None for none.
        progress: Whether to show on stderr, or in the notebook, how far it is.
        registry: Plugins; those that are installed if None.

    Raises:
        UsageError: As ``measure``; or there is no such group, or nothing could be measured.
    """
    arrays = {
        "content": content, "style": style, "codes": codes, "labels": labels, "factors": factors,
        "factor_names": factor_names, "factor_kinds": factor_kinds, "content_factor": content_factor, "split": split,
        "content_logvar": content_logvar, "style_logvar": style_logvar,
    }  # fmt: skip
    model = {"decode": decode, "encode": encode, "images": images}
    given = Given(arrays, blocks, model, preset, seed, out, registry)
    if isinstance(groups, str) or not all(isinstance(group, str) for group in groups):
        raise UsageError(f"groups={shown(groups)} cannot be used.", "It takes a list of names of groups.")
    wanted = check_groups(given.plugins, ",".join(groups)) if groups else []
    if preset is not None:
        check_preset(given.plugins, suite(given.plugins, wanted), preset)
    with reporting(progress) as report, given.subject(report) as subject:
        entries = measure_subject(given.plugins, subject, groups=wanted, preset=preset)
    found = {entry.name: given.kept(entry.result) for entry in entries if entry.result is not None}
    if not found:
        why = next(iter(left_out(entries).values()), "No metric is installed.")
        raise UsageError("Nothing could be measured.", why)
    return Results(found, left_out(entries), value_rows(documents(entries, subject.name, {})))
