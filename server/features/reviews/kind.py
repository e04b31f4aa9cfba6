"""The kinds `metric` (a number over the population, with a target) and `review` (a calendar of looking at metrics and signing off)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from server.config.document import Document
from server.config.kind import Kind, text_of, title_of
from server.errors import Text


@dataclass(frozen=True)
class Sum:
    """One aggregate over a population: an assessed object with its results, any object, or the system populations "alert" and "task"."""

    source: str
    aggregate: str  # count, sum, avg
    value: str = ""
    where: str = ""


@dataclass(frozen=True)
class Metric:
    """numerator / denominator × scale; null when the denominator is 0."""

    key: str
    title: Text
    numerator: Sum
    denominator: Sum | None
    scale: float
    decimals: int
    unit: str
    target: float
    better: str  # lower or higher
    help: Text | None = None


@dataclass(frozen=True)
class AgendaItem:
    key: str
    title: Text
    help: Text | None = None


@dataclass(frozen=True)
class Review:
    key: str
    title: Text
    cadence: str  # month, quarter, year
    metrics: tuple[str, ...]
    participants: tuple[str, ...]  # roles
    signers: tuple[str, ...]  # roles; one person of each signs
    agenda: tuple[AgendaItem, ...]


def _sum(b: Mapping[str, Any] | None) -> Sum | None:
    return None if not b else Sum(b["source"], b["aggregate"], b.get("value", ""), b.get("where", ""))


def parse_metric(document: Document) -> Metric:
    b = document.body
    numerator = _sum(b["numerator"])
    assert numerator is not None
    return Metric(
        document.key,
        title_of(b),
        numerator,
        _sum(b.get("denominator")),
        b.get("scale", 1),
        b.get("decimals", 1),
        b.get("unit", ""),
        b["target"],
        b["better"],
        text_of(b.get("help")),
    )


def parse_review(document: Document) -> Review:
    b = document.body
    return Review(
        document.key,
        title_of(b),
        b["cadence"],
        tuple(b["metrics"]),
        tuple(b.get("participants", ())),
        tuple(b.get("signers", ())),
        tuple(AgendaItem(a["key"], title_of(a), text_of(a.get("help"))) for a in b.get("agenda", ())),
    )


METRIC = Kind("metric", Text("改进指标", "Metric"), "schemas/metrics", parse_metric)
REVIEW = Kind("review", Text("定期评估", "Review"), "schemas/metrics", parse_review)
