"""Notifications: the list behind the bell, its live count, and how each person wants to be told."""

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import get_timezone_gmt, get_timezone_name
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse
from starlette.concurrency import run_in_threadpool

from admin_ui.area import Area
from admin_ui.edge import Asked, Form, Id, is_partial, reading, to, token_of, writing
from admin_ui.live import Live
from admin_ui.posted import posted, whole
from admin_ui.render import fragment, page, query
from server.errors import Invalid, Problem
from server.feature import Work
from server.features.access import roles
from server.features.notifications import channels, preferences, service
from server.features.notifications.engine import MODE_TITLES, TOPICS, Preferences

router = APIRouter(include_in_schema=False)
SHOWN = 50
BLANK = {"email": "", "daily_hour": "8", "quiet_from": "", "quiet_to": "", "urgent": "", "zone": ""}
ZONES = (
    "Asia/Shanghai", "Asia/Hong_Kong", "Asia/Taipei", "Asia/Tokyo", "Asia/Seoul", "Asia/Singapore", "Asia/Bangkok", "Asia/Ho_Chi_Minh", "Asia/Jakarta",
    "Asia/Manila", "Asia/Kolkata", "Asia/Karachi", "Asia/Dubai", "Asia/Riyadh", "Europe/Istanbul", "Europe/Moscow", "Europe/Athens", "Europe/Berlin",
    "Europe/Paris", "Europe/London", "Africa/Johannesburg", "Africa/Lagos", "Africa/Cairo", "America/Sao_Paulo", "America/New_York", "America/Chicago",
    "America/Denver", "America/Los_Angeles", "America/Mexico_City", "Australia/Sydney", "Australia/Perth", "Pacific/Auckland", "UTC",
)  # fmt: skip
ICONS = {"alert": "alert-triangle", "escalation": "urgent", "approval": "clipboard-check", "outcome": "gavel", "task": "checkbox", "mention": "message-2"}


@router.get("/notifications", response_class=HTMLResponse)
def notifications_page(request: Request, unread: bool = False, kind: str = "", before: Asked = None) -> HTMLResponse:
    with reading(request) as work:
        kind = kind if kind in service.KINDS else ""
        found = service.mine(work, unread=unread, kind=kind, before=before, limit=SHOWN + 1)
        context: dict[str, Any] = {
            "found": found[:SHOWN],
            "more": found[SHOWN - 1].id if len(found) > SHOWN else None,
            "only_unread": unread,
            "kind": kind,
            "before": before,
            "kinds": service.KIND_TITLES,
            "icons": ICONS,
        }
        if is_partial(request):
            return fragment(request, work, "parts/notified.html", **context)
        return page(request, work, "pages/notifications.html", area="notifications", **context)


async def live(request: Request) -> Response:
    """Who is signed in is asked once in a thread; from then on nothing is held for the watcher but its place in memory."""
    hub: Live = request.app.state.live
    username = await run_in_threadpool(_signed_in, request)
    headers = {"x-accel-buffering": "no", "cache-control": "no-store"}
    return StreamingResponse(hub.stream(username, token_of(request)), media_type="text/event-stream", headers=headers)


def _signed_in(request: Request) -> str:
    with reading(request) as work:
        return work.actor.username


router.add_route("/notifications/live", live, methods=["GET"])


@router.get("/notifications/{notification_id:int}")
def open_one(request: Request, notification_id: Id) -> Response:
    """Opening what it is about is what marks it read."""
    with writing(request) as work:
        link = service.opened(work, notification_id)
    return RedirectResponse(link or "/notifications", 303)


@router.post("/notifications/mark")
def mark(request: Request, form: Form) -> Response:
    """One as read (or unread again), or all of a kind."""
    typed = posted(form)
    kind = typed.get("kind", "") if typed.get("kind", "") in service.KINDS else ""
    with writing(request) as work:
        if typed.get("all"):
            service.mark_all(work, kind)
        else:
            service.mark(work, [whole(typed.get("id", "")) or 0], read=not typed.get("as_unread"))
    return to(request, "/notifications?" + query({"unread": typed.get("unread"), "kind": kind, "before": whole(typed.get("before", ""))}))


# -- Preferences -------------------------------------------------------------------------------------------------------------


def _zones(work: Work) -> list[tuple[str, str]]:
    """Those that are offered, with what they are called; every other one may be typed."""
    at = {key: work.now.astimezone(ZoneInfo(key)) for key in dict.fromkeys((str(work.zone), *ZONES))}
    return [(key, f"{get_timezone_gmt(it, locale='en')} {get_timezone_name(it, locale=work.actor.locale)}") for key, it in at.items()]


def _preferences(
    request: Request, work: Work, chosen: Preferences, problems: tuple[Problem, ...] = (), typed: Mapping[str, str] | None = None, *, saved: bool = False
) -> HTMLResponse:
    shown: Mapping[str, Any] = (
        {**BLANK, **typed}
        if typed is not None
        else {
            "email": chosen.email,
            "daily_hour": str(chosen.daily_hour),
            "quiet_from": chosen.quiet_from.isoformat("minutes") if chosen.quiet_from else "",
            "quiet_to": chosen.quiet_to.isoformat("minutes") if chosen.quiet_from else "",
            "urgent": chosen.urgent,
            "zone": str(chosen.zone),
            **{f"app_{key}": key in chosen.app for key in TOPICS},
            **{f"mail_{key}": mode for key, mode in chosen.mail.items()},
        }
    )
    return page(
        request, work, "pages/notification_preferences.html", area="notifications", status=422 if problems else 200, shown=shown, problems=problems,
        topics=TOPICS, modes=MODE_TITLES, zones=_zones(work), saved=saved, mail_ready=channels.mail_is_ready(work),
        may_set=roles.may(work, "people"),
    )  # fmt: skip


@router.get("/notifications/preferences", response_class=HTMLResponse)
def preferences_page(request: Request, saved: bool = False) -> HTMLResponse:
    with reading(request) as work:
        return _preferences(request, work, preferences.mine(work), saved=saved)


@router.post("/notifications/preferences", response_class=HTMLResponse)
def save_preferences(request: Request, form: Form) -> Response:
    typed = posted(form)
    try:
        with writing(request) as work:
            preferences.save(work, typed)
    except Invalid as refused:
        with reading(request) as work:
            return _preferences(request, work, preferences.mine(work), refused.problems, typed)
    return to(request, "/notifications/preferences?saved=1")


AREA = Area(router)
