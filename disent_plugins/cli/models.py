"""``disent models list | show``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from disent_plugins.cli import show, state
from disent_plugins.cli.listing import list_specs

app = typer.Typer(no_args_is_help=True, help="The models: what there is, and what their options mean.")

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


@app.command("list")
def list_models(json: Json = False) -> None:
    """List the models."""
    hint = "Options of one: disent models show NAME"
    list_specs(state.registry().models, "Models", capability="requires", hint=hint, json=json)


@app.command("show")
def show_model(name: Annotated[str, typer.Argument(help="A model's name.")], json: Json = False) -> None:
    """Show a model's options, their defaults, and its recipes."""
    from disent_plugins.options import describe
    from disent_plugins.training.settings import recipe

    registry = state.registry()
    spec, plugin = registry.models.find(name)
    model = registry.load(spec, plugin)
    options = registry.call(plugin, f"the options of '{name}' could not be read", lambda: describe(model.Config))
    sets = {data.name: data for data, _ in registry.datasets.entries}
    recipes = {data: recipe(spec, data, sets[data]) for data in sorted(sets)}
    document: dict[str, Any] = {
        "name": name, "summary": spec.summary, "reference": spec.reference, "requires": list(spec.requires),
        "distribution": plugin.distribution, "target": spec.target,
        "options": [{"name": o.name, "default": o.default, "accepts": o.accepts, "doc": o.doc} for o in options],
        "recipes": recipes,
    }  # fmt: skip
    if json:
        state.print_json(document)
        return
    state.out.print(f"{name}: {spec.summary}", style="bold", markup=False)
    needs = ", ".join(spec.requires) or "nothing"
    state.out.print(f"{spec.reference}\nneeds: {needs}; from {plugin.distribution}\n", markup=False)
    state.out.print(show.options_table("Options", options))
    state.out.print()
    rows = [[data, ", ".join(f"{k}={v}" for k, v in _flat(known).items())] for data, known in recipes.items()]
    state.out.print(show.table("Recipes", ["data", "settings and options"], rows))
    state.out.print(f"\nTrain it: disent run --model {name}", style="dim")


def _flat(known: dict[str, Any]) -> dict[str, Any]:
    return {**{key: value for key, value in known.items() if key != "options"}, **known["options"]}
