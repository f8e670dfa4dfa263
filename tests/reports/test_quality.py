"""Every check of the quality section: when it speaks, and when it is silent."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from helpers.report_files import OF, document, epochs, run

from disent_plugins.measuring.kept import read_run
from disent_plugins.metrics.probe import metric as probe
from disent_plugins.reports import quality
from disent_plugins.reports.quality import findings, together


def of(**changes):
    return run(documents={"probe": document(**changes)})


def budget(steps):
    return of(settings={"budgets": {"paper": {"steps": steps}}})


# check: runs of which it speaks, and runs of which it does not
CASES = {
    "training_is_not_finished": (
        [run(count=1), run(count=0), run(settings={"epochs": None})],
        [run(), run(count=3)],
    ),
    "loss_is_no_number": (
        [run(epochs=[*epochs(1), {"epoch": 2, "total": math.nan}])],
        [run(), run(epochs=[{"epoch": 2}])],
    ),
    "results_are_of_another_state": (
        [
            of(of={**OF, "epoch": 1}),
            of(of={**OF, "data": "sha256:88"}),
            run(documents={"a": document(), "b": document(of={**OF, "weights": "sha256:bb"})}),
        ],
        [run(), of(of={}), of(of=None), run(data={}, documents={"a": document(of={**OF, "data": "sha256:88"})})],
    ),
    "content_block_is_empty": (
        [of(name="content/kl", value=0.01), of(name="content/active", value=0.0)],
        [of(name="content/kl", value=3.0), of(name="style/kl", value=0.0), run()],
    ),
    "style_block_is_empty": (
        [of(name="style/kl", value=0.01), of(name="style/active_units", value=0.0)],
        [of(name="style/kl", value=3.0), of(name="content/kl", value=0.0), run()],
    ),
    "records_are_missing": ([run(faults=("It has no data.json.",))], [run()]),
    "nothing_was_measured": ([run(documents={}), run(documents={"swap-grid": {"values": {}}})], [run()]),
    "probe_hardly_moved": ([budget(88), budget(2999)], [budget(3000), budget("many"), of(settings=None), run()]),
    "labels_were_given_to_the_probe": ([of(settings={"evidence": 5})], [of(settings={"evidence": 0}), run()]),
    "test_samples_are_few": (
        [of(reference={"n": 99})],
        [of(reference={"n": 100}), of(reference={"n": None}), of(reference={"n": "99"})],
    ),
    "value_is_below_its_floor": (
        [
            of(value=0.05, reference={"low": 0.04, "high": 0.06}),
            of(value=70.0, reference={"floor": 60.0, "ceiling": 0.0, "low": 65.0, "high": 75.0, "better": "down"}),
        ],
        [
            of(value=0.05, reference={"low": 0.04, "high": 0.12}),
            of(value=0.05, reference={"low": 0.04, "high": 0.06, "better": "down"}),  # less leakage than by chance
            of(value=50.0, reference={"floor": 60.0, "ceiling": 0.0, "low": 45.0, "high": 55.0, "better": "down"}),
            of(value=0.05, reference={"low": None, "high": None}),
            run(),
        ],
    ),
    "floor_is_at_the_ceiling": (
        [of(reference={"floor": 1.0})],
        [run(), of(reference={"floor": None, "ceiling": None})],
    ),
    "interval_is_wider_than_the_scale": (
        [
            of(reference={"low": 0.0, "high": 0.95}),
            of(reference={"floor": 1.0, "ceiling": 0.5, "low": 0.3, "high": 0.9}),
        ],
        [run(), of(reference={"low": None}), of(reference={"floor": 1.0})],
    ),
}  # fmt: skip


def test_every_check_has_its_cases():
    assert [check.__name__ for check in quality.CHECKS] == list(CASES)


@pytest.mark.parametrize("name", CASES)
def test_when_a_check_speaks(name):
    check = getattr(quality, name)
    speaks, silent = CASES[name]
    for one in speaks:
        found = check(one)
        assert found is not None
        assert found.title
        assert found.detail
    assert [check(one) for one in silent] == [None] * len(silent)


def test_of_a_run_in_order_nothing_is_said():
    assert findings(run()) == []


def test_the_serious_come_first():
    found = findings(run(count=1, documents={"p": document(of={**OF, "epoch": 1}, reference={"n": 5})}))
    assert [finding.severity for finding in found] == ["serious", "warning"]


def test_the_limit_of_steps_is_the_probes_own():
    assert quality.ENOUGH_STEPS == probe.ENOUGH_STEPS


def test_the_documents_of_a_real_run_are_understood(trained):
    made = read_run(trained)
    found = {finding.title for finding in findings(made)}
    assert "The probe's paper preset hardly moved" in found
    assert not found & {
        "Results are of another state of the run",
        "The training is not finished",
        "Nothing was measured",
    }
    stale = replace(made, epochs=[*made.epochs, {**made.epochs[-1], "epoch": 3}])
    assert "Results are of another state of the run" in {finding.title for finding in findings(stale)}


def test_the_findings_of_several_runs_are_told_once_each():
    runs = [run(count=1), run(), run(documents={})]
    found = [(finding.title, [name for name, _ in seen]) for finding, seen in together(runs)]
    assert found == [("The training is not finished", ["a"]), ("Results are of another state of the run", ["a"]),
                     ("Nothing was measured", ["a"])]  # fmt: skip


def test_a_finding_names_a_few_values_and_counts_the_rest():
    documents = {f"metric-{number}": document(reference={"n": 5}) for number in range(9)}
    assert "and 3 more" in quality.test_samples_are_few(run(documents=documents)).detail
