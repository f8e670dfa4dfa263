"""A run on disk as something that can be measured: its weights, its codes, its decoder."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from disent_plugins.contracts import ImageTable, Report, Subject
from disent_plugins.contracts.data import short_name
from disent_plugins.data_adapters.cache import derived_folder, quiet
from disent_plugins.errors import UsageError
from disent_plugins.files import clear_disk_errors, digest, read_json, write_json
from disent_plugins.measuring.encode import decoder, encode, encoder, fusion, real_images, used_rows
from disent_plugins.measuring.provenance import of_run
from disent_plugins.measuring.stand_in import StandIn
from disent_plugins.metrics.codes.file import read_codes, write_codes
from disent_plugins.registry.host import Registry
from disent_plugins.training.checkpoint import load, load_weights
from disent_plugins.training.devices import choose_device
from disent_plugins.training.folder import RunFolder, measuring, refuse_links
from disent_plugins.training.identity import check_identity, identity
from disent_plugins.training.parts import Parts, load_parts
from disent_plugins.training.pixels import Pixels
from disent_plugins.training.settings import RunSettings


@dataclass
class TrainedRun:
    """A run read back from disk, with its model in evaluation mode."""

    folder: RunFolder
    parts: Parts
    settings: RunSettings
    table: ImageTable
    model: nn.Module
    pixels: Pixels
    of: dict[str, Any]

    @property
    def place(self) -> Path:
        """Where its results are kept."""
        return self.folder.place(self.of["checkpoint"])

    @property
    def figures(self) -> Path:
        """Where its pictures are kept."""
        return self.place / "figures"

    def has_picture(self, file: str) -> bool:
        """Whether a file that a document names is there: as it was named where it was made, or in a folder here."""
        return Path(file).is_file() or self.place.joinpath(*Path(file).parts[-2:]).is_file()

    def subject(self, *, seed: int | None = None, report: Report = quiet) -> Subject:
        """What metrics measure. The codes are encoded once per weights and kept in ``codes.h5``."""
        refuse_links(self.place, self.figures)
        rows = used_rows(self.table, self.settings.limit)
        device = self.pixels.device
        decode, encode_images = decoder(self.model, device, self.table.info.image), encoder(self.model, device)
        fuse = fusion(self.model, device)
        stand_in = self._stand_in(rows)
        decode, encode_images, fuse = stand_in.decoder(decode), stand_in.encoder(encode_images), stand_in.fusion(fuse)
        data = f"{short_name(self.settings.data)}{self.table.info.subset_words}"
        return Subject(
            name=f"{self.settings.model} on {data} ({self.folder.path.name})",
            codes=self._codes(rows, stand_in, report),
            seed=self.settings.seed if seed is None else seed,
            out=self.figures,
            decode=lambda content, style: self._guarded("decoding", lambda: decode(content, style)),
            images=real_images(self.table, rows),
            encode=lambda images: self._guarded("encoding", lambda: encode_images(images)),
            fuse=None if fuse is None else lambda *content: self._guarded("fusing", lambda: fuse(*content)),
            keep=derived_folder(self.table),
            report=report,
            of=self.of,
        )

    def _stand_in(self, rows: Any) -> StandIn:
        """For blocks that the model found to be empty; codes in one piece by design stay so."""
        if not getattr(self.model, "infers_blocks", False):
            return StandIn(content=False, style=False)
        return StandIn.of(
            self._guarded("encoding", lambda: encode(self.model, self.pixels, self.table, rows[:1], quiet))
        )

    def _codes(self, rows: Any, stand_in: StandIn, report: Report) -> Any:
        """The kept codes if they are of these weights and data and as they were written, otherwise fresh ones."""
        path, stamp = self.folder.codes, self.folder.path / "codes.json"
        mark = {name: self.of[name] for name in ("weights", "data")}
        with measuring(self.folder.path):
            with contextlib.suppress(UsageError, OSError):  # damaged codes are no loss: they are encoded again
                if read_json(stamp) == {**mark, "codes": digest(path)}:
                    return read_codes(path)
            codes = self._guarded("encoding", lambda: encode(self.model, self.pixels, self.table, rows, report))
            codes = stand_in.codes(codes)
            with contextlib.suppress(UsageError), clear_disk_errors(path):  # in a folder to read only
                stamp.unlink(missing_ok=True)
                write_codes(path, codes)
                write_json(stamp, {**mark, "codes": digest(path)})
            return codes

    def _guarded(self, what: str, call: Callable[[], Any]) -> Any:
        parts = self.parts
        return parts.registry.call(parts.plugin, f"Model '{parts.spec.name}' failed while {what}", call)


def open_run(
    registry: Registry, folder: RunFolder, *, which: str = "last", device: str = "auto", report: Report = quiet
) -> TrainedRun:
    """Read a trained run back.

    Args:
        registry: All plugins.
        folder: The run's folder.
        which: Checkpoint: ``last`` or ``best``.
        device: Where to encode and decode.
        report: Progress.

    Raises:
        UsageError: No run, no checkpoint, or a checkpoint of another model or another run.
    """
    settings = folder.settings()
    target = choose_device(device)
    checkpoint = load(folder.checkpoint(which), target)
    parts = load_parts(registry, settings.model, settings.data, settings.data_options)
    data = folder.training_data()
    model = parts.model(settings, data).to(target)
    load_weights(model, checkpoint, folder.checkpoint(which))
    table = parts.table(None, report)
    folder.check_same_data(table)
    check_identity(folder.checkpoint(which), checkpoint.run, identity(settings, table.digest, data))
    of = of_run(which, checkpoint, table.digest, table.info.subset)
    return TrainedRun(folder, parts, settings, table, model.eval(), Pixels(table, target), of)
