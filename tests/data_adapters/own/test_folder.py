"""Folders of pictures as data sets: what is read, what is refused, and which cache is whose."""

from __future__ import annotations

import os
import struct
import zlib

import numpy as np
import pytest
from helpers.own_files import class_folders, folder, picture, table
from PIL import Image

from disent_plugins.data_adapters.cache import cache_folder, cache_path
from disent_plugins.data_adapters.own import looking
from disent_plugins.data_adapters.store import prepare
from disent_plugins.errors import DataMissing, DisentError, UsageError


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("DISENT_CACHE", str(tmp_path_factory.mktemp("own-cache")))


def test_class_folders_are_classes(tmp_path):
    made = prepare(folder(class_folders(tmp_path / "pets")))
    assert made.info.name == "folder-pets"
    assert (made.info.content, made.info.factors[0].values) == ("class", ("cat", "dog"))
    assert made.images.shape == (20, 16, 16, 1)
    assert made.images[:, 3, 3, 0].tolist() == [*range(10), *range(100, 110)]
    assert made.labels.tolist() == [0] * 10 + [1] * 10
    for label in (0, 1):
        assert np.bincount(made.split[made.labels == label]).tolist() == [7, 1, 2]
    again = prepare(folder(tmp_path / "pets"))
    assert (again.path, again.digest) == (made.path, made.digest)


def test_splits_may_be_given_by_folders(tmp_path):
    class_folders(tmp_path / "train", each=3)
    class_folders(tmp_path / "val", each=1)
    class_folders(tmp_path / "test", each=2)
    made = prepare(folder(tmp_path))
    assert np.bincount(made.split).tolist() == [6, 2, 4]


def test_what_is_hidden_or_no_picture_is_not_looked_at(tmp_path):
    place = class_folders(tmp_path / "pets")
    for name in (".DS_Store", "cat/.hidden.png", "cat/notes.txt"):
        (place / name).write_text("x")
    (place / ".git").mkdir()
    picture(place / "cat" / "inner" / "deeper.png")
    assert len(folder(place).seen) == 21


def test_links_to_pictures_are_followed_and_to_folders_refused(tmp_path):
    place = class_folders(tmp_path / "pets")
    (place / "cat" / "link.png").symlink_to(picture(tmp_path / "elsewhere.png", 77))
    assert 77 in prepare(folder(place)).images
    (place / "dog" / "round").symlink_to(place)
    with pytest.raises(DataMissing, match="is a link to a folder"):
        folder(place)


def test_a_table_names_pictures_and_factors(tmp_path):
    lines = ["path,label,angle:circular,weight:continuous,split"]
    lines += [f"{n}.png,{'ab'[n % 2]},{n // 2 % 3 * 90 if n else ''},{n / 2 if n else ''},{'train' if n < 8 else 2}"
              for n in range(12)]  # fmt: skip
    place = table(tmp_path / "factors.csv", "\n".join(lines) + "\n")
    for where in (place, tmp_path):
        made = prepare(folder(where))
        label, angle, weight = made.info.factors
        assert made.info.content == "label"
        assert (label.values, angle.kind, angle.values, weight.kind) == (
            ("a", "b"), "circular", ("0", "90", "180"), "continuous",
        )  # fmt: skip
        assert made.factors[:4].tolist()[1:] == [[1, 0, 0.5], [0, 1, 1.0], [1, 1, 1.5]]
        assert made.factors[0, 1] == -1
        assert np.isnan(made.factors[0, 2])
        assert made.split.tolist() == [0] * 8 + [2] * 4
    assert prepare(folder(place, content="label+angle")).info.content == "label+angle"


def test_pictures_of_many_kinds_become_alike(tmp_path):
    place = class_folders(tmp_path, each=5, mode="RGB")
    picture(place / "cat" / "grey.bmp", 30)
    Image.new("RGBA", (16, 16), (0, 0, 0, 0)).save(place / "cat" / "clear.png")
    turned = Image.new("RGB", (16, 16), "black")
    turned.paste("white", (0, 0, 16, 8))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    turned.save(place / "cat" / "phone.jpg", exif=exif, quality=95)
    made = prepare(folder(place))
    names = [path.name for path in folder(place).listing.paths]
    by_name = dict(zip(names, made.images, strict=True))
    assert made.images.shape[1:] == (16, 16, 3)
    assert by_name["grey.bmp"].max() == by_name["grey.bmp"].min() == 30
    assert by_name["clear.png"].min() == 255
    assert by_name["phone.jpg"][:, 0].max() < 10  # the white half, which was above, is on the right
    assert by_name["phone.jpg"][:, -1].min() > 245


def test_pictures_of_several_sizes_are_made_one(tmp_path):
    place = class_folders(tmp_path)
    picture(place / "cat" / "05.png", 5, size=(40, 20))
    with pytest.raises(DataMissing) as error:
        folder(place)
    assert "05.png' has 40 x 20 pixels, and those before it have 16 x 16." in error.value.why
    assert error.value.hint == "Make them of one size with: --set-data size=64"
    assert prepare(folder(place, size=32)).images.shape == (20, 32, 32, 1)


def test_what_decides_a_number_makes_another_cache(tmp_path):
    place = class_folders(tmp_path / "pets")
    first = cache_path(folder(place).info)
    assert cache_path(folder(place, size=32).info) != first
    file = place / "cat" / "00.png"
    status = file.stat()
    before = file.read_bytes()
    picture(file, 1)
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert cache_path(folder(place).info) != first
    file.write_bytes(before)
    assert cache_path(folder(place).info) == first
    file.rename(place / "dog" / "00x.png")
    assert cache_path(folder(place).info) != first
    (place / "dog" / "00x.png").rename(file)
    place.rename(tmp_path / "b")
    (tmp_path / "c").mkdir()
    (tmp_path / "b").rename(tmp_path / "c" / "pets")
    assert cache_path(folder(tmp_path / "c" / "pets").info) == first  # the place does not count


def test_what_was_seen_of_files_is_remembered_until_they_change(tmp_path, monkeypatch):
    place = class_folders(tmp_path)
    looks = []
    real = looking.look
    monkeypatch.setattr(looking, "look", lambda path: looks.append(path.name) or real(path))
    monkeypatch.setattr(looking, "SETTLED", -1e6)  # the files have just been written
    found = folder(place)
    assert len(looks) == 20
    assert folder(place).info == found.info
    assert len(looks) == 20
    picture(place / "cat" / "03.png", 1)
    assert folder(place).info != found.info
    assert looks[20:] == ["03.png"]
    (note,) = (cache_folder() / "seen").iterdir()
    for damage in ("{", "[]", '{"a": [1]}'):
        note.write_text(damage)
        folder(place)
    assert len(looks) == 81


def test_files_that_have_just_changed_are_not_remembered(tmp_path):
    folder(class_folders(tmp_path))
    assert not (cache_folder() / "seen").exists()


def test_a_picture_that_changes_between_look_and_reading_is_refused(tmp_path):
    adapter = folder(class_folders(tmp_path))
    picture(tmp_path / "dog" / "04.png", 1)
    with pytest.raises(DataMissing, match=r"04.png' cannot be read.\nit was changed while"):
        prepare(adapter)
    assert not cache_path(adapter.info).exists()


def huge_png(path, width, height):
    """A PNG of a few bytes that claims that many pixels."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)


def _truncate(place):
    path = place / "cat" / "00.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (16, 16), np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[:150])


def _large(place):
    with (place / "cat" / "00.png").open("wb") as file:
        file.truncate(100 << 20)


BAD = {
    "no picture": (lambda place: (place / "cat" / "00.png").write_text("x"), "cannot identify image file"),
    "cut short": (_truncate, "00.png' cannot be read."),
    "100 MB": (_large, "104857600 bytes, and more than 67108864 are not read"),
    "unpacks to fill the memory": (
        lambda place: huge_png(place / "cat" / "00.png", 8000, 8000), "8,000 x 8,000 pixels, and 50,000,000"),
    "what Pillow calls a bomb": (lambda place: huge_png(place / "cat" / "00.png", 60_000, 60_000), "bomb"),
    "16 bits": (
        lambda place: Image.new("I;16", (16, 16)).save(place / "cat" / "00.png"), "more than 8 bits"),
    "a broken link": (lambda place: (place / "cat" / "a.png").symlink_to("nowhere"), "No such file"),
    "a pipe": (lambda place: os.mkfifo(place / "cat" / "a.png"), "it is a named pipe"),
    "an empty class": (lambda place: (place / "fish").mkdir(), "The class 'fish' has no picture."),
    "pictures beside the classes": (lambda place: picture(place / "a.png"), "'a.png' lies beside the class folders"),
    "a class with a line break": (lambda place: picture(place / "a\nb" / "0.png"), r"It holds 'a\nb'"),
    "a file with a line break": (lambda place: picture(place / "cat" / "a\nb.png"), r"It holds 'a\nb.png'"),
    "two tables": (
        lambda place: [(place / name).write_text("path,class\n") for name in ("a.csv", "b.csv")], "2 CSV files"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_a_folder_that_is_no_data_set_is_one_clear_error(tmp_path, case):
    spoil, words = BAD[case]
    place = class_folders(tmp_path / "pets")
    spoil(place)
    with pytest.raises(DataMissing) as error:
        prepare(folder(place))
    assert words in str(error.value)
    assert error.value.hint


def test_one_image_cannot_be_divided(tmp_path):
    picture(tmp_path / "cat" / "0.png")
    with pytest.raises(DataMissing, match="There is no image to test with among these 1"):
        folder(tmp_path)


def test_a_folder_without_folders_says_what_it_takes(tmp_path):
    picture(tmp_path / "0.png")
    with pytest.raises(DataMissing, match="It holds no folder, only 1 pictures"):
        folder(tmp_path)


BAD_TABLES = {
    "empty": ("", "It is empty."),
    "no line": ("path,class\n", "no line behind the first"),
    "no path": ("file,class\n0.png,a\n", "names 'path' and every factor once"),
    "a factor twice": ("path,a,a:ordered\n0.png,1,2\n", "names 'path' and every factor once"),
    "no factor": ("path,split\n0.png,test\n", "no column beside 'path' and 'split'"),
    "a short line": ("path,class\n0.png,a\n1.png\n", "Line 3 has 1 cells, and the first line 2."),
    "no picture": ("path,class\n0.png,a\nno.png,b\n", "No such file"),
    "a picture twice": ("path,class\n0.png,a\n0.png,b\n", "Lines 2 and 3 name the same picture"),
    "an unknown kind": ("path,a:round\n0.png,1\n", "'a' is of kind 'round'; there are category"),
    "no number": ("path,c,a:continuous\n0.png,1,1\n1.png,1,x\n", "Line 3: 'a' is 'x' in row 2, which is no number"),
    "infinite": ("path,c,a:continuous\n0.png,1,1\n1.png,1,inf\n", "'a' is infinite in row 2"),
    "an unknown split": ("path,class,split\n0.png,a,trian\n", "the split of row 1 is 'trian'"),
    "nothing to test with": ("path,class,split\n0.png,a,train\n1.png,b,train\n", "no image to test with"),
    "no value": ("path,class\n0.png,\n1.png,\n", "'class' has no value in any row"),
    "a quote that does not end": ('path,class\n"0.png,a\n', "cannot be read"),
}


@pytest.mark.parametrize("case", BAD_TABLES)
def test_a_table_that_cannot_be_used_is_one_clear_error(tmp_path, case):
    text, words = BAD_TABLES[case]
    with pytest.raises(DataMissing) as error:
        prepare(folder(table(tmp_path / "a.csv", text)))
    assert words in str(error.value)


def test_a_table_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"path,class\n\xff\xfe")
    with pytest.raises(DataMissing, match="cannot be read"):
        folder(tmp_path / "a.csv")


def test_the_content_is_a_factor_that_is_there(tmp_path):
    class_folders(tmp_path)
    with pytest.raises(UsageError, match=r"no factor 'clas' for the content.\nDid you mean 'class'\?"):
        folder(tmp_path, content="clas")
    place = tmp_path / "listed"
    place.mkdir()
    text = "path,class,weight:continuous\n0.png,a,1\n1.png,a,2\n"
    with pytest.raises(UsageError, match="continuous and cannot be the content"):
        folder(table(place / "a.csv", text), content="weight")


def test_a_place_that_is_not_there_is_refused(tmp_path):
    for place in (tmp_path / "nope", tmp_path / "no.csv"):
        with pytest.raises(DisentError) as error:
            folder(place)
        assert error.value.exit_code == 3
    with pytest.raises(DataMissing, match="control character"):
        folder(tmp_path / "a\nb")
