"""What people are told by which way and when: topics, digests, quiet hours, tries. Pure."""

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from server.errors import Text

GATHERED = timedelta(hours=1)  # unread notices of one group within this time are one line
SETTLE = timedelta(seconds=15)  # a message waits so long for others of its group
PAUSE = timedelta(minutes=10)  # between two messages of one group
NOW, HOURLY, DAILY, OFF = MODES = ("now", "hourly", "daily", "off")
HELD = "held"  # the batch of what quiet hours keep back
TOGETHER = (HOURLY, DAILY, HELD)  # batches that take whatever comes
TRIES = 8
FIRST_WAIT, LONGEST_WAIT = 30.0, 6 * 3600.0  # seconds; three times as long after each try
LISTED = 20  # lines of a digest that a message shows


@dataclass(frozen=True)
class Topic:
    """A sort of notices that people choose the ways for."""

    key: str
    title: Text
    mail: str  # unless somebody chose
    urgent: bool = False


TOPICS: Mapping[str, Topic] = {
    topic.key: topic
    for topic in (
        Topic("alert_critical", Text("严重预警", "Critical alerts"), NOW, True),
        Topic("alert_warning", Text("警告级预警", "Warnings"), DAILY),
        Topic("alert_info", Text("提示级预警", "Alerts for information"), OFF),
        Topic("escalation", Text("预警升级", "Escalations"), NOW, True),
        Topic("approval", Text("待我审批", "Approvals waiting for me"), NOW),
        Topic("outcome", Text("我提交的有了结果", "Decisions on what I asked for"), HOURLY),
        Topic("task", Text("分给我的任务", "Tasks given to me"), HOURLY),
        Topic("mention", Text("提到我", "Mentions of me"), HOURLY),
    )
}
MODE_TITLES: Mapping[str, Text] = {
    NOW: Text("立即", "At once"),
    HOURLY: Text("每小时汇总", "Hourly digest"),
    DAILY: Text("每日汇总", "Daily digest"),
    OFF: Text("不发", "Never"),
}


def topic_of(kind: str, severity: str) -> str:
    """Alerts by severity, the rest by kind."""
    key = f"alert_{severity or 'warning'}" if kind == "alert" else kind
    return key if key in TOPICS else "alert_warning"


@dataclass(frozen=True)
class Preferences:
    """`app`: topics that count as unread in the product. `mail`: topic -> mode."""

    email: str = ""
    app: frozenset[str] = frozenset(TOPICS)
    mail: Mapping[str, str] = field(default_factory=lambda: {t.key: t.mail for t in TOPICS.values()})
    daily_hour: int = 8
    quiet_from: time | None = None
    quiet_to: time = time(7)
    urgent: bool = True
    zone: ZoneInfo = ZoneInfo("UTC")


@dataclass(frozen=True)
class Sending:
    """When a message leaves, and what it may be put together with: notices of one batch are one message; "" goes alone."""

    due: datetime
    batch: str


def sending(topic: str, group: str, preferences: Preferences, now: datetime, again: bool = False) -> Sending | None:
    """`again`: the group has just had a message. None: it stays inside the product."""
    mode = preferences.mail.get(topic, OFF)
    local = now.astimezone(preferences.zone)
    if mode == NOW:
        due = now + (PAUSE if again else SETTLE)
        held = _quiet_end(due, preferences) if not (preferences.urgent and TOPICS[topic].urgent) else None
        return Sending(held, HELD) if held else Sending(due, group)
    if mode == HOURLY:
        due = now + timedelta(seconds=3600 - local.minute * 60 - local.second)
        return Sending(_quiet_end(due, preferences) or due, HOURLY)
    if mode == DAILY:
        return Sending(_next(local, time(preferences.daily_hour)), DAILY)
    return None


def _next(local: datetime, at: time) -> datetime:
    """The next moment at which clocks there show this time."""
    found = datetime.combine(local.date(), at, local.tzinfo)
    return found if found > local else datetime.combine(local.date() + timedelta(days=1), at, local.tzinfo)


def _quiet_end(moment: datetime, preferences: Preferences) -> datetime | None:
    """When the quiet hours end in which the moment lies; None when it lies in none."""
    begin, end = preferences.quiet_from, preferences.quiet_to
    if begin is None or begin == end:
        return None
    local = moment.astimezone(preferences.zone)
    clock = local.time()
    inside = begin <= clock < end if begin < end else clock >= begin or clock < end
    return _next(local, end) if inside else None


def wait_after(tries: int, chance: float | None = None) -> timedelta:
    """Before the next try: longer each time, and not the same for all that failed together."""
    seconds = min(FIRST_WAIT * 3 ** max(tries - 1, 0), LONGEST_WAIT)
    return timedelta(seconds=seconds * (0.75 + 0.5 * (random.random() if chance is None else chance)))


# -- Words of a message ------------------------------------------------------------------------------------------------------

FIELDS: Mapping[str, Text] = {
    "title": Text("标题", "title"),
    "body": Text("说明", "details"),
    "link": Text("链接", "link"),
    "topic": Text("种类", "topic"),
    "severity": Text("严重程度", "severity"),
    "count": Text("条数", "how many"),
    "time": Text("时间", "time"),
}
TEMPLATE = Text("{title}\n{body}\n{link}", "{title}\n{body}\n{link}")
PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


def unknown_fields(template: str) -> list[str]:
    """Names in braces that are no field of a message."""
    return sorted({name for name in PLACEHOLDER.findall(template) if name not in FIELDS})


def filled(template: str, values: Mapping[str, str]) -> str:
    """Names in braces by their values, nothing else: what a value holds is never read as a template. Lines that become empty go."""
    text = PLACEHOLDER.sub(lambda match: values.get(match[1], match[0]), template)
    return "\n".join(line for line in text.splitlines() if line.strip())


@dataclass(frozen=True)
class Line:
    """One notice as a message tells it."""

    title: str
    body: str
    link: str
    topic: str
    severity: str
    count: int
    at: str

    def values(self) -> dict[str, str]:
        plain = {"title": self.title, "body": self.body, "link": self.link, "topic": self.topic, "severity": self.severity}
        return {**plain, "count": str(self.count), "time": self.at}


def subject_of(lines: Sequence[Line], locale: str) -> str:
    if len(lines) == 1:
        return lines[0].title
    return Text(f"{len(lines)} 条通知", f"{len(lines)} notifications").of(locale)


def text_of(lines: Sequence[Line], template: str, locale: str) -> str:
    """The lines one under another; what is beyond the limit is counted, not left out silently."""
    parts = [filled(template, line.values()) for line in lines[:LISTED]]
    rest = len(lines) - LISTED
    if rest > 0:
        parts.append(Text(f"另有 {rest} 条，请在通知页查看", f"{rest} more stand on the notifications page").of(locale))
    return "\n\n".join(parts)
