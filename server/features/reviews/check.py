"""Finds what is wrong with metrics and reviews."""

from collections.abc import Iterator

from server.config.catalog import Catalog
from server.config.findings import expected, formula, twice, unknown, wrong
from server.config.names import pointer
from server.errors import Problem
from server.expressions.types import BOOLEAN, NUMBER
from server.features.reviews.engine import POPULATIONS, metric_scope
from server.features.reviews.kind import Metric, Review, Sum


def check_metric(it: Metric, catalog: Catalog) -> Iterator[Problem]:
    yield from _sum("/numerator", it.numerator, catalog)
    if it.denominator is not None:
        yield from _sum("/denominator", it.denominator, catalog)
    if it.scale == 0:
        yield wrong("/scale", "倍数不能为 0", "The scale cannot be 0", "range")


def _sum(path: str, it: Sum, catalog: Catalog) -> Iterator[Problem]:
    if it.aggregate == "count" and it.value:
        yield wrong(f"{path}/value", "计数不需要取值", "A count takes no value", "value")
    if it.aggregate != "count" and not it.value:
        yield wrong(f"{path}/value", "合计和平均需要取值", "A sum or an average needs a value", "required")
    objects = catalog.parsed.get("object", {})
    if it.source not in objects and it.source not in POPULATIONS:
        yield unknown(f"{path}/source", "object", it.source, [*objects, *POPULATIONS], catalog)
        return
    names = metric_scope(catalog, it.source)
    yield from formula(f"{path}/value", it.value, names, NUMBER)
    yield from formula(f"{path}/where", it.where, names, BOOLEAN)


def check_review(it: Review, catalog: Catalog) -> Iterator[Problem]:
    for i, key in enumerate(it.metrics):
        yield from expected(pointer("metrics", i), "metric", key, catalog)
    for member in ("participants", "signers"):
        for i, key in enumerate(getattr(it, member)):
            yield from expected(pointer(member, i), "role", key, catalog)
    yield from twice((pointer("agenda", i, "key"), a.key) for i, a in enumerate(it.agenda))
