"""What was run, on what, for how long and where, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from disent_plugins.measuring.kept import KeptRun, finite
from disent_plugins.reports.rows import table, text

_HASH = 12


def title_of(run: KeptRun) -> str:
    """Model, data set and seed."""
    return f"{run.model} on {run.dataset}" + ("" if run.seed is None else f", seed {run.seed}")


def name_of(run: KeptRun) -> str:
    """The name of its folder."""
    return run.path.resolve().name


def facts_of(run: KeptRun) -> Iterator[tuple[str, str]]:
    """Name and words of each thing that a reader asks first."""
    yield "run", name_of(run)
    yield "model", run.model
    yield "data", data_words(run)
    yield "training", training_words(run)
    yield "machine", machine_words(run.environment) or "not recorded"
    yield "versions", ", ".join(_versions(run.environment)) or "not recorded"


def data_words(run: KeptRun) -> str:
    """The data set: name, images, and the beginning of its content hash."""
    record, training = run.data, table(run.data, "training")
    image = table(training, "image")
    parts = [run.dataset, *_options(run.settings, "data_options")]
    if finite(training.get("images")):
        parts.append(f"{training['images']:,} training images in {training.get('groups', '?')} groups")
    if finite(record.get("images")):
        parts.append(f"{record['images']:,} images in all")
    if image:
        parts.append(" x ".join(str(image.get(side, "?")) for side in ("height", "width", "channels")))
    if run.digest:
        parts.append(f"content {run.digest[:_HASH]}")
    return ", ".join(parts)


def training_words(run: KeptRun) -> str:
    """Epochs, batches, seed, time."""
    done = f"{run.done} epochs" if run.done == run.planned else f"{run.done} of {run.planned} epochs"
    batch = run.settings.get("batch_size")
    parts = [done + (f" of batches of {batch}" if batch else ""), duration(run.seconds)]
    if run.seed is not None:
        parts.append(f"seed {run.seed}")
    if precision := text(table(run.environment, "precision"), "used"):
        parts.append(precision)
    return ", ".join(parts)


def duration(seconds: float) -> str:
    """Seconds in words.

    >>> duration(0.0), duration(12.3), duration(200), duration(7300)
    ('no time recorded', '12.3 s', '3 min 20 s', '2 h 2 min')
    """
    if seconds <= 0:
        return "no time recorded"
    if seconds < 60:
        return f"{seconds:.1f} s"
    whole, minutes = round(seconds), round(seconds / 60)
    return f"{whole // 60} min {whole % 60} s" if whole < 3600 else f"{minutes // 60} h {minutes % 60} min"


def machine_words(environment: Mapping[str, Any]) -> str:
    """GPU or CPU, cores, processes and system."""
    device = text(environment, "gpu") or text(environment, "device")
    parts = [device] if device else []
    for name, word in (("cpus", "CPU cores"), ("threads", "threads"), ("processes", "processes")):
        count = environment.get(name)
        if finite(count) and not (name == "processes" and count == 1):
            parts.append(f"{count} {word if count != 1 else word.removesuffix('es' if name == 'processes' else 's')}")
    return ", ".join([*parts, *filter(None, [text(environment, "platform")])])


def settings_of(run: KeptRun) -> Iterator[tuple[str, str]]:
    """Every setting, options with their table's name before them."""
    for name, value in run.settings.items():
        if isinstance(value, Mapping):
            yield from ((f"{name}.{key}", shown(part)) for key, part in value.items())
        else:
            yield name, shown(value)


def machine_of(run: KeptRun) -> Iterator[tuple[str, str]]:
    """What was recorded of the machine and the libraries, but for the command line, which names folders."""
    for name, value in run.environment.items():
        if isinstance(value, Mapping):
            yield from ((f"{name}.{key}", shown(part)) for key, part in value.items())
        elif name != "command":
            yield name, shown(value)


def shown(value: Any) -> str:
    """A setting as it is written."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return ", ".join(map(shown, value)) or "none"
    return str(value)


def _options(settings: Mapping[str, Any], name: str) -> list[str]:
    return [f"{key}={shown(value)}" for key, value in table(settings, name).items()]


def _versions(environment: Mapping[str, Any]) -> Iterator[str]:
    if own := text(environment, "disent-plugins"):
        yield f"disent-plugins {own}"
    if python := text(environment, "python"):
        yield f"Python {python}"
    if torch := text(table(environment, "libraries"), "torch"):
        yield f"torch {torch}"
