"""Downloads: mirrors in order, hash checked, whole or absent; and clear words where a download is impossible."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from time import monotonic

from disent_plugins.contracts import SUBSET, Report
from disent_plugins.data_adapters.adapter import RawFile
from disent_plugins.data_adapters.cache import quiet
from disent_plugins.errors import DataMissing, DisentError
from disent_plugins.files import digest, read_json, replacing, write_json

PINS = "pins.json"
"""Beside the raw files: name to hash of first downloads whose publisher gives no hash."""

LARGEST = 16 << 30
"""Bytes of a download."""

_TIMEOUT = 30  # seconds without an answer
_PATIENCE, _SLOWEST = 60, 10_000  # seconds that a mirror may take, and one more for every so many bytes
_PIECE = 1 << 18


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
    require_published(name, [file for file in files if not file.urls], folder, report)
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
        "There is no address to download it from. The files are:\n" + "\n".join(steps),
        f"Put them into {folder} and run: disent data prepare {name}; "
        f"or, if they lie elsewhere: disent data prepare {name} --source DIR",
    )


def require_published(name: str, files: Sequence[RawFile], folder: Path, report: Report = quiet) -> None:
    """Check that of the raw files in ``folder``, packed or not, those with a published hash are the published ones.

    Raises:
        DataMissing: One is not: both hashes, and how to use other files.
    """
    for file in files:
        path, wanted, size = folder / file.name, file.hash, file.size
        if file.unpacked and not path.is_file():
            path, wanted, size = path.with_suffix(""), file.unpacked, 0
        if not wanted or not path.is_file():
            continue
        report(0, 0, f"checking {path.name}")
        if fault := _fault(path, wanted, size):
            raise DataMissing(
                f"{path} is not the published file of data set '{name}'.",
                f"{fault[0].upper()}{fault[1:]}.",
                "Get it again from its official source. Other files, or a part of them, have to be asked for by a name "
                f"of your own: disent data prepare {name} --source DIR --set-data {SUBSET}=NAME",
            )


def _ensure(name: str, file: RawFile, target: Path, report: Report) -> None:
    wanted = file.hash or _pins(target.parent).get(file.name, "")
    fault = _fault(target, wanted, file.size) if target.is_file() else "there is no such file"
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


def without_downloads(error: DataMissing, new: Sequence[RawFile], folder: Path) -> DataMissing:
    """Remove first downloads that no hash vouches for and that could not be read; the error says where they were from.

    Args:
        error: The fault of the raw files.
        new: The raw files that were not there before.
        folder: Where they are.
    """
    pins = _pins(folder)
    gone = [file for file in new if file.urls and not file.hash and file.name not in pins]
    for file in gone:
        (folder / file.name).unlink(missing_ok=True)
    facts = [f"{file.name} was downloaded from {' or '.join(file.urls)}, and is removed." for file in gone]
    return DataMissing(error.what, "\n".join([error.why, *facts]), error.hint)


def _pins(folder: Path) -> dict[str, str]:
    path = folder / PINS
    pins = read_json(path) if path.is_file() else {}
    if not isinstance(pins, dict) or not all(isinstance(hash, str) for hash in pins.values()):
        why = "It holds the hashes of first downloads by file name, and this is something else."
        raise DataMissing(f"{path} cannot be used.", why, "Remove it to accept new downloads.")
    return pins


def _download(name: str, file: RawFile, target: Path, wanted: str, failures: list[str], report: Report) -> None:
    if os.environ.get("DISENT_OFFLINE", "") not in ("", "0"):
        raise _unavailable(name, file, target, wanted, [*failures, "no download: DISENT_OFFLINE is set"])
    for leftover in target.parent.glob(f".{target.name}.*.partial"):
        leftover.unlink(missing_ok=True)
    for url in file.urls:
        try:
            with replacing(target) as partial:
                _stream(url, partial, file.size, f"downloading {file.name}", report)
                if fault := _fault(partial, wanted):
                    raise _Refused(fault)
            return
        except _Refused as refusal:
            failures.append(f"{url}: {refusal}")
        except DisentError as error:  # the disk's
            raise type(error)(error.what, f"{error.why}\nIt was being downloaded from {url}", error.hint) from error
    raise _unavailable(name, file, target, wanted, failures)


def _stream(url: str, partial: Path, size: int, what: str, report: Report) -> None:
    """Download to ``partial``: no more than the known or announced size, and no slower than ``_SLOWEST``."""
    import requests

    begun, done = monotonic(), 0
    with _as_refusal():
        # Compressed transfer would make the announced size meaningless.
        response = requests.get(url, stream=True, timeout=_TIMEOUT, headers={"Accept-Encoding": "identity"})
    with response:
        with _as_refusal():
            response.raise_for_status()
            announced = int(response.headers.get("Content-Length") or 0)
        expected = size or announced
        if announced not in (0, expected):
            raise _Refused(f"it announces {announced} bytes, the file has {size}")
        most = min(expected or LARGEST, LARGEST)
        if expected > most:
            raise _Refused(f"it announces {expected} bytes, and more than {LARGEST} are not downloaded")
        # ``read1`` gives what has arrived; ``read``, which older versions have alone, waits for all that it is asked.
        read = getattr(response.raw, "read1", response.raw.read)
        with partial.open("wb") as file:
            while True:
                with _as_refusal():
                    piece = read(_PIECE, decode_content=False)
                if not piece:
                    break
                done += len(piece)
                if done > most:
                    raise _Refused(f"it sends more than {most} bytes")
                if (seconds := monotonic() - begun) > _PATIENCE + done / _SLOWEST:
                    raise _Refused(f"it is too slow: {done} bytes in {seconds:.0f} s")
                file.write(piece)
                report(done, expected, what)
    if done < expected:
        raise _Refused(f"the download broke off after {done} of {expected} bytes")


@contextlib.contextmanager
def _as_refusal() -> Iterator[None]:
    """Whatever goes wrong with an answer is the mirror's fault; the disk's faults are not raised in here."""
    try:
        yield
    except Exception as error:
        raise _Refused(f"{type(error).__name__}: {error}") from error


def _fault(path: Path, wanted: str, size: int = 0) -> str:
    """What is wrong with a file's hash, empty if nothing is; one that is larger than ``size`` is not read."""
    if size and path.stat().st_size > size:
        return f"it has {path.stat().st_size} bytes, expected {size}: another file"
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
