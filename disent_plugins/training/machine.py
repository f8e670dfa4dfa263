"""The machine and the versions that a run was made with."""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from disent_plugins.version import __version__

if TYPE_CHECKING:  # what only reads run folders loads no torch
    import torch

_LIBRARIES = ("torch", "numpy", "scikit-learn", "h5py", "pluggy", "matplotlib", "pillow")


def processor(system: Path = Path("/proc/cpuinfo")) -> str:
    """The CPU's name, or only what kind it is where the system does not tell more."""
    lines = system.read_text().splitlines() if system.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


def environment(device: torch.device | None = None, processes: int = 1) -> dict[str, Any]:
    """Versions and machine, for the record of a run and for ``disent doctor``."""
    import torch

    libraries = {}
    for library in _LIBRARIES:
        try:
            libraries[library] = version(library)
        except PackageNotFoundError:
            libraries[library] = "missing"
    libraries["torch"] = str(torch.__version__)  # with its build, which the metadata may leave out
    return {
        "disent-plugins": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": processor(),
        "cpus": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "processes": processes,
        "device": str(device) if device is not None else None,
        "gpu": torch.cuda.get_device_name(device) if device is not None and device.type == "cuda" else None,
        "command": sys.argv,
        "libraries": libraries,
    }
