"""What a person was told: the list, how much of it is unread, marking it read."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from server.errors import Text
from server.feature import Work
from server.features.access.tables import users
from server.features.notifications.engine import TOPICS, topic_of
from server.features.notifications.raising import readable_ids
from server.features.notifications.tables import WAITING, notification_messages, notifications

MOST = 100  # the bell counts no further
KEPT_READ, KEPT = timedelta(days=90), timedelta(days=365)
FORGOTTEN = 2000  # rows of one transaction
KINDS = ("alert", "escalation", "approval", "outcome", "task", "mention")
KIND_TITLES = {"alert": Text("预警", "Alerts"), **{key: TOPICS[key].title for key in KINDS if key in TOPICS}}
HIDDEN = Text("您已不能查看这条记录", "You may not see this record any more")
_n = notifications.c


@dataclass(frozen=True)
class Notification:
    """`visible` is false when the person may no longer read what it is about: then it has no words and no link."""

    id: int
    kind: str
    topic: str
    severity: str
    count: int
    title: Text
    body: Text
    link: str
    at: datetime
    read: bool
    visible: bool


def newest_and_unread(session: sa.Connection, usernames: Iterable[str]) -> dict[str, tuple[int, int]]:
    """The number of the newest unread one and how many there are, at most MOST, of those who have any."""
    unread = sa.select(_n.id).where(_n.owner == users.c.username, _n.read_at.is_(None)).order_by(_n.id.desc()).correlate(users)
    newest = unread.limit(1).scalar_subquery()
    count = sa.select(sa.func.count()).select_from(unread.limit(MOST).subquery()).correlate(users).scalar_subquery()
    rows = session.execute(sa.select(users.c.username, newest, count).where(users.c.username.in_(list(usernames))))
    return {row[0]: (int(row[1]), int(row[2])) for row in rows if row[2]}


def mine_unread(work: Work) -> tuple[int, int]:
    """The same of the actor; (0, 0): there are none."""
    me = work.actor.username
    return newest_and_unread(work.session, [me]).get(me, (0, 0))


def mine(work: Work, *, unread: bool = False, kind: str = "", before: int | None = None, limit: int = 50) -> list[Notification]:
    """Newest first. `before`: an id to go on from."""
    conditions = [_n.owner == work.actor.username]
    if unread:
        conditions.append(_n.read_at.is_(None))
    if kind:
        conditions.append(_n.kind == kind)
    if before is not None:
        conditions.append(_n.id < before)
    rows = work.session.execute(sa.select(notifications).where(*conditions).order_by(_n.id.desc()).limit(limit)).all()
    return shown(work, rows)


def shown(work: Work, rows: Sequence[sa.Row[tuple[object, ...]]]) -> list[Notification]:
    """As the actor may see them now: rights may have changed since."""
    about: dict[str, set[int]] = defaultdict(set)
    for row in rows:
        if row.record_id is not None:
            about[row.object].add(row.record_id)
    seen = {key: readable_ids(work, key, sorted(ids)) for key, ids in about.items()}
    return [_shown(row, row.record_id is None or row.record_id in seen[row.object]) for row in rows]


def worded(rows: Sequence[sa.Row[tuple[object, ...]]]) -> list[Notification]:
    """As they were written: for a channel of a group, which has no rights of its own."""
    return [_shown(row, True) for row in rows]


def _shown(row: sa.Row[tuple[object, ...]], visible: bool) -> Notification:
    return Notification(
        id=row.id,
        kind=row.kind,
        topic=topic_of(row.kind, row.severity),
        severity=row.severity,
        count=row.times,
        title=Text(row.title_zh, row.title_en) if visible else HIDDEN,
        body=Text(row.body_zh, row.body_en) if visible else Text("", ""),
        link=row.link if visible else "",
        at=row.at,
        read=row.read_at is not None,
        visible=visible,
    )


def opened(work: Work, notification_id: int) -> str:
    """Marks one as read and gives where it leads; one that is gone meanwhile leads to the list."""
    row = work.session.execute(sa.select(notifications).where(_n.id == notification_id, _n.owner == work.actor.username)).first()
    if row is None:
        return ""
    mark(work, [notification_id])
    return shown(work, [row])[0].link


def mark(work: Work, ids: Sequence[int], *, read: bool = True) -> int:
    """One's own as read, or as unread again."""
    state = _n.read_at.is_(None) if read else _n.read_at.is_not(None)
    mine_ = (_n.owner == work.actor.username, _n.id.in_(list(ids)), state)
    return work.session.execute(sa.update(notifications).where(*mine_).values(read_at=work.now if read else None)).rowcount


def mark_all(work: Work, kind: str = "") -> int:
    """Everything unread, or what of it is of one kind. Gives how many."""
    conditions = [_n.owner == work.actor.username, _n.read_at.is_(None), *([_n.kind == kind] if kind else [])]
    return work.session.execute(sa.update(notifications).where(*conditions).values(read_at=work.now)).rowcount


def forget(work: Work) -> bool:
    """What was read long ago, what is old anyhow, and messages that ended long ago; so much at once that nobody waits for it. Whether there may be more."""
    m = notification_messages.c
    long_ago = work.now - KEPT_READ
    told = sa.select(_n.id).where(_n.at < long_ago, sa.or_(_n.read_at < long_ago, _n.at < work.now - KEPT)).order_by(_n.at).limit(FORGOTTEN)
    sent = sa.select(m.id).where(m.created_at < long_ago, m.state != WAITING).order_by(m.created_at).limit(FORGOTTEN)
    gone = (sa.delete(notifications).where(_n.id.in_(told)), sa.delete(notification_messages).where(m.id.in_(sent)))
    return max(work.session.execute(statement).rowcount for statement in gone) == FORGOTTEN
