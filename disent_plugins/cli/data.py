"""``disent data list | show | prepare | verify | rm``."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from disent_plugins.cli import completion, show, state
from disent_plugins.cli.listing import list_specs
from disent_plugins.cli.models import Json
from disent_plugins.content import Factor
from disent_plugins.contracts.data import short_name
from disent_plugins.errors import UsageError
from disent_plugins.registry.host import Plugin

app = typer.Typer(no_args_is_help=True, help="The data sets: what there is, where the files come from, the cache.")

Name = Annotated[str, typer.Argument(help="A data set's name.", autocompletion=completion.datasets)]


SetData = Annotated[
    list[str] | None, typer.Option("--set-data", metavar="KEY=VALUE", help="Option of the data set; repeatable.")
]


def _adapter(name: str, set_data: list[str] | None) -> tuple[Any, Plugin]:
    from disent_plugins.data_adapters.named import adapter_named
    from disent_plugins.options import parse_assignments

    found = adapter_named(state.registry(), name, parse_assignments(set_data or [], flag="--set-data"))
    return found.adapter, found.plugin


@app.command("list")
def list_data(json: Json = False) -> None:
    """List the data sets, and what is prepared of them."""
    from disent_plugins.data_adapters.cache import caches_of, size_of

    list_specs(
        state.registry().datasets,
        "Data sets",
        capability="provides",
        hint="Details of one: disent data show NAME",
        json=json,
        columns=["prepared"],
        more=lambda name: {"prepared": [size_of(path) for path in caches_of(name)]},
        words={"prepared": lambda sizes: "\n".join(_how_much(size) for size in sizes)},
    )


def _how_much(size: dict[str, Any]) -> str:
    images = f"{size['images']:,} images, " if size["images"] is not None else ""
    return f"{images}{size['bytes'] / 1e6:,.1f} MB"


def _words(factor: Factor) -> str:
    size = [str(factor.size)] if factor.size else []
    kind = [factor.kind] if factor.kind != "category" else []
    few = factor.values if len(factor.values) <= 6 else (factor.values[0], "...", factor.values[-1])
    return f"{factor.name} ({' '.join([*size, *kind])}{': ' * bool(few)}{', '.join(few)})"


@app.command("show")
def show_data(name: Name, set_data: SetData = None, json: Json = False) -> None:
    """Show a data set's sizes, factors, files and licence, and whether it is cached."""
    from disent_plugins.data_adapters.cache import cache_path, size_of
    from disent_plugins.options import describe

    adapter, _ = _adapter(name, set_data)
    info = adapter.info
    options = describe(adapter.Config) if hasattr(adapter, "Config") else []
    path = cache_path(info)
    size = size_of(path) if path.is_file() else {"images": None, "bytes": None}
    document = {
        "name": name, "image": list(info.image.shape), "content": info.content,
        "factors": {factor.name: factor.size for factor in info.factors},
        "kinds": {factor.name: factor.kind for factor in info.factors},
        "values": {factor.name: list(factor.values) for factor in info.factors if factor.values},
        "groups_are_distinct": info.groups_are_distinct, "preprocessing": info.preprocessing, "licence": info.licence,
        "reference": info.reference, "options": dict(info.options), "cache": str(path), "cached": path.is_file(),
        "images": size["images"], "bytes": size["bytes"],
        "files": [
            {"name": f.name, "urls": list(f.urls), "hash": f.hash, "size": f.size, "obtain": f.obtain}
            for f in adapter.files
        ],
    }  # fmt: skip
    if json:
        state.print_json(document)
        return
    rows = [
        *([["subset", f"{info.subset}: not the published images, or not all of them"]] if info.subset else []),
        ["images", " x ".join(str(size) for size in info.image.shape) + " (channels, height, width)"],
        ["factors", ", ".join(_words(factor) for factor in info.factors) + f"; content is {info.content}"],
        ["made by", info.preprocessing],
        ["licence", info.licence],
        ["reference", info.reference],
        ["cache", f"{path} ({_how_much(size) if path.is_file() else 'not built yet'})"],
        *[["file", f"{f.name}  {' | '.join(f.urls) or f.obtain}"] for f in adapter.files],
    ]
    state.out.print(show.table(name, ["", ""], rows))
    if options:
        state.out.print(show.options_table("Options", options, "--set-data"))
    if not path.is_file():
        state.out.print(f"\nBuild the cache: disent data prepare {name}", style="dim", markup=False)


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
    name += table.info.subset_words
    counts = ", ".join(f"{count:,} {split}" for split, count in splits.items() if count)
    state.out.print(f"{name}: {len(table.images):,} images ({counts}) in {table.path}", markup=False, soft_wrap=True)


@app.command("verify")
def verify_data(name: Name, set_data: SetData = None, json: Json = False) -> None:
    """Hash the cache again and compare."""
    from disent_plugins.cli.progress import reporting
    from disent_plugins.data_adapters.cache import cache_path
    from disent_plugins.data_adapters.cache_read import verify
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


@app.command("rm")
def remove_data(
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    json: Json = False,
) -> None:
    """Remove the caches of a data set, of all its options; raw files stay where they are."""
    from disent_plugins.cli.progress import reporting
    from disent_plugins.data_adapters.cache import cache_folder, caches_of, size_of
    from disent_plugins.data_adapters.store import remove
    from disent_plugins.errors import DataMissing

    head, place = state.registry().datasets.split(name)
    bare = head.rpartition(":")[2]
    if place:  # which may be gone
        bare = short_name(f"{bare}:{os.path.abspath(os.path.expanduser(place))}")
    found = [size_of(path) for path in caches_of(bare)]
    if not found:
        state.registry().datasets.find(name)  # says so if there is no such data set; of one that is gone, caches may be
        raise DataMissing(f"{name} is not cached.", f"No cache of it lies in {cache_folder()}.")
    if not (yes or _agreed(found)):
        state.say("Nothing was removed.")
        return
    with reporting() as report:
        for size in found:
            remove(Path(size["path"]), bare, report)
    if json:
        state.print_json({"name": name, "removed": found})
        return
    for size in found:
        state.out.print(f"removed {size['path']} ({_how_much(size)})", markup=False, soft_wrap=True)
    if (raw := cache_folder() / "raw" / bare).is_dir():
        state.say(f"The raw files stay in {raw}.")


def _agreed(found: Sequence[dict[str, Any]]) -> bool:
    for size in found:
        state.say(f"{size['path']} ({_how_much(size)})")
    if not sys.stdin.isatty():
        raise UsageError("Nothing was removed.", "This command asks first, and here nobody can answer.", "Say: --yes")
    return typer.confirm("Remove?", err=True)
