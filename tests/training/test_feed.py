"""Images on their way to a step: read ahead where they do not fit into memory, the same ones in the same order."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch
from helpers.run_files import losses, same, state, stop_at
from helpers.training_files import Plugin, Squares, begin

from disent_plugins.contracts import ImageTable
from disent_plugins.data_adapters.samplers import make_sampler
from disent_plugins.errors import Interrupted
from disent_plugins.training import feed, log
from disent_plugins.training.feed import Feed
from disent_plugins.training.pixels import Pixels

CPU = torch.device("cpu")
N, BATCH = 200, 8


@pytest.fixture
def table() -> ImageTable:
    images = np.random.default_rng(0).integers(0, 256, (N, 16, 16, 1), dtype=np.uint8)
    factors = np.stack([np.arange(N) % 4, np.arange(N) % 2], axis=1)
    return ImageTable(Squares.info, images, factors, np.zeros(N, np.uint8), "")


def batches(table: ImageTable):
    return make_sampler("random", np.arange(N), table.labels, batch_size=BATCH, seed=0).epoch(1)


def readers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("read-ahead")]


def test_images_fit_if_there_is_room_for_them(table):
    size = table.images.nbytes
    assert Pixels(table, CPU, room=size).fit
    assert not Pixels(table, CPU, room=size - 1).fit
    assert Pixels(table, CPU).fit
    assert Pixels(table, CPU).resident is None


@pytest.mark.parametrize("first", [0, 3, 24])
def test_what_is_read_ahead_is_what_is_read_at_once(table, first):
    drawn = batches(table)
    progress = torch.linspace(0, 1, len(drawn.rows))
    whole, ahead = Pixels(table, CPU), Pixels(table, CPU, room=table.images.nbytes - 1)
    seen = 0
    for at_once, before in zip(Feed(whole)(drawn, progress, first), Feed(ahead)(drawn, progress, first), strict=True):
        one, other = at_once.batch(whole), before.batch(ahead)
        row = drawn.rows[first + seen]
        expected = torch.from_numpy(table.images[row]).permute(0, 3, 1, 2).float() / 255
        assert torch.equal(one.images, expected)
        assert torch.equal(other.images, expected)
        for name in ("group", "identity", "partner", "index"):
            assert getattr(one, name).tolist() == getattr(drawn, name)[first + seen].tolist()
        assert one.progress == progress[first + seen]
        seen += 1
    assert seen == len(drawn.rows) - first
    assert readers() == []


def test_a_batch_stays_as_it_is_until_the_next_is_asked_for(table):
    """However far the reader has come: once it rests, it has filled all memory but that of this batch."""
    drawn, source = batches(table), Feed(Pixels(table, CPU, room=0))
    for step, inputs in enumerate(source(drawn, torch.zeros(len(drawn.rows)))):
        for reading in source.ahead:
            reading.result()
        assert torch.equal(inputs.pixels, torch.from_numpy(table.images[drawn.rows[step]]))


def test_training_on_images_that_are_read_ahead_gives_the_same_run(tmp_path, cache, monkeypatch):
    monkeypatch.setenv("DISENT_CACHE", str(cache))
    begin(tmp_path / "at once").fit()
    monkeypatch.setattr("disent_plugins.training.pixels._room", lambda device: 0)
    ready = begin(tmp_path / "ahead")
    assert not ready.trainer.pixels.fit
    ready.fit()
    assert same(state(tmp_path / "at once").model, state(tmp_path / "ahead").model)
    assert losses(tmp_path / "at once") == losses(tmp_path / "ahead")
    with pytest.raises(Interrupted):
        begin(tmp_path / "stopped", stop_at(Plugin(), 1, 2)).fit()
    assert readers() == []


def test_what_goes_wrong_while_reading_is_raised_where_it_is_asked_for(table, monkeypatch):
    def fail(buffer, images, rows):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(feed._Buffer, "filled", fail)
    with pytest.raises(OSError, match="Input/output error"):
        next(Feed(Pixels(table, CPU, room=0))(batches(table), torch.zeros(25)))
    assert readers() == []


class Clock:
    """Seconds that pass in reading alone."""

    def __init__(self) -> None:
        self.now = 0.0

    def perf_counter(self) -> float:
        return self.now


def test_the_wait_is_the_time_in_which_a_step_had_no_images(table, monkeypatch):
    clock = Clock()
    monkeypatch.setattr(feed, "time", clock)
    source = Feed(Pixels(table, CPU))
    inner = source._images

    def slow(rows):
        for found in inner(rows):
            clock.now += 0.25
            yield found

    source._images = slow
    for _ in source(batches(table), torch.zeros(25)):
        clock.now += 1.0  # the step
    assert source.waited == 25 * 0.25


def test_an_epoch_that_waited_says_so():
    line = {"total": 1.0, "seconds": 2.0, "images_per_second": 10.0, "data_wait": 0.051, "learning_rate": 1e-3}
    assert log.epoch_line(1, 2, line) == "epoch 1/2: total 1 (10 images/s, 2.0 s, 5% of it waiting for data)"
    assert log.epoch_line(1, 2, line | {"data_wait": 0.05}) == "epoch 1/2: total 1 (10 images/s, 2.0 s)"
