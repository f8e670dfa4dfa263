"""``disent models list | show``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from disent_plugins.cli import completion, show, state
from disent_plugins.cli.listing import list_specs

app = typer.Typer(no_args_is_help=True, help="The models: what there is, and what their options mean.")

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


@app.command("list")
def list_models(json: Json = False) -> None:
    """List the models."""
    hint = "Options of one: disent models show NAME"
    list_specs(state.registry().models, "Models", capability="requires", hint=hint, json=json)


@app.command("show")
def show_model(
    name: Annotated[str, typer.Argument(help="A model's name.", autocompletion=completion.models)], json: Json = False
) -> None:
    """Show a model's options, their defaults, and its recipes."""
    from disent_plugins.options import describe
    from disent_plugins.training.settings import DEFAULT_RECIPE, recipe, recipe_names

    registry = state.registry()
    spec, plugin = registry.models.find(name)
    model = registry.load(spec, plugin)
    options = registry.call(plugin, f"the options of '{name}' could not be read", lambda: describe(model.Config))
    sets = {data.name: data for data, _ in registry.datasets.entries}
    offered = {option.name for option in options}
    by_name = {
        known: {data: recipe(spec, data, sets[data], known, offered) for data in sorted(sets)}
        for known in recipe_names()
    }
    plain = by_name.pop(DEFAULT_RECIPE)
    named = {
        known: {data: _added(plain[data], found) for data, found in of.items() if found != plain[data]}
        for known, of in by_name.items()
    }
    document: dict[str, Any] = {
        "name": name, "summary": spec.summary, "reference": spec.reference, "requires": list(spec.requires),
        "distribution": plugin.distribution, "target": spec.target,
        "options": [{"name": o.name, "default": o.default, "accepts": o.accepts, "doc": o.doc} for o in options],
        "recipes": plain, "named_recipes": named,
    }  # fmt: skip
    if json:
        state.print_json(document)
        return
    state.out.print(f"{name}: {spec.summary}", style="bold", markup=False)
    needs = ", ".join(spec.requires) or "nothing"
    state.out.print(f"{spec.reference}\nneeds: {needs}; from {plugin.distribution}\n", markup=False)
    state.out.print(show.options_table("Options", options))
    state.out.print()
    rows = [[data, _listed(found)] for data, found in plain.items()]
    state.out.print(show.table("Recipes", ["data", "settings and options"], rows))
    for known, of in named.items():
        rows = [[data, _listed(found)] for data, found in of.items()]
        state.out.print()
        state.out.print(show.table(f"Recipe '{known}' (--recipe {known})", ["data", "what it changes"], rows))
    state.out.print(f"\nTrain it: disent run --model {name}", style="dim", markup=False)


def _added(plain: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    """What a named recipe says otherwise than the plain one."""
    options = {key: value for key, value in found["options"].items() if plain["options"].get(key) != value}
    return {**{k: v for k, v in found.items() if k != "options" and plain.get(k) != v}, "options": options}


def _listed(found: dict[str, Any]) -> str:
    flat = {**{key: value for key, value in found.items() if key != "options"}, **found["options"]}
    return ", ".join(f"{key}={value}" for key, value in flat.items())
