"""What is wrong with documents of the pipeline is found before they are published, at its place."""

from typing import Any

import pytest

from server.config.catalog import Catalog
from server.config.check import check, errors
from server.config.document import Document
from server.registry import KINDS
from tests.features.assessing import ALERTS, DOCUMENTS, a, an_indicator, days, days_back, labels, rows

GOOD = [*DOCUMENTS, *ALERTS]
SALE = {"source": "sale", "join": "client"}
BANDS = [{"points": 1}]


def found(*changed: Document) -> set[tuple[str, str, str]]:
    documents = {(d.kind, d.key): d for d in [*GOOD, *changed]}
    problems = errors(check(Catalog(0, documents, KINDS), KINDS))
    return {(p.file, p.path, p.code) for p in problems}


def test_the_good_ones_have_none() -> None:
    assert found() == set()


def factor(**more: Any) -> dict[str, Any]:
    return {"key": "f", "value": "worth", "weight": 1, "bands": BANDS, **more}


def an_alert(**more: Any) -> Document:
    body = {"when": "turnover > 1", "recipients": [{"to": "staff"}], "message": {"zh_CN": "x", "en": "x"}, **more}
    return a("alert", "n", object="client", **body)


@pytest.mark.parametrize(
    ("document", "path", "code"),
    [
        (an_indicator("n", source="sail", join="client", aggregate="count"), "/source", "unknown_name"),
        (an_indicator("n", source="sale", join="team", aggregate="count"), "/join", "unknown_name"),
        (an_indicator("n", source="sale", aggregate="count"), "/join", "required"),
        (an_indicator("n", **SALE, match="True", aggregate="count"), "/join", "required"),
        (an_indicator("n", **SALE, aggregate="sum", value="kind"), "/value", "type"),
        (an_indicator("n", **SALE, aggregate="sum"), "/value", "required"),
        (an_indicator("n", **SALE, aggregate="ratio", value="amount"), "/divisor", "required"),
        (an_indicator("n", **SALE, aggregate="count", window=days(30)), "/date", "required"),
        (an_indicator("n", **SALE, aggregate="count", date="amount"), "/date", "unknown_name"),
        (an_indicator("n", **SALE, aggregate="last", value="kind", date="day", previous=days_back(3)), "/previous", "type"),
        (an_indicator("n", **SALE, aggregate="count", filter="amont > 1"), "/filter", "unknown_name"),
        (an_indicator("n", **SALE, aggregate="count", filter='kind == "wun"'), "/filter", "unknown_option"),
        (an_indicator("n", **SALE, aggregate="median", value="kind"), "/value", "type"),
        (an_indicator("n", **SALE, aggregate="slope", value="amount"), "/date", "required"),
        (an_indicator("n", **SALE, aggregate="count", date="day", window={"last": 3}), "/window/unit", "required"),
        (an_indicator("n", **SALE, aggregate="count", date="day", window={"last": 3, "unit": "fortnights"}), "/window/unit", "enum"),
        (an_indicator("n", **SALE, aggregate="count", date="day", window={"last": 3, "unit": "months", "span": "to_date"}), "/window/last", "unexpected"),
        (an_indicator("n", **SALE, aggregate="count", date="day", window={"last": 101, "unit": "years"}), "/window/last", "maximum"),
        (an_indicator("n", **SALE, aggregate="count", date="day", previous={"back": 1, "unit": "windows"}), "/previous/unit", "required"),
        (an_indicator("n", **SALE, aggregate="count", date="day", previous={"back": 1300, "unit": "months"}), "/previous/back", "maximum"),
        (an_indicator("n", source="sale", join="client.team", aggregate="count"), "/join", "unknown_name"),
        (an_indicator("n", source="sale", join="kind.client", aggregate="count"), "/join", "unknown_name"),
        (an_indicator("n", source="sale", join="team.team.team.team.client", aggregate="count"), "/join", "maximum"),
        (an_indicator("n", expression="turnover +"), "/expression", "syntax"),
        (an_indicator("n"), "/expression", "required"),
        (an_indicator("n", over_population=True, aggregate="distinct", value="turnover"), "/aggregate", "unknown_name"),
        (an_indicator("segment", expression="1"), "/key", "name_taken"),
        (an_indicator("sales_prev", expression="1"), "/key", "name_taken"),
        (an_indicator("as_of", expression="1"), "/key", "name_taken"),
        (an_indicator("n", expression="n + 1"), "", "cycle"),
        (a("score", "n", object="client", factors=[factor(value="worth >")]), "/factors/0/value", "syntax"),
        (a("score", "n", object="client", factors=[factor(), factor()]), "/factors/1/key", "duplicate"),
        (a("score", "n", object="client", factors=[factor(bands=[{"op": ">", "value": 1, "points": 1}])]), "/factors/0/bands", "no_else"),
        (a("score", "n", object="client", factors=[factor(bands=[{"op": "==", "value": "x", "points": 1}, *BANDS])]), "/factors/0/bands/0/value", "type"),
        (
            a("score", "n", object="client", factors=[factor(bands=[{"op": ">=", "value": 1, "points": 1}, {"op": ">=", "value": 2, "points": 2}, *BANDS])]),
            "/factors/0/bands/1",
            "unreachable",
        ),
        (a("classification", "n", object="client", classes=labels("A"), rows=rows(("", "B"))), "/rows/0/value", "unknown_name"),
        (a("classification", "n", object="client", classes=labels("A"), rows=rows(("turnover > 1", "A"))), "/rows", "no_else"),
        (
            a("classification", "n", object="client", classes=labels("A"), rows=rows(("turnover > 1", "A"), ("turnover > 1", "A"), ("", "A"))),
            "/rows/1/when",
            "unreachable",
        ),
        (a("classification", "n", object="client", classes=labels("A"), rows=rows(('tier == "D"', "A"), ("", "A"))), "/rows/0/when", "unknown_option"),
        (
            a("matrix", "n", likelihood=labels("l", "m"), impact=labels("i", "j"), levels=labels("x", "y"), cells=[["x", "y", "y"], ["x", "y"]]),
            "/cells",
            "shape",
        ),
        (
            a("matrix", "n", likelihood=labels("l", "m"), impact=labels("i", "j"), levels=labels("x", "y"), cells=[["x", "z"], ["x", "y"]]),
            "/cells/0/1",
            "unknown_name",
        ),
        (a("risk_type", "n", object="client", matrix="gird", likelihood=rows(("", "low")), impact=rows(("", "low"))), "/matrix", "unknown_name"),
        (a("risk_type", "n", object="client", matrix="grid", likelihood=rows(("", "mid")), impact=rows(("", "low"))), "/likelihood/0/value", "unknown_name"),
        (an_alert(when="turnover"), "/when", "condition"),
        (an_alert(clear="turnover > 1"), "/clear", "contradiction"),
        (an_alert(recipients=[{"to": "nobody"}]), "/recipients/0/to", "unknown_name"),
        (an_alert(message={"zh_CN": "{turnovr}", "en": "x"}), "/message/zh_CN", "unknown_name"),
        (an_alert(watch="nothing"), "/watch", "unknown_name"),
    ],
)
def test_a_bad_one(document: Document, path: str, code: str) -> None:
    assert (f"{document.kind}/{document.key}", path, code) in found(document)


def test_a_circle_through_several_documents_is_told_of_each() -> None:
    problems = found(
        an_indicator("n", expression="risk_of_n + 1"),
        a("score", "risk_of_n", object="client", factors=[factor(value="n")]),
    )
    assert {("indicator/n", "", "cycle"), ("score/risk_of_n", "", "cycle")} <= problems
