"""People: making them, changing them, the very first administrator."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from server.errors import Conflict, Forbidden, Invalid, NotFound, Problem, Text
from server.feature import SYSTEM, Actor, Work
from server.features.access import passwords
from server.features.access.engine import normal_password, normal_username, username_ok
from server.features.access.roles import require
from server.features.access.tables import login_failures, login_sessions, setup
from server.features.access.tables import users as people
from server.features.audit import service as audit

LOCALES = ("zh_CN", "en")
ADMIN_CAPABILITIES = frozenset({"people", "studio", "publish"})


@dataclass(frozen=True)
class User:
    username: str
    name: str
    roles: tuple[str, ...]
    locale: str
    active: bool
    created_at: datetime
    last_login_at: datetime | None
    department: str = ""


def needs_setup(connection: sa.Connection) -> bool:
    """True until there is somebody who can sign in."""
    return connection.scalar(sa.select(people.c.id).limit(1)) is None and connection.scalar(sa.select(setup.c.id)) is None


def first_admin(work: Work, username: str, name: str, password: str, locale: str = "zh_CN") -> User:
    """The first administrator, exactly once: of any number of set-ups at the same time the unique row lets one through."""
    if not needs_setup(work.session):
        raise _set_up()
    username = normal_username(username)
    admin_roles = tuple(r.key for r in work.catalog.all("role") if r.capabilities >= ADMIN_CAPABILITIES) or ("admin",)
    roles = ("admin",) if "admin" in admin_roles else admin_roles
    try:
        work.session.execute(sa.insert(setup).values(id=1, username=username, at=work.now))
    except sa.exc.IntegrityError:
        raise _set_up() from None
    as_self = replace(work, actor=Actor(username, name, roles, locale))
    return _insert(as_self, username, name, password, roles, locale, "set_up")


def _set_up() -> Conflict:
    return Conflict(Text("已经设置过管理员,请直接登录", "The administrator was already made; please sign in"))


def create_user(work: Work, username: str, name: str, password: str, roles: Sequence[str], locale: str = "zh_CN") -> User:
    require(work, "people")
    return _insert(work, normal_username(username), name, password, tuple(roles), locale, "create_user")


def _insert(work: Work, username: str, name: str, password: str, roles: tuple[str, ...], locale: str, action: str) -> User:
    password = normal_password(password)
    problems = [*_role_problems(work, roles), *_locale_problems(locale), *_name_problems(name)]
    if not username_ok(username):
        problems.append(
            Problem(
                "username",
                Text("用户名为 2 到 60 个字母、数字或 . _ @ -", "A username has 2 to 60 letters, digits or . _ @ -"),
                code="bad_username",
            )
        )
    elif work.session.scalar(sa.select(people.c.id).where(people.c.username == username)) is not None:
        problems.append(Problem("username", Text("这个用户名已被使用", "This username is taken"), code="unique"))
    weak = passwords.refused(password, username)
    if weak:
        problems.append(weak)
    if problems:
        raise Invalid(problems)
    created = User(username, name.strip(), roles, locale, True, work.now, None)
    work.session.execute(
        sa.insert(people).values(
            username=username,
            name=created.name,
            password_hash=passwords.HASHER.hash(password),
            roles=list(roles),
            locale=locale,
            active=True,
            created_at=work.now,
        )
    )
    audit.record(work, action, detail={"username": username, "roles": roles})
    return created


def update_user(
    work: Work,
    username: str,
    *,
    name: str | None = None,
    roles: Sequence[str] | None = None,
    locale: str | None = None,
    active: bool | None = None,
    password: str | None = None,
) -> None:
    """Change somebody. Disabling and a new password end all their sessions; a change of roles acts at their next request."""
    require(work, "people")
    before = user(work, username)
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    if name is not None:
        problems += _name_problems(name)
        values["name"] = name.strip()
    if roles is not None:
        problems += _role_problems(work, tuple(roles))
        values["roles"] = list(roles)
    if locale is not None:
        problems += _locale_problems(locale)
        values["locale"] = locale
    if active is not None:
        values["active"] = active
    if password is not None:
        weak = passwords.refused(normal_password(password), username)
        problems += [weak] if weak else []
        values["password_hash"] = passwords.HASHER.hash(normal_password(password))
    if problems:
        raise Invalid(problems)
    if not values:
        return
    if active is False or roles is not None:
        _keep_an_administrator(work, before, tuple(roles) if roles is not None else before.roles, before.active if active is None else active)
    work.session.execute(sa.update(people).where(people.c.username == username).values(**values))
    if active is False or password is not None:
        work.session.execute(sa.delete(login_sessions).where(login_sessions.c.username == username))
    if password is not None:
        work.session.execute(sa.delete(login_failures).where(login_failures.c.username == username))
    shown = {k: v for k, v in values.items() if k != "password_hash"} | ({"password": "changed"} if password is not None else {})
    audit.record(work, "update_user", detail={"username": username, **shown})


def change_password(work: Work, old: str, new: str) -> None:
    """One's own password; all sessions end, the present one too."""
    username = work.actor.username
    stored = work.session.scalar(sa.select(people.c.password_hash).where(people.c.username == username))
    if stored is None or not passwords.HASHER.verify(normal_password(old), stored):
        raise Invalid([Problem("old", Text("原密码不对", "The old password is wrong"), code="wrong_password")])
    weak = passwords.refused(normal_password(new), username)
    if weak:
        raise Invalid([weak])
    work.session.execute(sa.update(people).where(people.c.username == username).values(password_hash=passwords.HASHER.hash(normal_password(new))))
    work.session.execute(sa.delete(login_sessions).where(login_sessions.c.username == username))
    audit.record(work, "change_password", detail={"username": username})


def set_locale(work: Work, locale: str) -> None:
    """One's own language."""
    problems = _locale_problems(locale)
    if problems:
        raise Invalid(problems)
    work.session.execute(sa.update(people).where(people.c.username == work.actor.username).values(locale=locale))


def actor_named(connection: sa.Connection, username: str) -> Actor:
    """A person as they are now, for work in the background that they asked for. Refuses who left."""
    if username == SYSTEM.username:
        return SYSTEM
    row = connection.execute(sa.select(people).where(people.c.username == username, people.c.active)).first()
    if row is None:
        raise Forbidden(
            Text(f"{username} 已不能登录", f"{username} can no longer sign in"),
            Text("请由在职的人重新提交", "Somebody who still works here must ask for it again"),
        )
    return Actor(row.username, row.name, tuple(row.roles), row.locale)


def user(work: Work, username: str) -> User:
    row = work.session.execute(sa.select(people).where(people.c.username == username)).first()
    if row is None:
        raise NotFound(Text(f"没有用户 {username}", f"There is no user {username}"))
    return _user(row)


def users(work: Work) -> tuple[User, ...]:
    return tuple(_user(row) for row in work.session.execute(sa.select(people).order_by(people.c.username)))


def user_names(work: Work) -> Mapping[str, str]:
    """Username to name, for showing; people who left are among them."""
    return {row.username: row.name for row in work.session.execute(sa.select(people.c.username, people.c.name))}


def usernames_of_role(work: Work, role: str) -> tuple[str, ...]:
    """Active people with a role."""
    return tuple(u.username for u in users(work) if u.active and role in u.roles)


def _user(row: sa.Row[Any]) -> User:
    return User(row.username, row.name, tuple(row.roles), row.locale, row.active, row.created_at, row.last_login_at, row.department or "")


def _keep_an_administrator(work: Work, before: User, roles: tuple[str, ...], active: bool) -> None:
    """Somebody must always be left who can manage people. The rows are locked: two administrators may disable each other at the same moment."""
    keys = {r.key for r in work.catalog.all("role") if "people" in r.capabilities}
    rows = work.session.execute(sa.select(people).order_by(people.c.id).with_for_update()).all()
    others = [r for r in rows if r.username != before.username and r.active and keys & set(r.roles)]
    if before.active and keys & set(before.roles) and not others and not (active and keys & set(roles)):
        raise Conflict(Text("至少要保留一位能管理人员的用户", "Somebody must be left who can manage people"))


def _role_problems(work: Work, roles: tuple[str, ...]) -> list[Problem]:
    known = {r.key for r in work.catalog.all("role")}
    return [Problem("roles", Text(f"没有角色 {role}", f"There is no role {role}"), code="unknown_role") for role in roles if known and role not in known]


def _locale_problems(locale: str) -> list[Problem]:
    return [] if locale in LOCALES else [Problem("locale", Text(f"没有语言 {locale}", f"There is no language {locale}"), code="unknown_locale")]


def _name_problems(name: str) -> list[Problem]:
    return [] if 1 <= len(name.strip()) <= 100 else [Problem("name", Text("请填写姓名", "Please give a name"), code="required")]
