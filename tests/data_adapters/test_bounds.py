"""Archives that claim more than there is: refused by what they claim, before it is read or skipped."""

from __future__ import annotations

import gzip
import os
import tarfile
from pathlib import Path

import pytest
from helpers.data_files import FewCars

from disent_plugins.data_adapters import bounds
from disent_plugins.data_adapters.cars3d import ARCHIVE
from disent_plugins.errors import DataMissing
from disent_plugins.files import read_bytes

CAR = "data/cars/car_001_mesh.mat"
EXABYTES = 8 << 60


def member(name: str, size: int, kind: bytes = tarfile.REGTYPE) -> bytes:
    """A tar header that claims ``size`` bytes, whatever follows."""
    info = tarfile.TarInfo(name)
    info.type, info.size = kind, size
    return info.tobuf(tarfile.GNU_FORMAT)


def record(text: str) -> bytes:
    """An extended header, as pax has it, for the member that follows."""
    content = f"{len(text) + 4} {text}\n".encode()
    return member("extended", len(content), tarfile.XHDTYPE) + content.ljust(512, b"\0")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (member("data/first", EXABYTES), "claims to hold more than 4294967296 bytes"),
        (member(CAR, EXABYTES), "claims to hold more than"),
        (member("data/first", 5 << 30), "claims to hold more than"),
        (member("extended", EXABYTES, tarfile.XHDTYPE), "claims a header of 9223372036854775808 bytes"),
        (member("extended", 1 << 30, tarfile.XGLTYPE), "claims a header of"),
        (member("long", 1 << 30, tarfile.GNUTYPE_LONGNAME), "claims a header of"),
        (member("data/first", -1024), "one of -1024 bytes"),
        (record("size=-99999") + member(CAR, 512) + bytes(512), "one of -99999 bytes"),
        (record("size=9999999999999999") + member(CAR, 512) + bytes(512), "claims to hold more than"),
        (b"", "truncated or damaged"),
        (os.urandom(3000), "truncated or damaged"),
        (member("", 512) + bytes(1024), "incomplete"),
        (record("GNU.sparse.realsize=999999999999") + member(CAR, 512) + bytes(1024), "incomplete"),
    ],
)
def test_a_tar_that_is_not_true(tmp_path, content, why):
    (tmp_path / ARCHIVE).write_bytes(gzip.compress(content))
    with pytest.raises(DataMissing, match=why) as error:
        FewCars().read(tmp_path)
    assert str(tmp_path) in error.value.what


def test_a_tar_bomb_is_not_unpacked(tmp_path, monkeypatch):
    """Members that are really there, all small, and together too many or too large."""
    monkeypatch.setattr(bounds, "UNPACKED", 1 << 20)
    monkeypatch.setattr("disent_plugins.data_adapters.cars3d._MEMBERS", 50)
    (tmp_path / ARCHIVE).write_bytes(gzip.compress((member("data/x", 1 << 16) + bytes(1 << 16)) * 40))
    with pytest.raises(DataMissing, match="claims to hold more than 1048576 bytes"):
        FewCars().read(tmp_path)
    (tmp_path / ARCHIVE).write_bytes(gzip.compress(member("data/x", 0) * 60))
    with pytest.raises(DataMissing, match="more than 50 members"):
        FewCars().read(tmp_path)


def special(folder: Path, kind: str) -> Path:
    path = folder / kind
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "link to a device":
        path.symlink_to("/dev/zero")
    elif kind == "a terabyte":
        path.touch()
        os.truncate(path, 1 << 40)
    return path


@pytest.mark.parametrize("kind", ["fifo", "folder", "link to a device", "a terabyte", "nothing"])
def test_only_files_of_the_expected_size_are_read(tmp_path, kind):
    with pytest.raises(OSError, match=r"not a file|No such file|and more than 1000 are not read"):
        read_bytes(special(tmp_path, kind), 1000)


def test_a_good_file_is_read(tmp_path):
    (tmp_path / "good").write_bytes(b"x" * 1000)
    assert read_bytes(tmp_path / "good", 1000) == b"x" * 1000
