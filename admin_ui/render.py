"""Templates in two languages: one environment per locale, so that macros are compiled once and `t` needs no context."""

import hashlib
import json
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import jinja2
from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2.runtime import Context
from jinja2_fragments import render_block
from markupsafe import Markup

from admin_ui import cells as cells_module
from admin_ui import marks, subjects
from admin_ui.boxes import Boxes
from admin_ui.folding import FoldingGenerator
from admin_ui.formats import DASH, Formats
from admin_ui.listing import Column
from admin_ui.shell import menu, theme_of
from server.errors import Text
from server.feature import Work
from server.features.access import roles
from server.features.access.people import LOCALES
from server.features.files.limits import size_text
from server.features.forms.drafts import Draft
from server.features.forms.engine import STANDARD
from server.features.notifications import service as notifications
from server.features.records.reading import Record
from server.fields import rating, rich_text

HERE = Path(__file__).parent
STATIC = HERE / "static"
PRODUCT = Text("晴雨表", "Weatherglass")
# Vendored files by the name pages use for them; the version is part of the path, so they are cached for good.
VENDOR: Mapping[str, str] = {
    path.name: f"/static/vendor/{row['folder']}/{path.name}"
    for row in json.loads((STATIC / "vendor" / "vendor.json").read_text())
    for path in sorted((STATIC / "vendor" / row["folder"]).iterdir())
}


@cache
def asset(name: str) -> str:
    """The address of a static file; changes with its content, so that it can be cached for good."""
    if name in VENDOR:
        return VENDOR[name]
    return f"/static/{name}?v={hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]}"


@cache
def icon_names() -> frozenset[str]:
    sprite = (STATIC / VENDOR["sprite.svg"].removeprefix("/static/")).read_text()
    return frozenset(line.split('"')[1] for line in sprite.splitlines() if line.startswith("<symbol"))


@lru_cache(maxsize=1000)
def icon(name: str, css: str = "i") -> Markup:
    """One outline icon; a name the sprite does not have is drawn as a file."""
    known = name if name in icon_names() else "file"
    return Markup('<svg class="{}" viewBox="0 0 24 24" aria-hidden="true"><use href="{}#{}"/></svg>').format(css, VENDOR["sprite.svg"], known)


def charts_js() -> Markup:
    """The two scripts of a page with charts: for its block "scripts"."""
    return Markup('<script src="{}" defer></script><script src="{}" defer></script>').format(asset("echarts.common.min.js"), asset("charts.js"))


def rich(markup: str | None) -> Markup:
    """A rich note, made safe once more on its way out."""
    return Markup(rich_text.safe(markup or ""))


def query(values: Mapping[str, Any] | list[tuple[str, Any]]) -> str:
    """A query string without its empty values."""
    pairs = values.items() if isinstance(values, Mapping) else values
    return urlencode([(k, v) for k, v in pairs if v not in (None, "", False)])


def draft_url(draft: Draft) -> str:
    """The form of an unsaved draft, with the draft in it."""
    place = f"{draft.record_id}/edit" if draft.record_id else "new"
    return f"/o/{draft.object}/{place}?" + urlencode({"form": draft.form or STANDARD, "draft": 1})


def _translator(locale: str) -> Callable[..., str]:
    def t(zh: str | Text | None, en: str | None = None) -> str:
        """The sentence in this language; takes both sentences, or a Text."""
        if zh is None:
            return ""
        if not isinstance(zh, str):
            return zh.of(locale)
        return zh if locale.startswith("zh") or en is None else en

    return t


class Renderer:
    """One environment per language. `page` and `fragment` are all that pages call."""

    def __init__(self, zone: ZoneInfo) -> None:
        self.zone = zone
        self.environments = {locale: _environment(locale, zone) for locale in LOCALES}

    def html(self, locale: str, template: str, block: str, context: Mapping[str, Any]) -> str:
        environment = self.environments[locale if locale in self.environments else LOCALES[0]]
        if block:
            return str(render_block(environment, template, block, dict(context)))
        return environment.get_template(template).render(context)


class _Environment(jinja2.Environment):
    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """Plain: every rendering copies them, and a chain of mappings is looked through name by name. Ours stand before the first template is read."""
        return {**self.globals, **(d or {})}


def _environment(locale: str, zone: ZoneInfo) -> jinja2.Environment:
    environment = _Environment(
        loader=jinja2.FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.code_generator_class = FoldingGenerator
    formats = Formats(locale, zone)
    cells = cells_module.Cells(environment, formats, icon)
    environment.globals.update(
        t=_translator(locale),
        locale=locale,
        lang="zh-CN" if locale.startswith("zh") else "en",
        product=PRODUCT,
        asset=asset,
        draw_icon=icon,
        rich=rich,
        star_count=rating.stars,
        charts_js=charts_js,
        draft_url=draft_url,
        formats=formats,
        DASH=DASH,
        cell=_cell(cells),
        draw_rows=_rows(cells),
        draw_sections=Boxes(environment, locale).sections,
        cell_css=cells_module.css,
        cell_wide=cells_module.wide,
        draw_score=partial(cells_module.score, formats),
        draw_change=partial(cells_module.change, formats),
        size=size_text,
        **{
            name: getattr(formats, name)
            for name in ("number", "quantity", "with_unit", "unit", "money", "money_short", "percent", "date", "day", "long_day", "datetime", "ago", "due")
        },
        **{name: getattr(marks, name) for name in ("step", "level_of", "class_tint", "file_icon")},
        **{name: getattr(subjects, name) for name in ("class_of", "is_graded", "grade")},
    )
    environment.filters["query"] = query
    return environment


def _cell(cells: cells_module.Cells) -> Callable[..., Markup]:
    @jinja2.pass_context
    def cell(context: Context, column: Column, record: Record) -> Markup:
        """One cell alone: of a card, of a record's related ones."""
        return Markup(cells.writer(column, context)(record))

    return cell


def _rows(cells: cells_module.Cells) -> Callable[..., Markup]:
    @jinja2.pass_context
    def draw_rows(context: Context, columns: Sequence[Column], records: Sequence[Record], note: str = "") -> Markup:
        """The rows of a list, a line each."""
        return cells.rows(context, columns, records, note)

    return draw_rows


def page(request: Request, work: Work, template: str, *, block: str = "", status: int = 200, area: str = "", **context: Any) -> HTMLResponse:
    """A whole page, or one block of it. `area` is the key of the menu line it belongs to ("alerts", "o/customer")."""
    renderer: Renderer = request.app.state.renderer
    whole = {**context, **base_context(request, work, area, with_menu=not block)}
    return HTMLResponse(renderer.html(work.actor.locale, template, block, whole), status)


def fragment(request: Request, work: Work, template: str, *, status: int = 200, **context: Any) -> HTMLResponse:
    """A template that is a part of a page: no shell around it."""
    renderer: Renderer = request.app.state.renderer
    whole = {**context, **base_context(request, work, "", with_menu=False)}
    return HTMLResponse(renderer.html(work.actor.locale, template, "", whole), status)


def bare(request: Request, locale: str, template: str, *, block: str = "", status: int = 200, **context: Any) -> HTMLResponse:
    """A page for nobody in particular: sign-in, set-up, errors."""
    renderer: Renderer = request.app.state.renderer
    whole = {
        **context,
        "request": request,
        "theme": theme_of(request),
        "menu": (),
        "newest": 0,
        "unread": 0,
        "area": "",
        "work": None,
        "me": None,
        "may": lambda capability: False,
        "now": None,
        "today": None,
    }
    return HTMLResponse(renderer.html(locale, template, block, whole), status)


def base_context(request: Request, work: Work, area: str, *, with_menu: bool) -> dict[str, Any]:
    newest, unread = notifications.mine_unread(work) if with_menu else (0, 0)
    return {
        "request": request,
        "work": work,
        "me": work.actor,
        "may": lambda capability: roles.may(work, capability),
        "menu": menu(request.app.state.areas, work) if with_menu else (),
        "newest": newest,
        "unread": unread,
        "area": area,
        "theme": theme_of(request),
        "upload_limit": request.app.state.settings.file_limit,
        "now": work.now,
        "today": work.at.today,
    }
