"""Every adapter on small files in the true raw format, and on real files where they are at hand."""

from __future__ import annotations

import gzip
import hashlib
import io
import shutil
import tarfile
import zipfile
from pathlib import Path

import data_files
import numpy as np
import pytest

from disent_plugins.data_adapters import cars3d
from disent_plugins.data_adapters.cars3d import Cars3d
from disent_plugins.data_adapters.celeba import Celeba
from disent_plugins.data_adapters.digits import Digits
from disent_plugins.data_adapters.mnist import Mnist
from disent_plugins.data_adapters.parallel import ordered_map
from disent_plugins.data_adapters.plugin import disent_datasets
from disent_plugins.errors import DataMissing
from disent_plugins.registry.host import Registry

REAL = Path(__file__).parents[2] / "shared" / "data"


def pixels(adapter, source):
    table = adapter.read(source)
    return table, np.concatenate(list(table.slabs))


def test_every_spec_leads_to_an_adapter_of_its_name():
    registry = Registry(third_party=False)
    for spec in disent_datasets():
        adapter = registry.load(*registry.datasets.find(spec.name))()
        assert adapter.info.name == spec.name
        assert set(adapter.info.content.split("+")) <= set(adapter.info.factor_names)
        assert ("distinct_groups" in spec.provides) == adapter.info.groups_are_distinct


# Digits


def test_digits_have_a_stratified_split_and_real_contrast():
    table, images = pixels(Digits(), None)
    assert images.shape == (1797, 32, 32, 1)
    assert images.dtype == np.uint8
    assert [int((table.split == part).sum()) for part in range(3)] == [1297, 200, 300]
    for part, each in ((1, 20), (2, 30)):
        assert np.bincount(table.factors[table.split == part, 0]).tolist() == [each] * 10
    assert images.min() == 0
    assert images.max() == 255


def test_the_split_of_digits_is_the_published_one():
    split = Digits().read(None).split
    assert (
        hashlib.sha256(split.tobytes()).hexdigest()
        == "fee0ecff7ad4d8f9a29210bf06cfcd050715a2e77e57d122708b863fc140646a"
    )


# MNIST


def test_mnist_is_padded_in_original_order(tmp_path):
    raw = data_files.write_mnist(tmp_path)
    table, images = pixels(Mnist(), tmp_path)
    assert images.shape == (16, 32, 32, 1)
    assert (images[:, 2:30, 2:30, 0] == raw).all()
    assert images.sum() == raw.sum(dtype=np.int64)
    assert table.factors[:, 0].tolist() == [*range(10), 0, 1, 2, 3, 4, 5]
    assert table.split.tolist() == [0] * 10 + [1] * 2 + [2] * 4
    assert set(table.sources) == {file.name for file in Mnist.files}


def test_mnist_takes_unpacked_files(tmp_path):
    raw = data_files.write_mnist(tmp_path)
    for path in list(tmp_path.iterdir()):
        path.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
        path.unlink()
    assert (pixels(Mnist(), tmp_path)[1][:, 2:30, 2:30, 0] == raw).all()


IMAGES, LABELS = "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"
GOOD = data_files.idx(np.zeros((12, 28, 28)))


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        (IMAGES, gzip.compress(b"\0\0\x08\x01" + GOOD[4:]), "0x00000801"),
        (IMAGES, gzip.compress(GOOD[:-1]), "12 x 28 x 28 bytes, but 9407 follow"),
        (IMAGES, gzip.compress(GOOD + b"x"), "9409 follow"),
        (IMAGES, gzip.compress(GOOD[:10]), "inside its header"),
        (IMAGES, gzip.compress(b""), "magic"),
        (IMAGES, gzip.compress(GOOD)[:-30], "cannot be read"),
        (IMAGES, b"not gzip at all", "cannot be read"),
        (IMAGES, gzip.compress(data_files.idx(np.zeros((12, 27, 28)))), "27, 28"),
        (LABELS, gzip.compress(data_files.idx(np.zeros(11))), "12 images, 11 labels"),
        (LABELS, gzip.compress(data_files.idx(np.full(12, 10))), "label 10"),
    ],
)
def test_a_bad_idx_file_is_named(tmp_path, name, content, why):
    data_files.write_mnist(tmp_path)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataMissing) as error:
        Mnist().read(tmp_path)
    assert name in str(error.value)
    assert why in str(error.value)
    assert "disent data prepare mnist" in error.value.hint


def test_a_missing_idx_file_is_named(tmp_path):
    data_files.write_mnist(tmp_path)
    (tmp_path / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(DataMissing, match="no t10k-labels-idx1-ubyte"):
        Mnist().read(tmp_path)


@pytest.mark.skipif(not (REAL / "mnist").is_dir(), reason="the real MNIST files are not at hand")
def test_the_real_mnist():
    table = Mnist().read(REAL / "mnist")
    assert table.factors[:10, 0].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert np.bincount(table.split).tolist() == [50_000, 10_000, 10_000]
    assert table.sources == {file.name: file.hash for file in Mnist.files}


# Cars3D


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


# CelebA


@pytest.fixture
def celeba(tmp_path):
    data_files.write_celeba(tmp_path)
    return tmp_path


def to_zip(folder: Path, extra: str = "") -> None:
    with zipfile.ZipFile(folder / "img_align_celeba.zip", "w") as archive:
        archive.mkdir("img_align_celeba")
        for path in sorted((folder / "img_align_celeba").iterdir()):
            archive.write(path, f"img_align_celeba/{path.name}")
        if extra:
            archive.writestr(extra, b"x")
    shutil.rmtree(folder / "img_align_celeba")


@pytest.mark.parametrize("zipped", [False, True])
def test_faces_are_cropped_and_grouped_by_person(celeba, zipped):
    if zipped:
        to_zip(celeba)
    table, images = pixels(Celeba(), celeba)
    assert images.shape == (8, 64, 64, 3)
    assert table.factors[:, 0].tolist() == [0, 0, 0, 2, 2, 1, 3, 3]
    assert table.split.tolist() == list(data_files.PARTITIONS)
    # x = 89 of 19..159 is where the dark half ends: column 32 of 64.
    assert np.abs(images[:, :, :30].mean(axis=(1, 2, 3)) - (40 + np.arange(8))).max() < 2
    assert np.abs(images[:, :, 34:].mean(axis=(1, 2, 3)) - 200).max() < 2
    assert set(table.sources) == {
        "identity_CelebA.txt",
        "list_eval_partition.txt",
        "all JPEGs in the order of the rows",
    }


def test_the_crop_is_the_documented_one(tmp_path):
    from PIL import Image

    from disent_plugins.data_adapters.celeba import shrink

    array = np.zeros((218, 178, 3), np.uint8)
    array[39:179, 19:159] = 255
    file = io.BytesIO()
    Image.fromarray(array).save(file, "JPEG", quality=100, subsampling=0)
    assert shrink(file.getvalue()).min() > 240


def test_what_celeba_needs_is_printed(tmp_path):
    (tmp_path / "identity_CelebA.txt").write_text("000001.jpg 1\n")
    with pytest.raises(DataMissing) as error:
        Celeba().read(tmp_path)
    text = str(error.value)
    for needed in ("img_align_celeba.zip", "identity_CelebA.txt", "list_eval_partition.txt", str(tmp_path), "--source"):
        assert needed in text
    assert "no img_align_celeba.zip and no list_eval_partition.txt" in error.value.what


@pytest.mark.parametrize("zipped", [False, True])
def test_a_missing_face_is_named(celeba, zipped):
    (celeba / "img_align_celeba" / "000005.jpg").unlink()
    if zipped:
        to_zip(celeba)
    with pytest.raises(DataMissing, match=r"1 listed images are missing, the first is 000005\.jpg"):
        pixels(Celeba(), celeba)


@pytest.mark.parametrize(
    "content", [b"", b"no image", data_files.face(1)[:900], data_files.face(1, (178, 200))], ids=len
)
def test_an_unreadable_face_is_named(celeba, content):
    (celeba / "img_align_celeba" / "000005.jpg").write_bytes(content)
    with pytest.raises(DataMissing, match=r"000005\.jpg of CelebA cannot be read"):
        pixels(Celeba(), celeba)


def test_a_member_that_escapes_the_zip_is_refused(celeba):
    to_zip(celeba, extra="../../outside.jpg")
    with pytest.raises(DataMissing, match="outside the archive's own folder"):
        pixels(Celeba(), celeba)


def test_a_truncated_zip_is_named(celeba):
    to_zip(celeba)
    path = celeba / "img_align_celeba.zip"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DataMissing, match=r"img_align_celeba\.zip cannot be read"):
        pixels(Celeba(), celeba)


NAMES = [f"{number:06d}.jpg" for number in range(1, 9)]


@pytest.mark.parametrize(
    ("names", "identities", "partitions", "why"),
    [
        (NAMES, data_files.IDENTITIES, (0, 0, 1, 0, 0, 1, 2, 2), "Identity 7 is in more than one"),
        (NAMES, data_files.IDENTITIES, (0, 0, 0, 0, 0, 1, 2, 3), "partition 3"),
        (["../secret.jpg", *NAMES[1:]], data_files.IDENTITIES, data_files.PARTITIONS, "Line 1 is not"),
        ([NAMES[1], *NAMES[1:]], data_files.IDENTITIES, data_files.PARTITIONS, "Line 2 names 000002.jpg again"),
        (NAMES, ("x", *data_files.IDENTITIES[1:]), data_files.PARTITIONS, "Line 1 is not"),
    ],
)
def test_bad_lists_are_refused(celeba, names, identities, partitions, why):
    data_files.write_lists(celeba, names, identities, partitions)
    with pytest.raises(DataMissing, match=why):
        Celeba().read(celeba)


def test_lists_of_different_images_are_refused(celeba):
    lines = (celeba / "list_eval_partition.txt").read_bytes().splitlines(keepends=True)
    (celeba / "list_eval_partition.txt").write_bytes(b"".join(lines[:-1]))
    with pytest.raises(DataMissing, match=r"Only one of them has 000008\.jpg"):
        Celeba().read(celeba)


# Decoding in parallel


def test_results_come_in_order_and_few_wait():
    started = []

    def work(item):
        started.append(item)
        return item * item

    results = ordered_map(work, iter(range(1000)))
    assert [next(results) for _ in range(3)] == [0, 1, 4]
    assert len(started) < 300
    results.close()
    assert list(ordered_map(lambda item: item, range(50))) == list(range(50))


def test_an_error_comes_in_its_place():
    results = ordered_map(lambda item: 1 // item, [1, 1, 0, 1])
    assert [next(results), next(results)] == [1, 1]
    with pytest.raises(ZeroDivisionError):
        next(results)
