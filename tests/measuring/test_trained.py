"""A run read back: its codes are encoded once and kept, its decoder is its own."""

from __future__ import annotations

import dataclasses
import os
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from helpers.training_files import change_checkpoint, fill, with_plugin

from disent_plugins.errors import UsageError, WorkFailed
from disent_plugins.measuring import trained
from disent_plugins.metrics.codes.file import read_codes, write_codes
from disent_plugins.training import checkpoint
from disent_plugins.training.folder import RunFolder


def test_images_are_encoded_once_and_kept(opened):
    first, second = opened.subject(), opened.subject(seed=5)
    assert opened.encoded == 1
    assert (first.seed, second.seed) == (0, 5)
    assert "run" in first.name
    assert first.out == opened.folder.path / "figures"
    for name in ("content", "style", "content_logvar", "style_logvar", "factors", "split"):
        np.testing.assert_array_equal(getattr(first.codes, name), getattr(second.codes, name))
    kept = read_codes(opened.folder.codes)
    assert kept.factor_names == ("place", "grey")
    np.testing.assert_array_equal(kept.labels, opened.table.labels)
    images = opened.pixels.batch(torch.arange(64))
    with torch.no_grad():
        expected = opened.model.encode(images).content.mean
    np.testing.assert_allclose(kept.content, expected, atol=1e-5)


def test_a_subject_names_its_subset(opened):
    assert "subset" not in opened.subject().name
    opened.table.info = replace(opened.table.info, options={"subset": "first-1000"})
    assert ", subset 'first-1000' (" in opened.subject().name


def test_codes_are_kept_for_their_weights_whatever_becomes_of_the_files(opened, tmp_path):
    opened.subject()
    os.utime(opened.folder.checkpoint("last"), ns=(1, 1))
    moved = shutil.copytree(opened.folder.path, tmp_path / "copy")  # with other times
    trained.open_run(with_plugin(), RunFolder(moved)).subject()
    assert opened.encoded == 1


def test_codes_of_other_weights_are_not_reused(opened):
    path = opened.folder.checkpoint("last")
    change_checkpoint(path)  # what was read and written once is of the same size when it is written again
    before, state = opened.subject(), path.stat()
    change_checkpoint(path, weight=1.0)
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert path.stat().st_size == state.st_size
    after = trained.open_run(with_plugin(), opened.folder).subject()
    assert opened.encoded == 2
    assert not np.array_equal(after.codes.content, before.codes.content)
    assert {name for name in before.of if before.of[name] != after.of[name]} == {"weights"}


def test_a_subject_says_what_exactly_it_is(opened):
    of = opened.subject().of
    assert (of["checkpoint"], of["epoch"], of["step"]) == ("last", 2, 0)
    assert of["data"] == f"sha256:{opened.table.digest}"
    best = trained.open_run(with_plugin(), opened.folder, which="best")
    epoch = checkpoint.load(opened.folder.checkpoint("last")).progress.best_epoch
    assert (best.subject().of["checkpoint"], best.subject().of["epoch"]) == ("best", epoch)
    assert best.subject().out == opened.folder.path / "best" / "figures"


@pytest.mark.parametrize("name", ["codes.h5", "codes.json"])
def test_damaged_codes_are_encoded_again(opened, name):
    before = opened.subject().codes
    path = opened.folder.path / name
    path.write_bytes(path.read_bytes()[:20])
    np.testing.assert_array_equal(opened.subject().codes.content, before.content)
    assert opened.encoded == 2
    opened.subject()
    assert opened.encoded == 2


@pytest.mark.parametrize("change", ["a flipped bit", "another run's"])
def test_codes_that_are_not_those_that_were_kept_are_encoded_again(opened, change):
    before, path = opened.subject().codes, opened.folder.codes
    if change == "a flipped bit":
        whole = bytearray(path.read_bytes())
        whole[whole.index(before.content.tobytes()) + 3] ^= 1
        path.write_bytes(whole)
    else:
        write_codes(path, dataclasses.replace(before, content=before.style, style=before.content))
    np.testing.assert_array_equal(opened.subject().codes.content, before.content)
    assert opened.encoded == 2
    np.testing.assert_array_equal(read_codes(path).content, before.content)


def test_a_run_to_read_only_is_measured(opened, monkeypatch):
    def refused(path, *_):
        raise UsageError(f"Cannot write {path}.")

    monkeypatch.setattr(trained, "write_codes", refused)
    assert len(opened.subject().codes.content) == 64
    assert not opened.folder.codes.exists()


@pytest.mark.parametrize("free", [0, 4096, 8192, 16384])
def test_a_disk_that_is_full_while_codes_are_written_is_told(opened, small_disk, free):
    codes = opened.subject().codes
    (small_disk / "before").write_bytes(b"")
    fill(small_disk, free)
    big = dataclasses.replace(codes, content=np.ones((6000, 3), np.float32))
    with pytest.raises(WorkFailed, match=r"The disk is full: .*codes\.h5 was not written"):
        write_codes(small_disk / "codes.h5", big)
    assert {path.name for path in small_disk.iterdir()} == {"before", "filler"}


@pytest.mark.parametrize("which", ["figures", "best", "best/figures"])
def test_pictures_do_not_leave_the_folder_through_a_link(opened, tmp_path, which):
    (tmp_path / "elsewhere").mkdir()
    place = opened.folder.path / which
    place.parent.mkdir(exist_ok=True)
    place.symlink_to(tmp_path / "elsewhere")
    found = trained.open_run(with_plugin(), opened.folder, which="best" if "best" in which else "last")
    with pytest.raises(UsageError, match=rf"{which} is a link to"):
        found.subject()
    assert not list((tmp_path / "elsewhere").iterdir())


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
