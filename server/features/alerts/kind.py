"""The kind `alert`: when it fires, when it clears, whom it reaches."""

from dataclasses import dataclass

from server.config.document import Document
from server.config.kind import Kind, text_of, title_of
from server.errors import Text


@dataclass(frozen=True)
class Recipient:
    """`to` is a field of the subject that holds a user ("owner") or a role key ("credit_control")."""

    to: str
    when: str = ""


@dataclass(frozen=True)
class Raise:
    """A condition under which the severity is another."""

    when: str
    severity: str


@dataclass(frozen=True)
class Escalation:
    """Nobody responded `after` so many of a `unit` (hours, working_hours, working_days): `to`, a user field or a role, hears of it."""

    after: int
    unit: str
    to: str
    severity: str = ""  # only alerts at least as grave


@dataclass(frozen=True)
class Alert:
    key: str
    title: Text
    object: str
    when: str
    clear: str  # "" : clears when `when` is false
    severity: str  # info, warning, critical
    raises: tuple[Raise, ...]
    cool_down_days: int
    recipients: tuple[Recipient, ...]
    message: Text  # may contain {field}
    respond_hours: int
    escalate: tuple[Escalation, ...]  # none: the recipients hear of it again after the hours to respond in
    first_task: Text | None
    watch: str  # the name whose value the page draws against the threshold, e.g. "max_days_overdue"


def parse(document: Document) -> Alert:
    b = document.body
    return Alert(
        document.key,
        title_of(b),
        b["object"],
        b["when"],
        b.get("clear", ""),
        b.get("severity", "warning"),
        tuple(Raise(r["when"], r["severity"]) for r in b.get("severity_when", ())),
        b.get("cool_down_days", 0),
        tuple(Recipient(r["to"], r.get("when", "")) for r in b["recipients"]),
        text_of(b["message"]) or Text("", ""),
        b.get("respond_hours", 24),
        tuple(Escalation(e["after"], e.get("unit", "hours"), e["to"], e.get("severity", "")) for e in b.get("escalate", ())),
        text_of(b.get("first_task")),
        b.get("watch", ""),
    )


KIND = Kind("alert", Text("预警", "Alert"), "schemas/alerts", parse)
