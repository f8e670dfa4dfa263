"""What the documentation shows works."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from helpers.scripts import benchmark

from disent_plugins.files import read_json
from disent_plugins.studies.comparison import from_plain
from disent_plugins.studies.comparison_words import markdown
from disent_plugins.testing import check_dataset, check_metric, check_model
from disent_plugins.training.settings import read_config_file

ROOT = Path(__file__).parents[1]
PAGES = sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))
PLUGINS = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")
SWEEPS = (ROOT / "docs" / "sweeps.md").read_text(encoding="utf-8")
REFERENCE = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")


def shown(name: str) -> type:
    """The class that a code block of docs/plugins.md defines."""
    (block,) = [
        code for code in re.findall(r"```python\n(.*?)```", PLUGINS, re.DOTALL) if re.search(rf"class {name}[:(]", code)
    ]
    scope: dict = {"__name__": "shown"}
    exec(compile(block, "docs/plugins.md", "exec", dont_inherit=True), scope)
    return scope[name]


def test_the_model_with_two_optimisers_keeps_the_contract():
    model = shown("Play")
    check_model(model, config=model.Config(width=0.25))


def test_the_data_set_keeps_the_contract():
    check_dataset(shown("Stripes"))


def test_the_metric_keeps_the_contract():
    check_metric(shown("Spread"), name="spread")


def test_the_page_on_runs_works_from_top_to_bottom(tmp_path, cache, monkeypatch):
    monkeypatch.setenv("DISENT_CACHE", str(cache))
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "runs.md").read_text(encoding="utf-8"), re.DOTALL)
    scope: dict = {}
    for block in blocks:
        exec(compile(block, "docs/runs.md", "exec", dont_inherit=True), scope)
    assert set(scope["table"]["metric"]) == {"dependence"}
    assert "blocks" in scope["found"].results


def test_the_configuration_file_is_one(tmp_path):
    (block,) = re.findall(r"```toml\n(.*?)```", REFERENCE, re.DOTALL)
    (tmp_path / "my.toml").write_text(block)
    assert read_config_file(tmp_path / "my.toml")["options"] == {"k": 1.5}


def test_the_grid_is_one(disent):
    (block,) = re.findall(r"```toml\n(.*?)```", SWEEPS, re.DOTALL)
    Path("digits.toml").write_text(block)
    found = disent("sweep", "digits.toml", "--dry-run")
    assert found.code == 0, found.err
    assert "30 cells in sweeps/digits: 30 new" in found.err  # two data sets, three seeds; of gmvae two lr and two k


@pytest.mark.parametrize(
    "page",
    [
        "README.md",
        "CONTRIBUTING.md",
        "benchmarks/README.md",
        *(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")),
    ],
)
def test_files_that_are_named_exist(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link]
    paths = re.findall(r"`((?:disent_plugins|examples|docs|benchmarks)/[\w./-]+)`", text)
    missing = [link for link in links if not ((ROOT / page).parent / link).exists()]
    missing += [path for path in paths if not (ROOT / path).exists()]
    assert missing == []


def test_the_tables_of_models_are_those_of_the_kept_results():
    """Written anew by: python benchmarks/models_page.py write"""
    made = benchmark("models_page").pages()
    assert any("<!-- models of mnist -->" in text for text in made.values())
    for path, text in made.items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name} is not what the kept results say"


def test_the_leaderboard_is_that_of_the_kept_comparisons():
    """Written anew by: python benchmarks/leaderboard_page.py write"""
    page = benchmark("leaderboard_page")
    assert page.PAGE.read_text(encoding="utf-8") == page.page()
    assert page.README.read_text(encoding="utf-8") == page.readme()
    kept = [from_plain(read_json(path)["comparison"], path.name) for path in page.KEPT.glob("*.json")]
    assert all(column.heading in page.HEAD for found in kept for column in found.columns), "a column is not explained"


def test_the_table_of_precisions_is_that_of_the_kept_comparison():
    """Kept by: disent compare RUNS --values ... --format json > docs/results/precision.json"""
    (kept,) = read_json(ROOT / "docs" / "results" / "precision.json")
    table = markdown(from_plain(kept, "precision.json")).partition("\n\n")[0]
    assert table in (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")


def test_the_reproduction_is_that_of_the_kept_documents():
    """Written anew by: python benchmarks/reproduction_page.py write"""
    page = benchmark("reproduction_page")
    assert page.PAGE.read_text(encoding="utf-8") == page.page()
