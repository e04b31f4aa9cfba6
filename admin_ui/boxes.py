"""The boxes of a form's fields. Templates say what a box looks like (parts/fields.html, fields/<type>.html), and what they draw is cast once for a release,
with marks where texts of a record stand; into the cast these are poured. A box with errors, and one whose template looks into its value, is drawn each time.
"""

import re
from collections.abc import Callable, Hashable
from dataclasses import replace
from operator import attrgetter
from typing import Any

import jinja2
from jinja2.runtime import Context
from markupsafe import Markup, escape

from admin_ui.record_forms import Cast, FormField, RecordForm

# What was typed stands in the box as it is.
POURED = frozenset({
    "text", "long_text", "rich_text", "email", "phone", "link", "serial", "reference",
    "integer", "number", "decimal", "percent", "duration", "date", "datetime",
})  # fmt: skip
# What was typed picks one of a few: each has its cast.
PICKED = frozenset({"choice", "yes_no", "rating"})
# Read only, these show more than a text.
DRAWN = frozenset({"file", "image", "rating", "rich_text"})
MOST = 64  # casts of one field

HOLES: dict[str, Callable[[FormField], str]] = {"entry": attrgetter("state.entry"), "shown": attrgetter("shown"), "placeholder": attrgetter("placeholder")}
MARKS = {name: f"\ue000{name}\ue001" for name in HOLES}
MARK = re.compile(f"\ue000({'|'.join(HOLES)})\ue001")


class Boxes:
    """The sections of forms in one language."""

    def __init__(self, environment: jinja2.Environment, locale: str) -> None:
        self.environment = environment
        self.locale = locale

    @jinja2.pass_context
    def sections(self, context: Context, form: RecordForm, scope: str = "") -> Markup:
        """The sections of a form: the same on its page, in a dialog and in public. `context` is that of the form's templates."""
        parts: list[str] = []
        for s in form.sections:
            about = f'<p class="fs-h">{escape(s.help.of(self.locale))}</p>' if s.help else ""
            parts.append(f'<fieldset class="fs" id="{scope}s-{s.key}" data-part="{s.key}"><legend>{escape(s.title.of(self.locale))}</legend>{about}')
            parts.append(f'<div class="fg c{s.columns}">\n')
            for f in s.fields:
                self._box(context, f, parts)
            parts.append("</div></fieldset>\n")
        return Markup("".join(parts))

    def _box(self, context: Context, f: FormField, parts: list[str]) -> None:
        look, casts = _look(f), f.face.casts
        cast = None if look is None else casts.get(look)
        if cast is None:
            if look is None or len(casts) >= MOST:
                parts.append(self._drawn(context, f))
                return
            cast = casts[look] = _cast(self._drawn(context, _marked(f)))
        for text, hole in cast.steps:
            parts += (text, escape(hole(f)))
        parts.append(cast.end)

    def _drawn(self, context: Context, f: FormField) -> str:
        fields: Any = self.environment.get_template("parts/fields.html").make_module(context.get_all())
        return str(fields.field_box(f))


def _look(f: FormField) -> Hashable | None:
    """All that decides how the box looks but for the texts in it; None where its template has to say."""
    s, kind = f.state, f.face.field.type
    if f.errors or f.theirs is not None:
        return None
    if not s.visible:
        return False
    if s.readonly:
        return None if kind in DRAWN else (bool(f.shown),)
    if kind in POURED:
        return s.required, bool(s.entry), bool(f.shown), bool(s.placeholder), s.value is None, isinstance(s.value, str)
    return (s.required, s.entry, s.placeholder) if kind in PICKED and (s.value is not None or not s.entry) else None


def _marked(f: FormField) -> FormField:
    """The field with marks in place of its texts."""
    s = f.state
    if f.face.field.type in PICKED and not s.readonly:
        return f
    offered = MARKS["placeholder"] if s.placeholder else f.placeholder
    return replace(f, state=replace(s, entry=s.entry and MARKS["entry"]), shown=f.shown and MARKS["shown"], placeholder=offered)


def _cast(drawn: str) -> Cast:
    *pieces, end = MARK.split(drawn)
    return Cast(tuple((text, HOLES[name]) for text, name in zip(pieces[::2], pieces[1::2], strict=True)), end)
