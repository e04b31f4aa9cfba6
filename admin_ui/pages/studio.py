"""Studio: documents by kind, and the draft: what it changes, what is wrong with it, publishing it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from admin_ui.area import Area, Link
from admin_ui.documents import differences, document_url
from admin_ui.edge import reading, writing
from admin_ui.posted import posted
from admin_ui.render import page
from server.config import drafts
from server.config.check import errors
from server.config.kind import title_of
from server.errors import Text
from server.feature import Work
from server.features.access import service as access

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


def bar_of(work: Work) -> Bar:
    changes = tuple(drafts.draft_changes(work))
    problems = drafts.draft_problems(work) if changes else []
    wrong = errors(problems)
    last = max(changes, key=lambda c: c.at).by if changes else ""
    return Bar(changes, len(wrong), len(problems) - len(wrong), access.user_names(work).get(last, last))


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
    with writing(request, "publish", brief=False) as work:
        release = drafts.publish_draft(work, form.get("note", "").strip())
    return RedirectResponse(f"/studio/releases?done={release}", 303)
