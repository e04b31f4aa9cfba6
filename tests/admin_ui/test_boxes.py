"""Boxes of forms: what is poured into a cast is what the templates draw."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from zoneinfo import ZoneInfo

import pytest

from admin_ui.boxes import MOST
from admin_ui.record_forms import Choice, Face, FormField, FormSection, RecordForm
from admin_ui.render import Renderer
from server.errors import Problem, Text
from server.features.forms.engine import Plan
from server.features.objects.kind import Field
from server.features.records.engine import FieldState
from server.fields.registry import FIELD_TYPES

TITLE = Text("标题 <b>", "Title <b>")
PLAN = Plan("", TITLE, "page", ())
ENTRIES = ("", "a", "<i>&'\"", "\ue000entry\ue001", "2026-03-01", "3", "true", "\ue000shown")
ENVIRONMENT = Renderer(ZoneInfo("Asia/Shanghai")).environments["en"]
ONE_BY_ONE = '{% from "parts/fields.html" import field_box with context %}{% for f in form.sections[0].fields %}{{ field_box(f) }}{% endfor %}'
SEEN = {"object_type": type("It", (), {"key": "thing"}), "upload_limit": 1000}


def states(kind: str) -> Iterator[FieldState]:
    """A field's states, each entry in each of them, so that a cast made for one is used for the next."""
    several = kind in {"file", "image", "multi_choice", "region"}
    for visible, required, readonly, offered in product((True, False), (True, False), (True, False), ("", "a", "<u>")):
        for entry in ENTRIES:
            for value in (() if several else None, () if several else 3 if kind == "rating" else entry or None):
                yield FieldState(visible, required, readonly, value, entry, offered)


def form_of(fields: list[FormField]) -> RecordForm:
    return RecordForm(PLAN, (FormSection("s", TITLE, 2, TITLE, tuple(fields)),))


def drawn(form: RecordForm) -> tuple[str, str]:
    """The boxes of a section as they are drawn together, and one by one by their templates."""
    together = ENVIRONMENT.from_string("{{ draw_sections(form) }}").render(form=form, **SEEN)
    return together.split(">\n", 1)[1].removesuffix("</div></fieldset>\n"), ENVIRONMENT.from_string(ONE_BY_ONE).render(form=form, **SEEN)


@pytest.mark.parametrize("kind", FIELD_TYPES)
def test_a_box_is_drawn_as_its_template_says(kind: str) -> None:
    field = Field("f", kind, TITLE, TITLE, reference="other", unit="CNY", placeholder=TITLE)
    choices = (Choice("a", "A <s>"), Choice("b", "B")) if kind in {"choice", "multi_choice"} else ()
    face = Face(field, FIELD_TYPES[kind].widget, "x-", "<", "kg", "Title <b>", "/o/other/options", "/files", choices, {})
    fields = [FormField(face, s, s.placeholder or face.placeholder, (), choices, (s.entry,), s.entry) for s in states(kind)]
    together, one_by_one = drawn(form_of(fields))
    assert together == one_by_one
    assert len(face.casts) <= MOST


def test_what_is_wrong_or_changed_by_others_is_drawn_anew() -> None:
    face = Face(Field("f", "text", TITLE), "text", "", "", "", "", "", "", (), {})
    fine = FormField(face, FieldState(True, False, False, "a", "a"))
    wrong = replace(fine, errors=(Problem("f", Text("错 <b>", "Wrong <b>")),))
    theirs = replace(fine, theirs="<c>")
    together, one_by_one = drawn(form_of([fine, wrong, theirs, fine]))
    assert together == one_by_one and together.count("Wrong &lt;b&gt;") == 1 and together.count("&lt;c&gt;") == 1
    assert len(face.casts) == 1
