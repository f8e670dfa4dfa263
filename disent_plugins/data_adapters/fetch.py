"""Downloads: mirrors in order, hash checked, whole or absent; and clear words where a download is impossible."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from disent_plugins.contracts import Report
from disent_plugins.data_adapters.adapter import RawFile
from disent_plugins.data_adapters.cache import quiet
from disent_plugins.errors import DataMissing
from disent_plugins.files import digest, read_json, replacing, write_json

PINS = "pins.json"
"""Beside the raw files: name to hash of first downloads whose publisher gives no hash."""

_TIMEOUT = 30  # seconds without an answer


class _Refused(Exception):
    """A mirror failed, or sent something else; the message says how."""


def fetch(name: str, files: Sequence[RawFile], folder: Path, report: Report = quiet) -> Path:
    """Make sure that ``folder`` holds every raw file of data set ``name``, intact.

    A file whose hash is wrong is downloaded again from the start. A file without URL has to be put there by a
    person; an archive also counts as present if a folder of its name stands there, unpacked.

    Returns:
        ``folder``.

    Raises:
        DataMissing: A file cannot be had: offline, no mirror answers, or what they send has another hash.
        WorkFailed: The disk is full.
    """
    require_by_hand(name, files, folder)
    for file in files:
        if file.urls:
            _ensure(name, file, folder / file.name, report)
    return folder


def require_by_hand(name: str, files: Sequence[RawFile], folder: Path) -> None:
    """Check that the files without URL are in ``folder``.

    Raises:
        DataMissing: Some are not: says which files a person has to get, where, and where to put them.
    """
    needed = [file for file in files if not file.urls]
    missing = [
        f.name for f in needed if not (folder / f.name).is_file() and not (folder / f.name).with_suffix("").is_dir()
    ]
    if not missing:
        return
    steps = [f"  {f.name}: {f.obtain}" + (f" ({f.hash.replace(':', ' ')})" if f.hash else "") for f in needed]
    raise DataMissing(
        f"Data set '{name}' has to be fetched by hand: there is no {' and no '.join(missing)} in {folder}.",
        "Its terms do not allow a direct download. The files are:\n" + "\n".join(steps),
        f"Put them into {folder} and run: disent data prepare {name}; "
        f"or, if they lie elsewhere: disent data prepare {name} --source DIR",
    )


def _ensure(name: str, file: RawFile, target: Path, report: Report) -> None:
    wanted = file.hash or _pins(target.parent).get(file.name, "")
    fault = _fault(target, wanted) if target.is_file() else "there is no such file"
    if fault:
        _download(name, file, target, wanted, [f"{target}: {fault}"], report)


def pin(files: Sequence[RawFile], folder: Path) -> None:
    """Keep the hashes of files whose publisher gives none, so that a later download has to be the same.

    To be called once the files were read without error: what a captive portal sends is not to be pinned.
    """
    pins = _pins(folder)
    found = {f.name: "sha256:" + digest(folder / f.name) for f in files if f.urls and not f.hash and f.name not in pins}
    if found:
        write_json(folder / PINS, pins | found)


def _pins(folder: Path) -> dict[str, str]:
    return dict(read_json(folder / PINS)) if (folder / PINS).is_file() else {}


def _download(name: str, file: RawFile, target: Path, wanted: str, failures: list[str], report: Report) -> None:
    if os.environ.get("DISENT_OFFLINE", "") not in ("", "0"):
        raise _unavailable(name, file, target, wanted, [*failures, "no download: DISENT_OFFLINE is set"])
    for leftover in target.parent.glob(f".{target.name}.*.partial"):
        leftover.unlink(missing_ok=True)
    for url in file.urls:
        try:
            with replacing(target) as partial:
                _stream(url, partial, f"downloading {file.name}", report)
                if fault := _fault(partial, wanted):
                    raise _Refused(fault)
            return
        except _Refused as refusal:
            failures.append(f"{url}: {refusal}")
    raise _unavailable(name, file, target, wanted, failures)


class _Progress:
    """What pooch takes for a progress bar, passing on to a ``Report``; it also remembers the announced size."""

    def __init__(self, what: str, report: Report) -> None:
        self.what, self.report = what, report
        self.total = self.done = 0

    def update(self, count: int) -> None:
        self.done = min(self.done + count, self.total) if self.total else self.done + count
        self.report(self.done, self.total, self.what)

    def reset(self) -> None:
        self.done = 0

    def close(self) -> None:
        pass


def _stream(url: str, partial: Path, what: str, report: Report) -> None:
    import pooch
    import requests

    progress = _Progress(what, report)
    # Compressed transfer would make the announced size meaningless.
    headers = {"Accept-Encoding": "identity"}
    download = pooch.HTTPDownloader(progressbar=progress, chunk_size=1 << 18, timeout=_TIMEOUT, headers=headers)
    try:
        download(url, str(partial), None)
    except requests.RequestException as error:
        raise _Refused(f"{type(error).__name__}: {error}") from error
    if progress.total not in (0, partial.stat().st_size):
        raise _Refused(f"the download broke off after {partial.stat().st_size} of {progress.total} bytes")


def _fault(path: Path, wanted: str) -> str:
    """What is wrong with a file's hash, empty if nothing is."""
    algorithm, _, expected = wanted.partition(":")
    found = digest(path, algorithm) if expected else ""
    return f"its {algorithm} is {found}, expected {expected}: truncated or another file" if found != expected else ""


def _unavailable(name: str, file: RawFile, target: Path, wanted: str, failures: list[str]) -> DataMissing:
    facts = [
        "It is not cached and cannot be downloaded:",
        *(f"  {failure}" for failure in failures),
        "URL: " + " or ".join(file.urls),
        "Hash: " + (wanted or "none published"),
        f"Target: {target}",
    ]
    if wanted and not file.hash:
        facts.append(
            f"The hash is that of the first download, kept in {target.parent / PINS}; remove it to accept a new one."
        )
    return DataMissing(
        f"Data set '{name}' needs {file.name}.",
        "\n".join(facts),
        f"Go online and try again, put the file at its target, or name a folder that holds it: "
        f"disent data prepare {name} --source DIR",
    )
