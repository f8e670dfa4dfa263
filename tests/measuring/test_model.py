"""A run on anybody's arrays: encode, decode, swap, measure, and what is kept."""

from __future__ import annotations

import json

import numpy as np
import pandas
import pytest
import torch
from helpers.training_files import begin, with_plugin

from disent_plugins.contracts import frames
from disent_plugins.errors import UsageError
from disent_plugins.measuring import trained
from disent_plugins.training.folder import RunFolder


def test_images_are_encoded_as_the_run_encodes_them(opened):
    codes, images = opened.subject().codes, opened.table.images
    content, style, *logvars = opened.encode(images, logvars=True)
    np.testing.assert_allclose(content, codes.content, atol=1e-5)
    np.testing.assert_allclose(style, codes.style, atol=1e-5)
    np.testing.assert_allclose(logvars, [codes.content_logvar, codes.style_logvar], atol=1e-5)
    for same in (images / 255.0, images[..., 0], torch.from_numpy(images.copy()).permute(0, 3, 1, 2)):
        np.testing.assert_allclose(opened.encode(same)[0], content, atol=1e-5)
    assert opened.sizes == (3, 3)


def test_codes_are_decoded_and_swapped(opened):
    images = opened.table.images[:4]
    (content, style), other = opened.encode(images), opened.table.images[4:8]
    drawn = opened.decode(content, style)
    assert drawn.shape == (4, 16, 16, 1)
    assert (drawn.dtype, drawn.min() >= 0, drawn.max() <= 1) == (np.float32, True, True)
    np.testing.assert_array_equal(drawn, opened.subject().decode(content, style))
    np.testing.assert_array_equal(opened.swap(images, other), opened.decode(content, opened.encode(other)[1]))
    np.testing.assert_array_equal(opened.decode(torch.tensor(content), style.tolist()), drawn)


CODES = np.zeros((4, 3))


@pytest.mark.parametrize(
    ("content", "style", "words"),
    [
        (CODES, CODES[:3], "content has 4 rows, style has 3"),
        (CODES[:, :2], CODES, r"'content' cannot be decoded.\nIt is float64 of shape \(4, 2\), .* \[N, 3\]"),
        (CODES, CODES[0], r"'style' cannot be decoded.\nIt is float64 of shape \(3,\)"),
        (CODES * np.nan, CODES, "'content' cannot be decoded.\nIt holds NaN"),
        (CODES, CODES.astype(str), "'style' cannot be decoded.\nIt is <U"),
        (CODES[:0], CODES[:0], "'content' cannot be decoded."),
    ],
)
def test_codes_of_another_form_are_refused(opened, content, style, words):
    with pytest.raises(UsageError, match=words):
        opened.decode(content, style)


def test_images_of_another_size_or_range_are_refused_wherever_they_come_in(opened):
    images = opened.table.images / 255.0
    for encode in (opened.encode, opened.subject().encode, lambda given: opened.swap(given, given)):
        with pytest.raises(UsageError, match=r"the model takes 16x16 pixels of 1 channel"):
            encode(images[:, 2:-2, 2:-2])
        with pytest.raises(UsageError, match=r"images in 0\.\.255"):
            encode(opened.table.images.astype(np.float32).clip(0, 255) * (255 / opened.table.images.max()))


def test_a_model_in_one_piece_has_nothing_to_swap(tmp_path, cache, monkeypatch):
    monkeypatch.setenv("DISENT_CACHE", str(cache))
    begin(tmp_path / "run", epochs=1).fit()
    run = trained.open_run(with_plugin(), RunFolder(tmp_path / "run"))
    monkeypatch.setattr(type(run), "sizes", (6, 0))
    with pytest.raises(UsageError, match="has not two blocks to swap"):
        run.swap(run.table.images[:2], run.table.images[:2])


def test_a_metric_is_measured_and_kept_as_by_the_command(opened):
    result = opened.measure("dependence", permutations=5)
    kept = json.loads((opened.folder.path / "results.json").read_text())["dependence"]
    assert kept["values"] == {name: value.value for name, value in result.values.items()}
    assert (kept["of"], kept["settings"]["seed"]) == (opened.of, 0)
    table = opened.results
    assert isinstance(table, pandas.DataFrame)
    assert set(table["name"]) == set(result.values)
    assert set(table["weights"]) == {opened.of["weights"]}
    assert {"floor", "ceiling", "low", "high", "n", "estimator"} <= set(table.columns)


def test_without_pandas_results_are_dictionaries(opened, monkeypatch):
    assert len(opened.results) == 0
    result = opened.measure("samples")
    opened.measure("dependence")
    monkeypatch.setattr(trained, "has_pandas", lambda: False)
    monkeypatch.setattr(frames, "has_pandas", lambda: False)
    rows = opened.results
    assert {row["metric"] for row in rows} == {"dependence"}
    assert list(rows[0])[:5] == ["subject", "group", "metric", "preset", "name"]
    with pytest.raises(UsageError, match=r"needs pandas.*\n.*\npip install 'disent-plugins\[pandas\]'"):
        result.to_frame()


def test_results_of_other_weights_are_not_shown(opened):
    opened.measure("dependence")
    opened.of = {**opened.of, "weights": "sha256:other"}
    assert len(opened.results) == 0


def test_with_a_folder_for_pictures_nothing_is_kept(opened, tmp_path):
    result = opened.measure("samples", out=tmp_path / "pictures", seed=3)
    assert all(path.parent == tmp_path / "pictures" for path in result.artifacts.values())
    assert not (opened.folder.path / "results.json").exists()


@pytest.mark.parametrize(
    ("metric", "options", "words"),
    [
        ("dependance", {}, "Did you mean 'dependence'"),
        ("dependence", {"permutation": 3}, "Did you mean 'permutations'"),
        ("dependence", {"preset": "no"}, "has no preset 'no'"),
    ],
)
def test_a_wrong_request_is_refused_before_anything_is_encoded(opened, metric, options, words):
    with pytest.raises(UsageError, match=words):
        opened.measure(metric, **options)
    assert opened.encoded == 0


@pytest.mark.parametrize("change", [lambda found: "text", lambda found: {**found, "values": {"x": float("nan")}}])
def test_results_that_are_no_documents_are_told_and_set_aside_by_the_next(opened, change):
    opened.measure("dependence")
    path = opened.folder.path / "results.json"
    documents = json.loads(path.read_text())
    path.write_text(json.dumps(documents | {"odd": change(documents["dependence"])}))
    with pytest.raises(UsageError, match=r"holds what are no documents of metrics: odd\.\n.*no finite number"):
        opened.results  # noqa: B018
    opened.measure("samples")
    assert set(json.loads(path.read_text())) == {"dependence", "samples"}
    assert len(list((opened.folder.path / "superseded").glob("foreign-*/results.json"))) == 1
    assert len(opened.results) > 0
