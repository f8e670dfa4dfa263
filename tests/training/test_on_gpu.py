"""What only a GPU shows: pinned memory, copies beside the training, images that are read ahead."""

from __future__ import annotations

import pytest
import torch
from helpers.run_files import losses, same, state, stop_at
from helpers.training_files import Plugin, begin, with_plugin

from disent_plugins.errors import Interrupted
from disent_plugins.training import session
from disent_plugins.training.checkpoint import Checkpoint, Progress
from disent_plugins.training.folder import RunFolder
from disent_plugins.training.saving import on_host

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")]


@pytest.fixture(autouse=True)
def _cache(cache, monkeypatch):
    monkeypatch.setenv("DISENT_CACHE", str(cache))


def test_a_checkpoint_is_copied_to_pinned_memory_and_does_not_change_with_the_model():
    weight = torch.arange(1000.0, device="cuda").reshape(10, 100).t()
    copied = on_host(Checkpoint({"weight": weight}, Progress())).model["weight"]
    before = weight.cpu()
    weight.zero_()
    assert copied.is_pinned()
    assert copied.stride() == (1, 100)
    assert torch.equal(copied, before)


def test_images_that_are_read_ahead_train_like_those_that_are_resident(tmp_path):
    begin(tmp_path / "resident", epochs=2, device="cuda", graph="on", precision="fp32").fit()
    ready = begin(tmp_path / "ahead", epochs=2, device="cuda", graph="on", precision="fp32")
    ready.trainer.pixels.fit = False
    ready.fit()
    assert [line["total"] for line in losses(tmp_path / "ahead")] == pytest.approx(
        [line["total"] for line in losses(tmp_path / "resident")], rel=1e-4
    )


def test_a_run_that_was_stopped_goes_on_with_what_a_thread_wrote(tmp_path):
    with pytest.raises(Interrupted):
        begin(tmp_path, stop_at(Plugin(), 2, 3), device="cuda", precision="fp32").fit()
    stopped = state(tmp_path)
    assert (stopped.progress.epoch, stopped.progress.step) == (2, 3)
    ready = session.resume(with_plugin(), RunFolder(tmp_path))
    assert same({name: value.cpu() for name, value in ready.trainer.model.state_dict().items()}, stopped.model)
    ready.fit()
    assert [line["epoch"] for line in losses(tmp_path)] == [1, 2, 3]
