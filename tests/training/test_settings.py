from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest

from disent_plugins import DatasetSpec, ModelSpec, Options, option
from disent_plugins.data_adapters.plugin import disent_datasets
from disent_plugins.errors import UsageError
from disent_plugins.models.gmvae import GMVAEConfig
from disent_plugins.models.mlvae import MLVAEConfig
from disent_plugins.models.plugin import disent_models
from disent_plugins.training.settings import RunSettings, changed, differences, merge, read_config_file, recipe

GMVAE, MLVAE, *_ = disent_models()


DATA = {spec.name: spec for spec in disent_datasets()}


def merged(data="digits", *, spec=GMVAE, config=GMVAEConfig, file=None, flags=None) -> RunSettings:
    return merge(spec, config, model=spec.name, data=data, file=file or {}, flags=flags or {}, data_spec=DATA.get(data))


# The recipes: appendix D of the GM-VAE paper


@pytest.mark.parametrize(
    ("data", "epochs", "milestones", "sampler", "size", "k"),
    [
        ("mnist", 200, (50, 100), "random", 8, 2.0),
        ("cars3d", 600, (200, 400), "random", 16, 4.0),
        ("celeba", 200, (50, 100), "blocks", 32, 1.5),
    ],
)
def test_the_recipes_are_those_of_the_paper(data, epochs, milestones, sampler, size, k):
    found = merged(data)
    assert (found.batch_size, found.lr, found.gamma, found.visible) == (256, 1e-3, 0.2, 1.0)
    assert (found.epochs, found.milestones, found.sampler, found.limit) == (epochs, milestones, sampler, None)
    assert (found.options["content_size"], found.options["style_size"]) == (size, size)
    assert found.options["k"] == k
    assert found.options["width"] == 1.0


def test_a_data_set_without_recipe_gets_the_defaults():
    found = merged("unheard-of")
    assert (found.epochs, found.batch_size, found.milestones) == (20, 256, ())
    assert found.options == asdict(GMVAEConfig())


def test_a_recipe_that_a_plugin_brings_goes_before_ours():
    spec = ModelSpec(
        name="own",
        summary="-",
        target="a:B",
        recipes={"default": {"epochs": 7, "lr": 0.5}, "mnist": {"epochs": 8, "options": {"k": 9}}},
    )
    assert recipe(spec, "mnist")["epochs"] == 8
    assert recipe(spec, "mnist")["options"] == {"k": 9}
    assert recipe(spec, "cars3d")["epochs"] == 7
    found = merged("mnist", spec=spec)
    assert (found.epochs, found.lr, found.milestones, found.options["k"]) == (8, 0.5, (50, 100), 9.0)


def test_a_data_set_says_what_it_needs_and_a_model_goes_before_it():
    many = DatasetSpec(
        name="many",
        summary="-",
        target="a:B",
        recipes={"default": {"sampler": "blocks", "epochs": 3, "options": {"k": 9}}, "gmvae": {"epochs": 4}},
    )
    assert recipe(GMVAE, "many", many)["sampler"] == "blocks"
    assert (recipe(GMVAE, "many", many)["epochs"], recipe(MLVAE, "many", many)["epochs"]) == (4, 3)
    assert recipe(GMVAE, "many", many)["options"]["k"] == 9
    own = ModelSpec(name="own", summary="-", target="a:B", recipes={"many": {"epochs": 5}})
    assert (recipe(own, "many", many)["epochs"], recipe(own, "many", many)["sampler"]) == (5, "blocks")
    assert recipe(own, "many")["sampler"] == "random"
    found = merge(
        own, GMVAEConfig, model="own", data="many", file={"sampler": "pairs"}, flags={"epochs": 6}, data_spec=many
    )
    assert (found.sampler, found.epochs) == ("pairs", 6)


# Named recipes


def test_a_named_recipe_goes_on_top_of_the_plain_one_and_below_what_a_person_says():
    plain, named = recipe(GMVAE, "mnist"), recipe(GMVAE, "mnist", name="no-leak")
    assert named["options"]["leak"] > 0
    assert "leak" not in plain["options"]
    assert {key: value for key, value in named.items() if key != "options"} == {
        key: value for key, value in plain.items() if key != "options"
    }
    assert merged("mnist", flags={"recipe": "no-leak"}).options["leak"] == named["options"]["leak"]
    assert merged("mnist", file={"recipe": "no-leak"}).recipe == "no-leak"
    assert merged("mnist", flags={"recipe": "no-leak", "options": {"leak": 2}}).options["leak"] == 2.0
    assert merged("mnist").options["leak"] == 0.0


def test_a_recipe_that_is_not_there_or_says_nothing_of_a_model_is_refused():
    with pytest.raises(UsageError, match=r"There is no recipe 'no-lek'\.\nDid you mean 'no-leak'"):
        merged(flags={"recipe": "no-lek"})
    spec = ModelSpec(name="other", summary="-", target="a:B")
    with pytest.raises(UsageError, match=r"The recipe 'no-leak' changes nothing of model"):
        merged("cars3d", spec=spec, config=Other, flags={"recipe": "no-leak"})


# Precedence


def test_flags_go_before_the_file_before_the_recipe_before_the_defaults():
    file = {"epochs": 5, "lr": 0.25, "options": {"k": 5, "delta": 0.5}}
    found = merged("cars3d", file=file, flags={"epochs": 6, "lr": None, "options": {"k": "7"}})
    assert found.epochs == 6  # flag
    assert found.lr == 0.25  # file; a flag that was not given is None
    assert found.milestones == (200, 400)  # recipe
    assert found.seed == 0  # default
    assert found.options["k"] == 7.0  # flag, from text
    assert found.options["delta"] == 0.5  # file
    assert found.options["content_size"] == 16  # recipe
    assert found.options["singleton"] == GMVAEConfig().singleton  # default


@dataclass(frozen=True)
class Other(Options):
    depth: int = option(1, "Depth.", low=1)


def test_recipe_options_that_another_model_does_not_have_are_dropped():
    spec = ModelSpec(name="other", summary="-", target="a:B")
    assert merged("cars3d", spec=spec, config=Other).options == {"depth": 1}
    assert merged("cars3d", spec=MLVAE, config=MLVAEConfig).options["content_size"] == 16


def test_options_that_a_person_typed_must_exist():
    for layer in ("file", "flags"):
        with pytest.raises(UsageError, match=r"Unknown option 'zzz' for model 'gmvae'\.\nKnown: assume_distinct"):
            merged(**{layer: {"options": {"zzz": 2}}})
    with pytest.raises(UsageError, match=r"Unknown option 'widht'.*\nDid you mean 'width'\?"):
        merged(flags={"options": {"widht": 2}})


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("epochs", 0, r"epochs=0 is out of bounds for the run\.\nIt takes a whole number >= 1"),
        ("batch_size", 1, "batch_size=1 is out of bounds"),
        ("lr", 0, "lr=0.0 is out of bounds"),
        ("lr", "fast", "lr=fast does not fit the run"),
        ("lr", float("nan"), "lr=nan is out of bounds"),
        ("visible", 1.5, "visible=1.5 is out of bounds"),
        ("seed", -1, "seed=-1 is out of bounds"),
        ("sampler", "block", "Did you mean 'blocks'"),
        ("milestones", [3, 2], "positive and ascending"),
        ("milestones", [1.5], "whole numbers"),
        ("epochs", 10**18, "epochs=1000000000000000000 is out of bounds"),
        ("batch_size", 10**12, "out of bounds"),
    ],
)
def test_values_out_of_bounds_are_refused(key, value, text):
    with pytest.raises(UsageError, match=text):
        merged(flags={key: value})


# Files


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_holds_settings_and_options(tmp_path: Path):
    path = write(tmp_path / "a.toml", 'epochs = 3\nmilestones = [1, 2]\nout = "x"\n[options]\nk = 3\n')
    assert read_config_file(path) == {"epochs": 3, "milestones": [1, 2], "out": "x", "options": {"k": 3}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("epoch = 3", r"Unknown key 'epoch' in .*\nDid you mean 'epochs'\?"),
        ("epochs = ", "cannot be read"),
        ("options = 3", "'options' in .* is not a table.*\nWrite model options below a line"),
    ],
)
def test_a_bad_file_is_refused(tmp_path: Path, text, message):
    with pytest.raises(UsageError, match=message):
        read_config_file(write(tmp_path / "a.toml", text))


def test_the_configuration_of_a_run_is_a_file_too(tmp_path: Path):
    before = merged("cars3d", flags={"seed": 5})
    write(tmp_path / "config.json", json.dumps(asdict(before)))
    found = read_config_file(tmp_path / "config.json")
    assert merged("cars3d", file=found) == before
    for text in ("[1]", "{", "[" * 100_000, '{"epoch": 3}'):
        with pytest.raises(UsageError, match=r"config\.json"):
            read_config_file(write(tmp_path / "config.json", text))


def test_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(UsageError, match=r"There is no configuration file .*nowhere\.toml"):
        read_config_file(tmp_path / "nowhere.toml")
    with pytest.raises(UsageError, match="cannot be read"):
        read_config_file(tmp_path)
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="cannot be read"):
        read_config_file(tmp_path / "binary")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError, match="it is a named pipe, not a file"):
        read_config_file(tmp_path / "pipe")


# Resuming


def test_only_real_differences_count_when_a_run_is_resumed():
    before = merged()
    same = {"lr": "2e-3", "milestones": [40, 52], "epochs": 99, "device": "cpu", "limit": None, "options": {"k": "2"}}
    assert differences(before, changed(before, GMVAEConfig, same)) == []
    assert changed(before, GMVAEConfig, same).epochs == 99


def test_every_difference_is_listed():
    before = merged()
    after = changed(before, GMVAEConfig, {"model": "mlvae", "seed": 4, "limit": 9, "options": {"k": "3", "delta": "2"}})
    assert differences(before, after) == [
        "model: gmvae -> mlvae",
        "limit: None -> 9",
        "seed: 0 -> 4",
        f"options.delta: {GMVAEConfig().delta} -> 2.0",
        "options.k: 2.0 -> 3.0",
    ]


def test_what_is_asked_of_a_resumed_run_is_checked():
    for asked, text in (({"epochs": 0}, "out of bounds"), ({"options": {"widht": 1}}, "Did you mean 'width'")):
        with pytest.raises(UsageError, match=text):
            changed(merged(), GMVAEConfig, asked)
