"""A CSV file as rows: encoding, separator and header found out, ragged and unreadable rows reported."""

import codecs
import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from server.errors import AppError, Invalid, Problem, Text

COLUMNS_LIMIT = 1000


@dataclass(frozen=True)
class RowError:
    """`line` is the file's line on which the row begins, `column` the header of the cell ("" for the whole row)."""

    line: int
    column: str
    message: Text


@dataclass(frozen=True)
class Row:
    line: int
    cells: Mapping[str, str]  # field key -> text


@dataclass
class Tally:
    """What has happened so far."""

    rows: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    errors: list[RowError] = field(default_factory=list)

    def add(self, other: "Tally") -> None:
        self.created += other.created
        self.updated += other.updated
        self.unchanged += other.unchanged
        self.rejected += other.rejected
        self.errors += other.errors

    def refuse(self, line: int, errors: Sequence[tuple[str, Text]]) -> None:
        self.rejected += 1
        self.errors += [RowError(line, column, message) for column, message in errors]


def detect(path: Path) -> tuple[str, int]:
    """The encoding (UTF-8 with or without a mark, else GB18030) and the size. The whole file is looked at: a wrong guess would spoil names."""
    try:
        with path.open("rb") as file:
            start = file.read(4)
            size = path.stat().st_size
    except OSError as error:
        raise AppError(Text(f"无法读取 {path}：{error.strerror}", f"Cannot read {path}: {error.strerror}")) from error
    if not start.strip():
        raise unusable(Text("文件是空的", "The file is empty"))
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise unusable(Text("文件是 UTF-16 编码，请另存为 UTF-8 的 CSV", "The file is UTF-16; save it as CSV in UTF-8"))
    if start.startswith(b"PK\x03\x04"):
        raise unusable(Text("这是表格文件或压缩包，请另存为 CSV", "This is a spreadsheet or an archive; save it as CSV"))
    failed = _first_bad_line(path, "utf-8")
    if failed is None:
        return ("utf-8-sig" if start.startswith(codecs.BOM_UTF8) else "utf-8"), size
    if _first_bad_line(path, "gb18030") is None:
        return "gb18030", size
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


def dialect_of(path: Path, encoding: str) -> type[csv.Dialect]:
    """The separator that the header uses most."""
    with path.open(encoding=encoding, newline="") as text:
        first = text.readline(1 << 16)

    class Found(csv.excel):
        delimiter = max(",;\t", key=first.count)

    return Found


def header_of(reader: Any) -> list[str]:
    try:
        header = [cell.strip() for cell in next(reader, [])]
    except csv.Error as error:
        raise unusable(Text(f"表头无法读取：{error}", f"The header cannot be read: {error}")) from error
    if not any(header):
        raise unusable(Text("第一行应是列名", "The first line must hold the names of the columns"))
    if len(header) > COLUMNS_LIMIT:
        raise unusable(Text(f"列数 {len(header)} 超过上限 {COLUMNS_LIMIT}", f"{len(header)} columns; the limit is {COLUMNS_LIMIT}"))
    twice = next((h for i, h in enumerate(header) if h in header[:i]), None)
    if twice is not None:
        raise unusable(Text(f"列名“{twice}”出现两次", f"The column {twice!r} appears twice"))
    return header


def rows_of(reader: Any, header: Sequence[str], wanted: Mapping[str, str], tally: Tally) -> Iterator[Row]:
    """The rows that have a cell for each column; others are reported. `wanted`: header -> name of the cell."""
    places = [(header.index(column), name) for column, name in wanted.items()]
    while True:
        begins = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            tally.rows += 1
            tally.refuse(begins, [("", Text(f"此行无法读取（引号或长度有误）：{error}", f"The row cannot be read (quotes or length): {error}"))])
            continue
        if cells is None:
            return
        if not cells or (len(cells) != len(header) and not any(c.strip() for c in cells)):
            continue  # an empty line
        tally.rows += 1
        if len(cells) != len(header):
            message = Text(f"应有 {len(header)} 格，实有 {len(cells)} 格", f"{len(header)} cells expected, {len(cells)} found")
            tally.refuse(begins, [("", message)])
            continue
        yield Row(begins, {key: cells[place] for place, key in places})
