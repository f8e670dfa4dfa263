from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from metric_files import codes

from disent_plugins.errors import UsageError
from disent_plugins.metrics.codes_file import make_codes, read_codes, write_codes

N = 20


def arrays(**changes):
    generator = np.random.default_rng(0)
    good = {
        "content": generator.normal(size=(N, 3)),
        "style": generator.normal(size=(N, 2)),
        "labels": np.arange(N) % 2,
    }
    return {name: value for name, value in (good | changes).items() if value is not None}


def saved(path: Path, **changes) -> Path:
    np.savez(path, **arrays(**changes))
    return path


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
        assert file.attrs["format_version"] == 1
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


def with_hole(value: float) -> np.ndarray:
    content = np.eye(N, 3)
    content[4, 1] = value
    return content


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


WHOLE = {"content": None, "style": None, "codes": np.random.default_rng(3).normal(size=(N, 6))}


def with_codes(codes: np.ndarray) -> dict:
    return {**WHOLE, "codes": codes}


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


# Rounding to 32-bit floats


@pytest.mark.parametrize(
    ("content", "why", "hint"),
    [
        (np.eye(N, 3) + 1e8, "around 1e+08 and differ by about 0.218, and there 32-bit floats lie 8 apart", "mean"),
        (1e-300 * np.eye(N, 3), "differ by about 2.18e-301", "largest size"),
        (with_hole(-1e300), "row 4 holds -1e+300, and they end at 3.4e+38", "largest size"),
    ],
)
def test_an_error_of_rounding_says_what_to_do(content, why: str, hint: str):
    with pytest.raises(UsageError) as caught:
        make_codes(arrays(content=content))
    assert why in caught.value.why
    assert hint in caught.value.hint


def test_what_the_hints_advise_is_accepted():
    far, tiny = np.eye(N, 3) + 1e8, 1e-300 * np.eye(N, 3)
    found = make_codes(arrays(content=far - far.mean(axis=0))).content
    np.testing.assert_allclose(found, np.eye(N, 3) - np.eye(N, 3).mean(axis=0), atol=1e-7)
    found = make_codes(arrays(content=tiny / np.abs(tiny).max(axis=0))).content
    np.testing.assert_array_equal(found, np.eye(N, 3))


def test_the_column_is_that_of_the_array_before_it_is_cut():
    whole = np.random.default_rng(3).normal(size=(N, 6)) + np.array([0, 0, 0, 0, 1e8, 0])
    with pytest.raises(UsageError, match="in 'codes', column 4 "):
        make_codes(arrays(**with_codes(whole)), blocks=("0:2", "2:6"))


@pytest.mark.parametrize(
    "content",
    [
        (np.eye(N, 3) + 1e8).astype(np.float32),  # what was lost before it came here cannot be known
        (np.eye(N, 3) + 1e8).astype(np.float32).astype(np.float64),
        np.eye(N, 3, dtype=np.uint8),
        np.eye(N, 3, dtype=np.int64) * 2**40,
        np.eye(N, 3, dtype=np.float16),
        np.random.default_rng(0).normal(size=(N, 3)) + 100,
        np.random.default_rng(0).normal(size=(N, 3)) * np.where(np.arange(N) == 5, 1e12, 1)[:, None],
        np.random.default_rng(0).normal(size=(N, 3)) * 1e-30,
        np.full((N, 3), 0.1),
        np.full((N, 3), 0.1) + np.random.default_rng(0).integers(3, size=(N, 3)) * 2.0**-56,  # a constant, rounded
    ],
    ids=["float32", "float32 as 64", "bytes", "integers", "float16", "plain", "outlier", "small", "constant", "noise"],
)
def test_codes_that_keep_their_content_are_rounded_as_they_are(content):
    found = make_codes(arrays(content=content)).content
    np.testing.assert_array_equal(found, content.astype(np.float32))
    assert found.dtype == np.float32


def test_log_variances_of_collapsed_dimensions_are_accepted():
    logvar = -0.5 + 1e-9 * np.random.default_rng(0).normal(size=(N, 3))
    assert make_codes(arrays(content_logvar=logvar)).content_logvar.shape == (N, 3)


# What is not there


@pytest.mark.parametrize("kind", ["npz", "h5"])
def test_a_name_that_comes_near_is_pointed_out(kind: str, tmp_path: Path):
    path, given = tmp_path / f"codes.{kind}", arrays(content=None, labels=None)
    given |= {"contents": np.ones((N, 3)), "Label": np.arange(N) % 2, "other": np.ones(3)}
    if kind == "npz":
        np.savez(path, **given)
    else:
        with h5py.File(path, "w") as file:
            for name, value in given.items():
                file[name] = value
    with pytest.raises(UsageError, match="has no array 'content'") as caught:
        read_codes(path)
    assert caught.value.why == "It holds: Label, contents, other, style."
    assert "If 'contents' is meant as 'content', save it under that name." in caught.value.hint
    assert "If 'Label' is meant as 'labels'" in caught.value.hint
    assert "other" not in caught.value.hint


def test_a_group_is_told_from_an_array(tmp_path: Path):
    with h5py.File(tmp_path / "codes.h5", "w") as file:
        file["codes/content"] = np.ones((N, 3))
    with pytest.raises(UsageError, match=r"has no array 'codes'\.\nIt holds: codes/\."):
        read_codes(tmp_path / "codes.h5")


def test_the_first_names_of_many_are_shown():
    with pytest.raises(UsageError, match=r"It holds: x00, .*, x11, \.\.\.\."):
        make_codes({f"x{i:02}": np.ones(3) for i in range(20)})


# Labels and shapes


def test_missing_labels_are_counted():
    labels = np.where(np.arange(N) % 7 == 3, np.nan, np.arange(N) % 2)
    with pytest.raises(UsageError) as caught:
        make_codes(arrays(labels=labels))
    assert caught.value.why == "Rows with NaN in place of a value: 3, the first is row 3 (counted from 0)."
    assert "unique" not in caught.value.hint


def test_examples_of_unusable_labels_are_distinct():
    with pytest.raises(UsageError, match=r"it holds 0\.5, 3\.5\."):
        make_codes(arrays(labels=np.array([3.5, 3.5, 3.5, 0.5, 1.0] * 4)))


@pytest.mark.parametrize(
    ("changes", "hint"),
    [
        ({"factors": np.arange(N) % 2}, "A single column is given as factors[:, None], or as labels."),
        ({"content": np.ones(N)}, "A single column is given as content[:, None]."),
        ({"labels": np.ones((N, 2))}, "Several columns are given as factors; a single one as labels[:, 0]."),
    ],
)
def test_another_number_of_dimensions_is_told_with_the_way_out(changes, hint: str):
    with pytest.raises(UsageError) as caught:
        make_codes(arrays(**changes))
    assert caught.value.hint == hint
