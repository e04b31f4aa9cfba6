"""A spreadsheet (.xlsx) as rows of text. A gate looks at the archive first, unpacking it piece by piece: what is inside may be a bomb."""

import re
import string
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook

from server.errors import Invalid, Problem, Text
from server.features.records import limits

PIECE = 1 << 20
SMALL = 1 << 20  # a part up to this may be compressed as strongly as it likes
# Where a cell says that it is. What begins with plain letters is found four times as fast; a text that looks like it counts as a cell, too.
CELL = re.compile(rb"r=(?<=\sr=)[\"']([A-Za-z]{1,3}[0-9]{1,9})[\"']")
DIGITS, LETTERS = string.digits.encode(), string.ascii_letters.encode()
DTD = tuple(word.encode(code) for word in ("<!DOCTYPE", "<!ENTITY") for code in ("utf-8", "utf-16-le", "utf-16-be"))
OVERLAP = 256  # bytes of the last piece looked at again, for what lies across two


def is_archive(start: bytes) -> bool:
    return start.startswith(b"PK\x03\x04")


class Workbook:
    """One sheet of a workbook, read whole: its size is bounded by the gate."""

    def __init__(self, sheets: Sequence[str], sheet: str, rows: Any, height: int) -> None:
        self.sheets, self.sheet, self._rows, self.height = tuple(sheets), sheet, rows, height

    def first(self) -> tuple[int, list[str]]:
        """(line, cells) of the first row that holds anything; trailing empty cells cut off."""
        for line, cells in self.rows(1):
            if any(cells):
                while not cells[-1]:
                    cells.pop()
                return line, cells
        raise _unusable(Text(f"工作表“{self.sheet}”是空的", f"The sheet {self.sheet!r} is empty"))

    def rows(self, start: int) -> Iterator[tuple[int, list[str]]]:
        """(line, cells) from line `start` on."""
        for line, cells in enumerate(self._rows.iter_rows(), 1):
            if line >= start:
                yield line, [cell_text(c) for c in cells]


@contextmanager
def open_workbook(path: Path, sheet: str = "") -> Iterator[Workbook]:
    gate(path)
    try:
        with CalamineWorkbook.from_path(str(path)) as book:
            names = book.sheet_names
            if not names:
                raise _unusable(Text("文件里没有工作表", "The file has no sheet"))
            if sheet and sheet not in names:
                raise _unusable(Text(f"没有工作表“{sheet}”", f"There is no sheet {sheet!r}"))
            chosen = sheet or names[0]
            found = book.get_sheet_by_name(chosen)
            yield Workbook(names, chosen, found, found.total_height)
    except (CalamineError, zipfile.BadZipFile) as error:
        raise _unusable(Text(f"无法读取表格：{error}", f"The spreadsheet cannot be read: {error}")) from error


def cell_text(value: Any) -> str:
    """What the cell holds as a person would type it: whole numbers without point, days as YYYY-MM-DD."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else _plain(value)
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time(0) else value.isoformat(timespec="microseconds" if value.microsecond else "seconds")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value)
    return str(value)


def _plain(value: float) -> str:
    """Fifteen digits, as a spreadsheet shows them: 0.1 + 0.2 is 0.3; no exponent where it can be helped."""
    text = f"{value:.15g}"
    return f"{value:.20f}".rstrip("0") if "e-" in text and abs(value) > 1e-15 else text


def gate(path: Path) -> None:
    """Refuses what is no spreadsheet or too much of one: parts, unpacked size, compression, cells, any document type."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            names = [e.filename for e in entries]
            limits.check("sheet_entries", len(entries))
            if len(set(names)) != len(names):
                raise _unusable(Text("表格里有两个同名的部件", "The spreadsheet has two parts of one name"))
            if "[Content_Types].xml" not in names or not any(n.startswith("xl/workbook") for n in names):
                raise _unusable(
                    Text("这是压缩包，不是 .xlsx 表格", "This is an archive, not an .xlsx spreadsheet"), Text("请上传 CSV 或 .xlsx", "Upload CSV or .xlsx")
                )
            total = 0
            for entry in entries:
                total = _part(archive, entry, total)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError) as error:
        raise _unusable(Text("表格文件已损坏或加密，无法读取", "The spreadsheet is damaged or encrypted and cannot be read")) from error


def _part(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, total: int) -> int:
    """Unpacks one part, whatever size it says it has; gives the bytes unpacked so far."""
    said, size, tail = entry.file_size, 0, b""
    width = height = 0
    is_xml = entry.filename.endswith((".xml", ".rels", ".vml"))
    is_sheet = is_xml and entry.filename.startswith("xl/worksheets/")
    entry.file_size = limits.LIMITS["sheet_unpacked"].value + 1  # read on, past what is said
    with archive.open(entry) as part:
        while piece := part.read(PIECE):
            size += len(piece)
            limits.check("sheet_unpacked", total + size)
            if size > SMALL:
                limits.check("sheet_ratio", size // max(entry.compress_size, 1))
            if not is_xml:
                continue
            seen = tail + piece
            tail = seen[-OVERLAP:]
            if b"!" in seen and any(word in seen for word in DTD):
                raise _unusable(Text("表格含有文档类型定义（DTD），已拒绝", "The spreadsheet declares a document type (DTD); it is refused"))
            if is_sheet:
                found = CELL.findall(seen)
                width = max(width, *map(_column, {cell.rstrip(DIGITS) for cell in found}), 0)
                height = max(height, *map(int, {cell.lstrip(LETTERS) for cell in found}), 0)
                limits.check("sheet_cells", width * height)
    if size != said:
        raise _unusable(Text("表格文件的大小与所写的不符", "A part of the spreadsheet is not as large as it says"))
    return total + size


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number


def _unusable(message: Text, hint: Text | None = None) -> Invalid:
    return Invalid([Problem("", message, hint, code="file")], message)
