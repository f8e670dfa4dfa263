"""docs/leaderboard.md, made of kept comparisons of the published studies (examples/studies): never by hand.

    python benchmarks/leaderboard_page.py keep SWEEP...   take a study's comparison into docs/results/leaderboard/
    python benchmarks/leaderboard_page.py write           write the page and the README's table anew

A study is run, and measured, by: disent sweep examples/studies/NAME.toml
"""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from disent_plugins.files import read_json
from disent_plugins.measuring.kept import find_runs
from disent_plugins.studies.cell import machine
from disent_plugins.studies.compare import compare
from disent_plugins.studies.comparison import Comparison, from_plain
from disent_plugins.studies.comparison_words import markdown

ROOT = Path(__file__).parents[1]
KEPT, STUDIES = ROOT / "docs" / "results" / "leaderboard", ROOT / "examples" / "studies"
PAGE, README = ROOT / "docs" / "leaderboard.md", ROOT / "README.md"
SHORT = ("content/mean/strong", "style/mean/strong", "leakage", "keeps-content", "sse")
IN_README = "digits"
BEGIN, END = "<!-- leaderboard in short -->", "<!-- end -->"

HEAD = """# Leaderboard

All models of this package on three data sets, each study under one stated budget for two CPU cores; of every number its
interval over seeds, its chance level and its ceiling, and a rank only where the difference is real
([how that is judged](comparing.md)). The budgets are small: what a model reaches with more is another question, and so
is what another recipe would give it. Options are the recipes' of `disent models show`; GM-VAE's on sprites was chosen
by experiment ([how](models.md)), those of the others are their papers'.

The columns, accuracies and shares unless said otherwise ([metrics](metrics.md) has definitions and what not to trust):

| | |
| --- | --- |
| content/mean/strong, style/mean/strong | test images whose class a strong classifier reads from a block's mean |
| style/sample/paper | the same from samples of the style block, by the paper's weak classifier |
| leakage | what each block tells of what belongs into the other, 0 to 1 |
| keeps-content, takes-style | swaps in which another classifier sees the class of the content's or the style's donor |
| psnr, dB | swapped images against the real ones with the same content and style |
| precision-at-1 | test images whose nearest neighbour by content is of the same class |
| sse | the squared error of reconstructions |
| mig | mutual information gap |
| style/kl, style/active_units | what the style block holds at all: nats, and dimensions in use |

This page is made of kept comparisons (docs/results/leaderboard) by `benchmarks/leaderboard_page.py`.
"""


def keep(sweeps: Iterable[Path]) -> None:
    """Take the comparison of every sweep into the kept ones, by the sweep's name."""
    for sweep in sweeps:
        runs = find_runs([sweep])
        (found,) = compare(runs)
        machines = sorted({machine(run.environment) for run in runs if run.environment})
        document = {"machines": machines, "comparison": found.plain}
        KEPT.mkdir(parents=True, exist_ok=True)
        text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
        (KEPT / f"{sweep.resolve().name}.json").write_text(text, encoding="utf-8")


def study(name: str) -> str:
    """The section of a study."""
    grid = STUDIES / f"{name}.toml"
    lines = grid.read_text(encoding="utf-8").splitlines()
    words = next(line.removeprefix("#").strip() for line in lines if line.startswith("#"))
    begin = f"## {name}\n\n{words}"
    path = KEPT / f"{name}.json"
    if not path.is_file():
        return f"{begin}\n\nNot measured yet.\n"
    document = read_json(path)
    found = from_plain(document["comparison"], str(path))
    seconds = [f"{row.label} {row.seconds / 60:.1f}" for row in found.rows]
    planned = len(tomllib.loads(grid.read_text(encoding="utf-8"))["model"])
    lacking = f" {planned - len(found.rows)} of its models are not measured yet." if len(found.rows) < planned else ""
    return (
        f"{begin}{lacking}\n\n{markdown(found)}\n"
        f"Minutes of training, the mean over seeds, on {'; '.join(document['machines'])} (shared with other work): "
        f"{', '.join(seconds)}.\n"
    )


def page() -> str:
    """The page."""
    return "\n".join([HEAD, *(study(path.stem) for path in sorted(STUDIES.glob("*.toml")))])


def readme() -> str:
    """The README with its table made anew."""
    text = README.read_text(encoding="utf-8")
    path = KEPT / f"{IN_README}.json"
    if BEGIN not in text or not path.is_file():
        return text
    found = short(from_plain(read_json(path)["comparison"], str(path)))
    before, _, rest = text.partition(BEGIN)
    table = markdown(replace(found, notes=())).partition("\n\n")[0]
    return f"{before}{BEGIN}\n{table}\n{END}{rest.partition(END)[2]}"


def short(found: Comparison) -> Comparison:
    """Of a few columns."""
    places = [place for place, column in enumerate(found.columns) if column.value in SHORT]
    rows = tuple(replace(row, cells=tuple(row.cells[place] for place in places)) for row in found.rows)
    return replace(found, columns=tuple(found.columns[place] for place in places), rows=rows)


if __name__ == "__main__":
    if sys.argv[1:2] == ["keep"]:
        keep(Path(name) for name in sys.argv[2:])
    elif sys.argv[1:] == ["write"]:
        PAGE.write_text(page(), encoding="utf-8")
        README.write_text(readme(), encoding="utf-8")
    else:
        sys.exit(__doc__)
