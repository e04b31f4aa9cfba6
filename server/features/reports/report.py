"""What the report of the company and of one customer holds, as data: pages lay it out, nothing is left to them to work out."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from server.errors import Text
from server.features.alerts.service import AlertView
from server.features.assessment.explain import IndicatorLine, RiskLine
from server.features.assessment.replay import ScoreExplanation
from server.features.classification.kind import Classification
from server.features.matrix.kind import Matrix, RiskType
from server.features.reports.engine import (
    Conclusion,
    Figures,
    SuggestedLimit,
)
from server.features.reviews.metrics import Point
from server.features.scoring.kind import Score
from server.features.strategies.runs import StrategyRun
from server.features.strategies.tasks import Task


@dataclass(frozen=True)
class Scope:
    object: str
    title: Text
    as_of: date
    compared_with: date
    release: int
    made_at: datetime
    population: int  # records of the object, deleted ones left out
    assessed: int
    coverage: float | None  # mean coverage of the first risk score


@dataclass(frozen=True)
class ClassCount:
    key: str
    title: Text
    color: str
    count: int
    before: int  # on the day compared with
    exposure: float


@dataclass(frozen=True)
class ClassTable:
    """One classification: how many in each class now and then."""

    classification: str
    title: Text
    classes: tuple[ClassCount, ...]
    up: int  # moved towards the end of the document's order
    down: int


@dataclass(frozen=True)
class Riser:
    record_id: int
    name: str
    old: float
    new: float
    reasons: tuple[Text, ...]


@dataclass(frozen=True)
class Missing:
    """A factor without data: of how many, and how the score treats it."""

    score: str
    factor: str
    title: Text
    count: int
    policy: str


@dataclass(frozen=True)
class MatrixCell:
    likelihood: str
    impact: str
    level: str
    count: int
    exposure: float


@dataclass(frozen=True)
class MatrixTable:
    risk_type: str
    title: Text
    matrix: Matrix
    cells: Mapping[tuple[str, str], MatrixCell]
    top: tuple[tuple[int, str], ...]  # records at the highest level
    top_count: int


@dataclass(frozen=True)
class Methods:
    scores: tuple[Score, ...]
    classifications: tuple[Classification, ...]
    matrices: tuple[Matrix, ...]
    risk_types: tuple[RiskType, ...]
    notes: tuple[Text, ...]


@dataclass(frozen=True)
class MetricFigure:
    metric: str
    title: Text
    unit: str
    decimals: int
    better: str
    point: Point


@dataclass(frozen=True)
class CompanyReport:
    scope: Scope
    classes: tuple[ClassTable, ...]
    risers: tuple[Riser, ...]
    missing: tuple[Missing, ...]
    matrices: tuple[MatrixTable, ...]
    methods: Methods
    metrics: tuple[MetricFigure, ...]
    figures: Figures
    conclusions: tuple[Conclusion, ...]


@dataclass(frozen=True)
class ClassLine:
    classification: str
    title: Text
    value: str | None
    value_title: Text
    color: str
    before: str | None
    before_title: Text | None
    rise: int  # places in the order of the document since the day compared with
    why: Text


@dataclass(frozen=True)
class ScoreLine:
    explanation: ScoreExplanation
    before: float | None


@dataclass(frozen=True)
class CustomerReport:
    scope: Scope
    record_id: int
    name: str
    assessed_at: datetime | None
    classes: tuple[ClassLine, ...]
    scores: tuple[ScoreLine, ...]
    missing: tuple[Missing, ...]
    risks: tuple[RiskLine, ...]
    indicators: tuple[IndicatorLine, ...]
    alerts: tuple[AlertView, ...]
    strategies: tuple[StrategyRun, ...]
    tasks: tuple[Task, ...]
    limit: SuggestedLimit | None
    methods: Methods
    conclusions: tuple[Conclusion, ...]
