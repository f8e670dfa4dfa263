"""The page of metrics, made of what every metric says of itself: ``python -m disent_plugins.cli.metric_pages``."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Any

from disent_plugins.options import describe
from disent_plugins.registry.host import Registry
from disent_plugins.registry.specs import MetricSpec

_ORDER = ("leakage", "swap", "blocks", "factors", "quality", "pictures")
_TOP = """# Metrics

Made of the metrics' own words by `python -m disent_plugins.cli.metric_pages > docs/metrics.md`; do not edit.
"""


def pages(registry: Registry) -> str:
    """Markdown on every registered metric that has an ``about``, by group."""
    found: dict[str, list[tuple[MetricSpec, Any]]] = {}
    for spec, plugin in registry.metrics.entries:
        metric = registry.load(spec, plugin)
        if getattr(metric, "about", None) is not None:
            found.setdefault(spec.group, []).append((spec, metric))
    groups = sorted(found, key=lambda group: (_ORDER.index(group) if group in _ORDER else len(_ORDER), group))
    parts = [_TOP, *_contents(groups, found)]
    for group in groups:
        parts.append(f"## Group: {group}")  # its link must not be that of a metric of that name
        parts += [_metric(spec, metric) for spec, metric in found[group]]
    if any(metric.about.expects for group in groups for _, metric in found[group]):
        parts.append(_oracles())
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _contents(groups: Sequence[str], found: dict[str, list[tuple[MetricSpec, Any]]]) -> Iterable[str]:
    lines = [f"- {group}: " + ", ".join(f"[{spec.name}](#{spec.name})" for spec, _ in found[group]) for group in groups]
    return ["\n".join(lines)] if lines else []


def _metric(spec: MetricSpec, metric: Any) -> str:
    about = metric.about
    parts = [f"### {spec.name}", spec.summary, about.definition.strip()]
    facts = {
        "Source": spec.reference,
        "Needs": ", ".join(spec.needs),
        "Range": about.range,
        "Floor": about.floor,
        "Ceiling": about.ceiling,
        "Cost": about.cost,
        "When not to trust it": about.distrust,
    }
    parts.append("\n".join(f"- **{name}:** {text}" for name, text in facts.items() if text))
    rows = [[f"`{one.name}`", f"`{one.default}`", one.accepts, one.doc] for one in describe(metric.Config)]
    parts.append(_table(["option", "default", "takes", "meaning"], rows))
    for name, options in getattr(metric, "presets", {}).items():
        chosen = ", ".join(f"`{key}={value}`" for key, value in options.items())
        parts.append(f"Preset `--as {name}`: {chosen}")
    rows = [
        [f"`{one.case}`", f"`{one.value}`" + (" (normalised)" if one.normalised else ""),
         f"{one.low:.3g} to {one.high:.3g}", one.source]
        for one in about.expects
    ]  # fmt: skip
    parts.append(_table(["oracle", "value", "expected", "because"], rows))
    return "\n\n".join(part for part in parts if part)


def _oracles() -> str:
    from disent_plugins.metrics.oracles.cases import CASES

    rows = [[f"`{case.name}`", case.summary, f"{case.rows:,}", case.source] for case in CASES.values()]
    words = "Representations of known quality. `disent metrics check` measures them; *normalised* values lie between "
    words += "floor (0) and ceiling (1)."
    return "\n\n".join(["## Oracles", words, _table(["oracle", "representation", "rows", "why"], rows)])


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return ""
    lines = [list(head), ["---"] * len(head), *([_cell(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(pages(Registry(third_party=False, strict=True)))
