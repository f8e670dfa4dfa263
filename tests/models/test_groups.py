"""The group algebra against per-group loops in float64 and against closed forms."""

from __future__ import annotations

import itertools
import math

import pytest
import torch

from disent_plugins.models.groups import (
    group_rows,
    group_sizes,
    group_sums,
    kl_to_standard_normal,
    leave_one_out_mean,
    product_of_gaussians,
    regularisation,
    repulsion,
)


@pytest.fixture
def batch() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """40 Gaussians of 5 dimensions in groups 0..6, none in group 3, one in group 6, some without a group."""
    generator = torch.Generator().manual_seed(1)
    mean = 2 * torch.randn(40, 5, generator=generator)
    logvar = 1.5 * torch.randn(40, 5, generator=generator)
    group = torch.randint(0, 6, (40,), generator=generator)
    group[group == 3] = -1
    group[17] = 6
    return mean, logvar, group


def loop_product(mean, logvar, members, prior=0.0):
    """Eq. 3 for one group, one member after the other, in float64."""
    precision = torch.full((mean.shape[1],), prior, dtype=torch.float64)
    weighted = torch.zeros(mean.shape[1], dtype=torch.float64)
    for i in members:
        p = 1.0 / logvar[i].double().exp()
        precision = precision + p
        weighted = weighted + p * mean[i].double()
    return weighted / precision, 1.0 / precision


@pytest.mark.parametrize("include_prior", [False, True])
def test_product_equals_a_loop_over_the_groups(batch, include_prior):
    mean, logvar, group = batch
    found = product_of_gaussians(mean, logvar, group, 9, include_prior=include_prior)
    for g in range(9):
        members = [i for i in range(len(group)) if group[i] == g]
        assert found.size[g] == len(members)
        assert bool(found.present[g]) == bool(members)
        if members:
            expected_mean, expected_variance = loop_product(mean, logvar, members, prior=float(include_prior))
            torch.testing.assert_close(found.mean[g].double(), expected_mean, rtol=1e-5, atol=1e-5)
            torch.testing.assert_close(found.variance[g].double(), expected_variance, rtol=1e-5, atol=1e-7)


def test_rows_without_members_hold_harmless_numbers(batch):
    mean, logvar, group = (tensor.requires_grad_(tensor.is_floating_point()) for tensor in batch)
    found = product_of_gaussians(mean, logvar, group, 9)
    absent = ~found.present
    assert absent.tolist() == [False, False, False, True, False, False, False, True, True]
    assert (found.mean[absent] == 0).all()
    assert (found.variance[absent] == 1).all()
    (found.mean.sum() + found.variance.log().sum()).backward()
    assert mean.grad.isfinite().all()
    assert logvar.grad.isfinite().all()


def test_images_without_a_group_change_nothing_and_get_no_gradient(batch):
    mean, logvar, group = batch
    known = group >= 0
    full = product_of_gaussians(mean.requires_grad_(), logvar, group, 7)
    without = product_of_gaussians(mean[known], logvar[known], group[known], 7)
    torch.testing.assert_close(full.mean, without.mean)
    torch.testing.assert_close(full.variance, without.variance)
    full.mean.square().sum().backward()
    assert (mean.grad[~known] == 0).all()
    assert (mean.grad[known].abs().sum(dim=1) > 0).all()


def test_product_does_not_depend_on_the_order_of_the_images(batch):
    mean, logvar, group = batch
    order = torch.randperm(len(group), generator=torch.Generator().manual_seed(2))
    one = product_of_gaussians(mean, logvar, group, 7)
    other = product_of_gaussians(mean[order], logvar[order], group[order], 7)
    torch.testing.assert_close(one.mean, other.mean)
    torch.testing.assert_close(one.variance, other.variance)


@pytest.mark.parametrize("n", [1, 2, 7])
def test_n_equal_members_give_their_mean_and_a_variance_n_times_smaller(n):
    mean, logvar = torch.tensor([[0.5, -2.0, 3.0]]), torch.tensor([[0.0, -1.0, 2.0]])
    found = product_of_gaussians(mean.expand(n, 3), logvar.expand(n, 3), torch.zeros(n, dtype=torch.int64), 1)
    torch.testing.assert_close(found.mean, mean)
    torch.testing.assert_close(found.variance, logvar.exp() / n)


def test_extreme_log_variances_stay_finite_and_the_sure_member_wins():
    mean, logvar = torch.tensor([[5.0], [-5.0]]), torch.tensor([[-12.0], [6.0]])
    found = product_of_gaussians(mean, logvar, torch.tensor([0, 0]), 1)
    assert found.mean.item() == pytest.approx(5.0, abs=1e-4)
    assert found.variance.item() == pytest.approx(math.exp(-12), rel=1e-4)


def test_half_precision_codes_are_summed_in_single_precision(batch):
    mean, logvar, group = batch
    found = product_of_gaussians(mean.bfloat16(), logvar.bfloat16(), group, 7)
    same = product_of_gaussians(mean.bfloat16().float(), logvar.bfloat16().float(), group, 7)
    assert found.mean.dtype == torch.float32
    torch.testing.assert_close(found.mean, same.mean)


def test_sums_rows_and_sizes_leave_unknown_groups_out():
    values, group = torch.tensor([[1.0], [2.0], [4.0], [8.0]]), torch.tensor([1, -1, 1, 0])
    assert group_sums(values, group, 3).tolist() == [[8.0], [5.0], [0.0]]
    table, otherwise = torch.tensor([[10.0], [20.0], [30.0]]), torch.full((4, 1), -7.0)
    assert group_rows(table, group, otherwise).tolist() == [[20.0], [-7.0], [20.0], [10.0]]
    assert group_sizes(torch.tensor([1.0, 2.0, 0.0]), group).tolist() == [2.0, 0.0, 2.0, 1.0]


def test_leave_one_out_equals_the_product_of_the_others(batch):
    mean, logvar, group = batch
    found = leave_one_out_mean(mean, logvar, group, product_of_gaussians(mean, logvar, group, 7))
    for i in range(len(group)):
        others = [j for j in range(len(group)) if j != i and group[j] == group[i] >= 0]
        expected = loop_product(mean, logvar, others)[0].float() if others else mean[i]
        torch.testing.assert_close(found[i], expected, rtol=1e-5, atol=1e-5)


def test_leave_one_out_survives_a_member_that_is_much_surer_than_the_rest():
    mean, logvar = torch.tensor([[5.0], [-5.0], [-6.0]]), torch.tensor([[-12.0], [6.0], [6.0]])
    group = torch.tensor([0, 0, 0])
    found = leave_one_out_mean(mean, logvar, group, product_of_gaussians(mean, logvar, group, 1))
    torch.testing.assert_close(found, torch.tensor([[-5.5], [5.0], [5.0]]), rtol=0, atol=1e-3)


@pytest.mark.parametrize("n", [2, 3, 10])
def test_leave_one_out_stretches_the_distance_by_n_over_n_minus_1_for_equal_precisions(n):
    mean = torch.randn(n, 4, generator=torch.Generator().manual_seed(n))
    logvar, group = torch.full((n, 4), 0.3), torch.zeros(n, dtype=torch.int64)
    groups = product_of_gaussians(mean, logvar, group, 1)
    rest = leave_one_out_mean(mean, logvar, group, groups)
    torch.testing.assert_close(mean - rest, (mean - groups.mean) * n / (n - 1), rtol=1e-4, atol=1e-5)


def test_repulsion_is_the_mean_over_unordered_pairs_of_present_groups(batch):
    mean, logvar, group = batch
    groups = product_of_gaussians(mean, logvar, group, 9)
    there = [g for g in range(9) if groups.present[g]]
    pairs = [1 / (float((groups.mean[a] - groups.mean[b]).square().sum()) + 0.7)
             for a, b in itertools.combinations(there, 2)]  # fmt: skip
    assert len(pairs) == 15
    found = repulsion(groups.mean, groups.present, 0.7)
    assert found.item() == pytest.approx(sum(pairs) / len(pairs), rel=1e-5)


def test_repulsion_has_a_finite_gradient_where_means_coincide():
    mean = torch.ones(4, 3, requires_grad=True)
    value = repulsion(mean, torch.ones(4, dtype=torch.bool), 0.5)
    assert value.item() == pytest.approx(2.0)
    value.backward()
    assert (mean.grad == 0).all()


@pytest.mark.parametrize("present", [[False, False, False], [False, True, False]])
def test_repulsion_needs_two_groups(present):
    mean = torch.randn(3, 2, requires_grad=True)
    value = repulsion(mean, torch.tensor(present), 1.0)
    assert value.item() == 0.0
    value.backward()
    assert (mean.grad == 0).all()


@pytest.mark.parametrize("delta", [1.0, 0.1])
def test_the_force_is_largest_at_the_root_of_a_third_of_delta(delta):
    s = torch.linspace(0.01, 3.0, 3000, dtype=torch.float64)
    forces = []
    for distance in s:
        mean = torch.stack([torch.zeros(()), distance]).unsqueeze(1).requires_grad_()
        repulsion(mean, torch.tensor([True, True]), delta).backward()
        forces.append(mean.grad[0].item())
    strongest = int(torch.tensor(forces).argmax())
    assert s[strongest].item() == pytest.approx(math.sqrt(delta / 3), abs=2e-3)
    assert forces[strongest] == pytest.approx(0.65 * delta**-1.5, rel=0.01)


@pytest.mark.parametrize("delta", [1e-3, 1.0])
def test_groups_settle_at_the_predicted_distance(delta):
    """lambda_R F_R + lambda_U U is least on a simplex with (s^2 + delta)^2 = 2 G/(G-1) lambda_R/lambda_U.

    For G = 10 and lambda_R/lambda_U = 200 that is s = 4.59 for delta near 0, and 4.48 for delta = 1.
    """
    count, ratio = 10, 200.0
    generator = torch.Generator().manual_seed(3)
    mean = torch.randn(count, count - 1, dtype=torch.float64, generator=generator).requires_grad_()
    present = torch.ones(count, dtype=torch.bool)
    optimizer = torch.optim.LBFGS([mean], max_iter=200, tolerance_change=1e-12, line_search_fn="strong_wolfe")

    def energy() -> torch.Tensor:
        optimizer.zero_grad()
        value = ratio * repulsion(mean, present, delta) + regularisation(mean, present)
        value.backward()
        return value

    optimizer.step(energy)
    distances = torch.nn.functional.pdist(mean.detach())
    predicted = math.sqrt(math.sqrt(2 * count / (count - 1) * ratio) - delta)
    assert distances.mean().item() == pytest.approx(predicted, rel=1e-3)
    assert distances.std().item() < 0.01


def test_regularisation_is_the_mean_over_present_groups():
    mean = torch.tensor([[3.0, 4.0], [1.0, 0.0], [100.0, 100.0]], requires_grad=True)
    present = torch.tensor([True, True, False])
    assert regularisation(mean, present).item() == pytest.approx(13.0)
    assert regularisation(mean, torch.zeros(3, dtype=torch.bool)).item() == 0.0


def test_kl_to_the_standard_normal_is_the_closed_form(batch):
    mean, logvar, _ = batch
    normal, standard = torch.distributions.Normal(mean, (0.5 * logvar).exp()), torch.distributions.Normal(0.0, 1.0)
    expected = torch.distributions.kl_divergence(normal, standard).sum(dim=1)
    torch.testing.assert_close(kl_to_standard_normal(mean, logvar), expected)
