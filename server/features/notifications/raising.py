"""Turns what happened into lines for people and messages for channels, in the transaction in which it happened.

Many events at once become one line for each person: a run that opens 100,000 alerts writes as many lines as it has rules times people. A line
that grows takes a new number, so that it stands on top again and whoever watches numbers sees it.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from secrets import token_hex
from typing import Any

import sqlalchemy as sa

from server.config.catalog import Catalog
from server.errors import Text
from server.expressions.sql import moment
from server.feature import Actor, Notice, Work
from server.features.access import service as access
from server.features.access.conditions import CURRENT_USER
from server.features.access.people import LOCALES, User
from server.features.notifications.engine import GATHERED, NOW, TOGETHER, Preferences, Sending, sending, topic_of
from server.features.notifications.preferences import preferences_of
from server.features.notifications.tables import IS_WAITING, WAITING, notification_channels, notification_messages, notifications
from server.features.objects import engine as objects
from server.features.objects.kind import ObjectType
from server.storage.bulk import next_ids

RANK = {"": 0, "info": 1, "warning": 2, "critical": 3}
MAIL = "mail"
_n, _m, _c = notifications.c, notification_messages.c, notification_channels.c


def channel_owner(channel_id: int) -> str:
    """No username has a colon."""
    return f"channel:{channel_id}"


def on_noticed(work: Work, notices: Sequence[Notice]) -> None:
    channels = work.session.execute(sa.select(_c.id, _c.type, _c.topics).where(_c.enabled).order_by(_c.id)).all()
    users = {u.username: u for u in access.users(work) if u.active}
    people = _Audience(work, notices, users).people()
    for channel in channels:
        if channel.type != MAIL:
            told = [n for n in notices if topic_of(n.kind, n.severity) in channel.topics]
            if told:
                people[channel_owner(channel.id)] = told
    if people:
        _Writing(work, people, _Names(work, people, users), next((c.id for c in channels if c.type == MAIL), None)).write()


class _Audience:
    """Whom notices reach: people who can sign in and may read what the notice is about."""

    def __init__(self, work: Work, notices: Sequence[Notice], users: Mapping[str, User]) -> None:
        self.work, self.notices, self.users = work, notices, users
        self.holders: dict[str, list[str]] = defaultdict(list)  # of each role
        for user in users.values():
            for role in user.roles:
                self.holders[role].append(user.username)
        self.seen: dict[Any, frozenset[int]] = {}

    def people(self) -> dict[str, list[Notice]]:
        meant: dict[str, list[Notice]] = defaultdict(list)
        for notice in self.notices:
            for username in dict.fromkeys(self._named(notice)):
                if username in self.users and (notice.to_doer or username != self.work.actor.username):
                    meant[username].append(notice)
        return {username: kept for username, found in meant.items() if (kept := self._readable(username, found))}

    def _named(self, notice: Notice) -> Iterator[str]:
        for to in notice.to:
            sort, _, key = to.partition(":")
            yield from [key] if sort == "user" else self.holders[key]

    def _readable(self, username: str, found: Sequence[Notice]) -> list[Notice]:
        user = self.users[username]
        about: dict[str, set[int]] = defaultdict(set)
        for notice in found:
            if notice.record_id is not None:
                about[notice.object].add(notice.record_id)
        reader = replace(self.work, actor=Actor(user.username, user.name, user.roles, user.locale))
        seen = {key: self._seen(reader, key, tuple(sorted(ids))) for key, ids in about.items()}
        return [n for n in found if n.record_id is None or n.record_id in seen[n.object]]

    def _seen(self, reader: Work, object_key: str, ids: tuple[int, ...]) -> frozenset[int]:
        """Asked once for all whose rights do not depend on who they are."""
        sources = access.grant(reader, object_key).conditions("read")
        own = any(CURRENT_USER in source for source in sources)
        key = (object_key, sources, reader.actor.username if own else "", ids)
        if key not in self.seen:
            self.seen[key] = readable_ids(reader, object_key, ids)
        return self.seen[key]


def readable_ids(work: Work, object_key: str, ids: Sequence[int]) -> frozenset[int]:
    """Those that are there and that the actor may read."""
    sources = access.grant(work, object_key).conditions("read")
    if not sources or work.catalog.get("object", object_key) is None:
        return frozenset()
    query = work.catalog.once(("notifications.readable", object_key, sources), lambda: _readable(work.catalog, object_key, sources))
    return frozenset(work.session.scalars(query, {"ids": ids, "reader": work.actor.username, **moment(work.at)}))


def _readable(catalog: Catalog, object_key: str, sources: Sequence[str]) -> sa.Select[Any]:
    record = objects.tables(catalog)[object_key].alias()
    allowed = access.any_of(catalog, object_key, sources, objects.value_columns(catalog, object_key, record), sa.bindparam("reader", type_=sa.Text()), None)
    return sa.select(record.c.id).where(record.c.id.in_(sa.bindparam("ids", expanding=True)), record.c.deleted_at.is_(None), allowed)


class _Names:
    """What each reader may know a record by: its name, masked or left out like everywhere. Read for those that get a line of their own."""

    def __init__(self, work: Work, told: Mapping[str, Sequence[Notice]], users: Mapping[str, User]) -> None:
        self.work, self.users = work, users
        self.found: dict[tuple[str, int], str] = {}
        wanted: dict[str, set[int]] = defaultdict(set)
        for notices in told.values():
            alone = Counter(n.group for n in notices)
            for notice in notices:
                if notice.record_id is not None and (not notice.group or alone[notice.group] == 1):
                    wanted[notice.object].add(notice.record_id)
        for key, ids in wanted.items():
            object_type: ObjectType | None = work.catalog.get("object", key)
            if object_type is not None and object_type.name_field in object_type.fields:
                record = objects.tables(work.catalog)[key].alias()
                name = objects.value_columns(work.catalog, key, record, work.at)[object_type.name_field]
                rows = work.session.execute(sa.select(record.c.id, name).where(record.c.id.in_(sorted(ids))))
                self.found |= {(key, row[0]): str(row[1]) for row in rows if row[1] is not None}

    def put(self, owner: str, notice: Notice) -> Text:
        if notice.record_id is None:
            return notice.title
        return Text(*(side.replace("{name}", self._name(owner, notice.object, notice.record_id, locale)) for side, locale in zip(notice.title, LOCALES)))

    def _name(self, owner: str, object_key: str, record_id: int, locale: str) -> str:
        object_type: ObjectType = self.work.catalog.get("object", object_key)
        unnamed = f"{object_type.title.of(locale)} #{record_id}"
        user = self.users.get(owner)
        reader = replace(self.work, actor=Actor(owner, owner, user.roles if user else (), locale))
        if user and object_type.name_field in access.hidden_fields(reader, object_key):
            return unnamed
        name = self.found.get((object_key, record_id), unnamed)
        masked = object_type.name_field in access.masked_fields(reader, object_key)
        return access.mask(object_type.fields[object_type.name_field], name) if masked else name


@dataclass
class _Line:
    owner: str
    values: dict[str, Any]
    topic: str
    again: bool  # the group has had a message already


class _Writing:
    """Lines and messages of all owners, by one statement each."""

    def __init__(self, work: Work, told: Mapping[str, Sequence[Notice]], names: _Names, mail: int | None) -> None:
        self.work, self.told, self.names, self.mail = work, told, names, mail
        self.preferences = preferences_of(work, [o for o in told if ":" not in o])
        self.grouped = {(owner, n.group) for owner, found in told.items() for n in found if n.group}
        self.groups = sorted({group for _, group in self.grouped})
        self.open, self.before = self._open_messages(), self._unread()
        self.new: dict[tuple[int, str, str, int], dict[str, Any]] = {}  # the last number keeps those apart that go alone

    def write(self) -> None:
        lines = [line for owner in sorted(self.told) for line in self._lines(owner)]
        places = [self._place(line) for line in lines]
        made: dict[tuple[int, str, str, int], int] = {}
        if self.new:
            made = dict(zip(self.new, next_ids(self.work.session, notification_messages, len(self.new)), strict=True))
            self.work.session.execute(sa.insert(notification_messages), [{"id": made[place], **row} for place, row in self.new.items()])
        for line, place in zip(lines, places, strict=True):
            line.values["message_id"] = made.get(place, place[3]) if place else None
        self.work.session.execute(sa.insert(notifications), [line.values for line in lines])

    def _open_messages(self) -> dict[tuple[int, str, str], int]:
        """Messages that nobody has put into words yet. Those that another transaction is writing to are passed over: nobody waits for nobody."""
        owners = sorted({"" if ":" in owner else owner for owner in self.told})
        mine = (IS_WAITING, _m.content.is_(None), _m.username.in_(owners), _m.batch.in_([*self.groups, *TOGETHER]))
        rows = self.work.session.execute(sa.select(_m.id, _m.channel_id, _m.username, _m.batch).where(*mine).with_for_update(skip_locked=True))
        return {(row.channel_id, row.username, row.batch): row.id for row in rows}

    def _unread(self) -> dict[tuple[str, str], Any]:
        """The line that each group of each owner has, taken away: it comes back with what is new."""
        if not self.groups:
            return {}
        same = (_n.owner.in_(sorted(self.told)), _n.read_at.is_(None), _n.group.in_(self.groups), _n.at > self.work.now - GATHERED)
        rows = self.work.session.execute(sa.select(notifications).where(*same).order_by(_n.id).with_for_update(skip_locked=True)).all()
        found = {key: row for row in rows if (key := (row.owner, row.group)) in self.grouped}
        if found:
            self.work.session.execute(sa.delete(notifications).where(_n.id.in_([row.id for row in found.values()])))
        return found

    def _lines(self, owner: str) -> Iterator[_Line]:
        groups: dict[str, list[Notice]] = defaultdict(list)
        for notice in self.told[owner]:
            if notice.group:
                groups[notice.group].append(notice)
            else:
                yield self._line(owner, [notice], None)
        for key, found in groups.items():
            yield self._line(owner, found, self.before.get((owner, key)))

    def _line(self, owner: str, found: Sequence[Notice], before: Any) -> _Line:
        gravest = max(found, key=lambda n: RANK.get(n.severity, 0))
        severity = max(gravest.severity, before.severity if before else "", key=lambda s: RANK.get(s, 0))
        count = len(found) + (before.times if before else 0)
        one = found[0]
        if count == 1:
            title, body, link, object_, record_id = self.names.put(owner, one), one.body, one.link, one.object, one.record_id
        else:
            title = Text(*(side.replace("{count}", str(count)) for side in one.many))
            body, link, object_, record_id = Text("", ""), one.many_link or one.link, "", None
        topic = topic_of(one.kind, severity)
        quiet = ":" not in owner and topic not in self.preferences[owner].app
        values = {
            "owner": owner,
            "kind": one.kind,
            "severity": severity,
            "group": one.group,
            "times": count,
            "object": object_,
            "record_id": record_id,
            "title_zh": title.zh,
            "title_en": title.en,
            "body_zh": body.zh,
            "body_en": body.en,
            "link": link,
            "at": self.work.now,
            "read_at": self.work.now if quiet else None,
        }
        again = before is not None and before.message_id is not None and before.message_id not in self.open.values()
        return _Line(owner, values, topic, again)

    def _place(self, line: _Line) -> tuple[int, str, str, int] | None:
        """The message that takes the line: one that waits already (its number stands last), a new one, or none."""
        is_person = ":" not in line.owner
        preferences = self.preferences[line.owner] if is_person else Preferences(mail={line.topic: NOW})
        channel = self.mail if is_person else int(line.owner.partition(":")[2])
        if channel is None or (is_person and not preferences.email):
            return None
        wanted = sending(line.topic, line.values["group"], preferences, self.work.now, line.again)
        if wanted is None:
            return None
        username = line.owner if is_person else ""
        waiting = self.open.get((channel, username, wanted.batch))
        if waiting is not None:
            return channel, username, wanted.batch, waiting
        place = (channel, username, wanted.batch, 0 if wanted.batch else -1 - len(self.new))
        self.new.setdefault(place, self._message(channel, username, wanted))
        return place

    def _message(self, channel: int, username: str, wanted: Sending) -> dict[str, Any]:
        return {
            "key": "msg_" + token_hex(16),
            "channel_id": channel,
            "username": username,
            "batch": wanted.batch,
            "state": WAITING,
            "due_at": wanted.due,
            "attempts": 0,
            "created_at": self.work.now,
        }
