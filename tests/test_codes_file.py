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
    given = {"content": np.ones((160, 1)), "style": np.ones((160, 1)), "labels": labels}
    found, again, other = (make_codes(given, seed=seed) for seed in (4, 4, 5))
    assert np.bincount(labels[found.split == 2]).tolist() == [20, 10, 2]
    np.testing.assert_array_equal(found.split, again.split)
    assert (found.split != other.split).any()
    assert found.split_source == "made: 80 % train, 20 % test, stratified by 'labels', seed 4"


def with_hole(value: float) -> np.ndarray:
    content = np.ones((N, 3))
    content[4, 1] = value
    return content


BAD = {
    "no content": ({"content": None}, "no array 'content'"),
    "no style": ({"style": None}, "no array 'style'"),
    "no labels": ({"labels": None}, "neither 'labels' nor 'factors'"),
    "nan": ({"content": with_hole(np.nan)}, "NaN or infinity in 'content'"),
    "infinity": ({"style": with_hole(np.inf)}, "NaN or infinity in 'style'"),
    "too large for float32": ({"content": with_hole(1e300)}, "NaN or infinity in 'content'"),
    "short style": ({"style": np.ones((N - 1, 2))}, "20 rows in 'content' but 19 in 'style'"),
    "long labels": ({"labels": np.arange(N + 1)}, "21 in 'labels'"),
    "float labels": ({"labels": np.linspace(0, 1, N)}, "no whole numbers"),
    "nan labels": ({"labels": np.full(N, np.nan)}, "no whole numbers"),
    "infinite labels": ({"labels": np.full(N, np.inf)}, "no whole numbers"),
    "text labels": ({"labels": np.array(["a", "b"] * 10)}, "no whole numbers"),
    "one class": ({"labels": np.full(N, 3)}, "one class only"),
    "flat content": ({"content": np.ones(N)}, "'content' with 1 dimensions"),
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
    "name twice": ({"factors": np.ones((N, 1)), "factor_names": np.array(["labels"])}, "factor twice"),
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
    if not (case == "text labels" and kind == "h5"):  # HDF5 keeps texts as objects
        assert message in str(caught.value)
    assert str(path) in caught.value.what
    assert caught.value.exit_code == 2


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


@pytest.mark.parametrize("content", [b"", b"content,style\n1,2\n", b"\x93NUMPY", b"PK\x03\x04 cut off"])
def test_a_file_of_another_kind(content: bytes, tmp_path: Path):
    path = tmp_path / "codes.npz"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r"neither an \.npz nor an HDF5 file"):
        read_codes(path)


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
