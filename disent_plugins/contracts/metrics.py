"""What a metric is given and gives back: the metric contract."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from disent_plugins.content import MISSING, Factor, content_columns, content_labels
from disent_plugins.contracts.data import SPLITS, Report
from disent_plugins.contracts.frames import frame
from disent_plugins.notebook import shown_by

if TYPE_CHECKING:
    import numpy as np


@dataclass
class Codes:
    """Codes of N images, from a run or from anybody's arrays. A metric gets them read-only.

    Attributes:
        content: Content means [N, Dc] float32.
        style: Style means [N, Ds] float32; Ds is 0 for codes in one piece, which only metrics of factors can measure.
        factors: [N, F] int64, or float64 if any factor is continuous; a missing value is -1, in continuous ones NaN.
        factor_names: F names.
        content_factor: The name among them that groups share; several are joined by ``+``.
        split: [N] uint8, an index into SPLITS.
        content_logvar, style_logvar: Log-variances of the posteriors, or None where only means are known.
        split_source: Where the split comes from, in words.
        notes: What a reader of any result of these codes must know; ``measure`` adds it to each.
        described: What is known of factors, by their names; those that it lacks are categories.
    """

    content: np.ndarray
    style: np.ndarray
    factors: np.ndarray
    factor_names: tuple[str, ...]
    content_factor: str
    split: np.ndarray
    content_logvar: np.ndarray | None = None
    style_logvar: np.ndarray | None = None
    split_source: str = "as given"
    notes: tuple[str, ...] = ()
    described: tuple[Factor, ...] = ()

    @property
    def labels(self) -> np.ndarray:
        """[N] int64 the content: equal label, same group; -1 where it is not known."""
        return content_labels(self.factors, self.factor_names, self.content_factor)

    @property
    def style_factors(self) -> tuple[str, ...]:
        """The factors that groups do not share."""
        shared = {self.factor_names[column] for column in content_columns(self.factor_names, self.content_factor)}
        return tuple(name for name in self.factor_names if name not in shared)

    def factor(self, name: str) -> Factor:
        """What is known of the factor ``name``."""
        return next((factor for factor in self.described if factor.name == name), Factor(name))

    def rows(self, split: str, *, labelled: bool = False) -> np.ndarray:
        """Positions of a split's codes, ascending, int64; ``labelled``: only those whose content is known."""
        chosen = self.split == SPLITS.index(split)
        return (chosen & (self.labels != MISSING) if labelled else chosen).nonzero()[0]


@dataclass
class Subject:
    """What a metric measures: codes always, a decoder and images where a model is at hand.

    Attributes:
        name: For titles: run folder or file name.
        codes: The codes of every split.
        seed: Every random choice of a metric derives from it.
        out: Folder for pictures and arrays.
        decode: content [B, Dc], style [B, Ds] -> images [B, H, W, C] float32 in [0, 1]; None if only codes were given.
        images: Positions [B] -> the real images [B, H, W, C] float32 in [0, 1]; None if only codes were given.
        encode: Images [B, H, W, C] in [0, 1] -> means content [B, Dc], style [B, Ds]; None if only codes were given.
        fuse: Content means, log-variances [B, Dc], group ids [B] in 0..G-1 -> each group's content [G, Dc], if it can.
        keep: Folder for what depends on the data set alone, such as a classifier of its images; None for nowhere.
        shared: What one metric worked out and others need as well; a key holds all that its value depends on.
        report: Progress of long work.
        of: What exactly is measured: checkpoint, epoch, digests of weights and data, or of a file; for documents.
    """

    name: str
    codes: Codes
    seed: int
    out: Path
    decode: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None
    images: Callable[[np.ndarray], np.ndarray] | None = None
    encode: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]] | None = None
    fuse: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray] | None = None
    keep: Path | None = None
    shared: dict[Hashable, Any] = field(default_factory=dict, repr=False, compare=False)
    report: Report = field(default=lambda done, total, what: None)
    of: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Value:
    """One number and what it means: the reference points without which no number is printed.

    Attributes:
        value: The score.
        floor: What a code without information scores here (chance).
        ceiling: What a perfect code scores.
        low, high: 95 % interval.
        n: Test samples behind it.
        unit: ``"accuracy"``, ``"nats"``, ``"squared error per image"``...
        estimator: How it was obtained.
        better: ``"up"``, ``"down"`` or ``""``.
    """

    value: float
    unit: str
    floor: float | None = None
    ceiling: float | None = None
    low: float | None = None
    high: float | None = None
    n: int | None = None
    estimator: str = ""
    better: str = ""

    @property
    def normalised(self) -> float | None:
        """Where the value lies between its floor (0) and its ceiling (1).

        None if one is unknown, or if they are equal or too far apart to tell.
        """
        if self.floor is None or self.ceiling is None or self.floor == self.ceiling:
            return None
        value, floor, ceiling = float(self.value), float(self.floor), float(self.ceiling)
        share, width = (value - floor) / (ceiling - floor), ceiling - floor
        return share if math.isfinite(share) and math.isfinite(width) else None


@dataclass(frozen=True)
class Items:
    """The outcomes of single items, such as test images or swaps, whose mean a value is.

    Kept beside the results, they let two models be compared on the very same items (``studies.compare``).

    Attributes:
        item: [N] int64, which item an outcome is of: the same number for the same item whatever model made the codes,
            such as the row of a test image.
        outcome: [N] bool or float: right or wrong, or in part.
    """

    item: np.ndarray
    outcome: np.ndarray


@dataclass(frozen=True)
class Result:
    """What a metric found.

    Attributes:
        metric: Registry name.
        values: Stable name, such as ``content/mean/strong``, to value.
        settings: Every setting that the values depend on, the seed included.
        artifacts: Name to the file that was written.
        notes: Sentences a reader of the table needs.
        items: Value name to the outcomes of single items, for values that are means of such.
        options: The metric's options, complete; ``measure`` adds them, and what follows.
        version: The metric's own: ``Metric.version``. Values of different versions are not comparable.
        maker: Distribution that the metric comes from, and its version.
    """

    metric: str
    values: Mapping[str, Value]
    settings: Mapping[str, Any]
    artifacts: Mapping[str, Path] = field(default_factory=dict)
    notes: Sequence[str] = ()
    items: Mapping[str, Items] = field(default_factory=dict, repr=False, compare=False)
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    version: str = ""
    maker: Mapping[str, str] = field(default_factory=dict, repr=False)

    _repr_html_ = shown_by("disent_plugins.reports.fragments:result_html")

    def to_frame(self) -> Any:
        """A ``pandas.DataFrame`` with a row for each value: ``metric``, ``name``, and all that a ``Value`` says.

        Raises:
            UsageError: pandas is not installed.
        """
        rows = [
            {"metric": self.metric, "name": name, **vars(value), "normalised": value.normalised}
            for name, value in self.values.items()
        ]
        return frame(rows, _COLUMNS)


_COLUMNS = (
    "metric", "name", "value", "unit", "better", "floor", "ceiling", "normalised", "low", "high", "n", "estimator",
)  # fmt: skip


class Metric(Protocol):
    """The metric contract: ``Metric(config)`` with a ``Config`` dataclass and one method.

    It may also have ``about`` (``disent_plugins.about.About``: documentation and oracle checks are made of it) and
    ``presets``, name of a published study to the options that reproduce it (``--as NAME``), and ``version``, a text
    that its author changes when the same codes no longer give the same values (``"1"`` where there is none).
    """

    Config: type

    def measure(self, subject: Subject) -> Result:
        """Measure the subject; write pictures only below ``subject.out``."""
