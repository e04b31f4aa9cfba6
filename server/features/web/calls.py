"""One call of the API as a unit of work: its rate, its language, its key (a call sent twice acts once), its answer, the tags that tell versions apart."""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from fastapi import Request
from fastapi.responses import Response
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from server.clock import now
from server.errors import Invalid, Problem, Stale, Text
from server.feature import Work
from server.features.web.bodies import JSON_TYPE, Body
from server.features.web.edge import accepted_locale, reading, writing
from server.features.web.problems import Malformed, PreconditionRequired, TooMany, encoded
from server.features.web.tables import idempotent_requests
from server.storage.changes import insert_new

KEPT = timedelta(hours=24)  # how long the answer of a key is repeated
KEY = re.compile(r"[\x21-\x7e]{1,255}")
TAG = re.compile(r'(?:W/)?"([0-9]{1,18})(?:-[0-9a-f]*)?"')  # a proxy that compresses makes a tag weak; the version in it stays exact
ANY_VERSION = -1


@dataclass(frozen=True)
class Reply:
    """What a call answers. `data` is JSON; None: an answer without a body."""

    data: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self) -> Response:
        return Response(b"" if self.data is None else encoded(self.data), self.status, dict(self.headers), None if self.data is None else JSON_TYPE)


class Rate:
    """How many calls each person made in this minute, in this process."""

    def __init__(self, a_minute: int) -> None:
        self.item = RateLimitItemPerMinute(a_minute) if a_minute > 0 else None
        self.limiter = FixedWindowRateLimiter(MemoryStorage())

    def take(self, username: str) -> None:
        if self.item is None or self.limiter.hit(self.item, username):
            return
        wait = max(1, int(self.limiter.get_window_stats(self.item, username).reset_time - now().timestamp() + 0.999))
        raise TooMany(Text(f"每分钟最多 {self.item.amount} 次请求", f"At most {self.item.amount} requests a minute"), wait)


@contextmanager
def looking(request: Request) -> Iterator[Work]:
    with reading(request, cause="api") as work:
        yield _called(request, work)


@contextmanager
def acting(request: Request) -> Iterator[Work]:
    with writing(request, cause="api") as work:
        yield _called(request, work)


def _called(request: Request, work: Work) -> Work:
    rate: Rate = request.app.state.rate
    rate.take(work.actor.username)
    request.state.locale = work.actor.locale
    return replace(work, actor=replace(work.actor, locale=accepted_locale(request) or work.actor.locale))


def once(request: Request, body: Body | None, act: Callable[[Work], Reply]) -> Response:
    """A write. With an Idempotency-Key its answer is kept in the same transaction: the same call again gets it again and does nothing;
    another call with that key is refused. A refused call keeps nothing and may be mended and sent again."""
    key = request.headers.get("idempotency-key")
    if key is None:
        with acting(request) as work:
            return act(work).response()
    if not KEY.fullmatch(key):
        raise Malformed(Text("Idempotency-Key 应为 1 到 255 个可见 ASCII 字符", "Idempotency-Key must be 1 to 255 visible ASCII characters"))
    with acting(request) as work:
        kept = _kept(work, key, _digest(request, body))
        if kept is not None:
            return kept
        response = act(work).response()
        table = idempotent_requests
        sent = {name: value for name, value in response.headers.items() if name in {"location", "etag", "content-type"}}
        mine = (table.c.username == work.actor.username) & (table.c.key == key)
        text = bytes(response.body).decode("utf-8")
        work.session.execute(sa.update(table).where(mine).values(status=response.status_code, headers=sent, body=text))
        return response


def _digest(request: Request, body: Body | None) -> str:
    asked = f"{request.method} {request.url.path}?{request.url.query} {body.media if body else ''} {request.headers.get('if-match', '')}\n"
    return hashlib.sha256(asked.encode("utf-8", "backslashreplace") + (body.raw if body else b"")).hexdigest()


def _kept(work: Work, key: str, digest: str) -> Response | None:
    """The answer given before under this key; None when the key is new, and then it is taken."""
    table, username = idempotent_requests, work.actor.username
    work.session.execute(sa.delete(table).where(table.c.at < work.now - KEPT))
    if insert_new(work.session, table, {"username": username, "key": key, "at": work.now, "digest": digest}):
        return None
    row = work.session.execute(sa.select(table).where(table.c.username == username, table.c.key == key)).one()
    if row.digest != digest:
        message = Text("这个 Idempotency-Key 已用于另一个请求", "This Idempotency-Key was used for another request")
        raise Invalid([Problem("", message, Text("换一个键", "Use a new key"), code="key_reused")], message)
    return Response(row.body.encode("utf-8"), row.status, {**row.headers, "idempotency-replayed": "true"})


# -- Versions ----------------------------------------------------------------------------------------------------------------


def tag(version: int, data: Any) -> str:
    """A record's entity tag: its version, which If-Match compares, and a digest of what was answered, which If-None-Match compares too."""
    return f'"{version}-{hashlib.blake2s(encoded(data), digest_size=8).hexdigest()}"'


def version_wanted(request: Request) -> tuple[int, ...]:
    """The versions in If-Match; ANY_VERSION for *."""
    header = request.headers.get("if-match", "").strip()
    if not header:
        raise PreconditionRequired(
            Text("缺少 If-Match：说明要修改的是哪个版本", "If-Match is missing: say which version you change"),
            Text("先 GET 这条记录，把它的 ETag 放进 If-Match", "GET the record and send its ETag as If-Match"),
        )
    if header == "*":
        return (ANY_VERSION,)
    found = tuple(int(match[1]) for match in map(TAG.fullmatch, (part.strip() for part in header.split(","))) if match)
    if not found:
        raise Stale(Text("If-Match 不是这条记录的 ETag", "If-Match is no ETag of this record"), Text("先 GET 这条记录", "GET the record first"))
    return found


def matched(request: Request, reply: Reply) -> Response:
    """304 without a body when the caller holds just this answer."""
    held = [part.strip().removeprefix("W/") for part in request.headers.get("if-none-match", "").split(",")]
    etag = reply.headers.get("etag", "")
    if etag and (etag.removeprefix("W/") in held or held == ["*"]):
        return Response(status_code=304, headers={"etag": etag})
    return reply.response()
