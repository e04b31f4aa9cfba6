"""Studio: documents by kind, their editor as form and as JSON, the draft, its releases. Simulation is in simulate.py."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from admin_ui.area import Area, Link
from admin_ui.choices import choices
from admin_ui.edge import Asked, ReleaseNumber, reading, writing
from admin_ui.forms import Form, escape
from admin_ui.places import act, locate, words
from admin_ui.posted import posted
from admin_ui.render import fragment, page
from server.config import drafts
from server.config.check import check_document, errors
from server.config.document import Document
from server.config.kind import Kind, title_of
from server.config.load import as_document
from server.config.publish import rollback
from server.config.references import where_used
from server.config.releases import get_release, list_releases, read_release
from server.config.shape import meta_schema
from server.errors import Invalid, NotFound, Problem, Text
from server.feature import Work
from server.features.access import service as access
from server.features.objects.engine import worked_out

router = APIRouter()
AREA = Area(router, (Link("studio", Text("配置", "Studio"), "/studio", "adjustments", "studio", 80),))


@dataclass(frozen=True)
class Line:
    """One document of the list. `state`: live, new, changed, removed."""

    kind: str
    key: str
    title: Text
    state: str
    problems: int


@dataclass(frozen=True)
class Bar:
    """The draft bar at the lower edge."""

    changes: tuple[drafts.Change, ...]
    errors: int
    warnings: int
    by: str = ""  # who changed it last

    @property
    def last(self) -> drafts.Change | None:
        return max(self.changes, key=lambda c: c.at) if self.changes else None


@dataclass(frozen=True)
class Use:
    kind: Kind
    key: str
    title: Text
    places: int


def bar_of(work: Work) -> Bar:
    changes = tuple(drafts.draft_changes(work))
    problems = drafts.draft_problems(work) if changes else []
    wrong = errors(problems)
    last = max(changes, key=lambda c: c.at).by if changes else ""
    return Bar(changes, len(wrong), len(problems) - len(wrong), access.user_names(work).get(last, last))


def document_url(kind: str, key: str) -> str:
    return f"/studio/doc/{quote(kind, safe='')}/{quote(key, safe='')}"


@router.get("/studio", response_class=HTMLResponse)
def studio(request: Request, kind: str = "", q: str = "") -> HTMLResponse:
    with reading(request, "studio") as work:
        lines = _lines(work)
        counts = {k: sum(1 for line in lines if line.kind == k) for k in work.catalog.kinds}
        shown = kind if kind in work.catalog.kinds else ""
        found = [line for line in lines if (not shown or line.kind == shown) and _matches(line, q)]
        groups = [(k, [line for line in found if line.kind == k.key]) for k in work.catalog.kinds.values()]
        bar = bar_of(work)
        changed = [line for line in lines if line.state != "live" or line.problems]
        context: dict[str, Any] = {
            "kind": shown,
            "q": q,
            "groups": [g for g in groups if g[1] or g[0].key == shown],
            "counts": counts,
            "total": len(lines),
            "changed": changed,
            "bar": bar,
        }
        return page(request, work, "pages/studio.html", area="studio", kinds=work.catalog.kinds, document_url=document_url, **context)


def _matches(line: Line, q: str) -> bool:
    words = q.lower().split()
    text = f"{line.key} {line.title.zh} {line.title.en}".lower()
    return all(word in text for word in words)


def _lines(work: Work) -> list[Line]:
    changes = {(c.kind, c.key): c for c in drafts.draft_changes(work)}
    problems: dict[str, int] = {}
    for problem in errors(drafts.draft_problems(work)) if changes else ():
        problems[problem.file] = problems.get(problem.file, 0) + 1
    lines = []
    for kind, key in sorted({*work.catalog.documents, *changes}):
        change = changes.get((kind, key))
        document = (change.new or change.old) if change else work.catalog.document(kind, key)
        assert document is not None
        state = "live" if change is None else "removed" if change.new is None else "new" if change.old is None else "changed"
        lines.append(Line(kind, key, title_of(document.body, key), state, problems.get(f"{kind}/{key}", 0)))
    return lines


# The editor


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


def _schema(kind: Kind) -> Mapping[str, Any]:
    schema = meta_schema(kind.key)
    if schema is None:
        raise NotFound(Text(f"“{kind.key}”没有元模式", f"The kind “{kind.key}” has no meta-schema"))
    return schema


def form_of(work: Work, kind: Kind, body: Any) -> Form:
    catalog = drafts.draft_catalog(work)
    return Form(_schema(kind), lambda of: choices(catalog, of, body))


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
        "worked_out": worked_out(catalog.get("object", editor.key)) if editor.kind.key == "object" and catalog.get("object", editor.key) else (),
    }
    return page(request, work, "pages/document.html", area="studio", status=status, **context)


def _placed(form: Form, body: Any, name: str, problems: list[Problem]) -> list[tuple[Problem, str, Text | None]]:
    """Each problem with the input it belongs to and where that is, in words."""
    return [(p, locate(form, body, p.path), words(form, body, p.path)) if p.file == name else (p, "", None) for p in problems]


@dataclass(frozen=True)
class Difference:
    """One value that differs. `place` in words, `path` as a JSON pointer."""

    path: str
    place: Text
    old: str
    new: str


def differences(kind: Kind, old: Document | None, new: Document | None) -> list[Difference]:
    """What is not the same in two versions of a document, at most 200 places."""
    if old is None or new is None:
        return []
    found: list[tuple[str, Any, Any]] = []
    _differ(old.body, new.body, "", found)
    form = Form(_schema(kind))
    return [Difference(path, words(form, new.body, path), _brief(a), _brief(b)) for path, a, b in found[:200]]


def _differ(old: Any, new: Any, path: str, found: list[tuple[str, Any, Any]]) -> None:
    if old == new:
        return
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for name in [*old, *(n for n in new if n not in old)]:
            _differ(old.get(name), new.get(name), f"{path}/{escape(name)}", found)
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for i, (a, b) in enumerate(zip(old, new, strict=True)):
            _differ(a, b, f"{path}/{i}", found)
    else:
        found.append((path, old, new))


def _brief(value: Any) -> str:
    text = value if isinstance(value, str) else "–" if value is None else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 160 else text[:157] + "…"


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
        return fragment(request, work, "parts/problems.html", problems=shown, document_url=document_url)


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


@router.post("/studio/discard")
def discard_all(request: Request) -> Response:
    with writing(request, "studio") as work:
        drafts.discard_all(work)
    return RedirectResponse("/studio", 303)


@router.get("/studio/draft", response_class=HTMLResponse)
def draft_page(request: Request) -> HTMLResponse:
    """All changes and all problems of the draft."""
    with reading(request, "studio") as work:
        bar = bar_of(work)
        changes = [(c, differences(work.catalog.kinds[c.kind], c.old, c.new)) for c in bar.changes]
        titles = {(c.kind, c.key): title_of((c.new or c.old).body, c.key) for c in bar.changes}  # type: ignore[union-attr]
        problems = drafts.draft_problems(work) if bar.changes else []
        people = access.user_names(work)
        return page(
            request,
            work,
            "pages/draft.html",
            area="studio",
            changes=changes,
            titles=titles,
            problems=problems,
            bar=bar,
            kinds=work.catalog.kinds,
            people=people,
            document_url=document_url,
        )


@router.post("/studio/publish", response_class=HTMLResponse)
def publish(request: Request, form: Mapping[str, str] = Depends(posted)) -> Response:
    with writing(request, "publish") as work:
        release = drafts.publish_draft(work, form.get("note", "").strip())
    return RedirectResponse(f"/studio/releases?done={release}", 303)


@router.get("/studio/releases", response_class=HTMLResponse)
def releases(request: Request, done: Asked = None) -> HTMLResponse:
    with reading(request, "studio") as work:
        found = list_releases(work.session)
        return page(
            request,
            work,
            "pages/releases.html",
            area="studio",
            releases=found,
            live=work.catalog.release,
            done=done,
            people=access.user_names(work),
            bar=bar_of(work),
        )


@router.get("/studio/releases/{number}", response_class=HTMLResponse)
def release_page(request: Request, number: ReleaseNumber) -> HTMLResponse:
    """What a release changed against the one before it."""
    with reading(request, "studio") as work:
        release = get_release(work.session, number)
        new, old = read_release(work.session, work.catalog.kinds, number), read_release(work.session, work.catalog.kinds, release.parent)
        changes = []
        for kind, key in sorted({*new.documents, *old.documents}):
            a, b = old.document(kind, key), new.document(kind, key)
            if a is None or b is None or a.digest != b.digest:
                body = (b or a).body  # type: ignore[union-attr]
                lines = differences(work.catalog.kinds[kind], a, b)
                changes.append((work.catalog.kinds[kind], key, title_of(body, key), "new" if a is None else "removed" if b is None else "changed", lines))
        return page(
            request,
            work,
            "pages/release.html",
            area="studio",
            release=release,
            changes=changes,
            live=work.catalog.release,
            people=access.user_names(work),
            document_url=document_url,
            bar=bar_of(work),
        )


@router.post("/studio/releases/{number}/rollback")
def roll_back(request: Request, number: ReleaseNumber, form: Mapping[str, str] = Depends(posted)) -> Response:
    with writing(request, "publish") as work:
        release = rollback(work, number, form.get("note", "").strip() or f"↩ {number}")
    return RedirectResponse(f"/studio/releases?done={release}", 303)
