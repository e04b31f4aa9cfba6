"""The kind `score`: weighted factors, each turned into points by bands."""

from dataclasses import dataclass
from typing import Any

from server.config.document import Document
from server.config.kind import Kind, text_of, title_of
from server.errors import Text


@dataclass(frozen=True)
class Band:
    """First match wins. `op` is one of >= > <= < == and compares the factor's value with `value`; "" is the else band."""

    op: str
    value: Any
    points: float


@dataclass(frozen=True)
class Factor:
    key: str
    title: Text
    group: str
    value: str  # expression over the subject's fields and results
    weight: float
    bands: tuple[Band, ...]
    missing: str = "neutral"  # neutral 50 points, worst 100, skip: its weight is taken out, block: no score
    reason: Text | None = None  # may contain {value}


@dataclass(frozen=True)
class Group:
    key: str
    title: Text


@dataclass(frozen=True)
class Score:
    """Total = Σ(weight × points) / Σ(weights not skipped). `coverage_key` names the share (0-100) of weights that had a real value."""

    key: str
    title: Text
    object: str
    factors: tuple[Factor, ...]
    groups: tuple[Group, ...] = ()
    better: str = "down"  # down: 0 is best (a risk); up: 100 is best
    decimals: int = 1
    coverage_key: str = ""
    reason_points: float = 50  # a factor is a reason from these points on
    reason_count: int = 4


def parse(document: Document) -> Score:
    b = document.body
    return Score(
        key=document.key,
        title=title_of(b),
        object=b["object"],
        factors=tuple(
            Factor(
                f["key"],
                title_of(f),
                f.get("group", ""),
                f["value"],
                f["weight"],
                tuple(Band(x.get("op", ""), x.get("value"), x["points"]) for x in f["bands"]),
                f.get("missing", "neutral"),
                text_of(f.get("reason")),
            )
            for f in b["factors"]
        ),
        groups=tuple(Group(g["key"], title_of(g)) for g in b.get("groups", ())),
        better=b.get("better", "down"),
        decimals=b.get("decimals", 1),
        coverage_key=b.get("coverage_key", ""),
        reason_points=b.get("reason_points", 50),
        reason_count=b.get("reason_count", 4),
    )


KIND = Kind("score", Text("评分", "Score"), "schemas/scoring", parse)
