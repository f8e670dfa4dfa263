"""Grids: which cells they span, and what is refused before anything runs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from disent_plugins.registry.host import from_environment
from disent_plugins.studies.grid import Axis, Grid, plan, read_grid

GRID = """
name = "two"
model = ["gmvae", "vae"]
data = ["digits", "mnist"]
seed = "0:2"
epochs = 3
milestones = [1, 2]
[options]
width = 0.25
[models.gmvae]
lr = [1e-3, 1e-2]
options.k = [1, 2]
[datasets.mnist]
limit = 64
[measure]
metrics = ["probe", "swap"]
"""


@pytest.fixture
def registry(disent):
    return from_environment(os.environ, third_party=False)


def cells(registry, text: str, **flags: str):
    Path("grid.toml").write_text(text)
    typed = {key.replace("__", "."): Axis(value, typed=True) for key, value in flags.items()}
    return plan(registry, read_grid(Path("grid.toml")).with_flags(typed), Path("sweeps/x"))


def test_the_cells_of_a_grid(registry):
    found = cells(registry, GRID)
    settings = [one.cell.settings for one in found]
    assert len(found) == 2 * (2 * 2 * 2) + 2 * 2  # gmvae: two data sets, lr, k, seeds; vae: two data sets, seeds
    assert len({one.name for one in found}) == len(found)
    assert {s.options["k"] for s in settings if s.model == "gmvae"} == {1, 2}
    assert {s.lr for s in settings if s.model == "gmvae"} == {1e-3, 1e-2}
    assert {s.limit for s in settings if s.data == "mnist"} == {64}
    assert {s.limit for s in settings if s.data == "digits"} == {None}
    assert {(s.epochs, s.milestones, s.options["width"]) for s in settings} == {(3, (1, 2), 0.25)}
    assert [one.label for one in found[:3]] == [
        "gmvae on digits, lr=0.001, k=1, seed=0", "gmvae on digits, lr=0.001, k=1, seed=1",
        "gmvae on digits, lr=0.001, k=2, seed=0",
    ]  # fmt: skip
    grid = read_grid(Path("grid.toml"))
    assert (grid.name, grid.measure) == ("two", "probe,swap")


def test_flags_take_the_place_of_axes(registry):
    text = GRID.replace("[datasets.mnist]\nlimit = 64\n", "")
    found = cells(registry, text, seed="5,7", options__width="0.5", data="digits", lr="1e-4")
    settings = [one.cell.settings for one in found]
    assert {(s.data, s.lr, s.options["width"]) for s in settings} == {("digits", 1e-4, 0.5)}
    assert [s.seed for s in settings] == [5, 7] * 3  # two of k, and vae


def test_lists_are_values_where_a_setting_is_one(registry):
    one = cells(registry, "milestones = [1, 2]\nepochs = 3\n")
    two = cells(registry, "milestones = [[1], [1, 2]]\nepochs = 3\n")
    assert [c.cell.settings.milestones for c in one] == [(1, 2)]
    assert [c.cell.settings.milestones for c in two] == [(1,), (1, 2)]
    assert [c.cell.settings.milestones for c in cells(registry, "epochs = 3", milestones="1,2")] == [(1, 2)]


def test_equal_cells_stand_once(registry):
    assert len(cells(registry, "seed = [0, 0, 1]\nepochs = [2, 2.0]\n")) == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("epoch = 3", ["Unknown key 'epoch' in grid.toml.", "Did you mean 'epochs'?"]),
        ("[options]\nk = 1\n[mesure]\n", ["Unknown key 'mesure' in grid.toml.", "Did you mean 'measure'?"]),
        ('out = "x"', ["Unknown key 'out' in grid.toml."]),
        ("[models.gmvae]\nmodel = 'vae'", ["Unknown key 'model' in [models.gmvae] in grid.toml."]),
        ("[models.mlvae]\nlr = 1", ["[models.mlvae] in grid.toml is of no cell."]),
        ("[measure]\nmetric = 'probe'", ["Unknown key 'metric' in [measure] in grid.toml."]),
        ("[measure]\nmetrics = []", ["'metrics' below [measure] in grid.toml names no metrics."]),
        ("seed = 1\nseed = 2", ["The grid grid.toml cannot be read.", "A key stands twice"]),
        ("seed = ", ["The grid grid.toml cannot be read."]),
        ("lr = []", ["The axis 'lr' of grid.toml is empty."]),
        ("model = []", ["The axis 'model' of grid.toml is empty."]),
        ("seed = '3:3'", ["The seeds '3:3' of grid.toml are no range."]),
        ("seed = '0:99999999'", ["The seeds '0:99999999' of grid.toml are no range."]),
        ("seed = '0:5000'\nlr = [1, 2, 3]", ["more than 10,000 cells"]),
        ("options = 3", ["'options' in grid.toml is not a table."]),
        ("name = 3", ["The name in grid.toml is no text."]),
        (
            "seed = [0, 1]\n[options]\nwidth = [0.5, 0]",
            ["The cell gmvae on digits, width=0, seed=0 cannot be: width=0.0 is out of bounds for model 'gmvae'."],
        ),
        ("visible = [1, 0]", ["The cell gmvae on digits, visible=0 cannot be: visible=0.0 is out of bounds"]),
        ("model = ['vae', 'lord-lite']\nvisible = 0.5", ["lord-lite on digits cannot be", "needs every image's group"]),
        ("model = ['gmvae', 'vae']\n[options]\nk = 1", [
            "The cell vae on digits cannot be: unknown option 'k' for model 'vae'.", "below [models.NAME.options]"]),
        ("model = 'gmvea'", ["There is no model 'gmvea'.", "Did you mean 'gmvae'?"]),
        ("data = 'digit'", ["There is no data set 'digit'."]),
        ("[data_options]\nx = 1", ["The cell gmvae on digits cannot be: The data set 'digits' takes no options."]),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_by_name(disent, text, words):
    Path("grid.toml").write_text(text)
    found = disent("sweep", "grid.toml")
    assert (found.code, found.out, Path("sweeps").exists()) == (2, "", False), found.err
    for part in words:
        assert part in found.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("", "There is no grid."),
        ("nowhere.toml", "There is no grid nowhere.toml."),
        ("--set k=1 --set k=2", "The axis 'k' was given twice."),
        ("--set k=,", "The axis 'options.k' of the command line is empty."),
        ("--set k", "is not of the form key=value"),
        ("--seeds 0:0", "are no range"),
        ("--seeds one", "seed=one does not fit"),
        ("--model gmvae --name ../x", "is no name for a sweep"),
        ("--model gmvae --measure prob", "Did you mean 'probe'?"),
        ("--model gmvae --on mars", "There is no place 'mars'"),
        ("--model gmvae --on dask://here", "names no scheduler"),
    ],
)
def test_what_cannot_be_on_the_command_line_is_refused(disent, arguments, words):
    found = disent("sweep", *arguments.split())
    assert (found.code, found.out, Path("sweeps").exists()) == (2, "", False), found.err
    assert words in found.err


def test_a_grid_of_the_command_line_has_defaults(registry):
    (one,) = plan(registry, Grid("", "the command line"), Path("x"))
    assert (one.label, one.cell.folder.path.parent) == ("gmvae on digits", Path("x"))
