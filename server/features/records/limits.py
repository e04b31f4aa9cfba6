"""What an import may be: one table of numbers, each with the sentence that is said when it is passed."""

from collections.abc import Mapping
from dataclasses import dataclass

from server.errors import Text, TooLarge


@dataclass(frozen=True)
class Limit:
    """`title` is said with the number found and the limit behind it."""

    value: int
    title: Text
    hint: Text


SPLIT = Text("请把文件分成几份", "Split the file into several")
LIMITS: Mapping[str, Limit] = {
    "import_columns": Limit(1000, Text("列数", "columns"), Text("请删去不用的列", "Remove the columns that are not needed")),
    "import_rows": Limit(2_000_000, Text("行数", "rows"), SPLIT),
    "import_atomic_rows": Limit(
        5_000, Text("全有或全无方式的行数", "rows of an all-or-nothing import"), Text("请分成几份，或改为逐行导入", "Split the file, or import row by row")
    ),
    "sheet_entries": Limit(2_000, Text("表格文件内的部件数", "parts inside the spreadsheet"), Text("请另存为 CSV", "Save it as CSV")),
    "sheet_unpacked": Limit(209_715_200, Text("表格展开后的字节数", "bytes of the unpacked spreadsheet"), Text("请另存为 CSV", "Save it as CSV")),
    "sheet_ratio": Limit(
        100,
        Text("表格的压缩倍数", "times that the spreadsheet is compressed"),
        Text("请在表格软件里另存一次，或另存为 CSV", "Save it anew in a spreadsheet program, or as CSV"),
    ),
    "sheet_cells": Limit(
        8_000_000,
        Text("工作表的格数（含空格）", "cells of the sheet, empty ones too"),
        Text("请删去远处的空行空列，或另存为 CSV", "Remove far-off empty rows and columns, or save it as CSV"),
    ),
}


def check(name: str, found: int) -> None:
    """Raises TooLarge where the limit is passed."""
    limit = LIMITS[name]
    if found > limit.value:
        raise TooLarge(Text(f"{limit.title.zh} {found:,} 超过上限 {limit.value:,}", f"{found:,} {limit.title.en}; the limit is {limit.value:,}"), limit.hint)
