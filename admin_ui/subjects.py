"""What leads on pages about an assessed object: its class, its level, its score. All of it from the documents."""

from dataclasses import dataclass
from typing import Any

from server.config.catalog import Catalog
from server.features.classification.kind import Class, Classification
from server.features.scoring.kind import Score

# A classification whose colours are all grades is drawn as a level (shape and word), any other as a label.
GRADES = {"good": 1, "low": 1, "warn": 2, "medium": 2, "high": 3, "extreme": 4}


@dataclass(frozen=True)
class Subject:
    """`main`: the classification its document calls main. `level`: the first one of grades. `score`: the one of most factors."""

    main: Classification | None = None
    level: Classification | None = None
    score: Score | None = None
    scores: tuple[Score, ...] = ()
    classifications: tuple[Classification, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The results that lists show."""
        return tuple(x.key for x in (self.main, self.level, self.score) if x)


NOTHING = Subject()


def subject(catalog: Catalog, object_key: str) -> Subject:
    """`NOTHING` for an object that is not assessed."""
    memo = ("pages.subject", object_key)
    if memo not in catalog.memo:
        catalog.memo[memo] = _subject(catalog, object_key)
    found: Subject = catalog.memo[memo]
    return found


def _subject(catalog: Catalog, object_key: str) -> Subject:
    object_type = catalog.get("object", object_key)
    if object_type is None or not object_type.assessed:
        return NOTHING
    classifications = tuple(c for c in catalog.all("classification") if c.object == object_key)
    scores = tuple(sorted((s for s in catalog.all("score") if s.object == object_key), key=lambda s: -len(s.factors)))
    main = next((c for c in classifications if c.main), classifications[0] if classifications else None)
    graded = [c for c in classifications if is_graded(c) and c is not main]
    level = next((c for c in graded if "level" in c.key), graded[0] if graded else None)
    return Subject(main, level, scores[0] if scores else None, scores, classifications)


def is_graded(classification: Classification) -> bool:
    colors = [c.color for c in classification.classes if c.color]
    return len(colors) > 1 and all(color in GRADES for color in colors)


def grade(klass: Class) -> int:
    """The drawing step of a graded class; 0 when it has none ("not assessed")."""
    return GRADES.get(klass.color, 0)


def class_of(classification: Classification | None, key: Any) -> Class | None:
    return next((c for c in classification.classes if c.key == key), None) if classification else None
