"""What the meta-schema cannot say about an indicator: names, types, and which members go together."""

from collections.abc import Iterator

from server.config.catalog import Catalog
from server.errors import Problem, Text
from server.expressions.types import BOOLEAN, DATE, DATETIME, INTEGER, NUMBER, Scope
from server.features.indicators.engine import PICKS, source_scope, value_type
from server.features.indicators.kind import Indicator
from server.features.objects import engine as objects
from server.features.objects.findings import name_problems, object_problem, text_problems, unknown
from server.features.objects.results import scope

AGGREGATES = ("count", "sum", "avg", "min", "max", "first", "last", "distinct", "ratio")
OVER_POPULATION = ("count", "sum", "avg", "min", "max")


def check(indicator: Indicator, catalog: Catalog) -> Iterator[Problem]:
    if found := object_problem(catalog, indicator.object):
        yield found
        return
    results = scope(catalog, indicator.object)
    yield from name_problems("indicator", indicator.key, catalog, indicator.object)
    yield from text_problems(indicator.missing_when, results, "/missing_when", BOOLEAN)
    yield from text_problems(indicator.alarm, results, "/alarm", BOOLEAN)
    if indicator.over_population:
        yield from _population(indicator, results)
    elif indicator.source:
        yield from _aggregate(indicator, catalog, results)
    else:
        yield from _derived(indicator, results)


def _must(indicator: Indicator, *members: str) -> Iterator[Problem]:
    for member in members:
        if not getattr(indicator, member):
            yield Problem(f"/{member}", Text(f"缺少 {member}", f"{member} is missing"), code="required")


def _must_not(indicator: Indicator, reason: Text, *members: str) -> Iterator[Problem]:
    for member in members:
        if getattr(indicator, member):
            yield Problem(f"/{member}", Text(f"{reason.zh}不能有 {member}", f"{reason.en} has no {member}"), code="unexpected")


def _population(indicator: Indicator, results: Scope) -> Iterator[Problem]:
    yield from _must_not(indicator, Text("总体指标", "A population indicator"), "source", "expression", "previous", "window_days", "divisor")
    if indicator.aggregate not in OVER_POPULATION:
        yield unknown("/aggregate", Text("总体汇总方式", "aggregate over the population"), indicator.aggregate, OVER_POPULATION)
    if indicator.aggregate != "count":
        yield from _must(indicator, "value")
    yield from text_problems(indicator.value, results, "/value", NUMBER)
    yield from text_problems(indicator.filter, results, "/filter", BOOLEAN)


def _derived(indicator: Indicator, results: Scope) -> Iterator[Problem]:
    yield from _must(indicator, "expression")
    yield from _must_not(
        indicator, Text("派生指标", "A derived indicator"), "join", "match", "filter", "aggregate", "value", "divisor", "date", "window_days", "previous"
    )
    yield from text_problems(indicator.expression, results, "/expression")


def _aggregate(indicator: Indicator, catalog: Catalog, results: Scope) -> Iterator[Problem]:
    if found := object_problem(catalog, indicator.source, "/source"):
        yield found
        return
    names = source_scope(catalog, indicator)
    yield from _must_not(indicator, Text("汇总指标", "An aggregate"), "expression")
    yield from _way(indicator, catalog, names)
    if indicator.aggregate not in AGGREGATES:
        yield unknown("/aggregate", Text("汇总方式", "aggregate"), indicator.aggregate, AGGREGATES)
        return
    yield from text_problems(indicator.filter, names, "/filter", BOOLEAN)
    if indicator.aggregate != "count":
        yield from _must(indicator, "value")
    numeric = indicator.aggregate in ("sum", "avg", "ratio")
    yield from text_problems(indicator.value, names, "/value", NUMBER if numeric else None)
    if indicator.aggregate == "ratio":
        yield from _must(indicator, "divisor")
        yield from text_problems(indicator.divisor, names, "/divisor", NUMBER)
    kind = value_type(catalog, indicator)
    if indicator.aggregate in ("min", "max") and kind not in (INTEGER, NUMBER, DATE, DATETIME):
        yield Problem("/value", Text("最小、最大值要求数字或日期", "min and max need numbers or dates"), code="type")
    if indicator.aggregate in PICKS and kind.name in ("list", "null"):
        yield Problem("/value", Text("应为单个值", "Must be a single value"), code="type")
    yield from _time(indicator, names)
    if indicator.previous is not None:
        yield from text_problems(indicator.previous.when, results, "/previous/when", BOOLEAN)
        if kind not in (INTEGER, NUMBER):
            yield Problem("/previous", Text("只有数字能比较变化", "Only numbers have a change"), code="type")
        if not indicator.date:
            yield Problem("/date", Text("比较变化需要 date", "A previous window needs a date"), code="required")


def _way(indicator: Indicator, catalog: Catalog, names: Scope) -> Iterator[Problem]:
    if bool(indicator.join) == bool(indicator.match):
        yield Problem("/join", Text("join 与 match 须且只能有一个", "Give exactly one of join and match"), code="required")
    yield from text_problems(indicator.match, names, "/match", BOOLEAN)
    if not indicator.join:
        return
    fields = catalog.get("object", indicator.source).fields
    joined = {
        key
        for key, f in fields.items()
        if f.type == "reference" and f.reference == indicator.object and objects.is_stored(f, catalog.get("object", indicator.source))
    }
    if indicator.join not in joined:
        yield unknown("/join", Text(f"指向 {indicator.object} 的引用字段", f"reference field to {indicator.object}"), indicator.join, joined)


def _time(indicator: Indicator, names: Scope) -> Iterator[Problem]:
    if indicator.window_days < 0 or (indicator.previous is not None and indicator.previous.offset_days <= 0):
        yield Problem("/window_days", Text("天数应为正数", "Days must be positive"), code="minimum")
    if indicator.window_days and not indicator.date:
        yield Problem("/date", Text("有时间窗口须给出 date", "A window needs a date"), code="required")
    if indicator.date:
        dated = {name for name, known in names.names.items() if known.type in (DATE, DATETIME)}
        if indicator.date not in dated:
            yield unknown("/date", Text("日期字段", "date field"), indicator.date, dated)
