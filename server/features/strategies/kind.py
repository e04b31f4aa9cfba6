"""The kind `strategy`: measures that start as tasks when a condition on the subject is met."""

from dataclasses import dataclass

from server.config.document import Document
from server.config.kind import Kind, text_of, title_of
from server.errors import Text


@dataclass(frozen=True)
class Measure:
    key: str
    title: Text
    assignee: str  # a field of the subject that holds a user ("owner") or a role key
    due_days: int
    when: str = ""  # only if this is true at the start
    checklist: Text | None = None
    approver: str = ""  # role that must approve the result
    repeats: bool = False


@dataclass(frozen=True)
class Strategy:
    key: str
    title: Text
    object: str
    when: str  # starts automatically when this becomes true
    stop: str  # ends, open tasks become superseded, when this becomes true; "" : when `when` is false
    horizon_days: int
    measures: tuple[Measure, ...]
    alerts: tuple[str, ...] = ()  # alerts from which staff may start it by hand


def parse(document: Document) -> Strategy:
    b = document.body
    return Strategy(
        document.key,
        title_of(b),
        b["object"],
        b.get("when", ""),
        b.get("stop", ""),
        b.get("horizon_days", 90),
        tuple(
            Measure(
                m["key"],
                title_of(m),
                m["assignee"],
                m["due_days"],
                m.get("when", ""),
                text_of(m.get("checklist")),
                m.get("approver", ""),
                m.get("repeats", False),
            )
            for m in b["measures"]
        ),
        tuple(b.get("alerts", ())),
    )


KIND = Kind("strategy", Text("应对策略", "Strategy"), "schemas/strategies", parse)
