"""Archives are read member by member and never unpacked; a name that would escape its folder is refused anyway."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from disent_plugins.errors import DataMissing


def check_member(name: str, archive: Path) -> None:
    """Refuse a member whose path is absolute or leaves the archive's folder.

    Raises:
        DataMissing: The path is unsafe; an archive with such a member is not trusted at all.
    """
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in str(path)[:2]:
        raise DataMissing(
            f"{archive} was refused.",
            f"Its member {name!r} points outside the archive's own folder; nothing was written.",
            "Get the archive again from its official source.",
        )
