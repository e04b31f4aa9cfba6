"""What every request passes before a page sees it: foreign sites may not post, bodies have a limit, answers carry the security headers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from fastapi import Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PATH_LENGTH = 1000  # characters; nothing of ours is that far away
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
SECURITY_HEADERS = {
    # Styles may stand in the page (bars have widths); scripts never.
    "content-security-policy": "; ".join(
        (
            "default-src 'self'",
            "script-src 'self'",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data:",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}
Refuse = Callable[[Request, int, int], Response]


@dataclass(frozen=True)
class BodyLimits:
    """Bytes a request body may have: `usual`, and more where a path begins so (uploads)."""

    usual: int
    by_prefix: Mapping[str, int] = field(default_factory=dict)

    def of(self, path: str) -> int:
        return next((size for prefix, size in self.by_prefix.items() if path == prefix or path.startswith(prefix + "/")), self.usual)


class BoundedBodies:
    """Counts what arrives, whatever length was announced; the bound is that of the path."""

    def __init__(self, app: ASGIApp, limits: BodyLimits) -> None:
        self.limits = limits
        self.bounded = {size: RequestBodyLimitMiddleware(app, size) for size in {limits.usual, *limits.by_prefix.values()}}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.bounded[self.limits.of(scope.get("path", ""))](scope, receive, send)


class Guard:
    """`refuse` draws a refusal (403, 404, 413) in the reader's language; it is told the limit that held."""

    def __init__(self, app: ASGIApp, limits: BodyLimits, refuse: Refuse, secure: bool = False) -> None:
        self.app = app
        self.limits = limits
        self.refuse = refuse
        self.secure = secure

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        static = scope["path"].startswith("/static/")

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._add_headers(MutableHeaders(scope=message), static, scope["query_string"])
            await send(message)

        status = (
            403
            if foreign(scope["method"], headers)
            else 413
            if _too_long(headers, self.limits.of(scope["path"]))
            else 404
            if len(scope["path"]) > PATH_LENGTH
            else 0
        )
        if status:
            response = await run_in_threadpool(self.refuse, Request(scope), status, self.limits.of(scope["path"]))
            await response(scope, receive, with_headers)
            return
        await self.app(scope, receive, with_headers)

    def _add_headers(self, headers: MutableHeaders, static: bool, query: bytes) -> None:
        for name, value in SECURITY_HEADERS.items():
            headers.setdefault(name, value)
        if self.secure:
            headers.setdefault("strict-transport-security", "max-age=31536000")
        if not static:  # pages hold records: no cache keeps them
            headers.setdefault("cache-control", "no-store")
            headers.add_vary_header("HX-Request-Type")


def foreign(method: str, headers: Headers) -> bool:
    """Whether another site made a browser send this: by fetch metadata, else by Origin. What sends neither is no browser and holds no cookie of ours."""
    if method in SAFE_METHODS:
        return False
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site not in {"same-origin", "none"}
    origin = headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != headers.get("host")


def _too_long(headers: Headers, limit: int) -> bool:
    length = headers.get("content-length", "")
    return length.isdigit() and int(length) > limit
