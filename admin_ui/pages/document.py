"""The editor of one document, as a form and as JSON. Nothing is live before it is published."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from admin_ui.area import Area
from admin_ui.documents import differences, document_url, form_of
from admin_ui.edge import reading, writing
from admin_ui.forms import Form
from admin_ui.pages.studio import bar_of
from admin_ui.places import act, locate, words
from admin_ui.posted import posted, whole
from admin_ui.render import fragment, page
from admin_ui.year import year_of
from server.config import drafts
from server.config.check import check_document, errors
from server.config.document import Document
from server.config.kind import Kind, title_of
from server.config.load import as_document
from server.config.references import where_used
from server.errors import Invalid, NotFound, Problem, Text
from server.feature import Work
from server.features.objects.engine import worked_out

router = APIRouter()
AREA = Area(router)


@dataclass(frozen=True)
class Use:
    kind: Kind
    key: str
    title: Text
    places: int


@dataclass(frozen=True)
class Editor:
    kind: Kind
    key: str
    body: Mapping[str, Any]
    is_new: bool
    live: Document | None

    @property
    def title(self) -> Text:
        return title_of(self.body, self.key) if isinstance(self.body.get("title", {}), Mapping) else Text(self.key, self.key)


def _kind(work: Work, key: str) -> Kind:
    kind = work.catalog.kinds.get(key)
    if kind is None:
        raise NotFound(Text(f"没有“{key}”这种文档", f"There is no kind “{key}”"))
    return kind


def editor_of(work: Work, kind_key: str, key: str) -> Editor:
    kind = _kind(work, kind_key)
    document = drafts.draft_document(work, kind_key, key)
    live = work.catalog.document(kind_key, key)
    if document is None and live is None:
        raise NotFound(Text(f"没有文档 {kind_key} “{key}”", f"There is no document {kind_key} “{key}”"))
    return Editor(kind, key, (document or live).body, live is None, live)  # type: ignore[union-attr]


def _squared(kind: Kind, body: Mapping[str, Any]) -> Mapping[str, Any]:
    """A matrix's cells follow its labels: a new label gets a row or a column, with the level of its neighbour."""
    rows, columns, cells = body.get("likelihood"), body.get("impact"), body.get("cells")
    if kind.key != "matrix" or not isinstance(rows, list) or not isinstance(columns, list) or not isinstance(cells, list):
        return body
    grid = [list(row) for row in cells if isinstance(row, list)] or [[""]]
    grid = [grid[min(i, len(grid) - 1)][:] for i in range(len(rows))]
    return {**body, "cells": [(row + [row[-1] if row else ""] * len(columns))[: len(columns)] for row in grid]}


def problems_of(work: Work, kind: str, key: str, body: Any) -> list[Problem]:
    """What is wrong with the document itself, fast enough while somebody types; what it breaks elsewhere is told when it is saved."""
    document, found = as_document(kind, key, body)
    if document is None:
        return [_here(p, kind, key) for p in found]
    found = check_document(document)
    if errors(found):
        return found
    broken = [(c.kind, c.key) for c in drafts.draft_changes(work) if c.new and (c.kind, c.key) != (kind, key) and errors(check_document(c.new))]
    candidate = drafts.draft_catalog(work).with_documents([document], broken)
    described, live = candidate.kinds[kind], work.catalog.get(kind, key)
    value = candidate.get(kind, key)
    found += described.check(value, candidate)
    found += described.check_change(live, value, candidate) if live is not None else ()
    return [_here(p, kind, key) for p in found]


def _draw(request: Request, work: Work, editor: Editor, mode: str, problems: list[Problem], text: str = "", status: int = 200) -> HTMLResponse:
    body = _squared(editor.kind, editor.body)
    form = form_of(work, editor.kind, body)
    shown = _placed(form, body, f"{editor.kind.key}/{editor.key}", problems)
    uses: dict[tuple[str, str], int] = {}
    for kind, key, _path in where_used(drafts.draft_catalog(work), editor.kind.key, editor.key) if editor.key else ():
        uses[kind, key] = uses.get((kind, key), 0) + 1
    catalog = drafts.draft_catalog(work)
    used = [Use(work.catalog.kinds[kind], key, title_of(catalog.documents[kind, key].body, key), n) for (kind, key), n in uses.items()]
    context: dict[str, Any] = {
        "editor": editor,
        "mode": mode,
        "node": form.build(body),
        "text": text or json.dumps(editor.body, ensure_ascii=False, indent=2),
        "problems": shown,
        "used": used,
        "bar": bar_of(work),
        "url": document_url(editor.kind.key, editor.key),
        "form_url": document_url(editor.kind.key, editor.key) + "/form",
        "opened": (),
        "in_draft": any((c.kind, c.key) == (editor.kind.key, editor.key) for c in drafts.draft_changes(work)),
        "differences": differences(editor.kind, editor.live, Document(editor.kind.key, editor.key, editor.body)),
        "document_url": document_url,
        "year": year_of(Document(editor.kind.key, editor.key, editor.body), work.at.today.year),
        "worked_out": worked_out(catalog.get("object", editor.key)) if editor.kind.key == "object" and catalog.get("object", editor.key) else (),
    }
    return page(request, work, "pages/document.html", area="studio", status=status, **context)


def _placed(form: Form, body: Any, name: str, problems: list[Problem]) -> list[tuple[Problem, str, Text | None]]:
    """Each problem with the input it belongs to and where that is, in words."""
    return [(p, locate(form, body, p.path), words(form, body, p.path)) if p.file == name else (p, "", None) for p in problems]


@router.get("/studio/doc/{kind}/{key}", response_class=HTMLResponse)
def document_page(request: Request, kind: str, key: str, mode: str = "form") -> HTMLResponse:
    with reading(request, "studio") as work:
        editor = editor_of(work, kind, key)
        in_draft = any((c.kind, c.key) == (kind, key) for c in drafts.draft_changes(work))
        problems = [p for p in drafts.draft_problems(work) if p.file == f"{kind}/{key}"] if in_draft else []
        return _draw(request, work, editor, mode, problems)


@router.get("/studio/new/{kind}", response_class=HTMLResponse)
def new_page(request: Request, kind: str, copy: str = "") -> HTMLResponse:
    with reading(request, "studio") as work:
        return _new(request, work, kind, copy)


def _new(request: Request, work: Work, kind: str, copy: str, key: str = "", problems: Sequence[Problem] = ()) -> HTMLResponse:
    found = _kind(work, kind)
    titles = [(name, title_of(d.body, name)) for (k, name), d in sorted(drafts.draft_catalog(work).documents.items()) if k == kind]
    context: dict[str, Any] = {"kind": found, "copy": copy, "existing": titles, "problems": problems, "key": key}
    return page(request, work, "pages/document_new.html", area="studio", status=422 if problems else 200, **context)


@router.post("/studio/new/{kind}", response_class=HTMLResponse)
def new_document(request: Request, kind: str, form: Mapping[str, str] = Depends(posted)) -> Response:
    """A new document starts as a copy of another one, or from what its meta-schema requires."""
    key, copy = form.get("key", "").strip(), form.get("copy", "")
    try:
        with writing(request, "studio") as work:
            found = _kind(work, kind)
            if drafts.draft_document(work, kind, key) is not None:
                raise Invalid([Problem("/key", Text(f"已有 {kind} “{key}”", f"There is a {kind} “{key}” already"))])
            source = drafts.draft_document(work, kind, copy) if copy else None
            body = {**(source.body if source else form_of(work, found, {"kind": kind}).blank()), "kind": kind, "key": key}
            titles = {code: text for code, name in (("zh_CN", "zh"), ("en", "en")) if (text := form.get(name, "").strip())}
            if titles or source is None:
                body["title"] = titles or {"zh_CN": key, "en": key}
            wrong = [p for p in drafts.save_draft(work, kind, key, body) if p.path == "/key"]
            if wrong:
                raise Invalid(wrong)
    except Invalid as refused:
        with reading(request, "studio") as work:
            return _new(request, work, kind, copy, key, refused.problems)
    return RedirectResponse(document_url(kind, key), 303)


@router.post("/studio/doc/{kind}/{key}", response_class=HTMLResponse)
def save(request: Request, kind: str, key: str, form: Mapping[str, str] = Depends(posted)) -> Response:
    mode = form.get("mode", "form")
    with writing(request, "studio") as work:
        editor = editor_of(work, kind, key)
        body: Any = form.get("json", "") if mode == "json" else body_of(work, editor, form)
        try:
            drafts.save_draft(work, kind, key, body)
        except Invalid as refused:  # JSON that cannot be read: nothing is saved, what was typed stays
            return _draw(request, work, editor, mode, [_here(p, kind, key) for p in refused.problems], body if isinstance(body, str) else "", 422)
    return RedirectResponse(document_url(kind, key) + ("?mode=json" if mode == "json" else ""), 303)


def _here(problem: Problem, kind: str, key: str) -> Problem:
    return Problem(problem.path, problem.message, problem.hint, f"{kind}/{key}", problem.start, problem.end, problem.severity, problem.code)


def body_of(work: Work, editor: Editor, form: Mapping[str, str]) -> Any:
    body = form_of(work, editor.kind, editor.body).read(form)
    return {**body, "kind": editor.kind.key, "key": editor.key}


@router.post("/studio/doc/{kind}/{key}/form", response_class=HTMLResponse)
def redraw(request: Request, kind: str, key: str, form: Mapping[str, str] = Depends(posted)) -> HTMLResponse:
    """A button of a list was pressed: the form again with one item more, less or elsewhere. Nothing is saved."""
    with reading(request, "studio") as work:
        editor = editor_of(work, kind, key)
        engine = form_of(work, editor.kind, editor.body)
        body = act(engine, engine.read(form), form.get("action", ""))
        body = _squared(editor.kind, {**body, "kind": kind, "key": key})
        opened = _opened(body, form.get("action", ""))
        node = form_of(work, editor.kind, body).build(body)
        return fragment(request, work, "parts/document_form.html", node=node, form_url=document_url(kind, key) + "/form", opened=opened)


def _opened(body: Any, action: str) -> tuple[str, ...]:
    """What was just added is opened."""
    verb, _, pointer = action.partition(":")
    if verb != "add":
        return ()
    holder: Any = body
    for part in pointer.split("/")[1:]:
        holder = holder[int(part)] if isinstance(holder, list) else (holder.get(part) if part in holder else list(holder.values())[int(part)])
    return (f"{pointer}/{len(holder) - 1}",)


@router.post("/studio/doc/{kind}/{key}/check", response_class=HTMLResponse)
def live_check(request: Request, kind: str, key: str, form: Mapping[str, str] = Depends(posted)) -> HTMLResponse:
    """The problems panel for what is typed now. Nothing is saved."""
    with reading(request, "studio") as work:
        editor = editor_of(work, kind, key)
        body: Any = form.get("json", "") if form.get("mode") == "json" else body_of(work, editor, form)
        problems = problems_of(work, kind, key, body)
        engine = form_of(work, editor.kind, body)
        value = body if isinstance(body, Mapping) else {}
        shown = _placed(engine, value, f"{kind}/{key}", problems)
        year = year_of(Document(kind, key, value), whole(form.get("year", "")) or work.at.today.year)
        return fragment(request, work, "parts/checked.html", problems=shown, document_url=document_url, year=year)


@router.post("/studio/doc/{kind}/{key}/discard")
def discard(request: Request, kind: str, key: str) -> Response:
    with writing(request, "studio") as work:
        drafts.discard(work, kind, key)
        left = work.catalog.document(kind, key) is not None
    return RedirectResponse(document_url(kind, key) if left else f"/studio?kind={quote(kind)}", 303)


@router.post("/studio/doc/{kind}/{key}/remove")
def remove(request: Request, kind: str, key: str) -> Response:
    with writing(request, "studio") as work:
        drafts.remove_in_draft(work, kind, key)
    return RedirectResponse(f"/studio?kind={quote(kind)}", 303)
