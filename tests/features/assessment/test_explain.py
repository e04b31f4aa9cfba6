"""Every explained number is the stored one, of every record; simulation finds who would move and keeps nothing."""

import pytest

from server.errors import NotFound
from server.expressions.types import At
from server.features.assessment.engine import assess_values
from server.features.assessment.report import explanation_data, explanation_lines, simulation_data, simulation_lines
from server.features.assessment.service import (
    assess_all,
    explain_class,
    explain_score,
    indicator_lines,
    matrix_counts,
    results,
    risk_register,
    score_history,
)
from server.features.assessment.simulation import simulate
from server.storage.session import Database
from tests.features.assessing import ALERTS, DOCUMENTS, LI, NOW, House, a, an_indicator, an_object, days, days_back, fill, labels, rows


@pytest.fixture
def house(database: Database) -> House:
    made = House(database, [*DOCUMENTS, *ALERTS])
    fill(made, 11, clients=20, sales=200)
    assess_all(made.work, "client")
    return made


def test_explanations_replay_what_is_stored(house: House) -> None:
    with house.work(write=False) as work:
        for row in house.rows("x_client"):
            record_id = row["record_id"]
            for score in ("risk", "worth"):
                found = explain_score(work, "client", record_id, score)
                assert found.total == row[score]
                if found.total is not None:
                    assert sum(f.contribution for f in found.factors) == pytest.approx(found.total, abs=0.051)
            assert explain_score(work, "client", record_id, "risk").coverage == row["risk_coverage"]
            for key in ("tier", "rating", "watch"):
                told = explain_class(work, "client", record_id, key)
                assert told.value == row[key] and told.row == len(told.lines) - 1 and told.sentence.zh and told.sentence.en
            for line in risk_register(work, "client", record_id):
                key = line.risk_type.key
                assert (line.likelihood, line.impact, line.level) == (row[f"{key}_likelihood"], row[f"{key}_impact"], row[key]) and line.why.en
            lines = {line.key: line for line in indicator_lines(work, "client", record_id)}
            assert (lines["sales"].value, lines["sales"].prev, lines["sales"].change_pct) == (row["sales"], row["sales_prev"], row["sales_change_pct"])
            assert lines["sales"].alarm == (row["sales"] < 1)
            assert score_history(work, "client", record_id, "risk") == [(row["as_of"], row["risk"])]
            data = explanation_data(work, "client", record_id)
            assert data["scores"]["risk"]["total"] == row["risk"] and list(explanation_lines(data, "en")) and list(explanation_lines(data, "zh_CN"))


def test_reasons_are_the_heaviest_factors(house: House) -> None:
    with house.work(write=False) as work:
        for row in house.rows("x_client"):
            found = explain_score(work, "client", row["record_id"], "risk")
            heavy = sorted((f for f in found.factors if f.reason), key=lambda f: -f.weight * (f.points or 0))
            assert list(found.reasons) == [f.reason for f in heavy][:4]
            assert all((f.points or 0) >= 50 for f in heavy)
            for f in found.factors:
                assert not (f.missing and f.reason) or "no data" in f.reason.en


def test_what_is_not_there_is_said(house: House) -> None:
    with house.work(write=False) as work:
        for ask in (
            lambda: explain_score(work, "client", 10**6, "risk"),
            lambda: explain_score(work, "client", 1, "no_such"),
            lambda: score_history(work, "client", 1, "no_such"),
            lambda: explanation_data(work, "client", 10**6),
        ):
            with pytest.raises(NotFound):
                ask()
        assert results(work, "client", 10**6) is None


def test_matrix_counts_everybody_once_in_each_type(house: House) -> None:
    stored = house.rows("x_client")
    with house.work(write=False, actor=LI) as work:
        found = matrix_counts(work, "client", "leaving", weigh="turnover")
        assert sum(c.count for c in found.values()) == len(stored)
        assert sum(c.exposure for c in found.values()) == pytest.approx(sum(r["turnover"] for r in stored))
        assert sum(c.count for c in matrix_counts(work, "client").values()) == 2 * len(stored)


def test_simulation_is_what_publishing_then_does(house: House) -> None:
    before = {r["record_id"]: r for r in house.rows("x_client")}
    changed = [
        a("classification", "tier", object="client", classes=labels("A", "B", "C"), rows=rows(("worth >= 40", "A"), ("worth >= 30", "B"), ("", "C"))),
        a("alert", "silent", **{**{k: v for k, v in ALERTS[1].body.items() if k not in ("kind", "key")}, "when": "silence > 60"}),
        an_indicator(
            "sales",
            source="sale",
            join="client",
            aggregate="count",
            date="day",
            window=days(60),
            previous=days_back(60),
            missing=0,
            decimals=0,
        ),
    ]
    with house.work(write=False) as work:
        found = simulate(work, work.catalog.with_documents(changed), "client")
        assert {r["record_id"]: r for r in house.rows("x_client")} == before and not found.errors
        assert simulation_data(found)["population"] == len(before) and list(simulation_lines(work.catalog, "client", found, "en"))
    house.republish(*changed)
    after = {r["record_id"]: r for r in house.rows("x_client")}
    for key in ("tier", "rating", "watch", "leaving"):
        counts: dict[tuple[str | None, str | None], int] = {}
        for i, row in after.items():
            counts[before[i][key], row[key]] = counts.get((before[i][key], row[key]), 0) + 1
        if any(old != new for old, new in counts):
            assert found.changed[key] == counts
        else:
            assert key not in found.changed
    movers = {(m.id, m.key): (m.old, m.new) for m in found.movers}
    assert movers == {(i, k): (before[i][k], after[i][k]) for i in after for k in found.changed if before[i][k] != after[i][k]}
    assert found.alerts_close == {"silent": sum(1 for r in before.values() if r["silence"] is not None and 20 < r["silence"] <= 60)}


def test_simulation_of_what_cannot_run(house: House) -> None:
    with house.work(write=False) as work:
        broken = simulate(work, work.catalog.with_documents([an_indicator("silence", expression="nonsense + 1")]), "client")
        assert broken.errors and broken.population == 0
        client = work.catalog.document("object", "client")
        assert client is not None
        fields = {**client.body["schema"]["properties"], "extra": {"x-type": "integer"}}
        wider = [
            type(client)("object", "client", {**client.body, "schema": {"type": "object", "properties": fields}}),
            an_object("visit", {"no": "text", "client": {"x-type": "reference", "x-reference": "client"}}),
        ]
        found = simulate(work, work.catalog.with_documents(wider), "client")
        assert found.population > 0 and {p.severity for p in found.errors} == {"warning"}
        using = [*wider, an_indicator("visits", source="visit", join="client", aggregate="count"), an_indicator("more", expression="extra + 1")]
        assert any(p.severity == "error" for p in simulate(work, work.catalog.with_documents(using), "client").errors)


def test_given_values_stand(house: House) -> None:
    with house.work(write=False) as work:
        found = assess_values(work.catalog, "client", {"silence": 100, "pressure": 9.0}, At(NOW))
        assert (found["signals"], found["sales"], found["turnover"], found["mean_rate"]) == (2, 0, 0.0, None)
