"""A file of rows, CSV or XLSX: what it is, its header, and its rows one after another as text, with those that cannot be read said so."""

import codecs
import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from server.errors import AppError, Invalid, Problem, Text
from server.features.records import limits
from server.features.records.sheetfile import Workbook, is_archive, open_workbook

ENCODINGS: Mapping[str, Text] = {
    "utf-8": Text("UTF-8", "UTF-8"),
    "gb18030": Text("GB18030（GBK、GB2312）", "GB18030 (GBK, GB2312)"),
    "utf-16": Text("UTF-16", "UTF-16"),
    "big5": Text("Big5（繁体）", "Big5 (traditional Chinese)"),
    "cp1252": Text("西欧（Windows-1252）", "Western European (Windows-1252)"),
}
DELIMITERS: Mapping[str, Text] = {
    ",": Text("逗号 ,", "Comma ,"),
    ";": Text("分号 ;", "Semicolon ;"),
    "\t": Text("制表符", "Tab"),
    "|": Text("竖线 |", "Bar |"),
}
# Columns that our own files of errors have in front; they are never data.
LINE_COLUMN, REASON_COLUMN = Text("原文件行号", "Line in the file"), Text("未导入的原因", "Why it was not imported")
# What a spreadsheet takes for the beginning of a formula, full-width twins included.
FORMULA = re.compile("'*[=+\\-@\t\r\uff1d\uff0b\uff0d\uff20]")


@dataclass(frozen=True)
class Reading:
    """How a file is read. What is empty is found out."""

    kind: str = ""  # csv, xlsx
    encoding: str = ""
    delimiter: str = ""
    sheet: str = ""

    def data(self) -> dict[str, str]:
        return {"kind": self.kind, "encoding": self.encoding, "delimiter": self.delimiter, "sheet": self.sheet}


@dataclass(frozen=True)
class RowError:
    """`line` is the file's line on which the row begins, `column` the header of the cell ("" for the whole row)."""

    line: int
    column: str
    message: Text


class Row(NamedTuple):
    """`number`: the how manieth row of the file, from 1. `bad`: why it cannot be read; then it has no cells."""

    number: int
    line: int
    cells: Sequence[str]
    bad: Text | None = None


@dataclass
class Tally:
    """What has happened so far."""

    rows: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    errors: list[RowError] = field(default_factory=list)
    outcomes: list[Any] = field(default_factory=list)  # what became of each row, where somebody asked for it

    def add(self, other: "Tally") -> None:
        self.created += other.created
        self.updated += other.updated
        self.unchanged += other.unchanged
        self.rejected += other.rejected
        self.errors += other.errors
        self.outcomes += other.outcomes

    def refuse(self, line: int, errors: Sequence[tuple[str, Text]]) -> None:
        self.rejected += 1
        self.errors += [RowError(line, column, message) for column, message in errors]


class RowFile:
    """An open file: its header, and its rows once."""

    def __init__(self, header: list[str], reading: Reading, sheets: Sequence[str], size: int) -> None:
        self.header, self.reading, self.sheets, self.size = header, reading, sheets, size

    def rows(self) -> Iterator[Row]:
        """Empty lines are no rows."""
        raise NotImplementedError

    def position(self) -> int:
        """How much of `size` was read."""
        raise NotImplementedError

    def _row(self, number: int, line: int, cells: list[str]) -> Row:
        if len(cells) == len(self.header):
            return Row(number, line, cells)
        message = Text(f"应有 {len(self.header)} 格，实有 {len(cells)} 格", f"{len(self.header)} cells expected, {len(cells)} found")
        return Row(number, line, (), message)


class CsvFile(RowFile):
    def __init__(self, file: Any, reader: Any, header: list[str], reading: Reading, size: int) -> None:
        super().__init__(header, reading, (), size)
        self.file, self.reader = file, reader

    def rows(self) -> Iterator[Row]:
        reader, number, width = self.reader, 0, len(self.header)
        while True:
            begins = reader.line_num + 1
            try:
                cells = next(reader, None)
            except csv.Error as error:
                number += 1
                yield Row(number, begins, (), Text(f"此行无法读取（引号或长度有误）：{error}", f"The row cannot be read (quotes or length): {error}"))
                continue
            if cells is None:
                return
            if not cells or (len(cells) != width and not any(c.strip() for c in cells)):
                continue
            number += 1
            yield Row(number, begins, cells) if len(cells) == width else self._row(number, begins, cells)

    def position(self) -> int:
        return min(int(self.file.tell()), self.size)


class SheetFile(RowFile):
    def __init__(self, book: Workbook, header: list[str], reading: Reading, first: int) -> None:
        super().__init__(header, reading, book.sheets, book.height)
        self.book, self.first, self.at = book, first, 0

    def rows(self) -> Iterator[Row]:
        number, width = 0, len(self.header)
        for line, cells in self.book.rows(self.first):
            self.at = line
            row = cells[:width] + [""] * (width - len(cells)) if not any(cells[width:]) else cells
            if any(row):
                number += 1
                yield self._row(number, line, row)

    def position(self) -> int:
        return min(self.at, self.size)


@contextmanager
def open_rows(path: Path, wanted: Reading | None = None) -> Iterator[RowFile]:
    """The file with its header read. Raises Invalid where the file as a whole cannot be used."""
    wanted = wanted or Reading()
    start, size = _start(path)
    if is_archive(start):
        with open_workbook(path, wanted.sheet) as book:
            first, cells = book.first()
            yield SheetFile(book, header_of(cells), Reading("xlsx", sheet=book.sheet), first + 1)
        return
    encoding = _encoding(path, start, wanted.encoding)
    delimiter = wanted.delimiter or _delimiter(path, encoding)
    with path.open("rb") as file, io.TextIOWrapper(file, encoding, newline="") as text:
        reader = csv.reader(text, _dialect(delimiter), strict=True)
        try:
            cells = next(reader, [])
        except csv.Error as error:
            raise unusable(Text(f"表头无法读取：{error}", f"The header cannot be read: {error}")) from error
        yield CsvFile(file, reader, header_of(cells), Reading("csv", encoding.removesuffix("-sig"), delimiter), size)


def _start(path: Path) -> tuple[bytes, int]:
    try:
        with path.open("rb") as file:
            start = file.read(8)
            size = path.stat().st_size
    except OSError as error:
        raise AppError(Text(f"无法读取 {path}：{error.strerror}", f"Cannot read {path}: {error.strerror}")) from error
    if not start.strip():
        raise unusable(Text("文件是空的", "The file is empty"))
    if start.startswith(b"\xd0\xcf\x11\xe0"):
        raise unusable(Text("这是旧式的 .xls 文件，请另存为 .xlsx 或 CSV", "This is an old .xls file; save it as .xlsx or CSV"))
    return start, size


def _encoding(path: Path, start: bytes, wanted: str) -> str:
    """UTF-8 with or without a mark, UTF-16 by its mark, else GB18030. The whole file is looked at: a wrong guess would spoil names."""
    if wanted and wanted not in ENCODINGS:
        raise unusable(
            Text(f"不认识编码 {wanted}", f"The encoding {wanted!r} is not known"), Text("可选：" + "、".join(ENCODINGS), "Known: " + ", ".join(ENCODINGS))
        )
    marked = "utf-16" if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else ""
    tried = wanted or marked or "utf-8"
    failed = _first_bad_line(path, tried)
    if failed is None:
        return "utf-8-sig" if tried == "utf-8" and start.startswith(codecs.BOM_UTF8) else tried
    if wanted or marked:
        raise unusable(
            Text(f"第 {failed} 行不是 {ENCODINGS[tried].zh} 编码", f"Line {failed} is not {ENCODINGS[tried].en}"),
            Text("请选另一种编码", "Choose another encoding"),
        )
    if _first_bad_line(path, "gb18030") is None:
        return "gb18030"
    raise unusable(Text(f"第 {failed} 行既不是 UTF-8 也不是 GB18030 编码", f"Line {failed} is neither UTF-8 nor GB18030"))


def _first_bad_line(path: Path, encoding: str) -> int | None:
    decoder = codecs.getincrementaldecoder(encoding)()
    line = 1
    with path.open("rb") as file:
        while part := file.read(1 << 20):
            try:
                decoder.decode(part)
            except UnicodeDecodeError as error:
                return line + part[: error.start].count(b"\n")
            line += part.count(b"\n")
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return line
    return None


def unusable(message: Text, hint: Text | None = None) -> Invalid:
    return Invalid([Problem("", message, hint, code="file")], message)


def _delimiter(path: Path, encoding: str) -> str:
    """The separator that the header uses most."""
    with path.open(encoding=encoding, newline="") as text:
        first = text.readline(1 << 16)
    return max(DELIMITERS, key=first.count)


def _dialect(separator: str) -> type[csv.Dialect]:
    if separator not in DELIMITERS:
        raise unusable(Text(f"分隔符 {separator!r} 不可用", f"The separator {separator!r} cannot be used"))

    class Found(csv.excel):
        delimiter = separator

    return Found


def header_of(cells: Sequence[str]) -> list[str]:
    """The names of the columns. Empty ones at the end are cut off by the spreadsheet's reader, others are told apart by their place."""
    header = [cell.strip() for cell in cells]
    if not any(header):
        raise unusable(Text("第一行应是列名", "The first line must hold the names of the columns"))
    limits.check("import_columns", len(header))
    twice = next((h for i, h in enumerate(header) if h in header[:i]), None)
    if twice is not None:
        raise unusable(Text(f"列名“{twice}”出现两次", f"The column {twice!r} appears twice"))
    return header


def guarded(text: str) -> str:
    """A cell that a spreadsheet would take for a formula gets an apostrophe in front; a number stays one. `bare` takes it away again."""
    return text if _is_number(text) else shielded(text)


def shielded(text: str) -> str:
    """The same for what is known to be text: also "+86138..." keeps its sign. An apostrophe that stood there gets another, or one would be lost."""
    return "'" + text if FORMULA.match(text) else text


def bare(text: str) -> str:
    return text[1:] if text[:1] == "'" and FORMULA.match(text) else text


def _is_number(text: str) -> bool:
    rest = text[1:] if text[:1] in {"+", "-"} else text
    return bool(rest) and rest.isascii() and rest.replace(".", "", 1).isdigit()
