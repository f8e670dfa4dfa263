"""Cars3D: 183 cars, each from 24 azimuths and 4 elevations, one MATLAB file per car."""

from __future__ import annotations

import hashlib
import tarfile
import zlib
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from disent_plugins.contracts import SUBSET, DatasetInfo, Factor, ImageSpec
from disent_plugins.data_adapters.adapter import RawFile, RawTable
from disent_plugins.data_adapters.archives import check_member
from disent_plugins.data_adapters.bounds import PIECE, BoundedGzip
from disent_plugins.data_adapters.matlab import read_array
from disent_plugins.data_adapters.parallel import ordered_map
from disent_plugins.errors import DataMissing
from disent_plugins.files import digest, read_bytes
from disent_plugins.options import Options, option

ARCHIVE = "nips2015-analogy-data.tar.gz"
_GAPS = {55, 76, 77, 82, 84, 99, 105, 106, 117, 129, 134, 140, 143, 147, 185, 197}
NAMES = tuple(f"car_{number:03d}_mesh.mat" for number in range(1, 200) if number not in _GAPS)
"""The 183 files in the order of their names, which is the order of the factor ``model``."""

HELD_OUT_SEED = 160
_HELD_OUT = "001 010 017 022 028 039 052 075 110 115 125 126 136 138 148 152 157 158 170 172 176 178 181"
HELD_OUT = tuple(f"car_{number}_mesh.mat" for number in _HELD_OUT.split())
"""The 23 cars that no model is trained on: the first 23 of ``NAMES`` shuffled with the seed, by name."""

IM_DIGEST = "sha256:d0275443a98394b3009a6bb58755b6f38f618507b03a2350f4a4a2f00c4dd361"
"""Of the ``im`` arrays of all cars in the order of their names, each in C order."""

PITCHES, YAWS = (0, 6, 12, 18), tuple(range(0, 360, 15))
"""Degrees, as every file lists them in ``PITCH_LIST`` and ``YAW_LIST``."""

_SHAPE = (128, 128, 3, 24, 4)
_MEMBERS = 20_000  # that the archive may have


@dataclass(frozen=True)
class CarsConfig(Options):
    """Options of Cars3D."""

    size: int = option(64, "Pixels of an image's side; the renderings have 128.", low=16, high=128)


def _info(config: CarsConfig) -> DatasetInfo:
    size = config.size
    return DatasetInfo(
        name="cars3d",
        image=ImageSpec(3, size, size),
        factors=(
            Factor("elevation", 4, "ordered", tuple(f"{pitch} deg" for pitch in PITCHES)),
            Factor("azimuth", 24, "circular", tuple(f"{yaw} deg" for yaw in YAWS)),
            Factor("model", 183),
        ),
        content="model",
        groups_are_distinct=True,
        preprocessing=(
            f"128x128 to {size}x{size} with Pillow LANCZOS (antialiased); rows by model (file name), elevation, "
            "azimuth; 160 models train, 23 held-out models test: the first 23 of the names shuffled with seed "
            f"{HELD_OUT_SEED}"
        ),
        licence="none stated; published for research",
        reference="Reed, Zhang, Zhang and Lee, Deep visual analogy-making, NIPS 2015",
        options=asdict(config),
    )


class Cars3d:
    """17,568 renderings of 128x128 pixels; factors elevation, azimuth and model. The content is the model."""

    Config = CarsConfig
    info = _info(CarsConfig())
    files = (RawFile(ARCHIVE, ("http://www.scottreed.info/files/" + ARCHIVE,)),)
    names = NAMES
    held_out = frozenset(HELD_OUT)
    im_digest = IM_DIGEST

    def __init__(self, config: CarsConfig = CarsConfig()) -> None:
        self.config, self.info = config, _info(config)

    def read(self, source: Path | None) -> RawTable:
        """Read the cars from the archive or the unpacked files in ``source`` (also in its ``cars`` or ``data/cars``).

        Raises:
            DataMissing: Cars are missing, unreadable, or not the published ones; a subset may lack cars, but not all
                to train with or all that are held out.
        """
        found, sources = _locate(source or Path(), self.names)
        cars = {name: found[name] for name in self.names if name in found}
        test = np.array([name in self.held_out for name in cars])
        if not self.info.subset or not test.any() or test.all():
            _require(self.names, cars, source or Path())
        model, elevation, azimuth = np.indices((len(cars), 4, 24)).reshape(3, -1)
        split = np.where(test[model], 2, 0).astype(np.uint8)
        return RawTable(np.stack([elevation, azimuth, model], axis=1), split, self._slabs(cars, sources), sources)

    def _slabs(self, cars: dict[str, Path | bytes], sources: dict[str, str]) -> Iterator[np.ndarray]:
        seen = hashlib.sha256()
        for im, small in ordered_map(lambda name: _decode(name, cars[name], self.config.size), cars):
            seen.update(im.data)
            yield small
        sources["im of all cars"] = found = "sha256:" + seen.hexdigest()
        if self.im_digest and not self.info.subset and found != self.im_digest:
            raise DataMissing(
                "These are not the published cars.",
                f"The images of all cars hash to {found}, the published ones to {self.im_digest}.",
                "Delete the raw files and download the archive again: disent data prepare cars3d. Other cars have to "
                f"be asked for by a name of your own: --set-data {SUBSET}=NAME",
            )


def _locate(source: Path, names: tuple[str, ...]) -> tuple[dict[str, Path | bytes], dict[str, str]]:
    """Every car's file, or its bytes where it lies in the archive; and the hash of the archive."""
    for folder in (source, source / "cars", source / "data" / "cars"):
        if any(folder.glob("car_*_mesh.mat")):
            paths: dict[str, Path | bytes] = {name: folder / name for name in names if (folder / name).is_file()}
            return paths, {}
    archive = source / ARCHIVE
    if not archive.is_file():
        raise DataMissing(
            f"Cars3D is not in {source}.",
            f"It holds neither {ARCHIVE} nor the files car_###_mesh.mat (also not in cars/ or data/cars/).",
            "Download it: disent data prepare cars3d; or name the folder that holds it: --source DIR",
        )
    members = _read_archive(archive, set(names))
    return members, {ARCHIVE: "sha256:" + digest(archive)}


def _require(names: tuple[str, ...], found: Collection[str], place: Path) -> None:
    missing = [name for name in names if name not in found]
    if missing:
        listed = ", ".join(missing[:5]) + (f" and {len(missing) - 5} more" if len(missing) > 5 else "")
        raise DataMissing(
            f"Cars3D in {place} is incomplete.",
            f"{len(missing)} of {len(names)} cars are missing: {listed}.",
            "Complete it, or delete it and download the archive: disent data prepare cars3d. A part of the cars has to "
            f"be asked for by a name of your own: --set-data {SUBSET}=NAME",
        )


def _read_archive(archive: Path, names: set[str]) -> dict[str, Path | bytes]:
    """The cars' files as bytes, 115 MB: a compressed archive has no random access, nor the order of the names."""
    found: dict[str, Path | bytes] = {}
    try:
        with BoundedGzip(archive) as unpacked, tarfile.open(fileobj=unpacked, mode="r:") as tar:
            for number, member in enumerate(tar):
                check_member(member.name, archive)
                if number == _MEMBERS or member.size < 0:
                    raise tarfile.ReadError(f"it has more than {_MEMBERS} members, or one of {member.size} bytes")
                name = PurePosixPath(member.name).name
                file = tar.extractfile(member) if name in names and member.isreg() else None
                if file is not None and member.size <= PIECE:
                    found[name] = file.read()
    except (tarfile.TarError, zlib.error, EOFError, OSError, ValueError) as error:
        raise DataMissing(
            f"{archive} cannot be read.",
            f"It is truncated or damaged: {error}.",
            "Delete it and run: disent data prepare cars3d",
        ) from error
    return found


def _decode(name: str, car: Path | bytes, size: int) -> tuple[np.ndarray, np.ndarray]:
    """``im`` in C order, and [96, size, size, 3] in the order elevation, azimuth."""
    from PIL import Image

    im = np.ascontiguousarray(_load(name, car))
    views = im.transpose(4, 3, 0, 1, 2).reshape(-1, 128, 128, 3)
    small = [np.asarray(Image.fromarray(view).resize((size, size), Image.Resampling.LANCZOS)) for view in views]
    return im, np.stack(small)


def _load(name: str, car: Path | bytes) -> np.ndarray:
    what = name if isinstance(car, bytes) else str(car)
    hint = "Delete it and download the archive again: disent data prepare cars3d"
    try:
        content = car if isinstance(car, bytes) else read_bytes(car, PIECE)
        return read_array(content, "im", _SHAPE, "uint8", PIECE)
    except LookupError as error:
        raise DataMissing(f"{what} is not a car of Cars3D.", str(error.args[0]), hint) from error
    except Exception as error:  # a damaged MAT file makes the reader fail in many ways
        why = f"It is not a readable MATLAB file: {type(error).__name__}: {error}."
        raise DataMissing(f"{what} cannot be read.", why, hint) from error
