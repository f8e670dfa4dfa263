"""Cars3D on small MATLAB files, and on real cars where they are at hand."""

from __future__ import annotations

import hashlib
import io
import shutil
import tarfile
from pathlib import Path

import numpy as np
import pytest
from helpers import data_files
from helpers.data_files import REAL, pixels

from disent_plugins.data_adapters import cars3d
from disent_plugins.data_adapters.cars3d import Cars3d
from disent_plugins.errors import DataMissing


def test_the_held_out_cars_are_the_published_ones():
    shuffled = np.random.RandomState(cars3d.HELD_OUT_SEED).permutation(cars3d.NAMES)
    assert sorted(shuffled[:23]) == list(cars3d.HELD_OUT)
    assert len(cars3d.NAMES) == 183
    assert len(set(cars3d.HELD_OUT)) == 23


@pytest.fixture(scope="module")
def cars() -> dict[str, bytes]:
    return {name: data_files.car_file(im=data_files.car(int(name[4:7]))) for name in data_files.FewCars.names}


def lay_out(folder: Path, cars: dict[str, bytes], layout: str) -> Path:
    if layout != "archive":
        place = folder / layout
        place.mkdir(parents=True, exist_ok=True)
        for name, content in cars.items():
            (place / name).write_bytes(content)
        return folder
    with tarfile.open(folder / cars3d.ARCHIVE, "w:gz") as tar:
        for name in reversed(cars):  # archives are not in the order of names
            add(tar, f"data/cars/{name}", cars[name])
    return folder


def add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))


@pytest.mark.parametrize("layout", [".", "cars", "data/cars", "archive"])
def test_cars_are_read_wherever_they_lie(tmp_path, cars, layout):
    table, images = pixels(data_files.FewCars(), lay_out(tmp_path, cars, layout))
    assert images.shape == (3 * 96, 64, 64, 3)
    elevation, azimuth, model = table.factors.T
    colour = np.stack([np.array([1, 2, 10])[model], azimuth, elevation], axis=1)
    assert (images == colour[:, None, None, :]).all()
    assert (np.diff(model) >= 0).all()
    assert (elevation.reshape(3, 4, 24) == np.arange(4)[:, None]).all()
    assert (table.split == np.where(model == 1, 2, 0)).all()
    whole = hashlib.sha256(b"".join(data_files.car(number).tobytes() for number in (1, 2, 10))).hexdigest()
    assert table.sources["im of all cars"] == "sha256:" + whole
    assert (cars3d.ARCHIVE in table.sources) == (layout == "archive")


def test_cars_other_than_the_published_are_refused(tmp_path, cars):
    adapter = data_files.FewCars()
    adapter.im_digest = "sha256:0"
    with pytest.raises(DataMissing, match="not the published cars"):
        pixels(adapter, lay_out(tmp_path, cars, "cars"))


@pytest.mark.parametrize("layout", ["cars", "archive"])
def test_missing_cars_are_named(tmp_path, cars, layout):
    few = {name: content for name, content in cars.items() if "010" not in name}
    with pytest.raises(DataMissing, match=r"1 of 3 cars are missing: car_010_mesh\.mat"):
        data_files.FewCars().read(lay_out(tmp_path, few, layout))


def test_no_cars_at_all(tmp_path):
    with pytest.raises(DataMissing, match=r"neither nips2015-analogy-data\.tar\.gz nor"):
        Cars3d().read(tmp_path)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"this is no MATLAB file", "not a readable MATLAB file"),
        (data_files.car_file(mask=np.zeros((2, 2))), "no 'im'"),
        (data_files.car_file(im=np.zeros((64, 64, 3, 24, 4), np.uint8)), r"\(64, 64, 3, 24, 4\)"),
        (data_files.car_file(im=np.zeros((128, 128, 3, 24, 4), np.int16)), "int16"),
    ],
)
def test_a_bad_car_is_named(tmp_path, cars, content, why):
    with pytest.raises(DataMissing, match=why) as error:
        pixels(data_files.FewCars(), lay_out(tmp_path, cars | {"car_002_mesh.mat": content}, "cars"))
    assert "car_002_mesh.mat" in error.value.what
    assert "disent data prepare cars3d" in error.value.hint


@pytest.mark.parametrize("name", ["../outside.mat", "/etc/outside.mat", "data/../../outside.mat", "C:\\outside.mat"])
def test_a_member_that_escapes_the_archive_is_refused(tmp_path, cars, name):
    with tarfile.open(tmp_path / cars3d.ARCHIVE, "w:gz") as tar:
        add(tar, name, b"x")
    with pytest.raises(DataMissing, match="outside the archive's own folder"):
        data_files.FewCars().read(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [cars3d.ARCHIVE]


def test_a_car_that_is_a_link_is_not_followed(tmp_path, cars):
    with tarfile.open(tmp_path / cars3d.ARCHIVE, "w:gz") as tar:
        link = tarfile.TarInfo("data/cars/car_001_mesh.mat")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
        tar.addfile(link)
    with pytest.raises(DataMissing, match="3 of 3 cars are missing"):
        data_files.FewCars().read(tmp_path)


def test_a_truncated_archive_is_named(tmp_path, cars):
    archive = lay_out(tmp_path, cars, "archive") / cars3d.ARCHIVE
    archive.write_bytes(archive.read_bytes()[:-500])
    with pytest.raises(DataMissing, match="truncated or damaged") as error:
        data_files.FewCars().read(tmp_path)
    assert str(archive) in error.value.what


@pytest.mark.skipif(not (REAL / "cars3d" / "cars").is_dir(), reason="the real Cars3D files are not at hand")
def test_real_cars(tmp_path):
    for name in data_files.FewCars.names:
        shutil.copy(REAL / "cars3d" / "cars" / name, tmp_path)
    _, images = pixels(data_files.FewCars(), tmp_path)
    corners = images[:, [0, 0, -1, -1], [0, -1, 0, -1]]
    assert corners.min() >= 250  # white background
    assert 0.05 < (images.min(axis=-1) < 200).mean() < 0.5  # a car in the middle
    assert np.abs(np.diff(images.reshape(3, 96, -1).astype(float), axis=0)).mean() > 5  # three different cars
