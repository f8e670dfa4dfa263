"""The tables of docs/models.md and of the README, made of kept results: what every model reaches on every data set.

    python benchmarks/models_page.py keep RUN...     take the results of measured runs into docs/results/models.json
    python benchmarks/models_page.py write           write the tables of the pages anew

A row is a model under one set of settings; its runs differ in their seed alone.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from disent_plugins.contracts import Value
from disent_plugins.files import read_json
from disent_plugins.measuring.means import T_RUNS, mean_value
from disent_plugins.studies.cell import machine
from disent_plugins.studies.comparable import NO_TRAIT
from disent_plugins.training.folder import RunFolder

ROOT = Path(__file__).parents[1]
KEPT = ROOT / "docs" / "results" / "models.json"

COLUMNS = {
    "content, strong": ("probe", "content/mean/strong"),
    "style, strong": ("probe", "style/mean/strong"),
    "style sample, paper": ("probe", "style/sample/paper"),
    "swap keeps content": ("swap", "keeps-content"),
    "swap takes style donor's": ("swap", "takes-style"),
    "leakage": ("leakage", "leakage"),
    "exact swap, dB": ("exact-swap", "psnr"),
    "squared error": ("reconstruction", "sse"),
    "KL of style, nats": ("probe", "style/kl"),
    "active style units": ("probe", "style/active_units"),
}
"""Heading to metric and value; a table leaves out what none of its runs has."""

EXTRA = {("probe", "content/sample/paper"), ("probe", "style/mean_std/strong"), ("swap", "reconstructions")}
"""Kept as well, for the text."""

SHORT = ("content, strong", "style, strong", "style sample, paper", "swap keeps content", "squared error")
ARROWS = {"up": "↑", "down": "↓", "": ""}


def keep(runs: Iterable[Path]) -> None:
    """Take measured runs into the kept results, in place of the same run of before."""
    known = {_key(run): run for run in kept()}
    for path in runs:
        found = _run(path)
        known[_key(found)] = found
    lines = ",\n".join(json.dumps(known[key], ensure_ascii=False) for key in sorted(known))
    KEPT.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


def kept() -> list[dict[str, Any]]:
    """The kept runs."""
    return json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.is_file() else []


def _run(path: Path) -> dict[str, Any]:
    settings, environment = asdict(RunFolder(path).settings()), read_json(path / "environment.json")
    results = read_json(path / "results.json")
    epochs = [json.loads(line) for line in (path / "metrics.jsonl").read_text().splitlines()]
    values = {}
    for metric, name in sorted({*COLUMNS.values(), *EXTRA}):
        if name in results.get(metric, {}).get("values", {}):
            found = {"value": results[metric]["values"][name], **results[metric]["reference"][name]}
            values[f"{metric} {name}"] = {
                key: round(part, 5) if isinstance(part, float) else part
                for key, part in found.items()
                if key in ("value", "unit", "floor", "ceiling", "low", "high", "n", "better")
            }
    return {
        "data": settings["data"],
        "model": settings["model"],
        "settings": {key: value for key, value in settings.items() if key not in _NO_TRAIT},
        "seed": settings["seed"],
        "epochs": epochs[-1]["epoch"],
        "seconds": round(sum(epoch["seconds"] for epoch in epochs), 1),
        "machine": machine(environment),
        "values": values,
    }


_NO_TRAIT = ("data", "model", *NO_TRAIT)
"""Settings that tell no row from another: names that stand beside them, and how a machine did the same steps."""


def _key(run: dict[str, Any]) -> tuple[Any, ...]:
    return (run["data"], run["model"], json.dumps(run["settings"], sort_keys=True), run["seed"])


def table(data: str, columns: Iterable[str] = tuple(COLUMNS)) -> str:
    """The rows of a data set as Markdown: mean over seeds, and its 95 % interval where there are three."""
    runs = [run for run in kept() if run["data"] == data]
    rows: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for run in runs:
        rows.setdefault(_key(run)[:3], []).append(run)
    sample: dict[str, dict[str, Any]] = {}  # heading to a value of its kind: unit, arrow and reference points
    for column in columns:
        place = " ".join(COLUMNS[column])
        found = [run["values"][place] for run in runs if place in run["values"]]
        if found:
            sample[column] = found[0]
    heads = [f"{column} {ARROWS[one.get('better', '')]}".strip() for column, one in sample.items()]
    lines = [["model", "seeds", *heads], ["---"] * (len(heads) + 2)]
    for end, words in (("floor", "*chance*"), ("ceiling", "*ceiling*")):
        lines.append([words, "", *[_number(one.get(end), one) for one in sample.values()]])
    for alike in sorted(rows.values(), key=lambda runs: (_ORDER.index(runs[0]["model"]), _label(runs[0]))):
        cells = [_cell([run["values"].get(" ".join(COLUMNS[column])) for run in alike]) for column in sample]
        lines.append([_label(alike[0]), str(len(alike)), *cells])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


_ORDER = ("vae", "mlvae", "gvae", "ada-gvae", "ada-mlvae", "cycle-vae", "adversarial-vae", "lord-lite", "gmvae")


def _label(run: dict[str, Any]) -> str:
    """The model, and what its leak penalty is where it has one."""
    options = run["settings"]["options"]
    label = f"`{run['model']}`"
    if options.get("leak"):
        label += f", leak {options['leak']:g} ({options['leak_kind']}"
        label += f", rising for {options['leak_warmup']:g} of the training)"
    if options.get("style_variance", "per_image") != "per_image":
        label += f", {options['style_variance']} style variance"
    return label


def _cell(found: list[dict[str, Any] | None]) -> str:
    known = [one for one in found if one is not None]
    if len(known) < len(found):
        return "–"
    mean = mean_value([Value(**one) for one in known])
    ends = f" ({_number(mean.low, known[0])} to {_number(mean.high, known[0])})" if len(known) >= T_RUNS else ""
    return _number(mean.value, known[0]) + ends


def _number(value: float | None, of: dict[str, Any]) -> str:
    if value is None:
        return ""
    return f"{value:.3f}" if of["unit"] in ("accuracy", "normalised accuracy or R^2", "nats") else f"{value:.1f}"


def pages() -> dict[Path, str]:
    """The pages with their tables made anew."""
    found = {}
    for page in (ROOT / "docs" / "models.md", ROOT / "README.md"):
        text = page.read_text(encoding="utf-8")
        for mark, data, short in re.findall(r"(<!-- models of (\w+)( in short)? -->)", text):
            before, _, rest = text.partition(mark)
            after = rest.partition("<!-- end -->")[2]
            text = f"{before}{mark}\n{table(data, SHORT if short else tuple(COLUMNS))}\n<!-- end -->{after}"
        found[page] = text
    return found


if __name__ == "__main__":
    if sys.argv[1:2] == ["keep"]:
        keep(Path(name) for name in sys.argv[2:])
    elif sys.argv[1:] == ["write"]:
        for page, text in pages().items():
            page.write_text(text, encoding="utf-8")
    else:
        sys.exit(__doc__)
