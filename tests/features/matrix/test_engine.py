"""Where likelihood and impact meet, and the four results a customer risk matrix must give."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from server.config.catalog import Catalog
from server.config.load import load_folder
from server.expressions.types import INTEGER, NUMBER, TEXT, Name, Scope
from server.features.assessment.engine import NEVER
from server.features.matrix.engine import level_of, steps_of_matrix, steps_of_risk_type
from server.registry import KINDS
from server.settings import data_folder
from server.storage.session import Database
from tests.features.assessing import DOCUMENTS


@pytest.mark.parametrize(
    ("likelihood", "impact", "level"),
    [
        ("high", "high", "extreme"),
        ("medium", "medium", "medium"),
        ("low", "high", "medium"),
        ("medium", "high", "high"),
        ("low", "low", "low"),
        (None, "high", None),
    ],
)
def test_the_shipped_matrix(likelihood: str | None, impact: str | None, level: str | None) -> None:
    documents, _ = load_folder(Path(data_folder("schemas")))
    catalog = Catalog(0, {(d.kind, d.key): d for d in documents}, KINDS)
    assert level_of(catalog.get("matrix", "risk_matrix"), likelihood, impact) == level


def test_sql_gives_the_same(database: Database) -> None:
    catalog = Catalog(0, {(d.kind, d.key): d for d in DOCUMENTS}, KINDS)
    scope = Scope({"signals": Name(NUMBER), "rating": Name(TEXT), "tier": Name(TEXT), "turnover": Name(NUMBER), "n": Name(INTEGER)})
    made = [s for r in catalog.all("risk_type") for s in steps_of_risk_type(r, catalog, scope)] + list(
        steps_of_matrix(catalog.get("matrix", "grid"), catalog, "client")
    )
    with database.read() as connection:
        for signals, rating, tier, turnover in [
            (2.0, "bad", "A", 5000.0),
            (0.0, "good", "B", 500.0),
            (None, None, None, None),
            (1.0, "fair", "B", 50.0),
            (1.0, "good", "C", None),
        ]:
            values = {"signals": signals, "rating": rating, "tier": tier, "turnover": turnover}
            types = {"signals": sa.Double(), "rating": sa.Text(), "tier": sa.Text(), "turnover": sa.Double()}
            columns = {k: sa.literal(v, types[k]) for k, v in values.items()}
            for step in made:
                values[step.name] = step.value(values, NEVER)
                columns[step.name] = step.sql(columns)
            found = connection.execute(sa.select(*(columns[s.name].label(s.name) for s in made))).mappings().one()
            assert dict(found) == {s.name: values[s.name] for s in made}
