"""Mutation testing of the oracles: what is expected of our metrics finds out the same metrics with a small fault."""

from __future__ import annotations

import pytest
from helpers.mutants import checked
from helpers.mutants_of_blocks import OF_BLOCKS
from helpers.mutants_of_factors import MISSED, OF_FACTORS

MUTANTS = (*OF_FACTORS, *OF_BLOCKS)
ALL = (*MUTANTS, *(pytest.param(one, marks=pytest.mark.xfail(reason="no oracle shows it")) for one in MISSED))


@pytest.mark.parametrize("mutant", ALL, ids=str)
def test_a_fault_is_found_out(mutant):
    findings = mutant.findings()
    assert not any(one.error for one in findings)  # by its numbers, not because it breaks
    assert not all(one.ok for one in findings)


@pytest.mark.parametrize(("metric", "case"), sorted({(one.metric, one.case) for one in (*MUTANTS, *MISSED)}))
def test_the_right_metric_passes_where_mutants_do_not(metric, case):
    assert [one for one in checked(metric, case) if not one.ok] == []


def test_the_list_is_long_and_of_many_metrics():
    assert len({str(one) for one in MUTANTS}) == len(MUTANTS) >= 0.9 * (len(MUTANTS) + len(MISSED))
    assert len({one.metric for one in MUTANTS}) >= 16
