"""``paper.toml``: every name in it means something."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from disent_plugins.errors import UsageError
from disent_plugins.registry.host import from_environment
from disent_plugins.studies import paper
from disent_plugins.studies.reproduce import make_plan


@pytest.fixture(scope="module")
def registry():
    return from_environment(os.environ, third_party=False)


@pytest.mark.parametrize("item", paper.items("all"), ids=lambda item: item.name)
def test_names_of_an_item_lead_somewhere(item: paper.Item, registry):
    runs = {run.name for run in item.runs}
    assert {run for run, _ in item.panels} <= runs
    for expected in item.expect:
        assert {expected.run, expected.than or expected.run} <= runs
        assert expected.metric in item.measure
        given = [expected.paper is not None, expected.goal is not None, expected.than is not None]
        assert sum(given) == 1
        assert (expected.tolerance > 0) == (expected.paper is not None)
    for metric in item.metrics:
        assert registry.metrics.find(metric)


@pytest.mark.parametrize("budget", paper.budget_names())
def test_every_budget_makes_runs_of_every_item(budget: str, registry, tmp_path: Path, cache):
    scale = paper.budget(budget)
    folders = {}
    for item in paper.items("all"):
        plan = make_plan(registry, item, scale, tmp_path, seeds=None, given={})
        assert set(plan.cells) == {run.name for run in item.runs}
        for cells in plan.cells.values():
            assert [cell.settings.seed for cell in cells] == list(range(scale.seeds or item.seeds))
            for cell in cells:  # one folder, one run
                assert folders.setdefault(cell.folder.path, cell.settings) == cell.settings


def test_the_papers_budget_is_the_recipe(registry, tmp_path: Path):
    (item,) = paper.items("table1")
    plan = make_plan(registry, item, paper.budget("paper"), tmp_path, seeds=1, given={})
    settings = plan.cells["GM-VAE"][0].settings
    assert (settings.epochs, settings.batch_size, settings.lr, settings.milestones) == (200, 256, 1e-3, (50, 100))
    assert (settings.options["k"], settings.options["width"]) == (2.0, 1.0)


def test_table_and_figure_share_their_run(registry, tmp_path: Path):
    (table,), (figure,) = paper.items("table1"), paper.items("fig1")
    scale = paper.budget("paper")
    first = make_plan(registry, table, scale, tmp_path, seeds=None, given={}).cells["GM-VAE"][0]
    second = make_plan(registry, figure, scale, tmp_path, seeds=None, given={}).cells["GM-VAE on MNIST"][0]
    assert first.folder == second.folder


def test_only_a_quick_run_takes_other_data_and_only_where_it_must(
    registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("DISENT_CACHE", str(tmp_path))
    (item,) = paper.items("table1")
    quick = make_plan(registry, item, paper.budget("quick"), tmp_path, seeds=None, given={})
    assert quick.stands_in == dict.fromkeys(("GM-VAE", "ML-VAE", "two-block VAE"), "mnist")
    assert quick.cells["GM-VAE"][0].settings.data == "digits"
    full = make_plan(registry, item, paper.budget("cpu"), tmp_path, seeds=None, given={})
    assert full.stands_in == {}
    assert full.cells["GM-VAE"][0].settings.data == "mnist"


def test_unknown_names_are_answered_with_the_known_ones():
    with pytest.raises(UsageError, match="table1"):
        paper.items("table2")
    with pytest.raises(UsageError, match="quick"):
        paper.budget("quik")
