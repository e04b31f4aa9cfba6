"""One record for each type of channel: what it is told by, how it signs, and what its answers mean. Adding one: its record in SENDERS."""

import base64
import hashlib
import hmac
import json
import smtplib
import ssl
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime, formataddr
from typing import Any
from urllib.parse import quote_plus, urlsplit

from server.errors import Text
from server.features.notifications.outgoing import Answer, Deadline, Failed, Outside, connected, post, secured

MAIL = "mail"
SECURITY: Mapping[str, Text] = {"tls": Text("TLS（465）", "TLS (465)"), "starttls": Text("STARTTLS（587）", "STARTTLS (587)"), "none": Text("不加密", "none")}


@dataclass(frozen=True)
class Message:
    """What is sent. `key` is the same at each try; `content`: subject, text, link, lines, created_at."""

    key: str
    content: Mapping[str, Any]
    to: str = ""  # an e-mail address

    @property
    def text(self) -> str:
        return str(self.content["text"])


@dataclass(frozen=True)
class Post:
    url: str
    headers: Mapping[str, str]
    body: bytes


Sender = Callable[[Mapping[str, str], Message, datetime], Post]  # secrets, message, now


@dataclass(frozen=True)
class ChannelType:
    """`signs`: has a secret to sign with besides its address. `prefix`: how addresses of the service begin; "" any.
    `codes`: names in a good answer under which the service says that it refused, if not 0."""

    key: str
    title: Text
    help: Text
    signs: bool
    post: Sender | None  # None: mail
    prefix: str = ""
    codes: tuple[str, ...] = ()


def _hmac(key: bytes, text: bytes) -> str:
    return base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _posted(url: str, value: Any, **headers: str) -> Post:
    return Post(url, {"content-type": "application/json; charset=utf-8", **headers}, _json(value))


def _cut(text: str, size: int) -> str:
    """At most so many bytes; what is left out is marked."""
    data = text.encode()
    return text if len(data) <= size else data[: size - 3].decode("utf-8", "ignore") + "…"


# -- Robots of groups --------------------------------------------------------------------------------------------------------


def dingtalk_sign(secret: str, milliseconds: int) -> str:
    """Of the query: HMAC of "<time>\\n<secret>" keyed by the secret."""
    return _hmac(secret.encode(), f"{milliseconds}\n{secret}".encode())


def feishu_sign(secret: str, seconds: int) -> str:
    """Of the body: HMAC of nothing keyed by "<time>\\n<secret>"."""
    return _hmac(f"{seconds}\n{secret}".encode(), b"")


def _wecom(secrets: Mapping[str, str], message: Message, now: datetime) -> Post:
    return _posted(secrets["url"], {"msgtype": "text", "text": {"content": _cut(message.text, 2048)}})


def _dingtalk(secrets: Mapping[str, str], message: Message, now: datetime) -> Post:
    url = secrets["url"]
    if secrets.get("sign"):
        at = int(now.timestamp() * 1000)
        url += f"{'&' if '?' in url else '?'}timestamp={at}&sign={quote_plus(dingtalk_sign(secrets['sign'], at))}"
    return _posted(url, {"msgtype": "text", "text": {"content": _cut(message.text, 18_000)}})


def _feishu(secrets: Mapping[str, str], message: Message, now: datetime) -> Post:
    text = message.text.replace("<", "＜")  # "<at user_id=all>" in a customer's name would call everybody
    body: dict[str, Any] = {"msg_type": "text", "content": {"text": _cut(text, 18_000)}}
    if secrets.get("sign"):
        at = int(now.timestamp())
        body |= {"timestamp": str(at), "sign": feishu_sign(secrets["sign"], at)}
    return _posted(secrets["url"], body)


def _slack(secrets: Mapping[str, str], message: Message, now: datetime) -> Post:
    text = message.text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _posted(secrets["url"], {"text": _cut(text, 18_000)})


# -- Webhooks by the Standard Webhooks specification -------------------------------------------------------------------------


def webhook_key(secret: str) -> bytes:
    """The bytes of "whsec_<base64>"; ValueError when it is none."""
    return base64.b64decode(secret.removeprefix("whsec_"), validate=True)


def webhook_sign(secret: str, key: str, seconds: int, body: bytes) -> str:
    return "v1," + _hmac(webhook_key(secret), f"{key}.{seconds}.".encode() + body)


def _webhook(secrets: Mapping[str, str], message: Message, now: datetime) -> Post:
    content = message.content
    data = {"subject": content["subject"], "text": content["text"], "link": content["link"], "notifications": content["lines"]}
    body, at = _json({"type": "notification.sent", "timestamp": content["created_at"], "data": data}), int(now.timestamp())
    signature = webhook_sign(secrets["sign"], message.key, at, body)
    headers = {"webhook-timestamp": str(at), "webhook-signature": signature}
    return Post(secrets["url"], {"content-type": "application/json; charset=utf-8", **headers}, body)


SENDERS: Mapping[str, ChannelType] = {
    it.key: it
    for it in (
        ChannelType(
            MAIL, Text("邮件（SMTP）", "E-mail (SMTP)"), Text("发到每个人的邮箱，按各人的通知设置", "To each person's address, as they chose"), False, None
        ),
        ChannelType(
            "wecom",
            Text("企业微信群机器人", "WeCom group robot"),
            Text("群设置 → 消息推送 → 添加机器人，复制地址", "Group settings, add a robot, copy its address"),
            False,
            _wecom,
            "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=",
            ("errcode",),
        ),
        ChannelType(
            "dingtalk",
            Text("钉钉群机器人", "DingTalk group robot"),
            Text("安全设置选“加签”，复制地址和密钥", "Choose “sign” among its security settings; copy address and secret"),
            True,
            _dingtalk,
            "https://oapi.dingtalk.com/robot/send?access_token=",
            ("errcode",),
        ),
        ChannelType(
            "feishu",
            Text("飞书 / Lark 群机器人", "Feishu / Lark group robot"),
            Text("安全设置选“签名校验”，复制地址和密钥", "Choose signature verification; copy address and secret"),
            True,
            _feishu,
            "https://open.feishu.cn/open-apis/bot/v2/hook/",
            ("code", "StatusCode"),
        ),
        ChannelType(
            "slack",
            Text("Slack 兼容地址", "Slack-compatible address"),
            Text("Slack、Mattermost、Rocket.Chat 的 Incoming Webhook", "An incoming webhook of Slack, Mattermost or Rocket.Chat"),
            False,
            _slack,
        ),
        ChannelType(
            "webhook",
            Text("Webhook", "Webhook"),
            Text("按 Standard Webhooks 签名的 JSON；密钥留空则自动生成", "JSON signed as Standard Webhooks says; leave the secret empty to have one made"),
            True,
            _webhook,
        ),
    )
}


def send(type_: str, config: Mapping[str, Any], secrets: Mapping[str, str], message: Message, outside: Outside, now: datetime) -> None:
    """Raises Failed with the reason in words."""
    sender = SENDERS[type_]
    if sender.post is None:
        _send_mail(config, secrets, message, outside)
        return
    made = sender.post(secrets, message, now)
    _judge(post(outside, made.url, {**made.headers, "webhook-id": message.key}, made.body), urlsplit(made.url).hostname or "", sender.codes)


def _judge(answer: Answer, host: str, codes: Sequence[str]) -> None:
    if not 200 <= answer.status < 300:
        wait = answer.headers.get("retry-after", "")
        seconds = min(float(wait), 3600.0) if wait.isascii() and wait.isdigit() else None
        if 300 <= answer.status < 400:
            raise Failed(
                Text(
                    f"{host} 转到别处（{answer.status}），不跟随；请填写最终的地址",
                    f"{host} redirects ({answer.status}), which is not followed; give the final address",
                )
            )
        raise Failed(Text(f"{host} 应答 {answer.status}", f"{host} answered {answer.status}"), wait=seconds)
    try:
        said = json.loads(answer.body)
    except ValueError:
        return  # an answer without a word of its own
    if isinstance(said, dict):
        code = next((said[name] for name in codes if isinstance(said.get(name), int)), 0)
        if code != 0:
            words = str(said.get("errmsg") or said.get("msg") or "")[:200]
            raise Failed(Text(f"{host} 拒绝：{code} {words}".strip(), f"{host} refused: {code} {words}".strip()))


# -- Mail --------------------------------------------------------------------------------------------------------------------


class _Smtp(smtplib.SMTP):
    """SMTP over a connection that is there already."""

    def __init__(self, host: str, port: int, connection: Any) -> None:
        self._made = connection
        super().__init__(host, port)

    def _get_socket(self, host: str, port: int, timeout: float) -> Any:
        return self._made


def _send_mail(config: Mapping[str, Any], secrets: Mapping[str, str], message: Message, outside: Outside) -> None:
    host, port, security = str(config["host"]), int(config["port"]), config["security"]
    connection = connected(host, port, outside)
    try:
        with Deadline(connection, outside.seconds):
            smtp = _Smtp(host, port, secured(connection, host) if security == "tls" else connection)
            if security == "starttls":
                smtp.starttls(context=ssl.create_default_context())
            if config.get("username"):
                smtp.login(str(config["username"]), secrets.get("password", ""))
            smtp.send_message(mail_of(config, message))
            with suppress(smtplib.SMTPException, OSError):
                smtp.quit()  # it took the mail: a bad good-bye is no reason to send it twice
    except smtplib.SMTPAuthenticationError as error:
        raise Failed(Text(f"{host} 不接受用户名或密码", f"{host} does not accept the username or password")) from error
    except smtplib.SMTPRecipientsRefused as error:
        raise Failed(Text(f"{host} 不接受收件人", f"{host} does not accept the recipient")) from error
    except smtplib.SMTPException as error:
        code = getattr(error, "smtp_code", "")
        raise Failed(Text(f"{host} 拒绝了邮件 {code}".strip(), f"{host} refused the mail {code}".strip())) from error
    except OSError as error:
        raise Failed(Text(f"{host} 没有好好应答", f"{host} did not answer properly")) from error
    finally:
        connection.close()


def mail_of(config: Mapping[str, Any], message: Message) -> EmailMessage:
    """Plain text; nothing that a record holds can become a header."""
    mail = EmailMessage()
    mail["From"] = formataddr(("晴雨表 Weatherglass", str(config["sender"])))
    mail["To"] = message.to
    mail["Subject"] = " ".join(str(message.content["subject"]).split())[:200]
    mail["Date"] = format_datetime(datetime.fromisoformat(str(message.content["created_at"])))
    mail["Message-ID"] = f"<{message.key}@{str(config['sender']).rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(message.text + "\n")
    return mail
