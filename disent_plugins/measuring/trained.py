"""A run on disk as something that can be measured: its weights, its codes, its decoder."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from disent_plugins.contracts import ImageTable, Report, Result, Subject, TrainingData
from disent_plugins.contracts.data import short_name
from disent_plugins.contracts.frames import frame, has_pandas
from disent_plugins.data_adapters.cache import derived_folder, quiet
from disent_plugins.errors import UsageError
from disent_plugins.files import clear_disk_errors, digest, read_json, write_json
from disent_plugins.measuring.documents import document
from disent_plugins.measuring.encode import decoder, encode, encoder, fusion, real_images, used_rows
from disent_plugins.measuring.items import with_items
from disent_plugins.measuring.kept import read_documents
from disent_plugins.measuring.measure import check_request, measure
from disent_plugins.measuring.model import TrainedModel
from disent_plugins.measuring.provenance import of_run
from disent_plugins.measuring.results import (
    COLUMNS,
    JSON,
    add_results,
    kept_name,
    require_place,
    set_aside,
    value_rows,
)
from disent_plugins.measuring.stand_in import StandIn
from disent_plugins.metrics.codes.file import read_codes, write_codes
from disent_plugins.registry.host import Registry
from disent_plugins.training.checkpoint import load, load_weights
from disent_plugins.training.devices import choose_device
from disent_plugins.training.display import reporting
from disent_plugins.training.folder import RunFolder, measuring, refuse_links
from disent_plugins.training.identity import check_identity, identity
from disent_plugins.training.parts import Parts, load_parts
from disent_plugins.training.pixels import Pixels
from disent_plugins.training.settings import RunSettings


@dataclass(kw_only=True)
class TrainedRun(TrainedModel):
    """A run read back from disk, with its model in evaluation mode.

    Attributes:
        folder: Where it lies.
        settings: Its settings.
        data: What its model was told of its training images.
        parts: Its plugins.
        of: What exactly its results are of: checkpoint, epoch, digests of weights and data.
        progress: Whether ``measure`` shows how far it is.
    """

    folder: RunFolder
    settings: RunSettings
    data: TrainingData
    parts: Parts
    of: dict[str, Any]
    progress: bool = False
    _table: ImageTable | None = field(default=None, repr=False)

    def load(self, report: Report = quiet) -> ImageTable:
        """Its data set, prepared if it is not yet, and read once.

        Raises:
            DataMissing: It is not there, and cannot be fetched.
            UsageError: It is not what the run was trained on.
        """
        if self._table is None:
            table = self.parts.table(None, report)
            self.folder.check_same_data(table)
            self._table = table
        return self._table

    @property
    def table(self) -> ImageTable:
        """The same."""
        return self.load()

    @cached_property
    def pixels(self) -> Pixels:
        """Its images, ready for the model."""
        return Pixels(self.table, self.device)

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
        rows = used_rows(self.load(report), self.settings.limit)
        decode, encode_images = (
            decoder(self.model, self.device, self.image),
            encoder(self.model, self.device, self.image),
        )
        fuse = fusion(self.model, self.device)
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

    def measure(
        self, metric: str, *, preset: str | None = None, seed: int | None = None, out: str | Path | None = None,
        **options: Any,
    ) -> Result:  # fmt: skip
        """Measure a registered metric, and keep its result in the run's folder, as ``disent metrics`` does.

        Args:
            metric: Registry name.
            preset: A published study whose settings to use.
            seed: Of everything random; the run's own if None.
            out: Folder for pictures; then nothing is written into the run's folder but its codes.
            options: Options of the metric.

        Raises:
            UsageError: An unknown name, option or preset, or the model lacks what the metric needs.
            DataMissing: The data set is not there.
            PluginFailure, WorkFailed: The metric failed.
        """
        check_request(self.registry, metric, options, preset)
        with reporting(self.progress) as report:
            subject = self.subject(seed=seed, report=report)
            if out is not None:
                return measure(self.registry, metric, options, replace(subject, out=Path(out)), preset=preset)
            require_place(self.place)
            set_aside(self.place, self.of, self.figures)
            result = with_items(measure(self.registry, metric, options, subject, preset=preset), self.place)
        group = self.registry.metrics.find(metric)[0].group
        found = document(result, subject=subject.name, group=group, of=self.of)
        add_results(self.place, {kept_name(metric, found["settings"]): found})
        return result

    @property
    def results(self) -> Any:
        """What was measured of these weights: a value a row, with its reference points (``results.COLUMNS``).

        Returns:
            A pandas DataFrame; where there is no pandas, a list of dictionaries.

        Raises:
            UsageError: ``results.json`` is damaged.
        """
        kept = read_documents(self.place / JSON)
        rows = value_rows({name: found for name, found in kept.items() if found.get("of") == self.of})
        return frame(rows, COLUMNS) if has_pandas() else rows


def open_run(
    registry: Registry,
    folder: RunFolder,
    *,
    which: str = "last",
    device: str = "auto",
    report: Report = quiet,
    images: bool = True,
) -> TrainedRun:
    """Read a trained run back.

    Args:
        registry: All plugins.
        folder: The run's folder.
        which: Checkpoint: ``last`` or ``best``.
        device: Where to encode and decode.
        report: Progress.
        images: Whether to open its data set at once, and not when it is needed.

    Raises:
        UsageError: No run, no checkpoint, or a checkpoint of another model or another run.
    """
    settings = folder.settings()
    target = choose_device(device)
    checkpoint = load(folder.checkpoint(which), target)
    parts = load_parts(registry, settings.model, settings.data, settings.data_options)
    data, content_hash = folder.training_data(), folder.data_digest()
    model = parts.model(settings, data).to(target)
    load_weights(model, checkpoint, folder.checkpoint(which))
    info = parts.adapter.info
    run = TrainedRun(
        model=model.eval(), name=settings.model, image=data.image, made=info.preprocessing, device=target,
        registry=registry, plugin=parts.plugin, folder=folder, settings=settings, data=data, parts=parts,
        of=of_run(which, checkpoint, content_hash, info.subset),
    )  # fmt: skip
    if images:
        run.load(report)
    check_identity(folder.checkpoint(which), checkpoint.run, identity(settings, content_hash, data))
    return run
