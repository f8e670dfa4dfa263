"""Spread: the share of a code's variance that lies between classes (the correlation ratio eta squared).

spread = 1 - sum_c p_c Var(z | c) / Var(z), variances summed over the columns of the code
"""

from dataclasses import asdict, dataclass

import numpy as np

from disent_plugins import About, Expect, Options, Result, Value, option


@dataclass(frozen=True)
class SpreadConfig(Options):
    bootstrap: int = option(200, "Resamples of the test rows for the 95 % intervals.", low=20)


def spread(codes: np.ndarray, labels: np.ndarray) -> float:
    """Share of the variance of codes [N, D] between the classes of labels [N]: 0 for none, 1 for all.

    >>> spread(np.array([[0.0], [0.0], [5.0], [5.0]]), np.array([0, 0, 1, 1]))
    1.0
    """
    within = sum(codes[labels == label].var(axis=0) * (labels == label).mean() for label in np.unique(labels))
    total = codes.var(axis=0).sum()
    return float(1 - np.sum(within) / total) if total > 0 else 0.0


class Spread:
    Config = SpreadConfig
    about = About(
        definition="`1 - sum_c p_c Var(z | c) / Var(z)` on the test split, variances summed over the code's columns.",
        range="0 to 1; up for content, down for style.",
        floor="The same codes with permuted labels.",
        ceiling="1, the value of a code that is constant within every class.",
        cost="Linear in rows and columns: milliseconds.",
        distrust="It sees means only: classes that differ in shape and not in position look alike.",
        expects=(
            Expect("split-apart", "content/spread", 0.9, 1.0, "content is the class and a little noise"),
            Expect("blind", "content/spread", -0.03, 0.03, "noise tells nothing", normalised=True),
        ),
    )

    def __init__(self, config: SpreadConfig) -> None:
        self.config = config

    def measure(self, subject):
        rows = subject.codes.rows("test")
        labels = subject.codes.labels[rows]
        values = {}
        for block, better in (("content", "up"), ("style", "down")):
            codes = getattr(subject.codes, block)[rows].astype(np.float64)
            random = np.random.default_rng(subject.seed)
            draws = [random.integers(len(rows), size=len(rows)) for _ in range(self.config.bootstrap)]
            half = 1.96 * np.std([spread(codes[draw], labels[draw]) for draw in draws])
            found = spread(codes, labels)
            values[f"{block}/spread"] = Value(
                found,
                unit="share of variance",
                floor=spread(codes, random.permutation(labels)),
                ceiling=1.0,
                low=float(max(found - half, 0.0)),
                high=float(min(found + half, 1.0)),
                n=len(rows),
                estimator="variance of class means",
                better=better,
            )
        return Result("spread", values, {"seed": subject.seed, **asdict(self.config)})
