"""Comments about records: written by who may read the record, changed and taken back by their author, with mentions that others find on their desk."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from server.errors import Forbidden, Invalid, NotFound, Problem, Text
from server.feature import Actor, Merged, Notice, Work, tell
from server.features.access import service as access
from server.features.access.people import User
from server.features.audit.service import record as audit
from server.features.comments.engine import Part, mentioned, parts, with_usernames
from server.features.comments.tables import comment_mentions, comment_versions, comments
from server.features.objects.kind import Field, ObjectType
from server.features.records.listing import query
from server.features.records.moments import Place, earlier
from server.features.records.reading import no_record, object_of, refuse_unless, row_of
from server.fields.base import FORM
from server.fields.registry import FIELD_TYPES

LENGTH, MENTIONS = 4000, 30  # characters, people
SUGGESTED, ASKED = 8, 200  # people the picker offers; people whose rights it looks at for that
UNREAD = 30  # on the desk
SAID = 300  # characters of a comment in a notification
TEXT_FIELD = Field("text", "long_text", Text("评论", "Comment"), required=True, max_length=LENGTH)
NO_COMMENT = Text("没有这条评论", "There is no such comment")
_c, _m, _v = comments.c, comment_mentions.c, comment_versions.c


@dataclass(frozen=True)
class Comment:
    """`parts`: the text in pieces, mentions apart. `before`: earlier texts and when they gave way, the latest first. `unread`: mentions the actor anew."""

    id: int
    at: datetime
    by: str
    text: str
    parts: tuple[Part, ...]
    edited_at: datetime | None
    deleted_at: datetime | None
    before: tuple[tuple[datetime, tuple[Part, ...]], ...]
    mine: bool
    unread: bool


@dataclass(frozen=True)
class Mention:
    """A comment that mentions the actor and was not seen yet."""

    comment_id: int
    object: str
    record_id: int
    record_name: str
    at: datetime
    by: str
    by_name: str
    parts: tuple[Part, ...]


# -- Reading -----------------------------------------------------------------------------------------------------------------


def comments_of(
    work: Work, object_key: str, record_id: int, names: Mapping[str, str], before: Place | None = None, rank: int = 0, limit: int = 50
) -> list[Comment]:
    """Newest first, for who may read the record. `names`: username -> name of everybody. `before`, `rank`: the place in a timeline to go on from."""
    _readable(work, object_key, record_id)
    where = (_c.object == object_key, _c.record_id == record_id, *earlier(before, rank, _c.at, _c.id))
    unread = sa.exists().where(_m.comment_id == _c.id, _m.username == work.actor.username, _m.seen_at.is_(None))
    statement = sa.select(comments, unread.label("unread")).where(*where).order_by(_c.at.desc(), _c.id.desc()).limit(limit)
    rows = work.session.execute(statement).mappings().all()
    earlier_texts: dict[int, list[tuple[datetime, tuple[Part, ...]]]] = {}
    edited = [row["id"] for row in rows if row["edited_at"] is not None and row["deleted_at"] is None]
    if edited:
        for row in work.session.execute(sa.select(_v.comment_id, _v.at, _v.text).where(_v.comment_id.in_(edited)).order_by(_v.id.desc())):
            earlier_texts.setdefault(row.comment_id, []).append((row.at, parts(row.text, names)))
    return [_comment(work, row, names, tuple(earlier_texts.get(row["id"], ()))) for row in rows]


def comment_of(work: Work, object_key: str, record_id: int, comment_id: int, names: Mapping[str, str]) -> Comment:
    """One comment as it stands in the timeline of its record, also one that was deleted."""
    place = work.session.execute(sa.select(_c.at).where(_c.id == comment_id, _c.object == object_key, _c.record_id == record_id)).scalar()
    found = comments_of(work, object_key, record_id, names, Place(place, 0, comment_id + 1), 0, 1) if place else []
    if not found or found[0].id != comment_id:
        raise NotFound(NO_COMMENT)
    return found[0]


def _comment(work: Work, row: Mapping[Any, Any], names: Mapping[str, str], before: tuple[tuple[datetime, tuple[Part, ...]], ...]) -> Comment:
    text = "" if row["deleted_at"] else row["text"]
    mine = row["by"] == work.actor.username
    return Comment(row["id"], row["at"], row["by"], text, parts(text, names), row["edited_at"], row["deleted_at"], before, mine, bool(row["unread"]))


def get(work: Work, comment_id: int) -> Comment:
    row = _row(work, comment_id)
    return _comment(work, {**row, "unread": False}, access.user_names(work), ())


def unread(work: Work, limit: int = UNREAD) -> list[Mention]:
    """The actor's mentions that were not seen yet, newest first, about records they may (still) read. One statement for each object."""
    joined = comment_mentions.join(comments, _c.id == _m.comment_id)
    mine = (_m.username == work.actor.username, _m.seen_at.is_(None), _c.deleted_at.is_(None))
    statement = sa.select(_c.id, _c.object, _c.record_id, _c.at, _c.by, _c.text).select_from(joined).where(*mine).order_by(_c.id.desc()).limit(limit)
    rows = work.session.execute(statement).all()
    if not rows:
        return []
    names = access.user_names(work)
    known: dict[tuple[str, int], str] = {}
    for key in dict.fromkeys(row.object for row in rows):
        object_type: ObjectType | None = work.catalog.get("object", key)
        if object_type is not None and access.allowed(work, key, "read"):
            ids = sorted({row.record_id for row in rows if row.object == key})
            found = query(work, key, conditions=[("id", "in", ids)], columns=[object_type.name_field], limit=limit, count=False)
            known |= {(key, r.id): r.name for r in found.rows}
    return [
        Mention(row.id, row.object, row.record_id, known[row.object, row.record_id], row.at, row.by, names.get(row.by, row.by), parts(row.text, names))
        for row in rows
        if (row.object, row.record_id) in known
    ]


def people_to_mention(work: Work, object_key: str, record_id: int, typed: str) -> list[tuple[str, str]]:
    """(username, name) of people whose name or username contains what was typed and who may read the record; those it begins with first."""
    values = _readable(work, object_key, record_id)
    wanted = typed.strip().casefold()
    found = [u for u in access.users(work) if u.active and (wanted in u.username.casefold() or wanted in u.name.casefold())]
    found.sort(key=lambda u: (not (u.name.casefold().startswith(wanted) or u.username.casefold().startswith(wanted)), u.name))
    chosen: list[tuple[str, str]] = []
    for user in found[:ASKED]:
        if _may_read(work, user, object_key, values):
            chosen.append((user.username, user.name))
        if len(chosen) == SUGGESTED:
            break
    return chosen


def _may_read(work: Work, user: User, object_key: str, values: Mapping[str, Any]) -> bool:
    as_user = replace(work, actor=Actor(user.username, user.name, user.roles, user.locale))
    return access.allowed(as_user, object_key, "read", values)


def _readable(work: Work, object_key: str, record_id: int) -> dict[str, Any]:
    object_of(work, object_key)
    refuse_unless(work, object_key, "read")
    values = row_of(work, object_key, record_id, live=True)
    if values is None:
        raise no_record()
    return values


def _row(work: Work, comment_id: int) -> Mapping[Any, Any]:
    """A comment that is there, about a record the actor may read."""
    row = work.session.execute(sa.select(comments).where(_c.id == comment_id, _c.deleted_at.is_(None))).mappings().first()
    if row is None or work.catalog.get("object", row["object"]) is None or row_of(work, row["object"], row["record_id"]) is None:
        raise NotFound(NO_COMMENT)
    return row


# -- Writing -----------------------------------------------------------------------------------------------------------------


def add(work: Work, object_key: str, record_id: int, text: str) -> int:
    """A new comment; who is mentioned finds it on the desk. Somebody who may not read the record cannot be mentioned."""
    values = _readable(work, object_key, record_id)
    text, people = _checked(work, object_key, values, text)
    made = work.session.execute(
        sa.insert(comments).values(object=object_key, record_id=record_id, at=work.now, by=work.actor.username, text=text).returning(_c.id)
    )
    comment_id: int = made.scalar_one()
    _mention(work, comment_id, people)
    _tell(work, object_key, record_id, comment_id, text, people)
    audit(work, "comment", object_key, record_id, {"comment": comment_id, "mentions": list(people)})
    return comment_id


def edit(work: Work, comment_id: int, text: str) -> None:
    """By its author alone; the text before is kept. People mentioned anew find it on the desk."""
    row = _mine(work, comment_id)
    values = _readable(work, row["object"], row["record_id"])
    text, people = _checked(work, row["object"], values, text)
    if text == row["text"]:
        return
    work.session.execute(sa.insert(comment_versions).values(comment_id=comment_id, at=work.now, text=row["text"]))
    work.session.execute(sa.update(comments).where(_c.id == comment_id).values(text=text, edited_at=work.now))
    known = set(work.session.scalars(sa.select(_m.username).where(_m.comment_id == comment_id)))
    work.session.execute(sa.delete(comment_mentions).where(_m.comment_id == comment_id, _m.username.not_in(people)))
    fresh = [p for p in people if p not in known]
    _mention(work, comment_id, fresh)
    _tell(work, row["object"], row["record_id"], comment_id, text, fresh)
    audit(work, "edit_comment", row["object"], row["record_id"], {"comment": comment_id, "mentions": list(people)})


def delete(work: Work, comment_id: int) -> None:
    """By its author alone. Its place in the timeline stays, its text is no longer shown; nobody is reminded of it."""
    row = _mine(work, comment_id)
    work.session.execute(sa.update(comments).where(_c.id == comment_id).values(deleted_at=work.now))
    work.session.execute(sa.delete(comment_mentions).where(_m.comment_id == comment_id))
    audit(work, "delete_comment", row["object"], row["record_id"], {"comment": comment_id})


def all_seen(work: Work) -> int:
    """The actor has read whatever mentions them. Gives how many were unread."""
    mine = (_m.username == work.actor.username, _m.seen_at.is_(None))
    return work.session.execute(sa.update(comment_mentions).where(*mine).values(seen_at=work.now)).rowcount


def seen(work: Work, object_key: str, record_id: int, ids: Sequence[int]) -> int:
    """The actor looked at these comments of a record. Gives how many were unread."""
    _readable(work, object_key, record_id)
    of_record = sa.select(_c.id).where(_c.object == object_key, _c.record_id == record_id, _c.id.in_(ids))
    mine = (_m.username == work.actor.username, _m.seen_at.is_(None), _m.comment_id.in_(of_record))
    return work.session.execute(sa.update(comment_mentions).where(*mine).values(seen_at=work.now)).rowcount


def on_merged(work: Work, merged: Merged) -> None:
    work.session.execute(sa.update(comments).where(_c.object == merged.object, _c.record_id == merged.gone).values(record_id=merged.kept))


def _mine(work: Work, comment_id: int) -> Mapping[Any, Any]:
    row = _row(work, comment_id)
    if row["by"] != work.actor.username:
        raise Forbidden(Text("只有作者可以修改或删除评论", "A comment is changed and deleted by its author alone"))
    return row


def _mention(work: Work, comment_id: int, people: Iterable[str]) -> None:
    """Nobody is reminded of their own words."""
    rows = [{"comment_id": comment_id, "username": p, "seen_at": work.now if p == work.actor.username else None} for p in people]
    if rows:
        work.session.execute(sa.insert(comment_mentions), rows)


def _tell(work: Work, object_key: str, record_id: int, comment_id: int, text: str, people: Sequence[str]) -> None:
    if not people:
        return
    said = "".join(p.text for p in parts(text, access.user_names(work)))[:SAID]
    title = Text(f"{work.actor.name} 在 {{name}} 提到了您", f"{work.actor.name} mentioned you at {{name}}")
    link = f"/o/{object_key}/{record_id}?tab=timeline#c{comment_id}"
    tell(work, [Notice("mention", tuple(f"user:{p}" for p in people), title, Text(said, said), link, object_key, record_id, to_doer=False)])


def _checked(work: Work, object_key: str, values: Mapping[str, Any], text: str) -> tuple[str, tuple[str, ...]]:
    """The text as it is stored, and the usernames in it."""
    read = FIELD_TYPES["long_text"].parse(TEXT_FIELD, text, FORM)
    if isinstance(read, Problem):
        raise Invalid([read])
    if read is None or not (read := read.strip()):
        raise Invalid([Problem("text", Text("请写点什么", "Write something"), code="required")])
    users = {u.username: u for u in access.users(work)}
    names = {u.username: u.name for u in users.values() if u.active}
    written = with_usernames(read, names)
    people = mentioned(written, names)
    if len(people) > MENTIONS:
        raise Invalid([Problem("text", Text(f"一条评论最多提及 {MENTIONS} 人", f"A comment mentions at most {MENTIONS} people"), code="too_many")])
    blind = [users[p].name for p in people if not _may_read(work, users[p], object_key, values)]
    if blind:
        zh, en = "、".join(blind), ", ".join(blind)
        raise Invalid(
            [
                Problem(
                    "text",
                    Text(f"{zh} 看不到这条记录，不会收到提醒", f"{en} may not see this record and would not be told"),
                    Text("去掉这个 @，或请管理员授权", "Leave the @ out, or ask an administrator for the right"),
                    code="mention",
                )
            ]
        )
    return written, people
