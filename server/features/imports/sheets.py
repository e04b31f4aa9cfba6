"""Files that an import hands out: the template to fill in, and the refused rows to mend. As CSV (with a mark, for Excel) or as a spreadsheet."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import xlsxwriter

from server.feature import Work
from server.features.objects.kind import Field, ObjectType
from server.features.records.mapping import importable
from server.features.records.rowfile import LINE_COLUMN, REASON_COLUMN, guarded

MEDIA = {"csv": "text/csv; charset=utf-8", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}
ROWS_READY = 1000  # rows of a template whose cells offer the options
NAMES = {"zh_CN": ("数据", "选项"), "en": ("Data", "Options")}


def template_rows(work: Work, object_type: ObjectType) -> tuple[list[Field], list[str], list[str]]:
    """The fields that can be imported, their titles, and an example row."""
    fields = importable(work, object_type)
    return fields, [f.title.of(work.actor.locale) for f in fields], [example(work, f) for f in fields]


def example(work: Work, f: Field) -> str:
    """Something that could stand there; what is numbered by itself or refers to a record stays empty."""
    locale = work.actor.locale
    if f.options:
        return f.options[0].title.of(locale)
    if f.pattern or f.type == "reference":
        return ""
    low = int(f.minimum) if f.minimum is not None else 0
    yes = "是" if locale.startswith("zh") else "yes"
    samples: dict[str, Any] = {
        "integer": max(low, 1), "number": max(low, 1), "decimal": max(low, 1000), "percent": max(low, 1), "rating": 4, "duration": "1:30",
        "date": work.at.today.isoformat(), "yes_no": yes,
        "datetime": work.now.astimezone(work.zone).strftime("%Y-%m-%d %H:%M"), "user": work.actor.username, "email": "name@example.com",
        "phone": "021-5555 0100", "link": "https://example.com",
    }  # fmt: skip
    return str(samples.get(f.type, ""))


def template_csv(work: Work, object_type: ObjectType) -> bytes:
    _, titles, cells = template_rows(work, object_type)
    return b"".join(csv_lines([titles, cells]))


def template_xlsx(work: Work, object_type: ObjectType) -> bytes:
    """The columns with their help, an example row, and lists to choose from where a field has options."""
    fields, titles, cells = template_rows(work, object_type)
    data, options = NAMES["zh_CN" if work.actor.locale.startswith("zh") else "en"]
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, WORKBOOK) as book:
        strong, grey = book.add_format({"bold": True}), book.add_format({"font_color": "#667085", "italic": True})
        sheet, lists = book.add_worksheet(data), book.add_worksheet(options)
        sheet.freeze_panes(1, 0)
        sheet.write_row(0, 0, titles, strong)
        sheet.write_row(1, 0, cells, grey)
        at = 0
        for i, f in enumerate(fields):
            sheet.set_column(i, i, max(12, min(28, 2 * len(titles[i]))))
            if f.help:
                sheet.write_comment(0, i, f.help.of(work.actor.locale))
            if f.options:
                lists.write_column(0, at, [titles[i], *(o.title.of(work.actor.locale) for o in f.options)])
                name = xlsxwriter.utility.xl_col_to_name(at, col_abs=True)
                if f.type == "choice":
                    sheet.data_validation(1, i, ROWS_READY, i, {"validate": "list", "source": f"={options}!{name}$2:{name}${len(f.options) + 1}"})
                at += 1
    return out.getvalue()


WORKBOOK = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}


def refused_csv(work: Work, rows: Iterable[tuple[int, Sequence[str], str]]) -> bytes:
    return b"".join(csv_lines(_refused(work, rows)))


def refused_xlsx(work: Work, rows: Iterable[tuple[int, Sequence[str], str]]) -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, WORKBOOK) as book:
        sheet = book.add_worksheet(NAMES["zh_CN" if work.actor.locale.startswith("zh") else "en"][0])
        sheet.freeze_panes(1, 0)
        for i, cells in enumerate(_refused(work, rows)):
            sheet.write_row(i, 0, cells)
    return out.getvalue()


def _refused(work: Work, rows: Iterable[tuple[int, Sequence[str], str]]) -> Iterator[list[str]]:
    """The original columns, the reason and the line behind them; imported again the two are passed over."""
    for line, cells, why in rows:
        last = [REASON_COLUMN.of(work.actor.locale), LINE_COLUMN.of(work.actor.locale)] if line == 0 else [why, str(line)]
        yield [*cells, *last]


def csv_lines(rows: Iterable[Sequence[str]]) -> Iterator[bytes]:
    """With a byte order mark, so that Excel reads Chinese; what would be a formula is guarded."""
    yield b"\xef\xbb\xbf"
    for row in rows:
        line = io.StringIO()
        csv.writer(line).writerow([guarded(c) for c in row])
        yield line.getvalue().encode("utf-8", "replace")
