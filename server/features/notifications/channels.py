"""Channels to the outside, set by an administrator. Secrets go in and never come out again: not on a page, not in the audit, not in a log."""

import base64
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa

from server.errors import Invalid, NotFound, Problem, Text
from server.feature import Work
from server.features.access.people import LOCALES
from server.features.access.roles import require
from server.features.audit.service import record as audit
from server.features.notifications.engine import FIELDS, TOPICS, unknown_fields
from server.features.notifications.preferences import ADDRESS
from server.features.notifications.senders import MAIL, SECURITY, SENDERS, webhook_key
from server.features.notifications.tables import DROPPED, WAITING, notification_messages, notifications
from server.features.notifications.tables import notification_channels as stored

TITLE, URL, TEMPLATE, SECRET = 100, 2000, 2000, 500  # characters
NO_CHANNEL = Text("没有这个渠道", "There is no such channel")
GONE = Text("渠道已删除或停用", "The channel was removed or switched off")


@dataclass(frozen=True)
class Channel:
    """`place`: where it leads, as far as it may be shown. `secrets` is for sending alone."""

    id: int
    type: str
    title: str
    enabled: bool
    topics: tuple[str, ...]
    config: Mapping[str, Any]
    changed_at: datetime
    changed_by: str
    secrets: Mapping[str, str] = field(repr=False)

    @property
    def place(self) -> str:
        return f"{self.config['host']}:{self.config['port']}" if self.type == MAIL else str(self.config["host"])

    @property
    def signed(self) -> bool:
        return bool(self.secrets.get("sign"))


def list_channels(work: Work) -> tuple[Channel, ...]:
    require(work, "people")
    return tuple(_channel(row) for row in work.session.execute(sa.select(stored).order_by(stored.c.id)))


def get_channel(work: Work, channel_id: int) -> Channel:
    require(work, "people")
    found = find(work.session, channel_id)
    if found is None:
        raise NotFound(NO_CHANNEL)
    return found


def find(session: sa.Connection, channel_id: int) -> Channel | None:
    row = session.execute(sa.select(stored).where(stored.c.id == channel_id)).first()
    return None if row is None else _channel(row)


def mail_is_ready(work: Work) -> bool:
    return work.session.scalar(sa.select(stored.c.id).where(stored.c.type == MAIL, stored.c.enabled).limit(1)) is not None


def _channel(row: Any) -> Channel:
    return Channel(row.id, row.type, row.title, row.enabled, tuple(row.topics), row.config, row.changed_at, row.changed_by, row.secrets)


@dataclass(frozen=True)
class Saved:
    """`made`: a secret that was made just now, to be shown this once; "" none."""

    id: int
    made: str = ""


def save(work: Work, channel_id: int | None, type_: str, typed: Mapping[str, str], topics: Sequence[str]) -> Saved:
    """A new channel, or a changed one. A secret left empty stays, unless the channel leads to another host now: it was not meant for that."""
    require(work, "people")
    before = get_channel(work, channel_id) if channel_id is not None else None
    type_ = before.type if before else type_
    if type_ not in SENDERS:
        raise Invalid([Problem("type", Text("请选择渠道的种类", "Choose a type of channel"), code="required")])
    problems = _common_problems(typed)
    reading = _mail if type_ == MAIL else _address
    config, secrets, found = reading(type_, typed, before)
    problems += found
    if problems:
        raise Invalid(problems)
    made = ""
    if type_ == "webhook" and not secrets.get("sign"):
        made = secrets["sign"] = "whsec_" + base64.b64encode(os.urandom(24)).decode()
    values = {
        "title": typed["title"].strip(),
        "enabled": bool(typed.get("enabled")) if before else True,
        "topics": [] if type_ == MAIL else [t for t in TOPICS if t in topics],
        "config": {**config, **_words(typed)},
        "secrets": secrets,
        "changed_at": work.now,
        "changed_by": work.actor.username,
    }
    if before:
        work.session.execute(sa.update(stored).where(stored.c.id == before.id).values(**values))
        made_id = before.id
    else:
        made_id = int(work.session.execute(sa.insert(stored).values(type=type_, **values).returning(stored.c.id)).scalar_one())
    shown = {k: values[k] for k in ("title", "enabled", "topics", "config")}
    audit(work, "change_channel" if before else "add_channel", detail={"channel": made_id, "type": type_, **shown})
    return Saved(made_id, made)


def remove(work: Work, channel_id: int) -> None:
    """Its messages that wait are dropped; the log of what it sent stays."""
    channel = get_channel(work, channel_id)
    work.session.execute(sa.delete(stored).where(stored.c.id == channel_id))
    m = notification_messages.c
    waiting = (m.channel_id == channel_id, m.state == WAITING)
    work.session.execute(sa.update(notification_messages).where(*waiting).values(state=DROPPED, ended_at=work.now, reason_zh=GONE.zh, reason_en=GONE.en))
    work.session.execute(sa.delete(notifications).where(notifications.c.owner == f"channel:{channel_id}"))
    audit(work, "remove_channel", detail={"channel": channel_id, "type": channel.type, "title": channel.title})


# -- What was typed ----------------------------------------------------------------------------------------------------------


def _common_problems(typed: Mapping[str, str]) -> list[Problem]:
    problems = []
    if not 1 <= len(typed.get("title", "").strip()) <= TITLE:
        problems.append(Problem("title", Text(f"请填写名称，最多 {TITLE} 个字符", f"Give it a name of at most {TITLE} characters"), code="required"))
    if typed.get("locale", LOCALES[0]) not in LOCALES:
        problems.append(Problem("locale", Text("没有这种语言", "There is no such language"), code="locale"))
    for name in ("template_zh", "template_en"):
        text = typed.get(name, "")
        if len(text) > TEMPLATE:
            problems.append(Problem(name, Text(f"模板最多 {TEMPLATE} 个字符", f"A template has at most {TEMPLATE} characters"), code="too_long"))
        for unknown in unknown_fields(text)[:3]:
            known = " ".join(f"{{{f}}}" for f in FIELDS)
            problems.append(Problem(name, Text(f"没有 {{{unknown}}}，可用的有 {known}", f"There is no {{{unknown}}}; there are {known}"), code="unknown_name"))
    return problems


def _words(typed: Mapping[str, str]) -> dict[str, str]:
    return {"locale": typed.get("locale", LOCALES[0]), **{name: typed.get(name, "").strip() for name in ("template_zh", "template_en")}}


Read = tuple[dict[str, Any], dict[str, str], list[Problem]]


def _mail(type_: str, typed: Mapping[str, str], before: Channel | None) -> Read:
    host, port = typed.get("host", "").strip().lower(), typed.get("port", "").strip()
    sender, username, password = typed.get("sender", "").strip(), typed.get("username", "").strip(), typed.get("password", "")
    security = typed.get("security", "starttls")
    problems = []
    if not _is_host(host):
        problems.append(Problem("host", Text("请填写邮件服务器，例如 smtp.example.com", "Give the mail server, such as smtp.example.com"), code="required"))
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        problems.append(Problem("port", Text("端口为 1 到 65535，常用 465 或 587", "The port is 1 to 65535, mostly 465 or 587"), code="range"))
    if security not in SECURITY:
        problems.append(Problem("security", Text("请选择加密方式", "Choose the encryption"), code="required"))
    if not ADDRESS.fullmatch(sender):
        problems.append(
            Problem("sender", Text("请填写发件地址，例如 alerts@example.com", "Give the sender's address, such as alerts@example.com"), code="email")
        )
    if max(len(username), len(password)) > SECRET or any(c < " " for c in username + password):
        problems.append(
            Problem("password", Text("用户名或密码太长或含不可见字符", "The username or password is too long or has invisible characters"), code="too_long")
        )
    same = before is not None and before.config["host"] == host
    if not password and username and not (same and before and before.secrets.get("password")):
        words = (
            Text("服务器变了，请重新填写密码", "It leads to another server now: give the password again") if before else Text("请填写密码", "Give the password")
        )
        problems.append(Problem("password", words, code="required"))
    kept = dict(before.secrets) if same and before else {}
    config = {"host": host, "port": int(port) if port.isascii() and port.isdigit() else 0, "security": security, "sender": sender, "username": username}
    return config, {**kept, **({"password": password} if password else {})} if username else {}, problems


def _address(type_: str, typed: Mapping[str, str], before: Channel | None) -> Read:
    """The address of a robot holds its key, so that it is a secret as a whole; its host is shown."""
    url, sign = typed.get("url", "").strip(), typed.get("sign", "").strip()
    problems: list[Problem] = []
    secrets: dict[str, str] = dict(before.secrets) if before else {}
    host = str(before.config["host"]) if before else ""
    if url:
        host, wrong = _host_of(url)
        problems += [Problem("url", wrong, code="url")] if wrong else []
        if before and host != before.config["host"]:
            if before.secrets.get("sign") and not sign:
                problems.append(Problem("sign", Text("主机变了，请重新填写密钥", "It leads to another host now: give the secret again"), code="required"))
            secrets = {}
        secrets["url"] = url
    elif not before:
        problems.append(Problem("url", Text("请填写地址", "Give the address"), code="required"))
    if sign and SENDERS[type_].signs:
        if len(sign) > SECRET or (type_ == "webhook" and not _is_webhook_secret(sign)):
            words = Text("密钥应为 whsec_ 加 24 到 64 字节的 Base64", "The secret is whsec_ and 24 to 64 bytes in Base64")
            problems.append(Problem("sign", words if type_ == "webhook" else Text("密钥太长", "The secret is too long"), code="secret"))
        secrets["sign"] = sign
    if typed.get("unsign") and type_ != "webhook":
        secrets.pop("sign", None)
    return {"host": host}, secrets, problems


def _host_of(url: str) -> tuple[str, Text | None]:
    wrong = Text("地址应像 https://example.com/hook", "Write the address like https://example.com/hook")
    if len(url) > URL or any(c <= " " or c == "\x7f" for c in url) or not url.isascii():
        return "", wrong
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "", wrong
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username is not None or parts.fragment or port == 0:
        return "", wrong
    return parts.hostname, None


def _is_host(text: str) -> bool:
    return 0 < len(text) <= 253 and all(c.isascii() and (c.isalnum() or c in ".-:") for c in text)


def _is_webhook_secret(text: str) -> bool:
    try:
        return text.startswith("whsec_") and 24 <= len(webhook_key(text)) <= 64
    except ValueError:
        return False
