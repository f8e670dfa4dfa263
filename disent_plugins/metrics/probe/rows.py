"""Which rows a probe trains on, chooses its epoch by and is tested on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from disent_plugins.content import has_value
from disent_plugins.contracts import SPLITS, Codes
from disent_plugins.errors import UsageError
from disent_plugins.metrics.probe.training import hold_out
from disent_plugins.metrics.statistics.partition import stratified
from disent_plugins.metrics.statistics.seeds import derived, stream


@dataclass(frozen=True)
class Rows:
    """Positions among the codes.

    Attributes:
        train: Rows to train on, int64.
        tuned_train: Rows to train on where an epoch is chosen: ``train`` less what is held out of it for that.
        validation: Rows to choose an epoch by.
        test: Rows to test on.
        protocol: Where they come from, in words.
        notes: What a reader must know of them.
    """

    train: np.ndarray
    tuned_train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    protocol: str
    notes: tuple[str, ...] = ()


def choose_rows(codes: Codes, labels: np.ndarray, target: str, seed: int, max_train: int | None = None) -> Rows:
    """The rows for reading ``labels`` [N], the factor ``target``; those without a label (-1) are left out.

    Usually the splits as they are. Where no class of the test split occurs in the training split (models of cars,
    identities), nothing could be learnt there about the test classes: then half of every class's test rows train the
    probe and the other half test it. Test rows of classes that training lacks are left out otherwise, with a note.

    Raises:
        UsageError: Fewer than two classes or too few rows are left to train or test on.
    """
    known = has_value(labels)
    train, validation, test = (rows[known[rows]] for rows in map(codes.rows, SPLITS))
    protocol, notes = "training split to test split", []
    if not np.isin(labels[test], labels[train]).any():
        for_test = stratified(labels[test], 0.5, stream(seed, "probe", "halves"))
        train, test, validation = test[~for_test], test[for_test], test[:0]
        protocol = "half of the test split to its other half, by class"
        notes.append(
            f"No '{target}' of the test split occurs in the training split, so the probe was trained on one half of "
            f"the test split ({len(train)} rows) and tested on the other ({len(test)}): it reads codes of classes that "
            "the encoder never trained on."
        )
    if max_train is not None and len(train) > max_train:
        train = np.sort(stream(seed, "probe", "subset").permutation(train)[:max_train])
    validation = validation[np.isin(labels[validation], labels[train])]
    tuned_train = train
    if not len(validation):
        kept, held = hold_out(labels[train], derived(seed, "probe", "validation"))
        tuned_train, validation = train[kept], train[held]
    known = np.isin(labels[test], labels[train])
    if not known.all():
        absent = len(np.unique(labels[test[~known]]))
        notes.append(f"{(~known).sum()} test rows of {absent} classes without training rows were left out.")
        test = test[known]
    if len(np.unique(labels[train])) < 2 or not len(test):
        raise UsageError(
            f"The factor '{target}' cannot be probed.",
            f"Classes to train on: {len(np.unique(labels[train]))} in {len(train)} rows. Rows to test on: {len(test)}.",
            "It needs training rows of at least two classes and test rows of the same classes.",
        )
    return Rows(train, tuned_train, validation, test, protocol, tuple(notes))
