"""Messages that are due go out: claimed, put into words once, sent, and their end written down.

A claim is a time: whoever dies while sending loses it when the time is over, and the message goes again under the same key. So each message
arrives at least once, and receivers know a repetition by its key.
"""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
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
from server.features.notifications.tables import DROPPED, IS_WAITING, PARKED, SENT, WAITING, notification_messages, notifications

log = logging.getLogger("weatherglass")
OpenWork = Callable[[str, bool, str], AbstractContextManager[Work]]
SYSTEM = "system"
LOOK, TICK, TIDY = 1.0, 60.0, 3600.0  # seconds between looks for messages, ticks of the features, clearing up
LEASE = timedelta(seconds=60)  # longer than any exchange may take
AT_ONCE, CHANNELS = 50, 8  # messages of a channel in one look; channels that are served side by side
READ = Text("已在系统内读过", "It was read inside the product already")
LEFT = Text("收件人已不能登录，或没有邮箱", "The person can no longer sign in or has no e-mail address")
TEST = Text("这是晴雨表的测试消息，收到即说明渠道可用。", "This is a test message from Weatherglass: the channel it came by works.")
BUG = Text("出了意料之外的错，已记入日志", "Something unexpected went wrong; it was logged")
_m, _n = notification_messages.c, notifications.c


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
    """Sends in threads of its own, a channel in one at a time, and wakes the features once a minute. Any number of processes may have one."""

    def __init__(self, open_work: OpenWork, outside: Outside, lease: timedelta = LEASE) -> None:
        self.open_work, self.outside, self.lease = open_work, outside, lease
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="courier", daemon=True)
        self._pool = ThreadPoolExecutor(CHANNELS, "courier")
        self._serving: dict[int, Future[int]] = {}  # by channel; a slow one keeps no other waiting

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(timeout=20)
        self._pool.shutdown(wait=True)

    def once(self) -> int:
        """All that is due now; gives how many went out."""
        return sum(future.result() for future in self._look())

    def tick(self) -> None:
        """A transaction for each feature that wants one."""
        with self.open_work(SYSTEM, False, "tick") as work:
            hooks = work.hooks.on_tick
        for hook in hooks:
            with self.open_work(SYSTEM, True, "tick") as work:
                hook(work)

    def tidy(self) -> None:
        """What is old goes, a little at a time."""
        more = True
        while more and not self._stop.is_set():
            with self.open_work(SYSTEM, True, "courier") as work:
                more = service.forget(work)

    def _run(self) -> None:
        turns = ((LOOK, self._look), (TICK, self.tick), (TIDY, self.tidy))
        since = dict.fromkeys((seconds for seconds, _ in turns), 0.0)
        while not self._stop.wait(LOOK):
            for seconds, turn in turns:
                since[seconds] += LOOK
                if since[seconds] >= seconds:
                    since[seconds] = 0.0
                    self._guarded(turn)

    def _guarded(self, turn: Callable[[], object]) -> None:
        try:
            turn()
        except SQLAlchemyError as error:  # the database is away: the next turn finds the same
            log.warning("messages were not sent: %s", type(error).__name__)
        except Exception:
            log.exception("the courier had a bad moment")

    def _look(self) -> list[Future[int]]:
        """Looks on a reading connection first: mostly nothing is due."""
        with self.open_work(SYSTEM, False, "courier") as work:
            due = (IS_WAITING, _m.due_at <= work.now, sa.or_(_m.claimed_until.is_(None), _m.claimed_until < work.now))
            found = {
                channel: work.session.scalars(sa.select(_m.id).where(_m.channel_id == channel, *due).order_by(_m.due_at, _m.id).limit(AT_ONCE)).all()
                for channel in work.session.scalars(sa.select(_m.channel_id).where(*due).distinct()).all()
                if channel not in self._serving or self._serving[channel].done()
            }
        self._serving |= {channel: self._pool.submit(self._serve, ids) for channel, ids in found.items()}
        return [self._serving[channel] for channel in found]

    def _serve(self, ids: Sequence[int]) -> int:
        """One channel's messages in turn; after one that failed the rest waits for the next look. Gives how many went out."""
        sent = 0
        try:
            for message_id in ids:
                row = None if self._stop.is_set() else self._claimed(message_id)
                outcome = self._deliver(row) if row is not None else DROPPED
                if outcome in {WAITING, PARKED}:
                    break
                sent += outcome == SENT
        except SQLAlchemyError as error:  # claims that stay lapse
            log.warning("messages were not sent: %s", type(error).__name__)
        return sent

    def _claimed(self, message_id: int) -> Any | None:
        """Of several couriers one gets it."""
        with self.open_work(SYSTEM, True, "courier") as work:
            free = sa.or_(_m.claimed_until.is_(None), _m.claimed_until < work.now)
            mine = sa.update(notification_messages).where(_m.id == message_id, IS_WAITING, _m.due_at <= work.now, free)
            return work.session.execute(mine.values(claimed_until=work.now + self.lease, attempts=_m.attempts + 1).returning(*_m)).first()

    def _deliver(self, row: Any) -> str:
        """What became of it."""
        try:
            channel, message = self._message(row)
            send(channel.type, channel.config, channel.secrets, message, self.outside, now())
        except Nothing as nothing:
            return self._ended(row, DROPPED, nothing.reason)
        except Failed as failed:
            failure = failed
        except Exception as error:
            log.exception("message %s could not be sent: %s", row.key, type(error).__name__)
            failure = Failed(BUG)
        else:
            return self._ended(row, SENT, None)
        if failure.final or row.attempts >= TRIES:
            return self._ended(row, PARKED, failure.reason)
        with self.open_work(SYSTEM, True, "courier") as work:
            due = work.now + (timedelta(seconds=failure.wait) if failure.wait else wait_after(row.attempts))
            _change(work, row, WAITING, failure.reason, due_at=due)
        return WAITING

    def _message(self, row: Any) -> tuple[Channel, Message]:
        """Put into words the first time, and kept as it is for further ones. Raises Nothing."""
        with self.open_work(SYSTEM, True, "courier") as work:
            channel = find(work.session, row.channel_id)
            if channel is None or not channel.enabled:
                raise Nothing(GONE)
            to = preferences_of(work, [row.username])[row.username].email if row.username else ""
            if row.username and not to:
                raise Nothing(LEFT)
            content: Mapping[str, Any] = row.content or worded(work, row, channel, self.outside)
            if row.content is None:
                work.session.execute(sa.update(notification_messages).where(_m.id == row.id).values(content=content))
            return channel, Message(row.key, content, to)

    def _ended(self, row: Any, state: str, reason: Text | None) -> str:
        with self.open_work(SYSTEM, True, "courier") as work:
            _change(work, row, state, reason, ended_at=work.now)
        return state


def _change(work: Work, row: Any, state: str, reason: Text | None, **values: Any) -> None:
    """Gives the claim back. One that was taken over meanwhile is left as it is."""
    words = {"reason_zh": reason and reason.zh, "reason_en": reason and reason.en}
    mine = (_m.id == row.id, IS_WAITING, _m.attempts == row.attempts)
    work.session.execute(sa.update(notification_messages).where(*mine).values(state=state, claimed_until=None, **words, **values))


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
