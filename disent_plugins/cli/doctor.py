"""``disent plugins`` and ``disent doctor``: what is installed, and whether it works."""

from __future__ import annotations

import os
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from disent_plugins.cli import show, state
from disent_plugins.cli.models import Json
from disent_plugins.errors import WorkFailed
from disent_plugins.registry.alone import load_alone
from disent_plugins.registry.host import OURS, disabled_by, from_environment, listed


def plugins(json: Json = False) -> None:
    """List the plugins: what each adds, and why one was skipped."""
    registry = state.registry()
    entries = []
    for plugin in registry.plugins:
        adds = {
            kind: [spec.name for spec, owner in catalogue.entries if owner == plugin]
            for kind, catalogue in (
                ("models", registry.models), ("data", registry.datasets), ("metrics", registry.metrics),
                ("loggers", registry.loggers),
            )
        }  # fmt: skip
        status = "disabled" if plugin.disabled else f"skipped: {plugin.error}" if plugin.error else "active"
        entries.append({"name": plugin.name, "distribution": plugin.distribution, "version": plugin.version,
                        "status": status, **adds})  # fmt: skip
    if json:
        state.print_json(entries)
        return
    rows = [
        [e["name"], f"{e['distribution']} {e['version']}",
         "; ".join(f"{kind}: {', '.join(e[kind])}" for kind in ("models", "data", "metrics", "loggers") if e[kind]),
         e["status"]]
        for e in entries
    ]  # fmt: skip
    show.print_listing(show.table("Plugins", ["name", "from", "adds", "status"], rows))
    state.out.print("\nLeave one out: DISENT_DISABLE_PLUGINS=name disent ...", style="dim")


def doctor(json: Json = False) -> None:
    """Check the installation: versions, devices, cache, plugins."""
    from disent_plugins.data_adapters.cache import cache_folder
    from disent_plugins.training.machine import environment

    facts = environment()
    checks = [
        _check("torch", _torch),
        _check("gpu", _gpu),
        _check("cache folder", lambda: _writable(cache_folder())),
        _check("current folder", lambda: _writable(Path.cwd())),
        _check("plugins", _plugins),
    ]
    healthy = all(check["ok"] for check in checks)
    if json:
        state.print_json({"healthy": healthy, "environment": facts, "checks": checks})
    else:
        versions = [[name, value] for name, value in facts["libraries"].items()]
        head = [
            ["disent-plugins", facts["disent-plugins"]],
            ["python", facts["python"]],
            ["platform", facts["platform"]],
        ]
        state.out.print(show.table("Versions", ["", ""], [*head, *versions]))
        rows = [["ok" if check["ok"] else "PROBLEM", check["name"], check["found"]] for check in checks]
        state.out.print(show.table("\nChecks", ["", "", ""], rows))
    if not healthy:
        bad = ", ".join(check["name"] for check in checks if not check["ok"])
        raise WorkFailed("Something is wrong with this installation.", f"See: {bad}.")


def _check(name: str, look: Any) -> dict[str, Any]:
    try:
        return {"name": name, "ok": True, "found": look()}
    except Exception as error:
        return {"name": name, "ok": False, "found": f"{type(error).__name__}: {error}"}


def _torch() -> str:
    import torch

    ones = torch.ones(64, 64)
    if not torch.equal(ones @ ones, torch.full((64, 64), 64.0)):
        raise RuntimeError("a product of matrices is wrong")
    return f"{torch.__version__} computes, in {torch.get_num_threads()} threads"


def _gpu() -> str:
    import torch

    if not torch.cuda.is_available():
        build = "a CPU build" if torch.version.cuda is None else f"a build for CUDA {torch.version.cuda}"
        return f"none; this torch is {build}; training uses the CPU ({os.cpu_count()} cores)"
    float(torch.ones(8, 8, device="cuda").sum())
    return ", ".join(torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count()))


def _writable(folder: Path) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(b"disent")
        file.flush()
    return f"{folder}, {shutil.disk_usage(folder).free / 1e9:,.1f} GB free"


def _plugins() -> str:
    """Those of others each in a process of its own: one that hangs would keep this one waiting as well."""
    ours = from_environment(os.environ, third_party=False).plugins
    others = [entry for entry in listed(disabled_by(os.environ)) if entry[0].distribution != OURS]
    active = [entry for entry in others if state.third_party and not entry[0].disabled]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        errors = list(pool.map(load_alone, [point for _, point in active]))
    bad = [replace(plugin, error=error) for (plugin, _), error in zip(active, errors, strict=True) if error]
    if bad:
        raise RuntimeError("; ".join(plugin.line for plugin in bad))
    return f"{len(active) + sum(not plugin.disabled for plugin in ours)} active"
