"""Settings: channels to the outside, and the log of what went through them."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from admin_ui.area import Area
from admin_ui.edge import Asked, Form, Id, reading, to, writing
from admin_ui.pages.settings import tabs_of
from admin_ui.posted import posted_lists, whole
from admin_ui.render import page, query
from server.errors import Conflict, Invalid, Problem, Text
from server.feature import Work
from server.features.access import people
from server.features.audit import service as audit
from server.features.notifications import channels, delivery, preferences
from server.features.notifications.engine import FIELDS, TEMPLATE, TOPICS
from server.features.notifications.senders import MAIL, SECURITY, SENDERS

router = APIRouter(include_in_schema=False)
PER_PAGE = 50
BLANK: Mapping[str, Any] = {
    "title": "", "enabled": "1", "host": "", "port": "587", "security": "starttls", "sender": "", "username": "", "locale": "zh_CN",
    "template_zh": "", "template_en": "", "topics": ["alert_critical", "escalation"],
}  # fmt: skip
STATES = {
    "waiting": (Text("待发", "Waiting"), "clock"),
    "sent": (Text("已送达", "Delivered"), "check"),
    "parked": (Text("搁置", "Given up"), "alert-triangle"),
    "dropped": (Text("不必发", "Not needed"), "minus"),
}


def _page(
    request: Request, work: Work, problems: tuple[Problem, ...] = (), typed: Mapping[str, Any] | None = None, editing: int | None = None,
    adding: str = "", tried: tuple[int, Text | None] | None = None, made: tuple[str, str] | None = None,
) -> HTMLResponse:  # fmt: skip
    found = channels.list_channels(work)
    return page(
        request, work, "pages/channels.html", area="settings", status=422 if problems else 200, channels=found, types=SENDERS, topics=TOPICS,
        problems=problems, typed={**BLANK, **(typed or {})}, editing=editing, adding=adding if adding in SENDERS else "", tried=tried, made=made,
        fields=FIELDS, usual=TEMPLATE, security=SECURITY, public_url=request.app.state.outside.public_url,
        people=people.user_names(work), tabs=tabs_of(work), tab="channels",
    )  # fmt: skip


def _typed(form: Form) -> dict[str, Any]:
    """The last of each name; topics as a list."""
    lists = posted_lists(form)
    return {**{name: values[-1] for name, values in lists.items()}, "topics": lists.get("topics", [])}


@router.get("/settings/channels", response_class=HTMLResponse)
def channels_page(request: Request, edit: Asked = None, add: str = "") -> HTMLResponse:
    with reading(request, "people") as work:
        shown = None
        if edit is not None:
            channel = channels.get_channel(work, edit)
            shown = {**channel.config, "title": channel.title, "enabled": channel.enabled, "topics": channel.topics}
        return _page(request, work, typed=shown, editing=edit, adding=add)


@router.post("/settings/channels", response_class=HTMLResponse)
def add(request: Request, form: Form) -> Response:
    return _saved(request, None, _typed(form))


@router.post("/settings/channels/{channel_id}", response_class=HTMLResponse)
def change(request: Request, channel_id: Id, form: Form) -> Response:
    return _saved(request, channel_id, _typed(form))


def _saved(request: Request, channel_id: int | None, typed: Mapping[str, Any]) -> Response:
    type_ = str(typed.get("type", ""))
    try:
        with writing(request, "people") as work:
            saved = channels.save(work, channel_id, type_, typed, typed["topics"])
    except Invalid as refused:
        with reading(request, "people") as work:
            return _page(request, work, refused.problems, typed, channel_id, "" if channel_id is not None else type_)
    if saved.made:  # shown this once: the answer of this very request
        with reading(request, "people") as work:
            return _page(request, work, made=(channels.get_channel(work, saved.id).title, saved.made))
    return to(request, "/settings/channels")


@router.post("/settings/channels/{channel_id}/remove")
def remove(request: Request, channel_id: Id) -> Response:
    with writing(request, "people") as work:
        channels.remove(work, channel_id)
    return to(request, "/settings/channels")


@router.post("/settings/channels/{channel_id}/test", response_class=HTMLResponse)
def try_out(request: Request, channel_id: Id) -> HTMLResponse:
    """Sends outside of any transaction: the other side may take its time."""
    with reading(request, "people") as work:
        channel, email, at, locale = channels.get_channel(work, channel_id), preferences.mine(work).email, work.now, work.actor.locale
    if channel.type == MAIL and not email:
        failed: Text | None = Text("请先在通知设置里填写您的邮箱", "Give your own e-mail address in your notification preferences first")
    else:
        failed = delivery.try_out(channel, request.app.state.outside, locale, email, at)
    with writing(request, "people") as work:
        audit.record(work, "test_channel", detail={"channel": channel_id, "worked": failed is None})
    with reading(request, "people") as work:
        return _page(request, work, tried=(channel_id, failed))


@router.get("/settings/deliveries", response_class=HTMLResponse)
def deliveries_page(request: Request, state: str = "", channel: Asked = None, before: Asked = None) -> HTMLResponse:
    with reading(request, "people") as work:
        state = state if state in STATES else ""
        found = delivery.deliveries(work, state=state, channel_id=channel, before=before, limit=PER_PAGE + 1)
        context: dict[str, Any] = {
            "found": found[:PER_PAGE],
            "more": found[PER_PAGE - 1].id if len(found) > PER_PAGE else None,
            "channels": {c.id: c.title for c in channels.list_channels(work)},
            "people": people.user_names(work),
            "states": STATES,
            "state": state,
            "channel": channel,
            "tabs": tabs_of(work),
            "tab": "channels",
        }
        return page(request, work, "pages/deliveries.html", area="settings", **context)


@router.post("/settings/deliveries/{message_id}/again")
def again(request: Request, message_id: Id, form: Form) -> Response:
    with writing(request, "people") as work:
        if not delivery.redeliver(work, message_id):
            raise Conflict(Text("这条消息还在等待，或没有内容可发", "This message waits already, or has nothing to say"))
        audit.record(work, "redeliver", detail={"message": message_id})
    typed = _typed(form)
    return to(request, "/settings/deliveries?" + query({"state": typed.get("state"), "channel": whole(str(typed.get("channel", "")))}))


AREA = Area(router)
