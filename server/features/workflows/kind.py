"""The kind `workflow`: the states of a record and who may move it, when."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from server.config.document import Document
from server.config.kind import Kind, text_of, title_of
from server.errors import Text


@dataclass(frozen=True)
class State:
    key: str
    title: Text
    type: str = "normal"  # initial, normal, approval, final
    sla_days: float = 0
    approvers: tuple[str, ...] = ()  # approval: roles of which one person decides
    editable: bool = True


@dataclass(frozen=True)
class Transition:
    """`approve` and `reject` transitions leave an approval state; the one who submitted may never take them."""

    key: str
    title: Text
    sources: tuple[str, ...]
    target: str
    roles: tuple[str, ...]
    guard: str = ""  # over the record's fields, its references' and their results; unknown refuses
    guard_message: Text | None = None
    require: tuple[str, ...] = ()  # fields that must be filled
    comment: bool = False  # a reason must be given
    decision: str = ""  # "", "approve" or "reject"
    sets: Mapping[str, str] | None = None  # field of the record -> expression
    updates: tuple[tuple[str, Mapping[str, str]], ...] = ()  # (reference field, {field of the referenced record: expression over this record})


@dataclass(frozen=True)
class Workflow:
    key: str
    title: Text
    object: str
    states: Mapping[str, State]
    transitions: tuple[Transition, ...]

    @property
    def initial(self) -> State:
        return next(s for s in self.states.values() if s.type == "initial")


def parse(document: Document) -> Workflow:
    b: Mapping[str, Any] = document.body
    return Workflow(
        document.key,
        title_of(b),
        b["object"],
        {
            s["key"]: State(s["key"], title_of(s), s.get("type", "normal"), s.get("sla_days", 0), tuple(s.get("approvers", ())), s.get("editable", True))
            for s in b["states"]
        },
        tuple(
            Transition(
                t["key"],
                title_of(t),
                tuple(t["from"]),
                t["to"],
                tuple(t["roles"]),
                t.get("guard", ""),
                text_of(t.get("guard_message")),
                tuple(t.get("require", ())),
                t.get("comment", False),
                t.get("decision", ""),
                t.get("sets"),
                tuple((u["through"], u["sets"]) for u in t.get("updates", ())),
            )
            for t in b["transitions"]
        ),
    )


KIND = Kind("workflow", Text("流程", "Workflow"), "workflows", parse)
