"""The kinds `matrix` (likelihood × impact → level) and `risk_type` (how likely and how grave one sort of risk is for a subject)."""

from dataclasses import dataclass

from server.config.document import Document
from server.config.kind import Kind, title_of
from server.errors import Text
from server.features.classification.kind import Row


@dataclass(frozen=True)
class Label:
    key: str
    title: Text


@dataclass(frozen=True)
class Level:
    key: str
    title: Text
    color: str
    rank: int  # 1 is the lowest; decides shape and order


@dataclass(frozen=True)
class Matrix:
    """`cells[i][j]`: the level for the i-th likelihood and the j-th impact, both from low to high.

    Gives, for each of its levels, the name `<level>_type_count`: how many risk types of the subject have that level.
    """

    key: str
    title: Text
    likelihood: tuple[Label, ...]
    impact: tuple[Label, ...]
    levels: tuple[Level, ...]
    cells: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class RiskType:
    """Gives the names `<key>` (the level), `<key>_likelihood`, `<key>_impact`. The last row of each has no condition."""

    key: str
    title: Text
    object: str
    matrix: str
    likelihood: tuple[Row, ...]
    impact: tuple[Row, ...]


def parse_matrix(document: Document) -> Matrix:
    b = document.body
    return Matrix(
        document.key,
        title_of(b),
        tuple(Label(x["key"], title_of(x)) for x in b["likelihood"]),
        tuple(Label(x["key"], title_of(x)) for x in b["impact"]),
        tuple(Level(x["key"], title_of(x), x.get("color", ""), i + 1) for i, x in enumerate(b["levels"])),
        tuple(tuple(row) for row in b["cells"]),
    )


def parse_risk_type(document: Document) -> RiskType:
    b = document.body
    return RiskType(
        document.key,
        title_of(b),
        b["object"],
        b["matrix"],
        tuple(Row(r.get("when", ""), r["value"]) for r in b["likelihood"]),
        tuple(Row(r.get("when", ""), r["value"]) for r in b["impact"]),
    )


MATRIX = Kind("matrix", Text("风险矩阵", "Risk matrix"), "schemas/matrix", parse_matrix)
RISK_TYPE = Kind("risk_type", Text("风险类型", "Risk type"), "schemas/matrix", parse_risk_type)
