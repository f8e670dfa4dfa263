"""Two processes with exact group statistics have the loss and the gradients of one with the whole batch."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from helpers import whole_batch_cases as cases
from helpers.command_line import torchrun
from helpers.training_files import begin

from disent_plugins.errors import UsageError

TOLERANCE = 1e-5


@pytest.fixture(scope="module")
def ranks(tmp_path_factory: pytest.TempPathFactory) -> list[dict]:
    """What either process found."""
    folder = tmp_path_factory.mktemp("ranks")
    outcome = torchrun(folder, folder, "helpers/ranks.py", "gradients", folder)
    assert outcome.code == 0, outcome.err
    return [torch.load(folder / f"{rank}.pt") for rank in range(2)]


def differences(found: tuple[dict, list], alone: tuple[dict, list]) -> tuple[float, float]:
    """Relative differences of terms and gradients, the largest of each."""
    terms = [abs(found[0][name] - value) / value.abs().clamp_min(1e-3) for name, value in alone[0].items()]
    largest = max(gradient.norm() for gradient in alone[1])
    pairs = zip(found[1], alone[1], strict=True)
    return float(max(terms)), float(max(difference(one, other, largest) for one, other in pairs))


def difference(one: torch.Tensor, other: torch.Tensor, largest: torch.Tensor) -> torch.Tensor:
    """Of one parameter's gradient; a bias before a batch normalisation has none but rounding in either."""
    if other.norm() < TOLERANCE * largest:
        return one.norm() / largest
    return (one - other).norm() / (other.norm() + 0.01 * largest)


@pytest.mark.parametrize("case", cases.CASES)
def test_exact_statistics_are_those_of_one_process(ranks: list[dict], case: str):
    model, alone = cases.results(case, cases.batches(), exact=False)
    for rank in ranks:
        found = rank["exact", case]
        for one, other in zip(found["averaged"], alone, strict=True):
            assert max(differences(one, other)) < TOLERANCE
        for name, buffer in model.named_buffers():
            torch.testing.assert_close(found["buffers"][name], buffer, rtol=TOLERANCE, atol=1e-6)


@pytest.mark.parametrize("case", cases.CASES)
def test_statistics_of_a_rank_are_of_its_share(ranks: list[dict], case: str):
    """The gradients are the mean of the ranks' own, and not what one process has: the test above can fail."""
    _, alone = cases.results(case, cases.batches(), exact=False)
    first, second = (rank["rank", case] for rank in ranks)
    for step, whole in enumerate(alone):
        pairs = zip(first["own"][step][1], second["own"][step][1], strict=True)
        gradients = [torch.stack(pair).mean(dim=0) for pair in pairs]
        for rank in (first, second):
            assert all(torch.equal(*pair) for pair in zip(rank["averaged"][step][1], gradients, strict=True))
            assert min(differences(rank["averaged"][step], whole)) > 100 * TOLERANCE


def test_batch_normalisation_is_by_the_whole_batch(ranks: list[dict]):
    output, gradient, mean, variance = cases.normalised(torch.arange(cases.BATCH))
    for rank, found in enumerate(each["normalised"] for each in ranks):
        for one, other in zip(found, (output[rank::2], gradient[rank::2], mean, variance), strict=True):
            torch.testing.assert_close(one, other, rtol=TOLERANCE, atol=TOLERANCE)


def test_a_parameter_without_a_gradient_counts_as_nothing(ranks: list[dict]):
    for rank in ranks:
        both, one, none = rank["no gradient"]
        assert both.tolist() == one.tolist() == [0.5, 0.5]
        assert none is None


def test_alone_exact_statistics_change_nothing(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DISENT_CACHE", str(cache))
    models = []
    for mode in ("rank", "exact"):
        ready = begin(tmp_path / mode, epochs=1, group_statistics=mode)
        ready.fit()
        models.append(ready.trainer.model.state_dict())
    assert all(torch.equal(value, models[1][name]) for name, value in models[0].items())


def test_a_model_that_does_not_promise_them_is_refused(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DISENT_CACHE", str(cache))
    with pytest.raises(UsageError, match="'cycle-vae' has no exact group statistics"):
        begin(tmp_path, model="cycle-vae", group_statistics="exact")
