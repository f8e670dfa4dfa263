"""``disent data list | show | prepare | verify``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from disent_plugins.cli import show, state
from disent_plugins.cli.listing import list_specs
from disent_plugins.cli.models import Json
from disent_plugins.content import Factor
from disent_plugins.registry.host import Plugin

app = typer.Typer(no_args_is_help=True, help="The data sets: what there is, where the files come from, the cache.")

Name = Annotated[str, typer.Argument(help="A data set's name.")]


SetData = Annotated[
    list[str] | None, typer.Option("--set-data", metavar="KEY=VALUE", help="Option of the data set; repeatable.")
]


def _adapter(name: str, set_data: list[str] | None) -> tuple[Any, Plugin]:
    from disent_plugins.data_adapters.adapter import make_adapter
    from disent_plugins.options import parse_assignments

    registry = state.registry()
    chosen = parse_assignments(set_data or [], flag="--set-data")
    spec, plugin = registry.datasets.find(name)
    make = registry.load(spec, plugin)
    what = f"data set '{name}' could not be made"
    return registry.call(plugin, what, lambda: make_adapter(make, chosen, name)), plugin


@app.command("list")
def list_data(json: Json = False) -> None:
    """List the data sets."""
    hint = "Details of one: disent data show NAME"
    list_specs(state.registry().datasets, "Data sets", capability="provides", hint=hint, json=json)


def _words(factor: Factor) -> str:
    size = [str(factor.size)] if factor.size else []
    kind = [factor.kind] if factor.kind != "category" else []
    few = factor.values if len(factor.values) <= 6 else (factor.values[0], "...", factor.values[-1])
    return f"{factor.name} ({' '.join([*size, *kind])}{': ' * bool(few)}{', '.join(few)})"


@app.command("show")
def show_data(name: Name, set_data: SetData = None, json: Json = False) -> None:
    """Show a data set's sizes, factors, files and licence, and whether it is cached."""
    from disent_plugins.data_adapters.cache import cache_path
    from disent_plugins.options import describe

    adapter, _ = _adapter(name, set_data)
    info = adapter.info
    options = describe(adapter.Config) if info.options else []
    path = cache_path(info)
    document = {
        "name": name, "image": list(info.image.shape), "content": info.content,
        "factors": {factor.name: factor.size for factor in info.factors},
        "kinds": {factor.name: factor.kind for factor in info.factors},
        "values": {factor.name: list(factor.values) for factor in info.factors if factor.values},
        "groups_are_distinct": info.groups_are_distinct, "preprocessing": info.preprocessing, "licence": info.licence,
        "reference": info.reference, "options": dict(info.options), "cache": str(path), "cached": path.is_file(),
        "files": [
            {"name": f.name, "urls": list(f.urls), "hash": f.hash, "size": f.size, "obtain": f.obtain}
            for f in adapter.files
        ],
    }  # fmt: skip
    if json:
        state.print_json(document)
        return
    rows = [
        ["images", " x ".join(str(size) for size in info.image.shape) + " (channels, height, width)"],
        ["factors", ", ".join(_words(factor) for factor in info.factors) + f"; content is {info.content}"],
        ["made by", info.preprocessing],
        ["licence", info.licence],
        ["reference", info.reference],
        ["cache", f"{path} ({'ready' if path.is_file() else 'not built yet'})"],
        *[["file", f"{f.name}  {' | '.join(f.urls) or f.obtain}"] for f in adapter.files],
    ]
    state.out.print(show.table(name, ["", ""], rows))
    if options:
        state.out.print(show.options_table("Options", options, "--set-data"))
    if not path.is_file():
        state.out.print(f"\nBuild the cache: disent data prepare {name}", style="dim")


@app.command("prepare")
def prepare_data(
    name: Name,
    source: Annotated[Path | None, typer.Option(help="Folder with the raw files; no network is used.")] = None,
    set_data: SetData = None,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Build the cache anew.")] = False,
    json: Json = False,
) -> None:
    """Download (or read from --source) and build the cache."""
    from disent_plugins.cli.progress import reporting
    from disent_plugins.data_adapters.store import prepare

    adapter, plugin = _adapter(name, set_data)
    with reporting() as report:
        table = state.registry().call(
            plugin,
            f"Data set '{name}' could not be prepared",
            lambda: prepare(adapter, source, rebuild=rebuild, report=report),
        )
    splits = {split: len(table.rows(split)) for split in ("train", "validation", "test")}
    document = {"name": name, "cache": str(table.path), "images": len(table.images), "splits": splits,
                "content_hash": table.digest}  # fmt: skip
    if json:
        state.print_json(document)
        return
    counts = ", ".join(f"{count:,} {split}" for split, count in splits.items() if count)
    state.out.print(f"{name}: {len(table.images):,} images ({counts}) in {table.path}", markup=False, soft_wrap=True)


@app.command("verify")
def verify_data(name: Name, set_data: SetData = None, json: Json = False) -> None:
    """Hash the cache again and compare."""
    from disent_plugins.cli.progress import reporting
    from disent_plugins.data_adapters.cache import cache_path, verify
    from disent_plugins.errors import DataMissing

    path = cache_path(_adapter(name, set_data)[0].info)
    if not path.is_file():
        raise DataMissing(f"{name} is not cached.", f"There is no {path}.", f"Build it: disent data prepare {name}")
    with reporting() as report:
        report(0, 1, f"hashing {path.name}")
        verify(path)
    if json:
        state.print_json({"name": name, "cache": str(path), "verified": True})
        return
    state.out.print(f"{name}: {path} is intact.", markup=False, soft_wrap=True)
