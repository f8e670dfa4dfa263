"""Named parameter groups: each steps on its own, and a model that names them wrongly is told so."""

from __future__ import annotations

from copy import deepcopy

import pytest
import torch
from torch import nn

from disent_plugins.errors import PluginFailure, UsageError
from disent_plugins.training.updates import Updates


class Two(nn.Module):
    """Two weights whose groups a test chooses."""

    def __init__(self, groups=None) -> None:
        super().__init__()
        self.a, self.b = nn.Parameter(torch.ones(3)), nn.Parameter(torch.ones(3))
        if groups is not None:
            self.parameter_groups = lambda: groups(self)

    def total(self):
        return (self.a * self.b).sum()


def both(model):
    return {"one": [model.a], "other": ([model.b], {"lr": 0.5})}


def test_one_group_of_everything_is_plain_adam():
    model, other = Two(), Two()
    updates = Updates(model, 0.1)
    plain = torch.optim.Adam(other.parameters(), lr=0.1, fused=True)
    for _ in range(3):
        updates(model.total())
        plain.zero_grad()
        other.total().backward()
        plain.step()
    assert torch.equal(model.a, other.a)
    assert updates.names == ("everything",)
    assert updates.idle == []


def test_a_step_of_one_group_leaves_the_other_alone():
    model = Two(both)
    updates = Updates(model, 0.1)
    updates(model.total(), "one")
    assert torch.allclose(model.a, torch.full((3,), 0.9))  # Adam's first step is the learning rate
    assert (model.b == 1).all()
    assert model.b.grad is None
    assert updates.idle == ["other"]
    updates(model.total(), "other")
    assert torch.allclose(model.b, torch.full((3,), 0.95))  # half of it
    assert updates.idle == []


def test_milestones_reach_every_group_by_its_factor():
    updates = Updates(Two(both), 0.1)
    updates.set_rate(0.01)
    rates = {name: state["param_groups"][0]["lr"] for name, state in updates.state_dict().items()}
    assert rates == {"one": 0.01, "other": 0.005}


def test_a_parameter_may_have_two_optimisers():
    model = Two(lambda m: {"all": [m.a, m.b], "again": [m.a]})
    updates = Updates(model, 0.1)
    updates(model.total(), "all")
    updates(model.total(), "again")
    assert torch.allclose(model.a, torch.full((3,), 0.8))
    assert torch.allclose(model.b, torch.full((3,), 0.9))


def test_going_on_is_never_having_stopped():
    model = Two(both)
    updates = Updates(model, 0.1)
    updates(model.total())
    kept = {"model": {k: v.clone() for k, v in model.state_dict().items()}, "updates": deepcopy(updates.state_dict())}
    again = Two(both)
    again.load_state_dict(kept["model"])
    resumed = Updates(again, 0.1)
    resumed.load_state_dict(kept["updates"], "last.pt")
    updates(model.total())
    resumed(again.total())
    assert torch.equal(model.a, again.a)
    assert torch.equal(model.b, again.b)


@pytest.mark.parametrize(
    ("groups", "words"),
    [
        (lambda m: {"one": [m.a]}, "Two has parameters in no group: b"),
        (lambda m: {"one": [m.a], "two": []}, "group 'two' without a trainable parameter"),
        (lambda m: {"one": ([m.a, m.b], {"beta": 1.0})}, "group 'one' that is none"),
        (lambda m: {"one": ([m.a, m.b], {"lr": 0.0})}, "group 'one' that is none"),
        (lambda m: {"one": m.a}, "group 'one' that is none"),
        (lambda m: {"one": ["a", "b"]}, "group 'one' that is none"),
        (lambda m: {"one": 3}, "group 'one' that is none"),
        (lambda m: {}, "gives no groups by name"),
        (lambda m: [m.a, m.b], "gives no groups by name"),
    ],
)
def test_groups_that_are_none_are_refused(groups, words):
    with pytest.raises(PluginFailure, match=words) as error:
        Updates(Two(groups), 0.1)
    assert "check_model" in error.value.hint


def test_an_update_that_cannot_be_is_refused():
    model = Two(both)
    updates = Updates(model, 0.1)
    with pytest.raises(PluginFailure, match=r"updates a group 'ones'\.\n.*Did you mean 'one'"):
        updates(model.total(), "ones")
    for total in (model.total().detach(), model.a, 3.0):
        with pytest.raises(PluginFailure, match="no scalar with a gradient"):
            updates(total, "one")


def test_the_state_of_other_groups_is_refused():
    with pytest.raises(UsageError, match=r"optimisers for one, other; the model now names everything"):
        Updates(Two(), 0.1).load_state_dict(Updates(Two(both), 0.1).state_dict(), "last.pt")
    wide = Two(lambda m: {"one": [m.a, m.b], "other": [m.b]})
    with pytest.raises(UsageError, match="parameters of the group 'one' are not what they were"):
        Updates(wide, 0.1).load_state_dict(Updates(Two(both), 0.1).state_dict(), "last.pt")
