"""``disent metrics check``: expectations that hold, those that do not, and requests that make no sense."""

from __future__ import annotations

import json

import pytest

from disent_plugins.cli import check as command
from disent_plugins.errors import UsageError


def test_a_right_function_passes(disent):
    found = disent("metrics", "check", "helpers.oracle_files:gap")
    assert found.code == 0, found.err
    assert "dead-code" in found.out
    assert "WRONG" not in found.out
    assert max(map(len, found.out.splitlines())) <= 80
    assert "All 10 expectations hold." in found.err


def test_a_broken_function_fails_and_says_where(disent):
    found = disent("metrics", "check", "helpers.oracle_files:loop_that_ends_early")
    assert found.code == 1
    last = [line for line in found.out.splitlines() if "WRONG" in line and ":" not in line]
    assert len(last) == 1
    assert last[0].startswith("dead-code")
    assert "1 of 10 expectations do not hold." in found.err
    assert (
        "helpers.oracle_files:loop_that_ends_early on dead-code: disentanglement is 0.000, expected 0.97 to 1"
        in found.err
    )


def test_a_function_that_raises_fails_as_a_document_too(disent):
    found = disent("metrics", "check", "helpers.oracle_files:failing", "--json")
    assert found.code == 1
    first = found.json["helpers.oracle_files:failing"][0]
    assert first["found"] is None
    assert first["ok"] is False
    assert "ZeroDivisionError" in first["error"]


def test_the_current_folder_is_searched_and_the_seed_is_passed_on(disent, tmp_path):
    (tmp_path / "mine_to_check.py").write_text("def score(codes, factors, seed):\n    return seed\n")
    values = [
        disent("metrics", "check", "mine_to_check:score", "--json", "--jobs", "1", "--seed", s).json for s in (3, 3, 4)
    ]
    first, second, other = (json.dumps([one["found"] for one in value["mine_to_check:score"]]) for value in values)
    assert first == second != other


def test_like_a_metric(disent):
    found = disent("metrics", "check", "helpers.oracle_files:equal_width_mig", "--like", "mig", "--json")
    assert found.code == 1
    wrong = {one["case"] for one in found.json["helpers.oracle_files:equal_width_mig"] if not one["ok"]}
    assert wrong >= {"outlier", "many-valued", "many-valued-5"}
    assert "identity" not in wrong


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["migg"], "Did you mean 'mig'?"),
        (["nowhere_at_all:f"], "module 'nowhere_at_all' cannot be imported"),
        (["helpers.oracle_files:gapp"], "Did you mean 'gap'?"),
        (["helpers.oracle_files:np"], "is no function"),
        (["mig", "--like", "mig"], "no function was named"),
        (["helpers.oracle_files:gap", "--like", "migg"], "Did you mean 'mig'?"),
        (["swap-grid"], "cannot be checked on oracles"),
        (["helpers.oracle_files:gap", "--like", "cycle"], "a function is given codes in one piece"),
        (["helpers.oracle_files:gap", "--like", "leakage"], "a function is given codes in one piece"),
    ],
)
def test_requests_that_make_no_sense(disent, arguments, words):
    found = disent("metrics", "check", *arguments)
    assert found.code == 2
    assert words in " ".join(found.err.split())


def test_without_a_name_every_metric_with_expectations_is_checked(disent, monkeypatch):
    from helpers.oracle_files import Told

    monkeypatch.setattr(command, "_with_expectations", lambda: ["told"])
    monkeypatch.setattr(command, "_metric", lambda name: lambda **how: _told(Told, **how))
    found = disent("metrics", "check")
    assert found.code == 1
    assert "2 of 4 expectations do not hold." in found.err
    assert "There is no value 'other'" in found.err


def test_metrics_with_expectations_are_found_in_the_registry():
    assert "mig" in command._with_expectations()
    assert "swap-grid" not in command._with_expectations()
    with pytest.raises(UsageError, match="nothing-like-it"):
        command._metric("nothing-like-it")


@pytest.mark.parametrize("width", [60, 80, 100])
def test_no_name_is_broken_and_no_reason_cut(width):
    from disent_plugins.metrics.oracles.check import Finding

    reason = "words of a reason that " + "is long enough to need a second line " * 3 + "and ends here"
    names = ("gap", "content/label/nonlinear", "content/a-factor-with-a-name-that-fills-most-of-the-line/linear")
    findings = [
        Finding("non-linear-leak, again", name, 0.5, -0.03, 0.03, False, reason, 1.0, normalised=True) for name in names
    ]
    lines = "\n".join(line.plain for line in command._lines("mine", findings, width)).splitlines()
    assert max(map(len, lines)) <= max(width, 24 + len(names[2]))
    for name in names:
        assert sum(line.split()[-1] == name or f" {name} " in line for line in lines) == 1
    numbers = [line for line in lines if "WRONG" in line]
    assert len(numbers) == 3
    assert len({line.index("0.500") for line in numbers}) == 1
    assert " ".join(" ".join(lines).split()).count(f"normalised; {reason}") == 3


def test_a_metric_of_a_decoder_is_checked(disent):
    found = disent("metrics", "check", "cycle")
    assert found.code == 0, found.err
    assert "content-painter" in found.out
    assert max(map(len, found.out.splitlines())) <= 80


def _told(metric: type, **how):
    from disent_plugins.metrics.oracles.check import check_metric_on_oracles

    return check_metric_on_oracles(metric, metric.about.expects, rows=600, **how)
