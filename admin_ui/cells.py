"""Cells and rows of lists, written by functions: a list has hundreds of cells, and what is the same in each row of a column is made once.

A column's writer turns a record into escaped HTML, and all templates draw cells by it. What is drawn rarely, or elsewhere too, is a macro of the templates.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from numbers import Number
from typing import Any, Protocol

import jinja2
from jinja2.filters import do_truncate
from markupsafe import Markup, escape

from admin_ui.formats import DASH, Formats
from admin_ui.listing import Column
from admin_ui.marks import spark_points
from server.errors import Text
from server.features.records.reading import Record

Writer = Callable[[Record], str]
NOTHING = f'<span class="m2">{DASH}</span>'
NO_SCORE = Markup(NOTHING)
RICH_SHOWN = 80  # characters of a rich note
YES, NO, CHOOSE, EDIT = Text("是", "yes"), Text("否", "no"), Text("选择", "Choose"), Text("在列表里编辑", "Edit here")


class Seen(Protocol):
    """What the templates of a list see, by name."""

    def __getitem__(self, key: str) -> Any: ...


def css(c: Column) -> str:
    """The classes of a column's cells, head and foot."""
    kind = "n " if c.right else "m1 " if c.kind in {"field", "stamp", "text"} else ""
    return f"{kind}{'opt ' if c.optional else ''}{'wd ' if c.width else ''}{'fz ' if c.frozen else ''}{'fo ' if c.folded else ''}k-{c.kind}"


def wide(c: Column) -> Markup:
    return Markup(f' style="--w:{c.width}px"') if c.width else Markup("")


class Cells:
    """The writers of one language. `pen` draws an icon."""

    def __init__(self, environment: jinja2.Environment, formats: Formats, pen: Callable[[str], Markup]) -> None:
        self.environment = environment
        self.formats = formats
        self.locale = formats.locale
        self.pen = pen

    def macros(self, template: str, **context: Any) -> Any:
        """The templates' own macros, by file. `context`: what they read besides what they are given."""
        found = self.environment.get_template(template)
        return found.make_module(context) if context else found.module

    def writer(self, c: Column, context: Seen) -> Writer:
        """What stands in the column's cells. `context` has `people` (names by username) and `now`."""
        name = c.name
        if c.kind == "class":
            return self._class(c)
        if c.kind == "score":
            return lambda row: NOTHING if (value := row.results.get(name)) is None else score(self.formats, value, c.decimals)
        if c.kind == "number":
            return lambda row: escape(self.formats.number(row.results.get(name), c.decimals))
        if c.kind == "text":
            titles = {key: escape(title.of(self.locale)) for key, title in reversed(c.source.options)}
            return lambda row: self._result(titles, row.results.get(name))
        return self._stamp(name, context) if c.kind == "stamp" else self._field(c, context)

    def _class(self, c: Column) -> Writer:
        draw, drawn = self.macros("parts/kit.html").klass, dict[Any, str]()

        def write(row: Record) -> str:
            key = row.results.get(c.name)
            if key not in drawn:
                drawn[key] = draw(c.source, key)
            return drawn[key]

        return write

    def _result(self, titles: Mapping[str, str], value: Any) -> str:
        if value is None:
            return NOTHING
        if isinstance(value, bool):
            return (YES if value else NO).of(self.locale)
        if isinstance(value, str):
            return titles.get(value) or escape(value)
        return escape(self.formats.date(value))

    def _stamp(self, name: str, context: Seen) -> Writer:
        if name == "id":
            return lambda row: str(row.id)
        if name in {"created_by", "updated_by"}:
            people: Mapping[str, str] = context["people"]

            def person(row: Record) -> str:
                who: str = getattr(row, name)
                return escape(people.get(who, who))

            return person
        moment = self.macros("parts/kit.html", now=context["now"]).moment
        return lambda row: moment(row.created_at if name == "created_at" else row.updated_at)

    def _field(self, c: Column, context: Seen) -> Writer:
        name, inner = c.name, self._inner(c, context)
        if inner is None:
            return _text(name)

        def write(row: Record) -> str:
            text = row.display.get(name)
            return inner(row, text) if text else NOTHING

        return write

    def _inner(self, c: Column, context: Seen) -> Callable[[Record, str], str] | None:
        """Of a field that is not empty, beside its text. A covered value is text in place of the field's own kind. None: the text."""
        name, field = c.name, c.field
        kind = field.type if field is not None else ""
        if field is not None and kind == "reference":
            link = f'<a href="/o/{escape(field.reference)}/'
            return lambda row, text: f'{link}{row.values[name]}">{escape(text)}</a>' if isinstance(row.values.get(name), Number) else escape(text)
        if kind in {"file", "image"}:
            draw = self.macros("parts/files.html").file_cell
            return lambda row, text: draw(row.values.get(name))
        if kind == "user":
            people: Mapping[Any, str] = context["people"]
            return lambda row, text: escape(people.get(row.values.get(name), text))
        if kind == "rating":
            stars = self.macros("parts/kit.html").stars
            return lambda row, text: stars(row.values[name], field) if type(row.values.get(name)) is int else escape(text)
        if kind == "rich_text":
            return lambda row, text: escape(do_truncate(self.environment, text, RICH_SHOWN))
        return None

    # -- Rows ------------------------------------------------------------------------------------------------------------------

    def rows(self, context: Seen, columns: Sequence[Column], records: Iterable[Record], note: str = "") -> Markup:
        """The rows of a list. `context` is that of the list's templates; `note` stands beside the names."""
        path, may_edit = f"/o/{escape(context['object_type'].key)}/", bool(context["may_edit"])
        cells = [self._pick()] if may_edit or context["may_delete"] else []
        cells += [cell for c in columns for cell in self._row_cells(c, context, path, may_edit, note)]
        between = ["", *("</td>" for _ in cells[1:])]
        steps = [(closing + opening, write) for closing, (opening, write) in zip(between, cells, strict=True)]
        parts: list[str] = []
        put = parts.append
        for row in records:
            put(f'<tr id="row-{row.id}" data-href="{path}{row.id}">\n')
            for html, write in steps:
                put(html)
                put(write(row))
            put("</td></tr>\n")
        return Markup("".join(parts))

    def _pick(self) -> tuple[str, Writer]:
        tick = '<input class="form-check-input" type="checkbox" name="_id" value="'
        said = f'" form="bulk" data-pick aria-label="{CHOOSE.of(self.locale)} '
        return '<td class="k-pick">', lambda row: "".join((tick, str(row.id), said, escape(row.name), '">'))

    def _row_cells(self, c: Column, context: Seen, path: str, may_edit: bool, note: str) -> list[tuple[str, Writer]]:
        editing = c.editable and may_edit
        label = f' data-label="{escape(c.title.of(self.locale))}"' if c.labelled else ""
        marked = f' data-cell="{escape(c.name)}"' if editing else ""
        opening = f'<td class="{css(c)}{" ed" if editing else ""}"{wide(c)}{marked}{label}>'
        cells = [(opening, self._name(path, may_edit, note) if c.kind == "name" else self.writer(c, context))]
        trends = context["trends"]
        if trends and c.kind == "score" and c.source == context["lead"].score:
            cells.append(('<td class="n k-change">', lambda row: self._change(c, trends.get(row.id))))
            cells.append(('<td class="opt k-spark">', lambda row: spark(trends[row.id].values) if row.id in trends else ""))
        return cells

    def _change(self, c: Column, trend: Any) -> str:
        return change(self.formats, trend.change, c.source.better, c.decimals) if trend and trend.change else NOTHING

    def _name(self, path: str, may_edit: bool, note: str) -> Writer:
        edit, link = EDIT.of(self.locale), f'<a class="nm" data-row href="{path}'
        pen = f'</a><button type="button" class="pen" data-row-edit aria-label="{edit}: '
        end = f' <span class="tag dr">{escape(note)}</span>' if note else ""
        edited = f'" title="{edit} (e)">{self.pen("pencil")}</button>{end}'

        def write(row: Record) -> str:
            name = escape(row.name)
            parts = (link, str(row.id), '" title="', name, '">', name)
            return "".join((*parts, pen, name, edited) if may_edit else (*parts, "</a>", end))

        return write


def _text(name: str) -> Writer:
    """A field's text; many rows have the same."""
    drawn: dict[str | None, str] = {"": NOTHING, None: NOTHING}

    def write(row: Record) -> str:
        text = row.display.get(name)
        found = drawn.get(text)
        if found is None:
            found = drawn[text] = escape(text)
        return found

    return write


# -- Small drawings ------------------------------------------------------------------------------------------------------------


def score(formats: Formats, value: Any, decimals: int | None = 0, bad: bool = False) -> Markup:
    """A score with its thin bar; `bad` tints it."""
    if value is None:
        return NO_SCORE
    bar = min(max(value, 0), 100)
    low = " low" if bad else ""
    return Markup(f'<span class="sc{low}"><i aria-hidden="true"><u style="width:{bar}%"></u></i><b>{formats.number(value, decimals)}</b></span>')


def change(formats: Formats, value: Any, better: str = "", decimals: int | None = None, unit: str = "") -> Markup:
    """A change with arrow and sign; `better` is up, down or ""."""
    if value is None:
        return Markup(NOTHING)
    if value == 0:
        return Markup('<span class="m2">0</span>')
    tone = ("good" if (value > 0) == (better == "up") else "bad") if better else "m1"
    return Markup(f'<span class="nw {tone}">{"↑" if value > 0 else "↓"} {formats.number(abs(value), decimals)}{escape(unit)}</span>')


def spark(values: Sequence[Any]) -> Markup:
    """A small line of values over time; nothing for fewer than two."""
    points = spark_points(values)
    if not points:
        return Markup("")
    line = "".join(f"{x},{y} " for x, y in points)
    x, y = points[-1]
    stroke = 'fill="none" stroke="var(--bar)" stroke-width="1.4" stroke-linejoin="round"'
    end = f'<circle cx="{x}" cy="{y}" r="2.2" fill="var(--ink-2)"/>'
    return Markup(f'<svg class="spark" viewBox="0 0 88 22" aria-hidden="true"><polyline points="{line}" {stroke}/>{end}</svg>')
