"""Messages that are due go out: put into words once, claimed, sent, and their end written down.

A claim is a time: whoever dies while sending loses it when the time is over, and the message goes again under the same key. So each message
arrives at least once, and receivers know a repetition by its key.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from secrets import token_hex
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from server.clock import now
from server.errors import Forbidden, Text
from server.feature import Work
from server.features.access.people import actor_named
from server.features.notifications import service
from server.features.notifications.channels import GONE, Channel, find
from server.features.notifications.engine import TEMPLATE, TOPICS, TRIES, Line, subject_of, text_of, wait_after
from server.features.notifications.outgoing import Failed, Outside
from server.features.notifications.preferences import preferences_of
from server.features.notifications.senders import Message, send
from server.features.notifications.tables import DROPPED, PARKED, SENT, WAITING, notification_messages, notifications

log = logging.getLogger("weatherglass")
OpenWork = Callable[[str, bool, str], AbstractContextManager[Work]]
SYSTEM = "system"
LOOK, TICK, TIDY = 1.0, 60.0, 3600.0  # seconds between looks for messages, ticks of the features, clearing up
LEASE = timedelta(seconds=60)  # longer than any exchange may take
AT_ONCE, CHANNELS = 50, 4  # messages of one look; channels that are served side by side
READ = Text("已在系统内读过", "It was read inside the product already")
LEFT = Text("收件人已不能登录，或没有邮箱", "The person can no longer sign in or has no e-mail address")
TEST = Text("这是晴雨表的测试消息，收到即说明渠道可用。", "This is a test message from Weatherglass: the channel it came by works.")
BUG = Text("出了意料之外的错，已记入日志", "Something unexpected went wrong; it was logged")
_m, _n = notification_messages.c, notifications.c


@dataclass(frozen=True)
class Ready:
    """A claimed message with all that sending needs."""

    id: int
    attempts: int
    channel: Channel
    message: Message


class Nothing(Exception):
    """There is nothing to send any more, for a reason."""

    def __init__(self, reason: Text) -> None:
        super().__init__(reason.en)
        self.reason = reason


# -- Into words --------------------------------------------------------------------------------------------------------------


def worded(work: Work, row: Any, channel: Channel, outside: Outside) -> dict[str, Any]:
    """The message as it is sent, at each try the same. Raises Nothing when its reader has seen all of it or may see none of it."""
    rows = work.session.execute(sa.select(notifications).where(_n.message_id == row.id).order_by(_n.id)).all()
    locale = str(channel.config.get("locale", "zh_CN"))
    if row.username:
        rows = [r for r in rows if r.read_at is None or r.read_at == r.at]  # read at its own moment: switched off inside, so only mail tells
        try:
            work = replace(work, actor=actor_named(work.session, row.username))
        except Forbidden:
            raise Nothing(LEFT) from None
        locale = work.actor.locale
        found = [n for n in service.shown(work, rows) if n.visible]
    else:
        found = service.worded(rows)
        work.session.execute(sa.update(notifications).where(_n.message_id == row.id).values(read_at=work.now))  # what comes now is a new line
    if not found:
        raise Nothing(READ)
    lines = [_line(n, locale, work, outside) for n in found]
    template = channel.config.get("template_zh" if locale.startswith("zh") else "template_en") or TEMPLATE.of(locale)
    text = text_of(lines, template, locale)
    if row.username and outside.public_url:
        text += "\n\n--\n" + Text("更改接收方式：", "Change what you get: ").of(locale) + outside.public_url + "/notifications/preferences"
    link = lines[0].link if len(lines) == 1 else outside.public_url and outside.public_url + "/notifications"
    plain = [{"kind": n.kind, "count": n.count, "severity": n.severity, **_short(line)} for n, line in zip(found, lines, strict=True)]
    return {"subject": subject_of(lines, locale), "text": text, "link": link, "lines": plain[:100], "created_at": row.created_at.isoformat()}


def _short(line: Line) -> dict[str, str]:
    return {"title": line.title, "body": line.body, "link": line.link, "at": line.at}


def _line(n: service.Notification, locale: str, work: Work, outside: Outside) -> Line:
    severity = {"info": Text("提示", "Info"), "warning": Text("警告", "Warning"), "critical": Text("严重", "Critical")}.get(n.severity, Text("", ""))
    link = outside.public_url + n.link if outside.public_url and n.link else ""
    at = n.at.astimezone(work.zone).isoformat(sep=" ", timespec="minutes")
    return Line(n.title.of(locale), n.body.of(locale), link, TOPICS[n.topic].title.of(locale), severity.of(locale), n.count, at)


# -- Claim, send, end --------------------------------------------------------------------------------------------------------


class Courier:
    """Sends in threads of its own, and wakes the features once a minute. Any number of processes may have one."""

    def __init__(self, open_work: OpenWork, outside: Outside, lease: timedelta = LEASE) -> None:
        self.open_work, self.outside, self.lease = open_work, outside, lease
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="courier", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(timeout=20)

    def _run(self) -> None:
        since_tick = since_tidy = 0.0
        while not self._stop.wait(LOOK):
            since_tick, since_tidy = since_tick + LOOK, since_tidy + LOOK
            try:
                self.once()
                if since_tick >= TICK:
                    since_tick = 0.0
                    self.tick()
                if since_tidy >= TIDY:
                    since_tidy = 0.0
                    with self.open_work(SYSTEM, True, "courier") as work:
                        service.forget(work)
            except SQLAlchemyError as error:  # the database is away: the next look finds the same
                log.warning("messages were not sent: %s", type(error).__name__)
            except Exception:
                log.exception("the courier had a bad moment")

    def tick(self) -> None:
        """A transaction for each feature that wants one."""
        with self.open_work(SYSTEM, False, "tick") as work:
            hooks = work.hooks.on_tick
        for hook in hooks:
            with self.open_work(SYSTEM, True, "tick") as work:
                hook(work)

    def once(self) -> int:
        """All that is due now, channel beside channel; gives how many went out. Looks on a reading connection first."""
        with self.open_work(SYSTEM, False, "courier") as work:
            free = sa.or_(_m.claimed_until.is_(None), _m.claimed_until < work.now)
            due = sa.select(_m.id, _m.channel_id).where(_m.state == WAITING, _m.due_at <= work.now, free).order_by(_m.due_at).limit(AT_ONCE)
            rows = work.session.execute(due).all()
        if not rows:
            return 0
        by_channel: dict[int, list[int]] = {}
        for row in rows:
            by_channel.setdefault(row.channel_id, []).append(row.id)
        with ThreadPoolExecutor(CHANNELS, "courier") as pool:
            return sum(pool.map(self._serve, by_channel.values()))

    def _serve(self, ids: list[int]) -> int:
        """One channel's messages in turn; after one that failed the rest waits for the next look."""
        sent = 0
        for message_id in ids:
            if self._stop.is_set():
                break
            ready = self._claim(message_id)
            if ready is None:
                continue
            if not self._send(ready):
                break
            sent += 1
        return sent

    def _claim(self, message_id: int) -> Ready | None:
        """Of several couriers one gets it. What cannot be sent any more ends here."""
        with self.open_work(SYSTEM, True, "courier") as work:
            free = sa.or_(_m.claimed_until.is_(None), _m.claimed_until < work.now)
            mine = sa.update(notification_messages).where(_m.id == message_id, _m.state == WAITING, _m.due_at <= work.now, free)
            row = work.session.execute(mine.values(claimed_until=work.now + self.lease, attempts=_m.attempts + 1).returning(*_m)).first()
            if row is None:
                return None
            channel = find(work.session, row.channel_id)
            try:
                if channel is None or not channel.enabled:
                    raise Nothing(GONE)
                to = preferences_of(work, [row.username])[row.username].email if row.username else ""
                if row.username and not to:
                    raise Nothing(LEFT)
                content: Mapping[str, Any] = row.content or worded(work, row, channel, self.outside)
            except Nothing as nothing:
                _end(work, message_id, DROPPED, nothing.reason)
                return None
            if row.content is None:
                work.session.execute(sa.update(notification_messages).where(_m.id == message_id).values(content=content))
            return Ready(row.id, row.attempts, channel, Message(row.key, content, to))

    def _send(self, ready: Ready) -> bool:
        failed: Failed | None = None
        try:
            send(ready.channel.type, ready.channel.config, ready.channel.secrets, ready.message, self.outside, now())
        except Failed as error:
            failed = error
        except Exception as error:
            log.exception("message %s could not be sent: %s", ready.message.key, type(error).__name__)
            failed = Failed(BUG)
        with self.open_work(SYSTEM, True, "courier") as work:
            if failed is None:
                _end(work, ready.id, SENT, None)
            elif failed.final or ready.attempts >= TRIES:
                _end(work, ready.id, PARKED, failed.reason)
            else:
                due = work.now + (timedelta(seconds=failed.wait) if failed.wait else wait_after(ready.attempts))
                again = {"due_at": due, "claimed_until": None, "reason_zh": failed.reason.zh, "reason_en": failed.reason.en}
                work.session.execute(sa.update(notification_messages).where(_m.id == ready.id, _m.state == WAITING).values(**again))
        return failed is None


def _end(work: Work, message_id: int, state: str, reason: Text | None) -> None:
    words = {"reason_zh": reason and reason.zh, "reason_en": reason and reason.en}
    values = {"state": state, "ended_at": work.now, "claimed_until": None, **words}
    work.session.execute(sa.update(notification_messages).where(_m.id == message_id, _m.state == WAITING).values(**values))


def try_out(channel: Channel, outside: Outside, locale: str, to: str, at: datetime) -> Text | None:
    """Sends a message that says what it is. Why it failed, or None."""
    text = TEST.of(locale)
    title = Text("晴雨表测试消息", "Weatherglass test message").of(locale)
    content = {"subject": title, "text": text, "link": outside.public_url, "lines": [], "created_at": at.isoformat()}
    try:
        send(channel.type, channel.config, channel.secrets, Message("msg_" + token_hex(16), content, to), outside, at)
    except Failed as failed:
        return failed.reason
    return None


# -- The log -----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Delivery:
    id: int
    key: str
    channel_id: int
    username: str
    subject: str
    state: str
    attempts: int
    due_at: datetime
    created_at: datetime
    ended_at: datetime | None
    reason: Text | None


def deliveries(work: Work, *, state: str = "", channel_id: int | None = None, before: int | None = None, limit: int = 50) -> list[Delivery]:
    """Newest first."""
    query = sa.select(notification_messages).order_by(_m.id.desc()).limit(limit)
    if state:
        query = query.where(_m.state == state)
    if channel_id is not None:
        query = query.where(_m.channel_id == channel_id)
    if before is not None:
        query = query.where(_m.id < before)
    return [_delivery(row) for row in work.session.execute(query)]


def _delivery(row: Any) -> Delivery:
    reason = Text(row.reason_zh, row.reason_en) if row.reason_zh else None
    subject = str(row.content["subject"]) if row.content else ""
    plain = (row.id, row.key, row.channel_id, row.username, subject, row.state, row.attempts, row.due_at, row.created_at, row.ended_at)
    return Delivery(*plain, reason)


def redeliver(work: Work, message_id: int) -> bool:
    """One that ended goes again under its key, with all its tries. False: it waits already, or has nothing to say."""
    fresh = {"state": WAITING, "attempts": 0, "due_at": work.now, "claimed_until": None, "ended_at": None, "reason_zh": None, "reason_en": None}
    ended = (_m.id == message_id, _m.state != WAITING, _m.content.is_not(None))
    return bool(work.session.execute(sa.update(notification_messages).where(*ended).values(**fresh)).rowcount)
