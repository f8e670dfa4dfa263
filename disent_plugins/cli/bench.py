"""``disent bench``: the speed of training here, in one run, beside what bounds it and what people write otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from disent_plugins.cli import completion, show, state

if TYPE_CHECKING:
    from disent_plugins.training.bench.measure import Speed

SIDES = {
    "bare": "bare step: network, loss and optimiser on one batch that is already there",
    "loop": "training loop",
    "whole": "training loop with checkpoints and records",
    "plain": "plain PyTorch: a loader of single images, fp32, a loop over groups, .item()",
}


def bench(
    model: Annotated[str, typer.Option(help="Model.", autocompletion=completion.models)] = "gmvae",
    data: Annotated[str, typer.Option(help="Data set.", autocompletion=completion.datasets)] = "mnist",
    set_: Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Model option.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Images in a batch (default: recipe).")] = None,
    steps: Annotated[int | None, typer.Option(help="Steps of a round (default: 8, on a GPU 200).", min=1)] = None,
    rounds: Annotated[int, typer.Option(help="How often the sides take turns.", min=1)] = 5,
    device: Annotated[str | None, typer.Option(help="auto, cpu or cuda[:n].")] = None,
    precision: Annotated[str | None, typer.Option(help="auto, fp32 or bf16.")] = None,
    graph: Annotated[str | None, typer.Option(help="CUDA graph: auto, on or off.")] = None,
    compile: Annotated[str | None, typer.Option(help="torch.compile: auto, on or off.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Measure the speed of training a model on this machine.

    Generated images stand in for a data set that is not prepared; nothing is downloaded or kept.
    """
    import tempfile
    from dataclasses import asdict
    from pathlib import Path

    from disent_plugins.cli.progress import reporting
    from disent_plugins.options import parse_assignments
    from disent_plugins.training.bench.images import images_for
    from disent_plugins.training.bench.measure import STEPS, measure
    from disent_plugins.training.parts import resolve
    from disent_plugins.training.session import device_of

    flags: dict[str, Any] = {
        "batch_size": batch_size, "device": device, "precision": precision, "graph": graph, "compile": compile,
        "options": parse_assignments(set_ or []), "data_options": {},
    }  # fmt: skip
    parts, settings = resolve(state.registry(), model=model, data=data, file={}, flags=flags)
    target = device_of(settings)
    with reporting() as report, tempfile.TemporaryDirectory() as folder:
        count = (steps or STEPS[target.type]) * settings.batch_size
        table, images = images_for(parts, count, report)
        found = parts.registry.call(
            parts.plugin,
            f"Model '{parts.spec.name}' could not be measured",
            lambda: measure(
                parts, settings, table, images, target, Path(folder), steps=steps, rounds=rounds, report=report
            ),
        )
    if json:
        reached = {name: ratio.reached for name, ratio in found.ratios.items()}
        state.print_json({**asdict(found), "reached": reached})
    else:
        show_speed(found)


def show_speed(found: Speed) -> None:
    """Print the speeds, and the ratios beside their goals."""
    state.out.print(
        f"{found.model}, {found.images}: {found.rounds} rounds of {found.steps} steps of {found.batch_size}, "
        f"{found.device}, {found.threads} threads",
        markup=False, soft_wrap=True,
    )  # fmt: skip
    state.out.print(f"precision {found.precision.used} ({found.precision.why})", markup=False, soft_wrap=True)
    rows = [
        [SIDES[side], f"{speed:,.0f}", f"{found.milliseconds(side):,.2f}"]
        for side, speed in found.images_per_second.items()
    ]
    state.out.print()
    state.out.print(show.table("Speed, medians", ["", "images/s", "ms per step"], rows))
    rows = []
    for name, ratio in found.ratios.items():
        verdict = "" if ratio.reached is None else "reached" if ratio.reached else "missed"
        rows.append([name, f"{ratio.value:.3f}", "" if ratio.goal is None else f"{ratio.goal:g}", verdict])
    rows.append(["share of a step outside the network", f"{found.outside:.3f}", "", ""])
    rows.append(["share of the loop that waited for images", f"{found.data_wait:.3f}", "", ""])
    if found.matrix_share is not None:
        rows.append(["share of this GPU's measured matrix rate", f"{found.matrix_share:.3f}", "", ""])
    state.out.print()
    state.out.print(show.table("Ratios, medians of the rounds", ["", "value", "goal", ""], rows))
    notes = ["Steps are replayed from a CUDA graph."] if found.recorded else []
    if found.own_loss:
        notes.append(
            "The plain loop takes the model's own loss: only that of GM-VAE with default options is written plainly."
        )
    for note in notes:
        state.out.print(f"  note: {note}", style="dim", markup=False, soft_wrap=True)
