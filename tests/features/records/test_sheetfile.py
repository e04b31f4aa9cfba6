"""Spreadsheets: what is in the cells comes out as people typed it, and what is no honest spreadsheet is refused before it is read."""

import io
import time
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import pytest
import xlsxwriter

from server.errors import AppError
from server.features.records.rowfile import Reading, open_rows
from server.features.records.sheetfile import gate


def workbook(path: Path) -> Path:
    with xlsxwriter.Workbook(path) as book:
        day, moment = book.add_format({"num_format": "yyyy-mm-dd"}), book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        sheet = book.add_worksheet("客户")
        sheet.write_row(1, 0, ["名称", "额度", "成立", "见过", "上市", "编号"])
        sheet.write_row(2, 0, ["甲公司", 12.5])
        sheet.write_datetime(2, 2, datetime(2024, 1, 5), day)
        sheet.write_datetime(2, 3, datetime(2024, 1, 5, 8, 30), moment)
        sheet.write_boolean(2, 4, True)
        sheet.write_number(2, 5, 42)
        sheet.write_formula(4, 1, "=0.1+0.2", None, 0.30000000000000004)
        sheet.write_string(4, 0, "=1+1")
        book.add_worksheet("空")
    return path


def test_cells_come_out_as_typed(tmp_path: Path) -> None:
    with open_rows(workbook(tmp_path / "a.xlsx")) as file:
        assert file.header == ["名称", "额度", "成立", "见过", "上市", "编号"]
        assert (file.sheets, file.reading) == (("客户", "空"), Reading("xlsx", sheet="客户"))
        rows = [(r.number, r.line, list(r.cells)) for r in file.rows()]
    assert rows == [
        (1, 3, ["甲公司", "12.5", date(2024, 1, 5).isoformat(), "2024-01-05T08:30:00", "true", "42"]),
        (2, 5, ["=1+1", "0.3", "", "", "", ""]),
    ]
    with pytest.raises(AppError, match="empty"), open_rows(tmp_path / "a.xlsx", Reading(sheet="空")):
        pass
    with pytest.raises(AppError, match="no sheet"), open_rows(tmp_path / "a.xlsx", Reading(sheet="x")):
        pass


def rewritten(change: Callable[[str, bytes], bytes]) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        workbook(path)
        with zipfile.ZipFile(path) as archive:
            parts = {n: archive.read(n) for n in archive.namelist()}
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in parts.items():
                archive.writestr(name, change(name, data) if name == "xl/worksheets/sheet1.xml" else data)

    return make


def lying(path: Path) -> None:
    """The sheet says that it is ten bytes long."""
    rewritten(lambda _, data: data + b" " * 300_000)(path)
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(io.BytesIO(bytes(data))) as archive:
        info = archive.getinfo("xl/worksheets/sheet1.xml")
    size = info.file_size.to_bytes(4, "little")
    at = data.rfind(size)
    data[at : at + 4] = (10).to_bytes(4, "little")
    path.write_bytes(bytes(data))


def twice(path: Path) -> None:
    workbook(path)
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning):
        archive.writestr("xl/workbook.xml", b"<x/>")


def plain_archive(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.txt", b"x")


def many_parts(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for i in range(2_500):
            archive.writestr(f"{i}.xml", b"")


def short(path: Path) -> None:
    workbook(path)
    path.write_bytes(path.read_bytes()[:-200])


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (rewritten(lambda _, data: data.replace(b"<sheetData>", b"<sheetData>" + b" " * 64_000_000)), "compressed"),
        (rewritten(lambda _, data: b'<!DOCTYPE a [<!ENTITY b "c">]>' + data), "DTD"),
        (rewritten(lambda _, data: data.replace(b'r="A2"', b'r="XFD1048576"')), "cells of the sheet"),
        (lying, "not as large|damaged"),
        (twice, "one name"),
        (plain_archive, "archive, not"),
        (many_parts, "parts inside"),
        (short, "damaged"),
        (rewritten(lambda _, data: data[:200]), "cannot be read"),
    ],
    ids=["bomb", "dtd", "far cell", "lying", "twice", "archive", "parts", "short", "xml"],
)
def test_what_is_no_honest_spreadsheet_is_refused(tmp_path: Path, make: Callable[[Path], None], said: str) -> None:
    path = tmp_path / "in.xlsx"
    make(path)
    began = time.monotonic()
    with pytest.raises(AppError, match=said), open_rows(path) as file:
        list(file.rows())
    assert time.monotonic() - began < 10


def test_an_honest_one_passes(tmp_path: Path) -> None:
    gate(workbook(tmp_path / "a.xlsx"))
