from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from helpers.metric_files import codes, subject
from hypothesis import given, settings
from hypothesis import strategies as st

from disent_plugins.errors import UsageError
from disent_plugins.metrics.content_style.image_classifier import Training, image_classifier
from disent_plugins.metrics.content_style.swap import Swap, SwapConfig, agreement, confusion

QUICK = {"minimum_steps": 60, "bootstrap": 100}


def striped(shape, angle):
    """Images [B, 12, 12, 1] of one bright row that tells the shape and one column that tells the angle, dimmer."""
    images = np.full((len(shape), 12, 12, 1), 0.1, np.float32)
    every = np.arange(len(shape))
    images[every, :, 3 * np.rint(angle).astype(int).clip(0, 2) + 2] = 0.4
    images[every, 3 * np.rint(shape).astype(int).clip(0, 3)] = 0.9
    return images


def model(out, some=None, *, takes="content", **changes):
    """A subject whose codes are its factors; its decoder takes the shape from the block ``takes``."""
    some = codes() if some is None else some
    plain = some.factors.astype(np.float32)
    some = replace(some, content=plain[:, [0]], style=plain)

    def decode(content, style):
        return striped(content[:, 0] if takes == "content" else style[:, 0], style[:, 1])

    whole = replace(subject(out, some), decode=decode, images=lambda rows: striped(*some.factors[rows].T))
    return replace(whole, **changes)


def measured(given, **options):
    return Swap(SwapConfig(**{**QUICK, **options})).measure(given)


def test_a_perfect_model_keeps_the_content(tmp_path):
    result = measured(model(tmp_path))
    values = result.values
    assert values["real"].value > 0.97
    assert values["keeps-content"].value >= 0.97 * values["keeps-content"].ceiling
    assert values["takes-style"].value < 0.03
    assert values["reconstructions"].value == values["real"].value == values["keeps-content"].ceiling
    for value in values.values():
        assert value.low <= value.value <= value.high
        assert value.floor == pytest.approx(0.25, abs=0.02)
    assert result.artifacts["confusion"].read_bytes().startswith(b"\x89PNG")


def test_a_leaking_model_takes_the_style_donors_content(tmp_path):
    values = measured(model(tmp_path, takes="style")).values
    assert values["takes-style"].normalised > 0.97
    assert values["keeps-content"].value < 0.03


def test_a_blind_decoder_scores_chance(tmp_path):
    """Whatever the donors, the decoder shows a random shape."""
    generator = np.random.default_rng(0)

    def decode(content, style):
        return striped(generator.integers(4, size=len(content)), style[:, 1])

    values = measured(model(tmp_path, codes(14_000), decode=decode), max_train=400).values
    for name in ("keeps-content", "takes-style", "reconstructions"):
        assert abs(values[name].normalised) < 0.03


@settings(max_examples=25, deadline=None, derandomize=True)
@given(seed=st.integers(0, 999), n=st.integers(1, 30), classes=st.integers(1, 5))
def test_the_floor_is_the_mean_over_permutations_and_the_matrix_counts(seed, n, classes):
    generator = np.random.default_rng(seed)
    seen, labels = generator.integers(classes, size=(2, n))
    slow = np.mean([[a == b for b in labels] for a in seen])  # every entry meets every other equally often
    assert agreement(seen, labels) == pytest.approx(slow)
    matrix = confusion(labels, seen, np.arange(classes))
    for a in range(classes):
        for b in range(classes):
            of = seen[labels == a]
            np.testing.assert_allclose(matrix[a, b], (of == b).mean() if len(of) else np.nan)


def test_golden_values_and_names_of_classes_do_not_matter():
    labels, seen = np.array([0, 0, 1, 1, 1, 2, 2, 2]), np.array([0, 1, 1, 1, 0, 2, 0, 0])
    assert agreement(seen, labels) == pytest.approx((2 * 4 + 3 * 3 + 3 * 1) / 64)
    matrix = confusion(labels, seen, np.arange(3))
    np.testing.assert_allclose(matrix, [[1 / 2, 1 / 2, 0], [1 / 3, 2 / 3, 0], [2 / 3, 0, 1 / 3]])
    renamed = np.array([7, 4, 5])
    assert agreement(renamed[seen], renamed[labels]) == agreement(seen, labels)
    order = np.argsort(renamed)
    np.testing.assert_array_equal(
        confusion(renamed[labels], renamed[seen], renamed[order]), matrix[np.ix_(order, order)]
    )


def test_training_repeats_and_leaves_the_callers_random_state_alone():
    labels = np.arange(60) % 3
    images = (255 * striped(labels, labels)).astype(np.uint8)
    torch.manual_seed(0)
    wanted = torch.rand(1)
    torch.manual_seed(0)
    made = [image_classifier(images, labels, Training(minimum_steps=5), None, lambda *_: None) for _ in range(2)]
    assert torch.rand(1) == wanted
    first, second = (classifier.network.state_dict() for classifier in made)
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_the_classifier_is_kept_read_back_and_trained_again_when_damaged(tmp_path):
    labels = np.arange(60) % 3 + 5
    images = (255 * striped(labels - 5, labels - 5)).astype(np.uint8)

    def made(images=images, labels=labels, **options):
        return image_classifier(images, labels, Training(**{"minimum_steps": 5, **options}), tmp_path, lambda *_: None)

    first, again = made(), made()
    assert (first.trained, again.trained) == (True, False)
    assert (again.kept, again.digest) == (first.kept, first.digest)
    assert set(again.predict(images)) <= {5, 6, 7}
    whole = first.kept.read_bytes()
    weights = torch.load(first.kept, weights_only=True)
    zeros = {name: torch.zeros_like(value) for name, value in weights["weights"].items()}
    others = []
    for content in (zeros, {**weights, "weights": zeros}, {"weights": {}}, {**weights, "digest": 3}):
        torch.save(content, first.kept)
        others.append(first.kept.read_bytes())
    for damage in (b"", b"no weights", whole[: len(whole) // 2], *others):
        first.kept.write_bytes(damage)
        repaired = made()
        assert repaired.trained
        state = repaired.network.state_dict()
        assert all(torch.equal(value, state[name]) for name, value in first.network.state_dict().items())
    assert not made().trained
    others = [made(seed=1), made(minimum_steps=6), made(labels=labels + 1), made(images=255 - images)]
    assert len({classifier.kept for classifier in [first, *others]}) == 5
    assert not list(tmp_path.glob(".*"))


def test_classes_that_training_lacks_are_learnt_from_half_of_the_test_rows(tmp_path):
    some = codes()
    split = np.where(some.factors[:, 0] < 2, 0, 2).astype(np.uint8)
    result = measured(model(tmp_path, replace(some, split=split)))
    assert "half of the test split" in result.settings["protocol"]
    assert "judges swaps of the other" in result.notes[0]
    assert result.settings["classes"] == 2
    assert result.values["keeps-content"].value > 0.97


def test_same_seed_same_values_kept_or_not(tmp_path):
    kept = model(tmp_path, keep=tmp_path / "kept")
    first, again, fresh = measured(kept), measured(kept), measured(model(tmp_path))
    assert first == again
    assert first.values == fresh.values


def test_a_poor_judge_is_told(tmp_path):
    noise = np.random.default_rng(0).random((600, 12, 12, 1)).astype(np.float32)
    result = measured(model(tmp_path, images=lambda rows: noise[rows]), minimum_steps=5)
    assert "poor judge" in result.notes[-1]


def test_a_decoder_that_loses_the_content_of_its_own_images_is_told(tmp_path):
    some = codes()

    def blurred(content, style):
        """Every third image shows no shape."""
        return striped(np.where(np.arange(len(content)) % 3, content[:, 0], 0), style[:, 1])

    result = measured(model(tmp_path, some, decode=blurred))
    assert result.values["real"].value > 0.97
    shown = f"{result.values['reconstructions'].value:.1%} of the reconstructions"
    assert sum(shown in note for note in result.notes) == 1
    assert not any("of the reconstructions" in note for note in measured(model(tmp_path)).notes)


def test_one_class_or_codes_alone_are_told(tmp_path):
    some = codes()
    one = replace(some, factors=some.factors * np.array([0, 1]))
    with pytest.raises(UsageError, match="cannot be probed"):
        measured(model(tmp_path, one))
    with pytest.raises(UsageError, match="codes only"):
        measured(model(tmp_path, images=None))
