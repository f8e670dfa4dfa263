from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from helpers.code_array_files import WHOLE, N, arrays, saved, with_codes, with_hole
from helpers.metric_files import codes

from disent_plugins.errors import UsageError
from disent_plugins.metrics.codes.file import make_codes, read_codes, write_codes


def test_round_trip_keeps_everything(tmp_path: Path):
    path, given = tmp_path / "deep" / "codes.h5", codes(80)
    given.factors[:, 0] += 5  # not compact, as when a limited run misses some values
    write_codes(path, given)
    found = read_codes(path)
    for name in ("content", "style", "content_logvar", "style_logvar", "factors", "split"):
        np.testing.assert_array_equal(getattr(found, name), getattr(given, name))
        assert getattr(found, name).dtype == getattr(given, name).dtype
    assert (found.factor_names, found.content_factor) == (("shape", "angle"), "shape")
    assert found.split_source == "as given"
    assert [item.name for item in path.parent.iterdir()] == ["codes.h5"]


def test_the_file_says_what_it_is(tmp_path: Path):
    write_codes(tmp_path / "codes.h5", codes(80))
    with h5py.File(tmp_path / "codes.h5") as file:
        assert file.attrs["format_version"] == 2
        assert file.attrs["maker"].startswith("disent-plugins ")


def test_a_made_split_is_remembered_through_the_file(tmp_path: Path):
    write_codes(tmp_path / "codes.h5", make_codes(arrays(), seed=3))
    assert read_codes(tmp_path / "codes.h5").split_source.endswith("seed 3")


def test_another_format_version_is_refused(tmp_path: Path):
    write_codes(tmp_path / "codes.h5", codes(80))
    with h5py.File(tmp_path / "codes.h5", "a") as file:
        file.attrs["format_version"] = 99
    with pytest.raises(UsageError, match="format version 99"):
        read_codes(tmp_path / "codes.h5")


def test_arbitrary_whole_numbers_are_compacted(tmp_path: Path):
    labels = np.array([7.0, -3.0, 100.0, 7.0] * 5)
    found = read_codes(saved(tmp_path / "codes.npz", labels=labels))
    assert found.labels.tolist() == [1, 0, 2, 1] * 5
    assert found.factor_names == ("labels",)
    assert found.content.dtype == np.float32
    assert found.content_logvar is None


def test_hdf5_with_factors_and_names(tmp_path: Path):
    factors = np.stack([np.arange(N) % 2, np.arange(N) % 5], axis=1)
    with h5py.File(tmp_path / "any.hdf5", "w") as file:
        for name, value in arrays(labels=None, factors=factors).items():
            file[name] = value
        file["factor_names"] = ["car", "azimuth"]
        file.attrs["content_factor"] = "azimuth"
    found = read_codes(tmp_path / "any.hdf5")
    assert found.factor_names == ("car", "azimuth")
    np.testing.assert_array_equal(found.labels, np.arange(N) % 5)


def test_the_content_factor_defaults_to_labels_then_to_the_first():
    factors = np.stack([np.arange(N) % 4, np.arange(N) % 5], axis=1)
    both = make_codes(arrays(factors=factors))
    assert (both.factor_names, both.content_factor) == (("labels", "factor0", "factor1"), "labels")
    assert make_codes(arrays(labels=None, factors=factors)).content_factor == "factor0"


def test_a_split_of_words_or_numbers():
    words = np.array(["train", "validation", "test", "train"] * 5)
    assert make_codes(arrays(split=words)).split.tolist() == [0, 1, 2, 0] * 5
    assert make_codes(arrays(split=np.array([0, 2] * 10))).split.tolist() == [0, 2] * 10


def test_without_a_split_a_fifth_of_every_class_is_for_testing():
    labels = np.repeat([0, 1, 2], [100, 50, 10])
    given = {"content": np.arange(160.0)[:, None], "style": np.ones((160, 1)), "labels": labels}
    found, again, other = (make_codes(given, seed=seed) for seed in (4, 4, 5))
    assert np.bincount(labels[found.split == 2]).tolist() == [20, 10, 2]
    np.testing.assert_array_equal(found.split, again.split)
    assert (found.split != other.split).any()
    assert found.split_source == "made: 128 rows train, 32 rows test, stratified by 'labels', seed 4"


def test_a_made_split_of_small_classes_says_how_many_rows_it_really_tests():
    given = {"content": np.arange(10.0)[:, None], "style": np.ones((10, 1)), "labels": np.arange(10) // 2}
    assert make_codes(given).split_source.startswith("made: 5 rows train, 5 rows test,")


BAD = {
    "no content": ({"content": None}, "no array 'content'"),
    "no style": ({"style": None}, "no array 'style'"),
    "no labels": ({"labels": None}, "neither 'labels' nor 'factors'"),
    "nan": ({"content": with_hole(np.nan)}, "NaN or infinity in 'content'"),
    "infinity": ({"style": with_hole(np.inf)}, "NaN or infinity in 'style'"),
    "too large for float32": ({"content": with_hole(1e300)}, "in 'content', column 1 (counted from 0), that 32-bit"),
    "log-variance too large for float32": ({"content_logvar": with_hole(-1e300)}, "in 'content_logvar', column 1 "),
    "too small for float32": ({"style": 1e-300 * np.eye(N, 2)}, "in 'style', column 0 (counted from 0), that 32-bit"),
    "far from zero": (
        {"content": np.eye(N, 3) + np.array([0, 0, 1e8])},
        "in 'content', column 2 (counted from 0), that 32-bit",
    ),
    "integers far from zero": ({"style": np.eye(N, 2, dtype=int) + 10**8}, "in 'style', column 0 (counted from 0), "),
    "short style": ({"style": np.ones((N - 1, 2))}, "20 rows in 'content' but 19 in 'style'"),
    "long labels": ({"labels": np.arange(N + 1)}, "21 in 'labels'"),
    "float labels": ({"labels": np.linspace(0, 1, N)}, "no whole numbers"),
    "nan labels": ({"labels": np.where(np.arange(N) % 7 == 3, np.nan, 1)}, "'labels' with missing values"),
    "infinite labels": ({"labels": np.full(N, np.inf)}, "no whole numbers"),
    "text labels": ({"labels": np.array(["a", "b"] * 10)}, "no whole numbers"),
    "one class": ({"labels": np.full(N, 3)}, "one class only"),
    "a class a row": ({"labels": np.arange(N)}, "as many classes as rows"),
    "constant codes": ({"content": np.ones((N, 3)), "style": np.zeros((N, 2))}, "the same codes in every row"),
    "no codes": ({"content": None, "style": None}, "no array 'codes'"),
    "flat content": ({"content": np.ones(N)}, "'content' with 1 dimension,"),
    "square labels": ({"labels": np.ones((N, 2))}, "'labels' with 2 dimensions"),
    "no rows": ({"content": np.ones((0, 3))}, "no rows in 'content'"),
    "no columns": ({"style": np.ones((N, 0))}, "no columns in 'style'"),
    "complex": ({"content": np.ones((N, 3), dtype=complex)}, "'content' of type complex128"),
    "no test rows": ({"split": np.zeros(N, dtype=int)}, "no test rows"),
    "no training rows": ({"split": np.full(N, 2)}, "no train rows"),
    "unknown split number": ({"split": np.array([0, 5] * 10)}, "outside 0, 1, 2"),
    "unknown split word": ({"split": np.array(["train", "tset"] * 10)}, "'tset' in 'split'"),
    "float split": ({"split": np.array([0.5, 1.5] * 10)}, "'split' of type float64"),
    "short split": ({"split": np.array([0, 2])}, "2 in 'split'"),
    "logvar of another shape": ({"content_logvar": np.ones((N, 2))}, "'content_logvar' of shape"),
    "nan logvar": ({"content_logvar": with_hole(np.nan)}, "NaN or infinity in 'content_logvar'"),
    "unknown content factor": ({"content_factor": np.array("label")}, "no factor 'label'"),
    "too few names": ({"factors": np.ones((N, 2)), "factor_names": np.array(["a"])}, "1 'factor_names'"),
    "no name": ({"factors": np.ones((N, 2)), "factor_names": np.array(["a", " "])}, "a factor without a name"),
    "codes twice": ({"codes": np.eye(N, 6)}, "has 'codes' and also 'content' and 'style'"),
    "codes and a block": ({"codes": np.eye(N, 6), "style": None}, "has 'codes' and also 'content'"),
    "name twice": ({"factors": np.ones((N, 1)), "factor_names": np.array(["labels"])}, "factor twice"),
}


BAD |= {
    "nan codes": (with_codes(np.full((N, 6), np.nan)), "NaN or infinity in 'codes'"),
    "constant single codes": (with_codes(np.ones((N, 6))), "the same codes in every row"),
    "flat codes": (with_codes(np.arange(N)), "'codes' with 1 dimension,"),
    "short codes": (with_codes(np.eye(N - 1, 6)), "19 rows in 'codes' but 20 in 'labels'"),
}


@pytest.mark.parametrize("case", BAD)
@pytest.mark.parametrize("kind", ["npz", "h5"])
def test_bad_arrays_are_one_clear_error(case: str, kind: str, tmp_path: Path):
    changes, message = BAD[case]
    path = tmp_path / f"codes.{kind}"
    if kind == "npz":
        saved(path, **changes)
    else:
        with h5py.File(path, "w") as file:
            for name, value in arrays(**changes).items():
                file[name] = value.astype(object) if value.dtype.kind == "U" else value
    with pytest.raises(UsageError) as caught:
        read_codes(path)
    assert message in str(caught.value)
    assert str(path) in caught.value.what
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("kind", ["npz", "h5"])
@pytest.mark.parametrize("blocks", [("0:2", "2:6"), ("2:6", " 0 : 2 "), (slice(0, 2), slice(2, 6))])
def test_one_array_is_cut_into_blocks(kind: str, blocks, tmp_path: Path):
    path, given = tmp_path / f"codes.{kind}", arrays(**WHOLE)
    if kind == "npz":
        np.savez(path, **given)
    else:
        with h5py.File(path, "w") as file:
            for name, value in given.items():
                file[name] = value
    found, codes = read_codes(path, blocks=blocks), given["codes"].astype(np.float32)
    parts = (found.content, found.style) if blocks[0] != "2:6" else (found.style, found.content)
    np.testing.assert_array_equal(parts[0], codes[:, :2])
    np.testing.assert_array_equal(parts[1], codes[:, 2:])


def test_one_array_without_blocks_is_in_one_piece():
    found = make_codes(arrays(**WHOLE))
    assert (found.content.shape, found.style.shape) == ((N, 6), (N, 0))
    assert found.style.dtype == np.float32


def test_blocks_say_that_the_one_array_is_meant():
    both = arrays(codes=WHOLE["codes"])
    assert make_codes(both, blocks=("0:1", "1:6")).content.shape == (N, 1)


@pytest.mark.parametrize(
    ("blocks", "message"),
    [
        (("0:4", "2:6"), r"overlap\.\nBoth hold column 2 "),
        (("0:2", "3:6"), r"a gap\.\nColumn 2 of 6 "),
        (("0:2", "2:5"), r"a gap\.\nColumn 5 of 6 "),
        (("1:2", "2:6"), r"a gap\.\nColumn 0 of 6 "),
        (("0:2", "2:7"), r"style '2:7' runs beyond the columns\.\nThe codes have 6 columns"),
        ((slice(0, 9), slice(2, 6)), "content '0:9' runs beyond"),
        (("0-2", "2:6"), "content '0-2' is not START:STOP"),
        (("0:2", "2:"), "style '2:' is not START:STOP"),
        (("2:2", "2:6"), "content '2:2' is not START:STOP"),
        (("4:0", "4:6"), "content '4:0' is not START:STOP"),
        (("-6:-4", "2:6"), "content '-6:-4' is not START:STOP"),
        ((slice(0, 2, 2), slice(2, 6)), "content '0:2:2' is not START:STOP"),
        ((slice(None, 2), slice(2, 6)), "content 'None:2' is not START:STOP"),
        (("0:2", None), "block style is missing"),
        ((None, "2:6"), "block content is missing"),
        (("0:2", (2, 6)), r"style '\(2, 6\)' is not START:STOP"),
        (("0:2", "2:4", "4:6"), "are not two"),
        ("0:2", "are not two"),
    ],
)
def test_blocks_share_out_the_columns(blocks, message: str):
    with pytest.raises(UsageError, match=message) as caught:
        make_codes(arrays(**WHOLE), blocks=blocks)
    assert caught.value.hint


def test_blocks_need_one_array(tmp_path: Path):
    with pytest.raises(UsageError, match="no array 'codes' to cut into blocks"):
        read_codes(saved(tmp_path / "codes.npz"), blocks=("0:3", "3:5"))


@pytest.mark.parametrize("content", [np.array(["a", "c"]), np.array("a+c"), ["a", "c"], np.array([b"a", b"c"])])
def test_several_factors_are_the_content(content):
    factors = np.stack([np.arange(N) % 2, np.arange(N) % 5, np.arange(N) // 10], axis=1)
    names = np.array(["a", "b", "c"])
    found = make_codes(arrays(labels=None, factors=factors, factor_names=names, content_factor=content))
    assert (found.content_factor, found.style_factors) == ("a+c", ("b",))
    assert found.labels.tolist() == (2 * factors[:, 0] + factors[:, 2]).tolist()


def test_constant_content_beside_a_style_that_varies_is_a_finding_and_no_error():
    assert make_codes(arrays(content=np.ones((N, 3)))).content.shape == (N, 3)


def test_an_unknown_content_factor_gets_a_suggestion():
    with pytest.raises(UsageError, match="Did you mean 'labels'"):
        make_codes(arrays(content_factor="label"))


def test_objects_are_refused_and_never_unpickled(tmp_path: Path):
    class Trap:
        def __reduce__(self):
            return (Path(tmp_path / "sprung").touch, ())

    np.savez(tmp_path / "codes.npz", allow_pickle=True, **arrays(labels=np.array([Trap()] * N, dtype=object)))
    with pytest.raises(UsageError, match="Python objects in 'labels'"):
        read_codes(tmp_path / "codes.npz")
    assert not (tmp_path / "sprung").exists()


def test_other_arrays_in_the_file_do_not_matter(tmp_path: Path):
    np.savez(tmp_path / "codes.npz", allow_pickle=True, extra=np.array([{}], dtype=object), **arrays())
    assert len(read_codes(tmp_path / "codes.npz").content) == N


@pytest.mark.parametrize("content", [b"", b"content,style\n1,2\n", b"\x93NUMPY"])
def test_a_file_of_another_kind(content: bytes, tmp_path: Path):
    path = tmp_path / "codes.npz"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r"neither an \.npz nor an HDF5 file"):
        read_codes(path)


@pytest.mark.parametrize("kind", ["npz", "h5"])
@pytest.mark.parametrize("kept", [0.3, 0.9])
def test_a_file_that_was_cut_off_is_damaged_and_not_of_another_kind(kind: str, kept: float, tmp_path: Path):
    path = tmp_path / f"codes.{kind}"
    if kind == "npz":
        saved(path)
    else:
        write_codes(path, codes(80))
    whole = path.read_bytes()
    path.write_bytes(whole[: int(kept * len(whole))])
    with pytest.raises(UsageError, match=r"cannot be read\.\nIt is damaged or incomplete: ") as caught:
        read_codes(path)
    assert caught.value.hint == "Save or copy it once more."


@pytest.mark.parametrize("kind", ["npz", "h5"])
def test_a_damaged_file(kind: str, tmp_path: Path):
    path = tmp_path / f"codes.{kind}"
    if kind == "npz":
        whole = saved(path).read_bytes()
        damaged = whole[:200] + bytes(100) + whole[300:]
    else:
        write_codes(path, codes(80))
        damaged = path.read_bytes()[:3000]
    path.write_bytes(damaged)
    with pytest.raises(UsageError, match="cannot be read"):
        read_codes(path)


def test_a_missing_file(tmp_path: Path):
    with pytest.raises(UsageError, match="There is no file"):
        read_codes(tmp_path / "nothing.npz")


def test_a_folder_is_no_file(tmp_path: Path):
    (tmp_path / "codes.npz").mkdir()
    with pytest.raises(UsageError, match=r"codes\.npz is a folder\."):
        read_codes(tmp_path / "codes.npz")
