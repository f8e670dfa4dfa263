"""docs/metrics.md is what the metrics say of themselves."""

from __future__ import annotations

from pathlib import Path

from helpers.oracle_files import Told

from disent_plugins import MetricSpec, hookimpl
from disent_plugins.cli.metric_pages import pages
from disent_plugins.metrics.oracles.cases import CASES
from disent_plugins.registry.host import Registry

PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"


class Plugin:
    @hookimpl
    def disent_metrics(self):
        spec = {"summary": "One line.", "reference": "Somebody 2020", "needs": ("factors",), "group": "factors"}
        return [MetricSpec(name="told", target=f"{Told.__module__}:Told", **spec)]


def test_the_page_is_up_to_date():
    assert PAGE.read_text(encoding="utf-8") == pages(Registry(third_party=False)), (
        "Write it anew: python -m disent_plugins.cli.metric_pages > docs/metrics.md"
    )


def test_expectations_name_oracles_that_exist():
    registry = Registry(third_party=False)
    for spec, plugin in registry.metrics.entries:
        about = getattr(registry.load(spec, plugin), "about", None)
        for expect in about.expects if about else ():
            assert expect.case in CASES, f"{spec.name}: {expect.case}"
            assert expect.low <= expect.high


def test_everything_a_metric_says_stands_on_its_page():
    registry = Registry(points=())
    registry.add(Plugin(), name="told")
    text = pages(registry)
    assert "- factors: [told](#told)" in text
    for words in (
        "### told",
        "Somebody 2020",
        "Best less second best.",
        "| `noise` | `gap` (normalised) |",
        "never | ever",
    ):
        assert words in text
    assert "## Oracles" in text
    assert "###" not in pages(Registry(points=()))
