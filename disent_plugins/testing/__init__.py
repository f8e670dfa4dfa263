"""Conformance checks that the author of a plugin calls in one line, in a test of their own.

    from disent_plugins.testing import check_model
    from my_package.model import MyModel

    def test_contract():
        check_model(MyModel)

Each raises :class:`ContractError`, an ``AssertionError`` that says what is broken and how to mend it. Our own models,
data sets and metrics pass the same checks.
"""

from __future__ import annotations

from disent_plugins.contracts.broken import ContractError
from disent_plugins.testing.batches import batch_of
from disent_plugins.testing.datasets import check_dataset
from disent_plugins.testing.metrics import check_metric
from disent_plugins.testing.models import check_model

__all__ = ["ContractError", "batch_of", "check_dataset", "check_metric", "check_model"]
