"""Signing in and staying signed in.

A session is a random token in the browser and its hash here. User, roles and session are read anew at each request, so that
whatever an administrator changes acts at the next one.
"""

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from server.errors import Text
from server.feature import Actor, Work
from server.features.access import passwords
from server.features.access.engine import FORGET_AFTER, normal_password, normal_username, seconds_left
from server.features.access.roles import require
from server.features.access.tables import login_failures, login_sessions
from server.features.access.tables import users as people
from server.features.audit import service as audit

IDLE_HOURS = 12
TOTAL = timedelta(days=7)
TOUCH_AFTER = timedelta(minutes=1)  # so that not every page is a write

_REFUSED = Text("用户名或密码不正确", "Username or password is wrong")


@dataclass(frozen=True)
class Attempt:
    """A try to sign in, its password already compared; nothing is written yet."""

    username: str
    address: str
    right: bool
    new_hash: str = ""  # when the stored hash was made with older parameters


@dataclass(frozen=True)
class Login:
    """What came of a try. `token` is empty when it was refused; `refusal` then says why, in words that do not tell whether the user exists."""

    token: str = ""
    username: str = ""
    refusal: Text | None = None
    wait_seconds: int = 0


def attempt(work: Work, username: str, password: str, address: str = "") -> Attempt:
    """Compare the password. Reads only: call it outside a writing transaction, because a hash takes its time on purpose."""
    username = normal_username(username)
    row = work.session.execute(sa.select(people).where(people.c.username == username)).first()
    if _seconds_to_wait(work, username, address):
        return Attempt(username, address, False)
    password = normal_password(password[: passwords.LONGEST])
    right = passwords.HASHER.verify(password, row.password_hash if row else passwords.NOBODY_HASH)
    if row is None or not row.active or not right:
        return Attempt(username, address, False)
    outdated = passwords.HASHER.check_needs_rehash(row.password_hash)
    return Attempt(username, address, True, passwords.HASHER.hash(password) if outdated else "")


def finish(work: Work, tried: Attempt) -> Login:
    """Count a failure or begin a session. Never raises for a wrong password: the count must be committed."""
    wait = _seconds_to_wait(work, tried.username, tried.address)
    if wait:
        return Login(refusal=_slow_down(wait), wait_seconds=wait)
    if not tried.right:
        return _failed(work, tried)
    work.session.execute(sa.delete(login_failures).where(_failures_of(tried.username, tried.address)))
    work.session.execute(sa.delete(login_sessions).where(login_sessions.c.created_at < work.now - TOTAL))
    token = secrets.token_urlsafe(32)
    work.session.execute(
        sa.insert(login_sessions).values(token_hash=_hash(token), username=tried.username, address=tried.address, created_at=work.now, last_seen_at=work.now)
    )
    changes: dict[str, object] = {"last_login_at": work.now} | ({"password_hash": tried.new_hash} if tried.new_hash else {})
    work.session.execute(sa.update(people).where(people.c.username == tried.username).values(**changes))
    audit.record(_as(work, tried.username), "login", detail={"address": tried.address})
    return Login(token, tried.username)


def login(work: Work, username: str, password: str, address: str = "") -> Login:
    """Both steps in one transaction: for tests and the command line."""
    return finish(work, attempt(work, username, password, address))


def logout(work: Work, token: str) -> None:
    ended = work.session.execute(sa.delete(login_sessions).where(login_sessions.c.token_hash == _hash(token)))
    if ended.rowcount:
        audit.record(work, "logout")


def actor_of(connection: sa.Connection, token: str, now: datetime, idle_hours: int = IDLE_HOURS) -> Actor | None:
    """Who holds this token, as they are now: None when the session ended, ran out, or the person was disabled."""
    found = holder(connection, token, now, idle_hours)
    return found.actor if found else None


@dataclass(frozen=True)
class Holder:
    """`touch_due`: `touch` would write. Readers look at it before they open a writing transaction."""

    actor: Actor
    touch_due: bool


_HOLDER = (
    sa.select(people.c.username, people.c.name, people.c.roles, people.c.locale, login_sessions.c.last_seen_at)
    .join(login_sessions, login_sessions.c.username == people.c.username)
    .where(
        login_sessions.c.token_hash == sa.bindparam("token"),
        login_sessions.c.last_seen_at > sa.bindparam("seen_after"),
        login_sessions.c.created_at > sa.bindparam("begun_after"),
        people.c.active,
    )
)


def holder(connection: sa.Connection, token: str, now: datetime, idle_hours: int = IDLE_HOURS) -> Holder | None:
    """The same, with whether the session is to be kept from running out."""
    if not token:
        return None
    bound = {"token": _hash(token), "seen_after": now - timedelta(hours=idle_hours), "begun_after": now - TOTAL}
    row = connection.execute(_HOLDER, bound).first()
    return Holder(Actor(row.username, row.name, tuple(row.roles), row.locale), now - row.last_seen_at >= TOUCH_AFTER) if row else None


def fingerprint(token: str) -> str:
    """What a session is known by in the table; the token itself is not kept."""
    return _hash(token)


def going_on(connection: sa.Connection, fingerprints: Iterable[str], now: datetime, idle_hours: int = IDLE_HOURS) -> frozenset[str]:
    """Those of the sessions that still hold, by one statement."""
    c = login_sessions.c
    held = (c.token_hash.in_(list(fingerprints)), c.last_seen_at > now - timedelta(hours=idle_hours), c.created_at > now - TOTAL, people.c.active)
    return frozenset(connection.scalars(sa.select(c.token_hash).join(people, people.c.username == c.username).where(*held)))


def touch(connection: sa.Connection, token: str, now: datetime) -> None:
    """Keep a session from running out while its person is at work."""
    stale = login_sessions.c.last_seen_at <= now - TOUCH_AFTER
    connection.execute(sa.update(login_sessions).where(login_sessions.c.token_hash == _hash(token), stale).values(last_seen_at=now))


@dataclass(frozen=True)
class OpenSession:
    id: str  # the hash's beginning, enough to name it
    username: str
    address: str
    created_at: datetime
    last_seen_at: datetime


def sessions_of(work: Work, username: str) -> tuple[OpenSession, ...]:
    """One's own, or anybody's with the right to manage people."""
    if username != work.actor.username:
        require(work, "people")
    rows = work.session.execute(sa.select(login_sessions).where(login_sessions.c.username == username).order_by(login_sessions.c.last_seen_at.desc()))
    return tuple(OpenSession(r.token_hash[:16], r.username, r.address, r.created_at, r.last_seen_at) for r in rows)


def end_session(work: Work, username: str, session_id: str) -> None:
    if username != work.actor.username:
        require(work, "people")
    own = sa.and_(login_sessions.c.username == username, sa.func.substr(login_sessions.c.token_hash, 1, 16) == session_id)
    work.session.execute(sa.delete(login_sessions).where(own))
    audit.record(work, "end_session", detail={"username": username})


def end_sessions(work: Work, username: str) -> None:
    """Sign somebody out everywhere."""
    if username != work.actor.username:
        require(work, "people")
    work.session.execute(sa.delete(login_sessions).where(login_sessions.c.username == username))
    audit.record(work, "end_sessions", detail={"username": username})


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _as(work: Work, username: str) -> Work:
    return replace(work, actor=Actor(username, username))


def _failures_of(username: str, address: str) -> sa.ColumnElement[bool]:
    return sa.and_(login_failures.c.username == username, login_failures.c.address == address)


def _seconds_to_wait(work: Work, username: str, address: str) -> int:
    row = work.session.execute(sa.select(login_failures).where(_failures_of(username, address))).first()
    return seconds_left(row.failures, row.last_at, work.now) if row else 0


def _failed(work: Work, tried: Attempt) -> Login:
    """Counted under the name that was typed, whether there is such a user or not; in the audit only real names stand: others may be
    passwords typed in the wrong box."""
    work.session.execute(sa.delete(login_failures).where(login_failures.c.last_at < work.now - FORGET_AFTER))
    counted = work.session.execute(
        sa.update(login_failures).where(_failures_of(tried.username, tried.address)).values(failures=login_failures.c.failures + 1, last_at=work.now)
    )
    if not counted.rowcount:
        work.session.execute(sa.insert(login_failures).values(username=tried.username, address=tried.address, failures=1, last_at=work.now))
    if work.session.scalar(sa.select(people.c.id).where(people.c.username == tried.username)) is not None:
        audit.record(_as(work, tried.username), "login_failed", detail={"address": tried.address})
    return Login(refusal=_REFUSED, wait_seconds=_seconds_to_wait(work, tried.username, tried.address))


def _slow_down(seconds: int) -> Text:
    return Text(f"尝试次数过多,请 {seconds} 秒后再试", f"Too many tries; please wait {seconds} seconds")
