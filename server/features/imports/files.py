"""The uploaded file: kept in pieces with its run, and laid out on disk for as long as somebody reads it."""

import hashlib
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import sqlalchemy as sa

from server.errors import NotFound, Text
from server.features.imports.tables import import_parts

PIECE = 1 << 20


def keep(connection: sa.Connection, run_id: int, file: BinaryIO) -> int:
    """Stores the file with its run. Gives its size."""
    file.seek(0)
    size = number = 0
    while piece := file.read(PIECE):
        connection.execute(sa.insert(import_parts).values(run=run_id, part=number, data=piece))
        size, number = size + len(piece), number + 1
    return size


@contextmanager
def laid_out(connection: sa.Connection, run_id: int) -> Iterator[Path]:
    """The file on disk, gone at the end. The connection is read from before the block begins."""
    with tempfile.TemporaryDirectory(prefix="weatherglass-import-") as folder:
        path = Path(folder) / "rows"
        _copy(connection, run_id, path)
        yield path


def copy_to(connection: sa.Connection, run_id: int, path: Path) -> None:
    _copy(connection, run_id, path)


def _copy(connection: sa.Connection, run_id: int, path: Path) -> None:
    pieces = sa.select(import_parts.c.part).where(import_parts.c.run == run_id).order_by(import_parts.c.part)
    numbers = list(connection.execute(pieces).scalars())
    if not numbers:
        raise NotFound(Text("文件已经清理，不再保留", "The file is no longer kept"), Text("请重新上传", "Upload it again"))
    with path.open("wb") as file:
        for number in numbers:
            file.write(connection.execute(sa.select(import_parts.c.data).where(import_parts.c.run == run_id, import_parts.c.part == number)).scalar_one())


def fingerprint(header: Sequence[str]) -> str:
    """The same for files with the same columns, in whatever order."""
    return hashlib.sha256("\x00".join(sorted(h.casefold() for h in header)).encode("utf-8", "surrogatepass")).hexdigest()
