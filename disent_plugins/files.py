"""Files that are whole or absent: written beside their final name, flushed to the disk, then moved into place."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import glob
import hashlib
import json
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from disent_plugins.errors import UsageError, WorkFailed

_FULL = {errno.ENOSPC, errno.EDQUOT}
_REFUSED = {
    errno.EACCES, errno.EPERM, errno.EEXIST, errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EROFS, errno.ENAMETOOLONG,
    errno.ELOOP, errno.ENXIO,
}  # fmt: skip


@contextlib.contextmanager
def clear_disk_errors(path: Path) -> Iterator[None]:
    """Turn "no space left" and "permission denied" while writing ``path`` into errors that say what to do.

    Raises:
        WorkFailed: The disk is full.
        UsageError: The place cannot be written to.
    """
    try:
        yield
    except OSError as error:
        # HDF5 reports the operating system's number only inside its message.
        if error.errno in _FULL or f"errno = {errno.ENOSPC}" in str(error):
            raise WorkFailed(
                f"The disk is full: {path} was not written.",
                "What was there before is unchanged; the unfinished file was removed.",
                f"Free some space on the file system of {path.parent}, or choose another folder, and run it again.",
            ) from error
        if error.errno in _REFUSED:
            raise UsageError(
                f"Cannot write {path}.", f"The system says: {error.strerror}.", "Choose a folder that you may write to."
            ) from error
        raise


@contextlib.contextmanager
def replacing(path: Path, *, locked: bool = True) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; on success fsync it and move it into place, on failure remove it.

    A reader, or a process killed at any moment, sees the old file or the new one, never a part. What killed processes
    left of this file is removed.

    Args:
        path: The file.
        locked: Mark the unfinished file as somebody's for ``remove_leftovers``. HDF5 cannot open a file that is marked.
    """
    with clear_disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        if locked:
            remove_leftovers(path.parent, path.name)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".partial", dir=path.parent)
        temporary = Path(name)
        try:
            if locked:
                _lock(handle)
            yield temporary
            _sync(temporary)
            os.chmod(temporary, 0o666 & ~_umask())
            os.replace(temporary, path)
            _sync(path.parent)
        finally:
            temporary.unlink(missing_ok=True)
            os.close(handle)


def remove_leftovers(folder: Path, name: str | None = None) -> None:
    """Remove what killed processes left unfinished of a file, or of any, in a folder; what is being written stays."""
    for leftover in folder.glob(f".{'*' if name is None else glob.escape(name)}.*.partial"):
        with contextlib.suppress(OSError):  # a folder to read only, or another sweeper was faster
            handle = os.open(leftover, os.O_RDONLY | _PLAIN)
            try:
                if _lock(handle):
                    leftover.unlink()
            finally:
                os.close(handle)


def append_line(path: Path, line: str) -> None:
    """Append a line of text, on the disk when this returns. Nothing is written through a symbolic link or a pipe."""
    with clear_disk_errors(path):
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | _PLAIN, 0o666)
        with os.fdopen(handle, "ab") as file:
            file.write(f"{line}\n".encode())
            file.flush()
            os.fsync(handle)


def require_space(path: Path, size: int) -> None:
    """Refuse to begin a file of ``size`` bytes where there is no room for it.

    For what writes through HDF5, which crashes when the disk is full as it closes a file.

    Raises:
        OSError: No space is left.
    """
    if shutil.disk_usage(path.parent).free < size:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))


def write_text(path: Path, text: str) -> None:
    """Write ``text`` to ``path`` as UTF-8, atomically.

    The half characters of a path that is not Unicode are escaped, in JSON such that they are read back.
    """
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace")


def write_bytes(path: Path, content: bytes | memoryview) -> None:
    """Write ``content`` to ``path``, atomically."""
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` to ``path`` as indented JSON, atomically. NaN and infinity are refused: JSON has neither."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Read JSON from ``path``.

    Raises:
        UsageError: The file is missing or is not JSON, or nested too deeply to be ours.
    """
    try:
        return json.loads(read_bytes(path).decode())
    except FileNotFoundError as error:
        raise UsageError(f"{path} is missing.", "The folder is not a run, or it is incomplete.") from error
    except (ValueError, OSError, RecursionError) as error:
        raise UsageError(f"{path} cannot be read.", f"It is not the JSON that was expected: {error}.") from error


def read_table(path: Path) -> dict[str, Any]:
    """Read a JSON object from ``path``.

    Raises:
        UsageError: The file is missing or holds anything else.
    """
    found = read_json(path)
    if not isinstance(found, dict):
        raise UsageError(f"{path} cannot be read.", f"It holds {type(found).__name__}, not a table by names.")
    return found


def require_regular(path: Path) -> None:
    """Refuse what is no file: opening a named pipe or a device waits for ever, or hands out bytes without end.

    Raises:
        OSError: It is missing, or a folder, named pipe, socket or device. Nothing was opened.
    """
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, f"it is {_KINDS.get(stat.S_IFMT(mode), 'a device')}, not a file", str(path))


_KINDS = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a named pipe", stat.S_IFSOCK: "a socket"}


def read_bytes(path: Path, most: int | None = None) -> bytes:
    """The bytes of a regular file.

    Raises:
        OSError: It is missing, no regular file, has more than ``most`` bytes, or cannot be read.
    """
    require_regular(path)
    if most is not None and (size := path.stat().st_size) > most:
        raise OSError(f"{path} has {size} bytes, and more than {most} are not read")
    return path.read_bytes()


def digest(path: Path, algorithm: str = "sha256") -> str:
    """Hexadecimal digest of a regular file's bytes."""
    require_regular(path)
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


def _lock(handle: int) -> bool:
    """Whether nobody else holds the file; it is then held until its handle is closed, be it by SIGKILL."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


_PLAIN = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
"""Flags with which opening neither follows a link nor waits for the other end of a pipe."""


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
