"""Files are whole or absent, and what goes wrong while writing them is said in words."""

from __future__ import annotations

import errno
import hashlib
import os
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from disent_plugins.errors import UsageError, WorkFailed
from disent_plugins.files import (
    append_line,
    clear_disk_errors,
    digest,
    read_bytes,
    read_json,
    remove_leftovers,
    replacing,
    require_regular,
    require_space,
    write_json,
    write_text,
)


def test_a_file_replaces_the_one_before_and_nothing_else_remains(tmp_path):
    path = tmp_path / "deep" / "er" / "value.json"
    write_json(path, {"a": [1, None, "ü"]})
    write_json(path, {"a": 2})
    assert read_json(path) == {"a": 2}
    assert path.read_bytes().endswith(b"\n")
    assert os.listdir(path.parent) == ["value.json"]


def test_a_failure_leaves_the_old_file_and_no_rest(tmp_path):
    path = tmp_path / "file"
    write_text(path, "old")

    def half() -> None:
        with replacing(path) as temporary:
            temporary.write_text("half")
            assert path.read_text() == "old", "the file is not touched before the new one is whole"
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        half()
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["file"]


def test_a_process_killed_while_writing_leaves_the_old_file(tmp_path):
    path = tmp_path / "file"
    write_text(path, "old")
    program = (
        "import os, pathlib, signal, sys\n"
        "from disent_plugins.files import replacing\n"
        "with replacing(pathlib.Path(sys.argv[1])) as temporary:\n"
        "    temporary.write_text('half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run([sys.executable, "-c", program, str(path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert path.read_text() == "old"


def test_files_are_as_readable_as_the_umask_says(tmp_path):
    before = os.umask(0o027)
    try:
        write_text(tmp_path / "file", "x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o640


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_that_json_does_not_have_are_refused(tmp_path, value):
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "file", {"a": value})
    assert os.listdir(tmp_path) == []


def test_unreadable_json_is_said_in_words(tmp_path):
    with pytest.raises(UsageError, match="is missing"):
        read_json(tmp_path / "none.json")
    (tmp_path / "bad.json").write_text("{")
    with pytest.raises(UsageError, match="cannot be read"):
        read_json(tmp_path / "bad.json")
    (tmp_path / "latin.json").write_bytes(b'"\xff"')
    with pytest.raises(UsageError, match="cannot be read"):
        read_json(tmp_path / "latin.json")


def test_digest_is_that_of_the_bytes(tmp_path):
    content = os.urandom(3_000_000)
    (tmp_path / "file").write_bytes(content)
    assert digest(tmp_path / "file") == hashlib.sha256(content).hexdigest()
    assert digest(tmp_path / "file", "md5") == hashlib.md5(content).hexdigest()


@pytest.mark.parametrize("read", [digest, read_bytes, read_json, require_regular])
@pytest.mark.parametrize("kind", ["a named pipe", "a device", "a folder", "a socket"])
def test_only_files_are_opened(tmp_path, monkeypatch, read, kind):
    """A named pipe would be waited for, and a device would never end."""
    monkeypatch.chdir(tmp_path)
    path = Path("/dev/zero" if kind == "a device" else "it")
    with socket.socket(socket.AF_UNIX) as server:
        make = {"a named pipe": os.mkfifo, "a folder": os.mkdir, "a socket": lambda path: server.bind(str(path))}
        make.get(kind, lambda path: None)(path)
        with pytest.raises((OSError, UsageError), match=f"it is {kind}, not a file"):
            read(path)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_work_failed_with_advice(tmp_path, number):
    with pytest.raises(WorkFailed, match="The disk is full") as caught, clear_disk_errors(tmp_path / "file"):
        raise OSError(number, os.strerror(number))
    assert str(tmp_path) in caught.value.hint


def test_a_full_disk_is_recognised_in_the_words_of_hdf5(tmp_path):
    with pytest.raises(WorkFailed, match="The disk is full"), clear_disk_errors(tmp_path / "file"):
        raise OSError("Can't write data (errno = 28, error message = 'No space left on device')")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="only Linux has a device that is always full")
def test_a_full_device_really_raises_it(tmp_path):
    with (
        pytest.raises(WorkFailed, match="The disk is full"),
        clear_disk_errors(tmp_path / "file"),
        open("/dev/full", "w") as file,
    ):
        file.write("x" * 100_000)


def test_a_place_that_cannot_be_written_to_is_a_usage_error(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(UsageError, match="Cannot write"):
        write_text(tmp_path / "file" / "below", "x")
    with pytest.raises(UsageError, match="Read-only"), clear_disk_errors(tmp_path):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))


def test_other_errors_pass_through(tmp_path):
    with pytest.raises(OSError, match="Input/output") as caught, clear_disk_errors(tmp_path):
        raise OSError(errno.EIO, os.strerror(errno.EIO))
    assert caught.value.errno == errno.EIO


@pytest.mark.parametrize("kind", ["link", "dangling link", "pipe", "folder"])
def test_lines_are_appended_to_a_plain_file_only(tmp_path, kind):
    path, target = tmp_path / "log", tmp_path / "mine"
    append_line(path, "ä")
    append_line(path, "b")
    assert path.read_text(encoding="utf-8") == "ä\nb\n"
    path.unlink()
    if kind == "link":
        target.write_text("mine")
    if "link" in kind:
        path.symlink_to(target)
    else:
        (os.mkfifo if kind == "pipe" else os.mkdir)(path)
    with pytest.raises(UsageError, match="Cannot write"):
        append_line(path, "c")
    assert not target.exists() or target.read_text() == "mine"


def test_what_somebody_is_still_writing_is_no_leftover(tmp_path):
    for name in (".a.x1.partial", ".b.x2.partial", ".mine.partial"):
        (tmp_path / name).touch()
    with replacing(tmp_path / "b") as temporary:
        temporary.write_text("half")
        assert sorted(os.listdir(tmp_path)) == sorted([".a.x1.partial", ".mine.partial", temporary.name])
        remove_leftovers(tmp_path)
        assert sorted(os.listdir(tmp_path)) == sorted([".mine.partial", temporary.name])
    assert sorted(os.listdir(tmp_path)) == [".mine.partial", "b"]


def test_a_file_that_will_not_fit_is_not_begun(tmp_path):
    require_space(tmp_path / "a", 1)
    with pytest.raises(WorkFailed, match="The disk is full"), clear_disk_errors(tmp_path / "a"):
        require_space(tmp_path / "a", 1 << 60)
