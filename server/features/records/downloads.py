"""An export as the answer to a request: looked at, noted in the audit, then sent while it is read."""

import shutil
import tempfile
from array import array
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import IO
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import Response, StreamingResponse

from server.feature import Work
from server.features.records.exporting import LINES, Export, ids_of, note, write_sheet
from server.features.records.reading import object_of
from server.features.web.bodies import CSV_TYPE, LINES_TYPE, XLSX_TYPE
from server.features.web.edge import reading, writing
from server.storage.session import unhurried

MEDIA = {"csv": f"{CSV_TYPE}; charset=utf-8", "xlsx": XLSX_TYPE, "jsonl": LINES_TYPE}
PART = 1 << 16


def download(request: Request, plan: Callable[[Work], Export]) -> Response:
    """Whatever is wrong is said before the first byte; a workbook is finished by then, lines are read while they are sent."""
    file: IO[bytes] | None = None
    with reading(request, cause="api") as work:
        export = plan(work)
        ids = ids_of(work, export)
        name = f"{object_of(work, export.object).plural.of(work.actor.locale)}-{work.at.today:%Y%m%d}.{export.format}"
        if export.format == "xlsx":
            file = tempfile.TemporaryFile()  # noqa: SIM115  closed when it was sent
            write_sheet(work, export, ids, file)
    with writing(request, cause="api") as work:
        note(work, export, len(ids))
    headers = {"content-disposition": f"attachment; filename=\"{export.object}.{export.format}\"; filename*=UTF-8''{quote(name)}"}
    content = _lines(request, export, ids) if file is None else _file(file)
    return StreamingResponse(content, media_type=MEDIA[export.format], headers=headers)


def _lines(request: Request, export: Export, ids: "array[int]") -> Iterator[bytes]:
    with reading(request, cause="api") as work:
        unhurried(work.session)
        yield from LINES[export.format](work, export, ids)


def _file(file: IO[bytes]) -> Iterator[bytes]:
    with closing(file):
        file.seek(0)
        while part := file.read(PART):
            yield part


def save(work: Work, export: Export, file: IO[bytes]) -> int:
    """The same into a file of one's own. Gives the number of rows."""
    ids = ids_of(work, export)
    if export.format == "xlsx":
        with tempfile.TemporaryFile() as made:
            write_sheet(work, export, ids, made)
            made.seek(0)
            shutil.copyfileobj(made, file)
    else:
        for part in LINES[export.format](work, export, ids):
            file.write(part)
    return len(ids)
