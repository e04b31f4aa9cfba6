"""Public links: anybody who has one may send one form, and nothing else. Each brings its own smallest rights, ends by itself and can be revoked."""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from server.errors import AppError, Gone, Invalid, NotFound, Problem, Text
from server.feature import Actor, Work
from server.features.access.kind import Grant
from server.features.access.roles import require
from server.features.audit import service as audit
from server.features.forms import service as forms
from server.features.forms.kind import FormType
from server.features.forms.tables import form_links, form_submissions
from server.features.objects.kind import Field, ObjectType
from server.features.records import service as records
from server.features.records.reading import reference_names

CAPABILITY = "forms"
PER_HOUR = 10  # sent by one address through one link
PER_MINUTE = 60  # sent through one link by everybody
MOST_LIMIT = 1_000_000
TITLE_LENGTH = 200
REQUIRED = Text("必填", "Must be filled in")


class TooOften(AppError):
    status = 429


@dataclass(frozen=True)
class Link:
    """`about`: names of the records it is made for. `state`: open, expired, full, revoked, or gone when its form is no longer public."""

    id: int
    token: str
    form: FormType | None
    form_key: str
    title: str
    preset: Mapping[str, int]
    created_by: str
    created_at: datetime
    expires_on: date | None
    most: int | None
    used: int
    state: str
    about: tuple[str, ...] = ()


_SAID: Mapping[str, Text] = {
    "revoked": Text("这个链接已停用", "This link was switched off"),
    "expired": Text("这个链接已过期", "This link has expired"),
    "full": Text("这个表单已收满", "This form takes no more answers"),
    "gone": Text("这个表单已不再公开", "This form is no longer public"),
}
_ASK = Text("请向给您链接的人索取新的链接", "Ask whoever gave it to you for a new one")


# -- Managing ----------------------------------------------------------------------------------------------------------------


def public_forms(work: Work) -> tuple[FormType, ...]:
    """Those that links can be made for."""
    found = (f for f in work.catalog.all("form") if f.public is not None and work.catalog.get("object", f.object))
    return tuple(sorted(found, key=lambda f: (f.order, f.key)))


def named_by_link(work: Work, form: FormType) -> tuple[Field, ...]:
    """References that the form leaves out and a link may name a record for."""
    object_type: ObjectType = work.catalog.get("object", form.object)
    fields = object_type.fields.values()
    return tuple(f for f in fields if f.type == "reference" and f.key not in form.fields and f.key not in form.preset and not f.readonly and not f.computed)


def make(work: Work, form_key: str, title: str, expires_on: date | None, most: int | None, named: Mapping[str, str]) -> int:
    """A new link. `named`: reference field -> id as text. The record must be one that the actor may read. Raises Invalid."""
    require(work, CAPABILITY)
    form = _public_form(work, form_key)
    problems = []
    if not title.strip() or len(title) > TITLE_LENGTH:
        problems.append(Problem("title", REQUIRED if not title.strip() else Text(f"最多 {TITLE_LENGTH} 个字符", f"At most {TITLE_LENGTH} characters")))
    if expires_on is not None and expires_on < work.at.today:
        problems.append(Problem("expires_on", Text("日期已过", "The day has passed")))
    if most is not None and not 1 <= most <= MOST_LIMIT:
        problems.append(Problem("most", Text(f"填 1 到 {MOST_LIMIT:,} 之间的整数", f"Write a whole number from 1 to {MOST_LIMIT:,}")))
    preset: dict[str, int] = {}
    for field in named_by_link(work, form):
        text = named.get(field.key, "").strip()
        number = int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
        if text and reference_names(work, field.reference, [number]).get(number) is None:
            problems.append(Problem(field.key, Text("没有这条记录，请重新选择", "There is no such record; choose another")))
        elif text:
            preset[field.key] = number
        elif field.required:
            problems.append(Problem(field.key, REQUIRED))
    if problems:
        raise Invalid(problems)
    made = sa.insert(form_links).values(
        token=secrets.token_urlsafe(24),
        form=form_key,
        title=title.strip(),
        preset=preset,
        created_by=work.actor.username,
        created_at=work.now,
        expires_on=expires_on,
        most=most,
        used=0,
    )
    link_id = int(work.session.execute(made.returning(form_links.c.id)).scalar_one())
    audit.record(work, "make_link", detail={"form": form_key, "link": link_id})
    return link_id


def revoke(work: Work, link_id: int) -> None:
    require(work, CAPABILITY)
    where = sa.and_(form_links.c.id == link_id, form_links.c.revoked_at.is_(None))
    changed = work.session.execute(sa.update(form_links).where(where).values(revoked_at=work.now, revoked_by=work.actor.username))
    if changed.rowcount:
        audit.record(work, "revoke_link", detail={"link": link_id})


def links(work: Work) -> tuple[Link, ...]:
    """All of them, newest first. Names of records that the actor may not read are left out."""
    require(work, CAPABILITY)
    rows = work.session.execute(sa.select(form_links).order_by(form_links.c.id.desc()).limit(500)).mappings().all()
    return tuple(_link(work, row, named=True) for row in rows)


def _public_form(work: Work, key: str) -> FormType:
    form: FormType | None = work.catalog.get("form", key)
    if form is None or form.public is None or work.catalog.get("object", form.object) is None:
        raise NotFound(Text("没有这份公开表单", "There is no such public form"))
    return form


def _link(work: Work, row: Mapping[Any, Any], *, named: bool = False) -> Link:
    form: FormType | None = work.catalog.get("form", row["form"])
    object_type: ObjectType | None = work.catalog.get("object", form.object) if form else None
    about = []
    for key, record_id in row["preset"].items() if named and object_type else ():
        field = object_type.fields.get(key) if object_type else None
        about += list(reference_names(work, field.reference, [record_id]).values()) if field else []
    known = (row["id"], row["token"], form, row["form"], row["title"], row["preset"], row["created_by"], row["created_at"], row["expires_on"])
    return Link(*known, row["most"], row["used"], _state(work, row, form), tuple(about))


def _state(work: Work, row: Mapping[Any, Any], form: FormType | None) -> str:
    if row["revoked_at"] is not None:
        return "revoked"
    if form is None or form.public is None or work.catalog.get("object", form.object) is None:
        return "gone"
    if row["expires_on"] is not None and row["expires_on"] < work.at.today:
        return "expired"
    return "full" if row["most"] is not None and row["used"] >= row["most"] else "open"


# -- Visiting ----------------------------------------------------------------------------------------------------------------


def opened(work: Work, token: str) -> Link:
    """The link of an address. Raises NotFound, or Gone when it is over."""
    row = work.session.execute(sa.select(form_links).where(form_links.c.token == token[:100])).mappings().first()
    if row is None:
        raise NotFound(Text("没有这个表单", "There is no such form"), _ASK)
    link = _link(work, row)
    if link.state != "open":
        raise Gone(_SAID[link.state], _ASK)
    return link


def visitor(work: Work, link: Link) -> Actor:
    """Somebody with this link: may create records of one object, and read nothing but the names of what the form offers or the link names."""
    assert link.form is not None
    object_type: ObjectType = work.catalog.get("object", link.form.object)
    grants = {object_type.key: Grant(create="True")}
    for key, record_id in link.preset.items():
        if key in object_type.fields:
            grants[object_type.fields[key].reference] = _names_only(work, object_type.fields[key].reference, f"id == {int(record_id)}")
    for key in forms.public_plan(work, object_type, link.form).offered:
        grants[object_type.fields[key].reference] = _names_only(work, object_type.fields[key].reference, "True")
    return Actor(f"form:{link.form.key}", link.title, (), work.actor.locale, grants=tuple(grants.items()))


def _names_only(work: Work, object_key: str, condition: str) -> Grant:
    target: ObjectType = work.catalog.get("object", object_key)
    return Grant(read=condition, hidden=tuple(k for k in target.fields if k != target.name_field))


def send(work: Work, link: Link, raw: Mapping[str, Any], address: str) -> int:
    """A record from a visitor (`work` acts as one). Raises Invalid, Gone when the link ran out meanwhile, TooOften for who sends too often."""
    assert link.form is not None
    sender = _sender(link, address)
    _hold_back(work, link, sender)
    mine = sa.and_(form_links.c.id == link.id, form_links.c.revoked_at.is_(None), sa.or_(form_links.c.most.is_(None), form_links.c.used < form_links.c.most))
    if not work.session.execute(sa.update(form_links).where(mine).values(used=form_links.c.used + 1)).rowcount:
        raise Gone(_SAID["full"], _ASK)
    object_type: ObjectType = work.catalog.get("object", link.form.object)
    record_id = forms.save(work, object_type, forms.named(forms.public_plan(work, object_type, link.form), link.preset), raw)
    work.session.execute(sa.insert(form_submissions).values(link_id=link.id, sender=sender, at=work.now, record_id=record_id))
    return record_id


def trapped(work: Work, link: Link, address: str) -> None:
    """A robot filled in what people do not see: it is told thank you, and nothing is saved."""
    sender = _sender(link, address)
    _hold_back(work, link, sender)
    work.session.execute(sa.insert(form_submissions).values(link_id=link.id, sender=sender, at=work.now))


def _sender(link: Link, address: str) -> str:
    return hashlib.sha256(f"{link.token} {address}".encode()).hexdigest()[:32]


def _hold_back(work: Work, link: Link, sender: str) -> None:
    c = form_submissions.c
    counted = sa.select(sa.func.count()).select_from(form_submissions).where(c.link_id == link.id)
    hour = work.session.scalar(counted.where(c.sender == sender, c.at > work.now - timedelta(hours=1))) or 0
    minute = work.session.scalar(counted.where(c.at > work.now - timedelta(minutes=1))) or 0
    if hour >= PER_HOUR or minute >= PER_MINUTE:
        raise TooOften(Text("提交得太频繁，请稍后再试", "Sent too often; please try again later"))


def offers(work: Work, link: Link, field_key: str, search: str) -> list[tuple[int, str]]:
    """Records a visitor may choose from in an offered reference; nothing for any other field. At least two characters are asked for."""
    assert link.form is not None
    object_type: ObjectType = work.catalog.get("object", link.form.object)
    if field_key not in forms.public_plan(work, object_type, link.form).offered or len(search.strip()) < 2:
        return []
    return records.options(work, object_type.fields[field_key].reference, search.strip()[:100], limit=8)
