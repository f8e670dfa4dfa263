"""What the benchmarks reckon, without their measurements."""

from __future__ import annotations

import pytest
from helpers.scripts import benchmark


@pytest.mark.parametrize(
    ("epochs", "total", "how"),
    [(200, "401.0s", "from 31 epochs"), (10, "21.0s", "measured"), (2, "5.0s", "measured"), (1, "2.0s", "a warm one")],
)
def test_a_recipe_whose_epochs_take_two_seconds(monkeypatch, epochs, total, how):
    gpu, taken = benchmark("gpu"), []

    class Loop:
        epochs, images = 1, 512

        def __init__(self, session, steps):
            pass

    def timed(loop):
        taken.append(loop.epochs)
        return 2.0 * loop.epochs + (len(taken) == 1)  # the first takes a second more

    monkeypatch.setattr(gpu, "make", lambda *given: None)
    monkeypatch.setattr(gpu, "generated", lambda *given: None)
    monkeypatch.setattr(gpu, "Loop", Loop)
    monkeypatch.setattr(gpu, "timed", timed)
    line = gpu.recipe("mnist", 512, epochs, {"device": "cpu"}, 60.0)
    assert line.split()[:4] == ["mnist", "512", "3.00s", "2.00s"]
    assert line.endswith(f"{total}  {how}")
