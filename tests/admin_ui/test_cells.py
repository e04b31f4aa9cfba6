"""Cells of lists: what records hold is text in them, whatever kind of cell it stands in."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from admin_ui.listing import Column
from admin_ui.render import Renderer
from server.config.output import Output
from server.errors import Text
from server.expressions.types import TEXT
from server.features.objects.kind import Field
from server.features.records.reading import Record

HOSTILE = '<script>alert("1")</script>\'&'
SAFE = "&lt;script&gt;alert(&#34;1&#34;)&lt;/script&gt;&#39;&amp;"
TITLE, AT = Text("标题", "Title"), datetime(2026, 3, 1, tzinfo=UTC)
RENDERER = Renderer(ZoneInfo("Asia/Shanghai"))


def record(**given: Any) -> Record:
    values = {"values": {"f": HOSTILE}, "display": {"f": HOSTILE}, "results": {"f": HOSTILE}, **given}
    return Record("thing", 7, 1, HOSTILE, created_at=AT, created_by=HOSTILE, updated_at=AT, updated_by="li", **values)


def drawn(column: Column, row: Record) -> str:
    return RENDERER.environments["en"].from_string("{{ cell(c, row) }}").render(c=column, row=row, people={"li": "<Li>"}, now=AT)


def a(kind: str, name: str = "f", **more: Any) -> Column:
    return Column(name, TITLE, kind, **more)


@pytest.mark.parametrize("kind", ["text", "long_text", "choice", "reference", "user", "rating", "rich_text", "link", "date"])
def test_a_field_is_text(kind: str) -> None:
    assert drawn(a("field", field=Field("f", kind, TITLE)), record()) == SAFE
    assert drawn(a("field", field=Field("f", kind, TITLE)), record(display={})) == '<span class="m2">–</span>'


def test_the_other_kinds_are_text_too() -> None:
    assert drawn(a("text", source=Output("f", TITLE, "classification", "f", TEXT)), record()) == SAFE
    assert drawn(a("stamp", "created_by"), record()) == SAFE
    assert drawn(a("stamp", "updated_by"), record()) == "&lt;Li&gt;"
    assert drawn(a("field", field=Field("f", "reference", TITLE, reference="o")), record(values={"f": 3})) == f'<a href="/o/o/3">{SAFE}</a>'


def test_a_row_has_a_cell_for_each_column() -> None:
    context = {"object_type": type("It", (), {"key": "thing"}), "may_edit": True, "may_delete": True, "people": {}, "trends": {}, "now": AT}
    template = RENDERER.environments["en"].from_string("{{ draw_rows(columns, [row], note) }}")
    html = template.render(columns=(a("name"), a("field", field=Field("f", "text", TITLE))), row=record(), note=HOSTILE, **context)
    assert html.count("<td") == html.count("</td>") == 3 and html.startswith('<tr id="row-7" data-href="/o/thing/7">')
    assert HOSTILE not in html and "<script" not in html and html.count(SAFE) == 6  # tick, title, name, pen, note, cell
