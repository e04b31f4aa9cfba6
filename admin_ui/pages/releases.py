"""What was published: the list, what each release changed, the way back."""

from collections.abc import Mapping

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from admin_ui.area import Area
from admin_ui.documents import differences, document_url
from admin_ui.edge import Asked, ReleaseNumber, reading, writing
from admin_ui.pages.studio import bar_of
from admin_ui.posted import posted
from admin_ui.render import page
from server.config.kind import title_of
from server.config.publish import rollback
from server.config.releases import get_release, list_releases, read_release
from server.features.access import service as access

router = APIRouter()
AREA = Area(router)


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
    with writing(request, "publish", brief=False) as work:
        release = rollback(work, number, form.get("note", "").strip() or f"↩ {number}")
    return RedirectResponse(f"/studio/releases?done={release}", 303)
