"""A run read back: its codes are encoded once and kept, its decoder is its own."""

from __future__ import annotations

import os

import numpy as np
import pytest
import torch

from disent_plugins.errors import WorkFailed
from disent_plugins.metrics.codes.file import read_codes


def test_images_are_encoded_once_and_kept(opened):
    first, second = opened.subject(), opened.subject(seed=5)
    assert opened.encoded == 1
    assert (first.seed, second.seed) == (0, 5)
    assert "run" in first.name
    assert first.out == opened.folder.figures
    for name in ("content", "style", "content_logvar", "style_logvar", "factors", "split"):
        np.testing.assert_array_equal(getattr(first.codes, name), getattr(second.codes, name))
    kept = read_codes(opened.folder.codes)
    assert kept.factor_names == ("place", "grey")
    np.testing.assert_array_equal(kept.labels, opened.table.labels)
    images = opened.pixels.batch(torch.arange(64))
    with torch.no_grad():
        expected = opened.model.encode(images).content.mean
    np.testing.assert_allclose(kept.content, expected, atol=1e-5)


def test_codes_of_another_checkpoint_are_not_reused(opened):
    opened.subject()
    opened.which = "best"
    opened.subject()
    opened.subject()
    assert opened.encoded == 2
    opened.which = "last"
    os.utime(opened.folder.checkpoint("last"), ns=(1, 1))  # as after more training
    opened.subject()
    assert opened.encoded == 3


@pytest.mark.parametrize("name", ["codes.h5", "codes.json"])
def test_damaged_codes_are_encoded_again(opened, name):
    before = opened.subject().codes
    path = opened.folder.path / name
    path.write_bytes(path.read_bytes()[:20])
    np.testing.assert_array_equal(opened.subject().codes.content, before.content)
    assert opened.encoded == 2
    opened.subject()
    assert opened.encoded == 2


def test_the_decoder_and_the_images_of_a_subject_are_those_of_the_run(opened):
    subject = opened.subject()
    images = subject.images(np.array([3, 0]))
    np.testing.assert_allclose(images, opened.table.images[[3, 0]] / np.float32(255), rtol=1e-6)
    drawn = subject.decode(subject.codes.content[:5], subject.codes.style[:5])
    assert drawn.shape == (5, 16, 16, 1)
    assert drawn.min() >= 0
    assert drawn.max() <= 1


def test_an_encoder_that_gives_nan_is_named(opened):
    torch.nn.init.constant_(opened.model.encoder.content_head.weight, float("nan"))
    with pytest.raises(WorkFailed, match="codes that are not finite"):
        opened.subject()
    assert not opened.folder.codes.exists()
