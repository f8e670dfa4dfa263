from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from helpers.metric_files import codes, subject
from torch import nn

from disent_plugins.errors import UsageError
from disent_plugins.metrics.codes.file import make_codes
from disent_plugins.metrics.probe.linear import ADDITIVE, LINEAR
from disent_plugins.metrics.probe.metric import Probe, ProbeConfig
from disent_plugins.metrics.probe.network import Networks
from disent_plugins.metrics.probe.rows import choose_rows
from disent_plugins.metrics.probe.training import PRESETS, Inputs, hold_out, probe, probes
from disent_plugins.options import build

STRONG_MEAN = ProbeConfig(presets="strong", inputs="mean")


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """The default table on codes of known behaviour."""
    return Probe(ProbeConfig()).measure(subject(tmp_path_factory.mktemp("out")))


def generators(count: int) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(seed) for seed in range(count)]


def papers_classifier(networks: Networks, which: int) -> nn.Sequential:
    """The classifier in the words of the paper's appendix D, with the weights of one of the stack."""
    sizes = [networks.weights[0].shape[2], 256, 256, networks.weights[2].shape[1]]
    layers: list[nn.Module] = []
    for i, (weight, bias) in enumerate(zip(networks.weights, networks.biases, strict=True)):
        linear = nn.Linear(sizes[i], sizes[i + 1])
        linear.weight.data.copy_(weight[which])
        linear.bias.data.copy_(bias[which, :, 0])
        layers += [linear] if i == 2 else [linear, nn.BatchNorm1d(256), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers)


def test_every_network_of_the_stack_is_the_papers_and_learns_alone():
    # Double precision: biases before a batch norm have no gradient but rounding, which Adam would enlarge.
    networks = Networks(5, 3, generators(2)).double()
    singles = [papers_classifier(networks, which).double() for which in range(2)]
    parameters = [networks.parameters(), *(single.parameters() for single in singles)]
    optimisers = [torch.optim.Adam(group, lr=1e-3) for group in parameters]
    x, y = torch.randn(2, 40, 5, generator=generators(1)[0]).double(), torch.arange(80).view(2, 40) % 3
    for _ in range(5):
        (nn.functional.cross_entropy(networks(x), y, reduction="sum") / 40).backward()
        for which, single in enumerate(singles):
            nn.functional.cross_entropy(single(x[which]), y[which]).backward()
        for optimiser in optimisers:
            optimiser.step()
            optimiser.zero_grad()
    networks.eval()
    for which, single in enumerate(singles):
        torch.testing.assert_close(networks(x)[which].T, single.eval()(x[which]))


def test_weights_start_as_torch_starts_them():
    networks = Networks(7, 3, generators(1))
    for weight, reference in zip(networks.weights, (nn.Linear(7, 256), nn.Linear(256, 256)), strict=False):
        assert weight.std().item() == pytest.approx(reference.weight.std().item(), rel=0.1)
        assert weight.abs().max() <= 1 / weight.shape[2] ** 0.5


def test_the_paper_preset_takes_the_papers_steps():
    epochs, batch = PRESETS["paper"].schedule(50_000)
    assert (epochs, batch, PRESETS["paper"].learning_rate) == (8, 128, 1e-5)


@pytest.mark.parametrize("n", [2, 3, 17, 100, 1078, 15_360])
def test_the_strong_preset_takes_enough_steps_however_few_the_rows(n: int):
    epochs, batch = PRESETS["strong"].schedule(n)
    assert batch <= n
    assert epochs * (n // batch + (n % batch > 1)) >= 600


def test_separable_codes_are_read_and_noise_is_not(table):
    floor = table.values["content/mean/strong"].floor
    assert table.values["content/mean/strong"].value > 0.98
    assert table.values["content/sample/strong"].value > 0.95
    for name in ("style/mean/strong", "style/sample/strong", "style/mean/paper"):
        assert table.values[name].low - 0.03 <= floor
    assert set(table.values) == {
        *(f"{block}/{read}/{preset}" for block in ("content", "style") for read in ("sample", "mean")
          for preset in ("paper", "strong")),
        "content/kl", "style/kl", "content/active_units", "style/active_units",
    }  # fmt: skip


def test_every_value_has_its_reference_points(table):
    for name, value in table.values.items():
        assert value.n == 150
        assert value.floor is not None
        assert value.estimator
        if value.unit == "accuracy":
            preset = name.rsplit("/")[-1]
            assert value.low <= value.value <= value.high
            assert value.ceiling == 1.0
            assert preset in value.estimator
            assert value.better == ("up" if name.startswith("content") else "down")
    assert table.settings["split"] == "as given"
    assert table.settings["seed"] == 0
    assert table.settings["budgets"]["paper"]["steps"] == 8 * 3


def test_chance_is_the_share_of_the_most_frequent_class_of_the_test_rows(tmp_path):
    given = codes()
    rows = given.rows("test")
    given.factors[rows[:90], 0] = 2
    config = ProbeConfig(presets="paper", inputs="mean")
    value = Probe(config).measure(subject(tmp_path, given)).values["style/mean/paper"]
    assert value.floor == np.bincount(given.labels[rows]).max() / len(rows)


def test_kl_and_active_units_are_those_of_the_test_rows(table):
    given = codes()
    rows = given.rows("test")
    expected = 0.5 * (np.exp(-2) + 2 - 1 + given.content[rows].astype(float) ** 2).sum(axis=1).mean()
    value = table.values["content/kl"]
    assert value.value == pytest.approx(expected, rel=1e-5)
    assert value.low < value.value < value.high
    assert (value.unit, value.floor) == ("nats", 0.0)
    assert table.values["style/active_units"].value == 2
    assert table.values["style/active_units"].ceiling == 2


def test_a_paper_budget_too_small_to_mean_anything_is_said(table):
    assert any("took 24 steps" in note and "strong" in note for note in table.notes)


def test_same_seed_same_bits(tmp_path):
    given = subject(tmp_path, codes(200))
    metric = Probe(ProbeConfig(presets="paper", inputs="sample,mean"))
    first, again, other = metric.measure(given), metric.measure(given), metric.measure(replace(given, seed=1))
    assert first == again
    assert first.values != other.values


def test_the_callers_random_state_neither_matters_nor_changes():
    generator = np.random.default_rng(0)
    y = np.arange(60) % 2
    x = Inputs(generator.normal(size=(60, 3)).astype(np.float32), np.ones((60, 3), dtype=np.float32))
    fits = []
    for state in (5, 6):
        torch.manual_seed(state)
        np.random.seed(state)
        before = torch.get_rng_state(), np.random.get_state()[1].tolist()
        fits.append(probe(x, y, x, y))
        assert torch.equal(torch.get_rng_state(), before[0])
        assert np.random.get_state()[1].tolist() == before[1]
    np.testing.assert_array_equal(fits[0].predicted, fits[1].predicted)
    assert fits[0].epoch == fits[1].epoch


def test_a_probe_does_not_depend_on_its_neighbours():
    generator = np.random.default_rng(0)
    y = np.arange(300) % 3
    x = [Inputs((generator.normal(size=(300, 4)) + y[:, None] * gap).astype(np.float32)) for gap in (0.3, 1.0)]
    train, test = np.arange(200), np.arange(200, 300)

    def fit(which: list[int]):
        return probes(
            [x[i].take(train) for i in which], y[train], [x[i].take(test) for i in which], y[test],
            preset="paper", seeds=[7 + i for i in which], validation=([x[i].take(test) for i in which], y[test]),
        )  # fmt: skip

    together, alone = fit([0, 1]), [fit([0])[0], fit([1])[0]]
    for a, b in zip(together, alone, strict=True):
        assert (a.predicted == b.predicted).mean() > 0.98  # stacked products may round otherwise


def test_noise_is_drawn_anew_for_every_epoch():
    """Training noise that hides a class code completely: fixed noise could be learnt by heart, fresh noise can't."""
    y = np.arange(200) % 2
    still = Inputs(np.zeros((200, 2), dtype=np.float32), np.ones((200, 2), dtype=np.float32))
    fit = probe(still, y, still, y, seed=0)
    assert 0.3 < fit.accuracy < 0.7


def test_a_class_in_sigma_only_is_read_from_mean_and_sigma_only(tmp_path):
    given = codes()
    given.content, given.content_logvar = given.content[:, :2], given.content_logvar[:, :2]  # as wide as style: faster
    given.style_logvar = (given.labels[:, None] * 1.5 - 3).repeat(2, axis=1).astype(np.float32)
    result = Probe(ProbeConfig(presets="strong", inputs="mean,mean_std")).measure(subject(tmp_path, given))
    assert result.values["style/mean/strong"].value < 0.4
    assert result.values["style/mean_std/strong"].value > 0.99


def test_a_vanishing_but_telling_code_is_still_read_by_the_strong_preset(tmp_path):
    given = codes()
    given.style = (1e-4 * given.content[:, :2] + 3).astype(np.float32)
    assert Probe(STRONG_MEAN).measure(subject(tmp_path, given)).values["style/mean/strong"].value > 0.7


def test_a_dead_dimension_does_no_harm(tmp_path):
    given = codes()
    dead = np.full((600, 1), 0.1, dtype=np.float32)
    given.content, given.content_logvar = np.concatenate([given.content, dead], axis=1), None
    value = Probe(STRONG_MEAN).measure(subject(tmp_path, given)).values["content/mean/strong"]
    assert value.value > 0.98


def test_another_factor_as_target(tmp_path):
    config = ProbeConfig(presets="strong", inputs="mean", target="angle")
    values = Probe(config).measure(subject(tmp_path)).values
    assert values["style/mean/strong"].value > 0.98
    assert values["style/mean/strong"].better == "up"
    assert values["content/mean/strong"].value < 0.5
    assert values["content/mean/strong"].better == "down"


def test_an_unknown_target_gets_a_suggestion(tmp_path):
    with pytest.raises(UsageError, match="Did you mean 'angle'"):
        Probe(ProbeConfig(target="angel")).measure(subject(tmp_path))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"presets": "stron"}, "Did you mean 'strong'"),
        ({"inputs": "mean,std"}, "inputs=mean,std does not fit"),
        ({"inputs": " , "}, "inputs is empty"),
        ({"bootstrap": "5"}, "out of bounds"),
        ({"target_factor": "angle"}, "Did you mean 'target'"),
    ],
)
def test_unusable_options(values, message):
    with pytest.raises(UsageError, match=message):
        build(ProbeConfig, values, owner="metric 'probe'")


def test_means_only_are_probed_as_means(tmp_path):
    given = replace(codes(200), content_logvar=None, style_logvar=None)
    result = Probe(ProbeConfig(presets="paper")).measure(subject(tmp_path, given))
    assert list(result.values) == ["content/mean/paper", "style/mean/paper"]
    assert any("content/sample, style/sample" in note for note in result.notes)
    with pytest.raises(UsageError, match="means only"):
        Probe(ProbeConfig(inputs="sample,mean_std")).measure(subject(tmp_path, given))


def test_the_log_variances_of_one_block_are_enough_for_that_block(tmp_path):
    given = replace(codes(200), style_logvar=None)
    result = Probe(ProbeConfig(presets="paper")).measure(subject(tmp_path, given))
    assert "content/sample/paper" in result.values
    assert "style/sample/paper" not in result.values
    assert any("style/sample" in note for note in result.notes)


def held_out_classes(n: int = 900):
    """Classes 0 to 3 in training and validation, 4 to 6 in the test split."""
    given = codes(n, classes=7)
    given.split = np.where(given.labels < 4, np.where(np.arange(n) % 10 == 0, 1, 0), 2).astype(np.uint8)
    return given


def test_classes_that_training_never_saw_are_probed_within_the_test_split(tmp_path):
    given = held_out_classes()
    rows = choose_rows(given, given.labels, "shape", seed=0)
    used = np.concatenate([rows.tuned_train, rows.validation, rows.test])
    np.testing.assert_array_equal(np.sort(used), given.rows("test"))
    shares = np.bincount(given.labels[rows.test])[4:] / np.bincount(given.labels)[4:]
    np.testing.assert_allclose(shares, 0.5, atol=0.01)
    result = Probe(STRONG_MEAN).measure(subject(tmp_path, given))
    assert result.values["content/mean/strong"].value > 0.98
    assert "half of the test split" in result.values["content/mean/strong"].estimator
    assert any("never trained on" in note for note in result.notes)


def test_another_factor_is_read_from_training_to_held_out_classes():
    given = held_out_classes()
    rows = choose_rows(given, given.factors[:, 1], "angle", seed=0)
    np.testing.assert_array_equal(rows.train, given.rows("train"))
    np.testing.assert_array_equal(rows.validation, given.rows("validation"))
    np.testing.assert_array_equal(rows.test, given.rows("test"))


def test_test_rows_of_a_class_without_training_rows_are_left_out():
    given = codes()
    given.split[given.labels == 3] = 2
    rows = choose_rows(given, given.labels, "shape", seed=0)
    assert set(given.labels[rows.test]) == {0, 1, 2}
    assert f"{(given.labels == 3).sum()} test rows of 1 classes" in rows.notes[0]


def test_too_little_to_probe_is_said():
    given = codes(40)
    given.split[given.labels > 0] = 1
    with pytest.raises(UsageError, match="cannot be probed"):
        choose_rows(given, given.labels, "shape", seed=0)


def test_fewer_training_rows_on_request():
    given = codes()
    rows = choose_rows(given, given.labels, "shape", seed=0, max_train=50)
    assert len(rows.train) == 50
    assert np.isin(rows.train, given.rows("train")).all()


def test_without_validation_a_tenth_of_training_is_held_out():
    given = codes(splits=False)
    rows = choose_rows(given, given.labels, "shape", seed=0)
    np.testing.assert_array_equal(rows.train, given.rows("train"))  # the paper's budget chooses nothing, so it has all
    assert (len(rows.tuned_train), len(rows.validation)) == (360, 40)
    np.testing.assert_array_equal(np.union1d(rows.tuned_train, rows.validation), rows.train)


def test_no_class_is_held_out_as_a_whole():
    labels = np.arange(50) // 2
    for seed in range(20):
        kept, held = hold_out(labels, seed)
        assert set(labels[kept]) == set(labels)
        assert not np.isin(held, kept).any()
    kept, held = hold_out(np.array([0, 1]), 0)
    assert kept.tolist()[0] in (0, 1)


def test_the_smallest_usable_set(tmp_path):
    given = make_codes({"content": np.eye(6), "style": np.ones((6, 1)), "labels": [0, 0, 0, 1, 1, 1]})
    result = Probe(ProbeConfig(inputs="mean")).measure(subject(tmp_path, given))
    assert result.values["content/mean/paper"].n == 2
    assert any("made: 4 rows train, 2 rows test" in note for note in result.notes)


def test_labels_that_training_lacks_are_a_named_error_of_the_function():
    x = np.ones((4, 1), dtype=np.float32)
    with pytest.raises(ValueError, match=r"labels without training rows: \[2\]"):
        probe(x, np.array([0, 1, 0, 1]), x, np.array([0, 1, 2, 1]), preset="paper")


def test_progress_ends_at_the_total(tmp_path):
    seen = []
    given = replace(subject(tmp_path, codes(200)), report=lambda done, total, what: seen.append((done, total, what)))
    Probe(ProbeConfig(presets="paper", inputs="mean,mean_std")).measure(given)
    assert seen[-1][0] == seen[-1][1]
    assert [done for done, _, _ in seen] == sorted(done for done, _, _ in seen)


def test_the_interval_is_said_to_be_of_test_rows_alone(table):
    accuracies = [value for value in table.values.values() if value.unit == "accuracy"]
    assert all("interval over test rows, not over trainings" in value.estimator for value in accuracies)


def test_the_estimator_names_a_linear_classifier_that_beat_the_network(tmp_path):
    rng = np.random.default_rng(0)
    given = codes(900)
    given.style = rng.normal(size=(900, 64)).astype(np.float32)
    given.style[:, 0] = given.labels + 0.1 * given.style[:, 0]
    given.style_logvar = None
    value = Probe(STRONG_MEAN).measure(subject(tmp_path, given)).values["style/mean/strong"]
    assert value.value > 0.97
    assert any(line.words in value.estimator for line in (*LINEAR, *ADDITIVE))
    assert "better on validation rows than the network" in value.estimator


def test_the_paper_preset_reads_codes_as_they_are():
    """Bit for bit what the paper's protocol gave before other presets were given other views of the codes."""
    rng = np.random.default_rng(0)
    y = rng.integers(5, size=600)
    x = Inputs((rng.normal(size=(600, 6)) + y[:, None]).astype(np.float32), np.ones((600, 6), dtype=np.float32))
    fit = probe(x.take(slice(0, 400)), y[:400], x.take(slice(400, None)), y[400:], preset="paper", seed=3)
    assert (fit.steps, fit.epoch, fit.rival) == (32, 8, None)
    assert fit.correct.sum() == 62
