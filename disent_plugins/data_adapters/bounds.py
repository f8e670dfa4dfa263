"""Archives within bounds: what they claim to hold is checked before it is read."""

from __future__ import annotations

import gzip

UNPACKED = 4 << 30
"""Bytes that a compressed archive may hold."""

PIECE = 64 << 20
"""Bytes that one of its files may have."""


class BoundedGzip(gzip.GzipFile):
    """What a gzip file holds, for ``tarfile``: its headers make it read and skip as much as they like to claim.

    Raises:
        OSError: More than ``PIECE`` bytes are read at once, or anything beyond the first ``UNPACKED``.
    """

    def read(self, size: int | None = -1) -> bytes:
        if size is None or not 0 <= size <= PIECE:
            raise OSError(f"it claims a header of {size} bytes")
        return super().read(size)

    def seek(self, offset: int, whence: int = 0) -> int:
        if offset > UNPACKED:
            raise OSError(f"it claims to hold more than {UNPACKED} bytes")
        return super().seek(offset, whence)
