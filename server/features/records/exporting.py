"""A list as a file: CSV, XLSX or JSON lines, of the records and columns that the list shows and the actor may see, and so that importing it changes nothing.

Ids are read first, in the list's order; then records by their ids in chunks: memory does not grow with the columns, and the first line leaves at once.
"""

import csv
import io
import re
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

import xlsxwriter

from server.config.output import Output
from server.errors import Invalid, Problem, Text, TooLarge
from server.expressions.types import TEXT
from server.feature import Work
from server.features.audit import service as audit
from server.features.objects import results
from server.features.objects.kind import Field, ObjectType
from server.features.records import describing
from server.features.records.listing import all_ids, by_ids
from server.features.records.liststate import ListState, to_json
from server.features.records.naming import named
from server.features.records.reading import Record, object_of
from server.features.records.representation import record_json
from server.features.records.rights import rights
from server.features.records.rowfile import shielded
from server.features.web.problems import encoded
from server.fields.base import Reading
from server.fields.registry import FIELD_TYPES

CHUNK = 500
FORMATS: Mapping[str, Text] = {"csv": Text("CSV", "CSV"), "xlsx": Text("Excel (XLSX)", "Excel (XLSX)"), "jsonl": Text("JSON 行", "JSON lines")}
SHEET_ROWS, CELL_TEXT = 1_048_575, 32_767  # what a spreadsheet holds below its header, and in one cell
SYSTEM: Mapping[str, Text] = {key: title for key, (_, title) in describing.SYSTEM.items()}


@dataclass(frozen=True)
class Column:
    """One column: a field, a result of the assessment, or what every record has."""

    name: str
    header: str
    field: Field | None = None
    output: Output | None = None


@dataclass(frozen=True)
class Export:
    """What goes into a file: the list's conditions and order, and the columns."""

    object: str
    format: str
    columns: tuple[Column, ...]
    state: ListState

    @property
    def fields(self) -> tuple[str, ...]:
        return tuple(c.name for c in self.columns if c.field is not None)

    @property
    def results(self) -> tuple[str, ...]:
        return tuple(c.name for c in self.columns if c.output is not None)


def columns_of(work: Work, object_type: ObjectType) -> dict[str, Column]:
    """All columns the actor may have, by name. A header is a title where that leads back to the field, else the key."""
    hidden, locale = rights(work, object_type.key).hidden, work.actor.locale
    fields = [f for f in object_type.fields.values() if f.key not in hidden]
    outputs = results.outputs(work.catalog, object_type.key) if object_type.assessed else {}
    titles = {**{f.key: f.title for f in fields}, **{o.name: o.title for o in outputs.values() if not o.part}, **SYSTEM}
    used: dict[str, int] = {}
    for key, title in titles.items():
        for text in {key.casefold(), title.zh.casefold(), title.en.casefold()}:
            used[text] = used.get(text, 0) + 1
    headers = {key: title.of(locale) if used[title.of(locale).casefold()] == 1 else key for key, title in titles.items()}
    found = {f.key: Column(f.key, headers[f.key], f) for f in fields}
    found |= {o.name: Column(o.name, headers[o.name], output=o) for o in outputs.values() if not o.part and o.name not in found}
    return found | {key: Column(key, headers[key]) for key in SYSTEM}


def plan(work: Work, object_key: str, format: str, names: Sequence[str] | None, state: ListState) -> Export:
    """An export that can be made: its columns are there for the actor. Without names: all fields."""
    object_type = object_of(work, object_key)
    known = columns_of(work, object_type)
    if format not in FORMATS:
        raise Invalid([Problem("format", Text(f"没有“{format}”这种格式", f"There is no format {format}"), code="option")])
    wanted = [c.name for c in known.values() if c.field is not None] if names is None else list(dict.fromkeys(names))
    unknown = [n for n in wanted if n not in known]
    if unknown or not wanted:
        message = Text(f"没有“{unknown[0]}”这一列", f"There is no column {unknown[0]}") if unknown else Text("至少选一列", "Choose one column at least")
        raise Invalid([Problem("columns", message, code="unknown_column")])
    return Export(object_key, format, tuple(known[n] for n in wanted), state)


def ids_of(work: Work, export: Export) -> "array[int]":
    return all_ids(work, export.object, export.state)


def note(work: Work, export: Export, rows: int) -> None:
    """The audit's row: who took which part of what."""
    detail = {"format": export.format, "rows": rows, "columns": [c.name for c in export.columns], "list": to_json(export.state)}
    audit.record(work, "export", export.object, detail=detail)


def records(work: Work, export: Export, ids: "array[int]") -> Iterator[tuple[Record, ...]]:
    for start in range(0, len(ids), CHUNK):
        yield by_ids(work, export.object, ids[start : start + CHUNK], export.fields, export.results)


# -- Values as cells ---------------------------------------------------------------------------------------------------------


def cells(work: Work, object_type: ObjectType, export: Export, chunk: Sequence[Record]) -> Iterator[list[Any]]:
    """Rows of plain values: text, number, truth, day, or an instant in the organisation's time; None is empty."""
    readers = [_reader(work, object_type, column, chunk) for column in export.columns]
    for record in chunk:
        yield [read(record) for read in readers]


def _reader(work: Work, object_type: ObjectType, column: Column, chunk: Sequence[Record]) -> Callable[[Record], Any]:
    name, field = column.name, column.field
    if column.output is not None:
        titles = dict(column.output.options)
        return lambda r: _result(work, titles, r.results.get(name))
    if field is None:
        return lambda r: _local(work, getattr(r, name))
    if any(name in r.masked for r in chunk[:1]):
        return lambda r: r.values[name] or None
    if field.type == "reference":
        exact = _names(work, field, name, chunk)
        return lambda r: exact.get(r.values[name])
    reading = Reading(titles=True, naive=work.zone)
    return lambda r: _cell(work, field, r.values[name], reading)


def _cell(work: Work, field: Field, value: Any, reading: Reading) -> Any:
    if value is None:
        return None
    if isinstance(value, datetime):
        return _local(work, value)
    if isinstance(value, date):
        return value
    kind = FIELD_TYPES[field.type]
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        entry = kind.entry(field, value, reading)
        return value if entry == written(value) else entry  # a length of time is kept in seconds and written 1:30
    if field.options or isinstance(value, bool):  # the words people know, where they lead back to the same value
        words = kind.text(field, value, work.actor.locale, work.zone)
        if kind.parse(field, words, reading) == value:
            return words
    return kind.entry(field, value, reading)


def _local(work: Work, value: Any) -> Any:
    return value.astimezone(work.zone).replace(tzinfo=None) if isinstance(value, datetime) else value


def _result(work: Work, titles: Mapping[str, Text], value: Any) -> Any:
    title = titles.get(value) if isinstance(value, str) else None
    return title.of(work.actor.locale) if title else _local(work, value)


def _names(work: Work, field: Field, name: str, chunk: Sequence[Record]) -> Mapping[Any, str]:
    """Id -> the record's name where an import would find just that record by it, else its number."""
    shown = {r.values[name]: r.display[name] for r in chunk if r.values[name] is not None}
    found = named(work, field.reference, shown.values()) if shown else {}
    return {i: text if found.get(text) == {i} else f"#{i}" for i, text in shown.items()}


# -- Files -------------------------------------------------------------------------------------------------------------------


def written(value: Any) -> str:
    """A cell of a CSV file."""
    if value is None:
        return ""
    if isinstance(value, str):
        return shielded(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat(timespec="minutes" if not value.second and not value.microsecond else "auto")
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, float):
        text = format(Decimal(repr(value)), "f")
        return text.removesuffix(".0")
    return str(value)


def csv_lines(work: Work, export: Export, ids: "array[int]") -> Iterator[bytes]:
    """UTF-8 with a mark, so that spreadsheets read it as such."""
    object_type = object_of(work, export.object)
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    buffer.write("\ufeff")
    writer.writerow([shielded(c.header) for c in export.columns])
    for chunk in records(work, export, ids):
        writer.writerows([written(v) for v in row] for row in cells(work, object_type, export, chunk))
        yield buffer.getvalue().encode()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue().encode()


def json_lines(work: Work, export: Export, ids: "array[int]") -> Iterator[bytes]:
    """One record a line, as the API gives it."""
    object_type = object_of(work, export.object)
    for chunk in records(work, export, ids):
        yield b"".join(encoded(record_json(object_type, r, export.fields)) + b"\n" for r in chunk)


LINES: Mapping[str, Callable[[Work, Export, "array[int]"], Iterator[bytes]]] = {"csv": csv_lines, "jsonl": json_lines}


def write_sheet(work: Work, export: Export, ids: "array[int]", file: IO[bytes] | Path) -> None:
    """A workbook of one sheet, written row by row. Raises where it does not fit into a spreadsheet: nothing is cut."""
    if len(ids) > SHEET_ROWS:
        raise TooLarge(
            Text(f"一张工作表最多 {SHEET_ROWS:,} 行，现有 {len(ids):,} 行", f"A sheet holds {SHEET_ROWS:,} rows; there are {len(ids):,}"),
            Text("请导出 CSV，或加一个筛选条件", "Export CSV, or add a condition"),
        )
    object_type = object_of(work, export.object)
    target = str(file) if isinstance(file, Path) else file
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(target, options) as book:
        sheet = book.add_worksheet(re.sub(r"[\[\]:*?/\\']", " ", object_type.plural.of(work.actor.locale))[:31].strip() or "1")
        formats = {key: book.add_format({"num_format": text}) for key, text in (("date", "yyyy-mm-dd"), ("datetime", "yyyy-mm-dd hh:mm:ss"))}
        decimals = {c.name: _number_format(book, c) for c in export.columns}
        for i, c in enumerate(export.columns):
            sheet.set_column(i, i, 12 if c.name in decimals and _is_number(c) else 22)
        sheet.freeze_panes(1, 0)
        sheet.write_row(0, 0, [shielded(c.header) for c in export.columns], book.add_format({"bold": True}))
        at = 0
        for chunk in records(work, export, ids):
            for record, row in zip(chunk, cells(work, object_type, export, chunk), strict=True):
                at += 1
                for i, (column, value) in enumerate(zip(export.columns, row, strict=True)):
                    _write(sheet, at, i, value, column, record, formats, decimals[column.name])


def _is_number(column: Column) -> bool:
    field, output = column.field, column.output
    kind = FIELD_TYPES[field.type].expression_type(field) if field else output.type if output else TEXT
    return kind.name in {"number", "integer"} and (field is None or field.type != "reference")


def _number_format(book: Any, column: Column) -> Any:
    decimals = column.field.decimals if column.field else column.output.decimals if column.output else 0
    return book.add_format({"num_format": "0." + "0" * decimals}) if decimals and _is_number(column) else None


def _write(sheet: Any, row: int, place: int, value: Any, column: Column, record: Record, formats: Mapping[str, Any], number_format: Any) -> None:
    if value is None:
        return
    if isinstance(value, bool):
        sheet.write_boolean(row, place, value)
    elif isinstance(value, int | float | Decimal) and _exact(value):
        sheet.write_number(row, place, float(value), number_format)
    elif isinstance(value, datetime) and value.year >= 1901 and not value.microsecond and (value.hour or value.minute or value.second):
        sheet.write_datetime(row, place, value, formats["datetime"])  # midnight would come back as a day
    elif isinstance(value, date) and not isinstance(value, datetime) and value.year >= 1901:
        sheet.write_datetime(row, place, value, formats["date"])
    else:
        text = (shielded(value) if value.startswith("'") else value) if isinstance(value, str) else written(value)
        if len(text) > CELL_TEXT:
            where = column.field.title if column.field else Text(column.header, column.header)
            raise TooLarge(
                Text(
                    f"“{record.name}”的{where.zh}有 {len(text):,} 个字符，一格最多 {CELL_TEXT:,} 个",
                    f"{where.en} of {record.name} has {len(text):,} characters; a cell holds {CELL_TEXT:,}",
                ),
                Text("请导出 CSV，或不选这一列", "Export CSV, or leave out this column"),
            )
        sheet.write_string(row, place, text)


def _exact(value: int | float | Decimal) -> bool:
    """Whether a spreadsheet's fifteen digits hold the number; else it is written as text."""
    return Decimal(f"{float(value):.15g}") == Decimal(repr(value) if isinstance(value, float) else value)
