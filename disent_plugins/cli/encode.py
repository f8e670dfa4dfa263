"""``disent encode``: pictures or an array through the encoder of a trained model, into a file of codes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from disent_plugins.cli import completion, show, state
from disent_plugins.cli.models import Json
from disent_plugins.errors import UsageError


def encode(
    run: Annotated[Path, typer.Argument(help="Run folder, or an exported model.", autocompletion=completion.runs)],
    images: Annotated[
        list[Path], typer.Argument(help="Pictures, folders of them (one a class gives labels), or one .npy or .npz.")
    ],
    out: Annotated[Path, typer.Option(help="File of codes.")] = Path("codes.npz"),
    resize: Annotated[bool, typer.Option("--resize", help="Scale pictures of another size.")] = False,
    pad: Annotated[bool, typer.Option("--pad", help="Put smaller pictures in the middle of zeros.")] = False,
    checkpoint: Annotated[str, typer.Option(help="last or best.")] = "last",
    device: Annotated[str, typer.Option(help="auto, cpu or cuda[:n].")] = "auto",
    json: Json = False,
) -> None:
    """Encode your own pictures with a trained model.

    What is written is measured with: disent metrics NAME --codes codes.npz
    """
    if resize and pad:
        raise UsageError("--resize and --pad were both given.", "A picture is scaled or put among zeros, not both.")
    if out.suffix != ".npz":
        raise UsageError(
            f"--out {out} is no .npz file.", "Codes are written as arrays of NumPy.", "Say: --out codes.npz"
        )
    from disent_plugins.cli.progress import reporting
    from disent_plugins.measuring.codes_out import write_npz
    from disent_plugins.measuring.pictures import read_images

    model = _model(run, checkpoint, device)
    with reporting() as report:
        fit: Any = "resize" if resize else "pad" if pad else ""
        found = read_images(images, model.image, made=model.made, fit=fit, report=report)
        columns = model.columns(found.images, report)
    arrays = write_npz(out, columns, found)
    if json:
        state.print_json({"file": str(out), "arrays": {name: list(array.shape) for name, array in arrays.items()}})
        return
    sizes = ", ".join(f"{name} {list(array.shape)}" for name, array in arrays.items())
    state.out.print(f"{show.shorten(out)}: {sizes}", markup=False, soft_wrap=True)
    if found.left_out:
        state.say(f"files that are no pictures, left out: {found.left_out:,}")
    if found.labels is None:
        state.say("There are no labels: metrics need the array 'labels' [N] or 'factors' [N, F] in that file.")
    else:
        state.say(f"next: disent metrics all --codes {show.shorten(out)}")


def _model(path: Path, checkpoint: str, device: str) -> Any:
    from disent_plugins.measuring.exported import WEIGHTS, open_export
    from disent_plugins.measuring.runs import open_run

    registry = state.registry()
    if not (path / WEIGHTS).is_file():
        return open_run(path, checkpoint=checkpoint, device=device, registry=registry)
    if checkpoint != "last":
        raise UsageError(f"{path} is an exported model.", "It has no checkpoints.", "Leave --checkpoint out.")
    return open_export(path, device=device, registry=registry)
