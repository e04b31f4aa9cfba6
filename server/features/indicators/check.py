"""What the meta-schema cannot say about an indicator: names, types, and which members go together."""

from collections.abc import Iterator

from server.config.catalog import Catalog
from server.errors import Problem, Text
from server.expressions.types import BOOLEAN, DATE, DATETIME, INTEGER, NUMBER, Scope
from server.features.indicators.engine import OF_NUMBERS, PICKS, source_scope, value_type
from server.features.indicators.kind import Indicator, Previous, Window
from server.features.indicators.ways import MOST_LINKS, references, way
from server.features.indicators.windows import LONGEST_DAYS, TO_DATE, UNITS, length, moved, too_long
from server.features.objects.findings import name_problems, object_problem, text_problems, unknown
from server.features.objects.results import scope

AGGREGATES = ("count", "sum", "avg", "min", "max", "first", "last", "distinct", "ratio", "median", "percentile", "stddev", "slope")
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
    yield from _must_not(indicator, Text("总体指标", "A population indicator"), "source", "expression", "previous", "window", "divisor")
    if indicator.aggregate not in OVER_POPULATION:
        yield unknown("/aggregate", Text("总体汇总方式", "aggregate over the population"), indicator.aggregate, OVER_POPULATION)
    if indicator.aggregate != "count":
        yield from _must(indicator, "value")
    yield from text_problems(indicator.value, results, "/value", NUMBER)
    yield from text_problems(indicator.filter, results, "/filter", BOOLEAN)


def _derived(indicator: Indicator, results: Scope) -> Iterator[Problem]:
    yield from _must(indicator, "expression")
    yield from _must_not(
        indicator, Text("派生指标", "A derived indicator"), "join", "match", "filter", "aggregate", "value", "divisor", "date", "window", "previous"
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
    yield from text_problems(indicator.value, names, "/value", NUMBER if indicator.aggregate in OF_NUMBERS else None)
    if indicator.aggregate == "ratio":
        yield from _must(indicator, "divisor")
        yield from text_problems(indicator.divisor, names, "/divisor", NUMBER)
    kind = value_type(catalog, indicator)
    if indicator.aggregate in ("min", "max") and kind not in (INTEGER, NUMBER, DATE, DATETIME):
        yield Problem("/value", Text("最小、最大值要求数字或日期", "min and max need numbers or dates"), code="type")
    if indicator.aggregate in PICKS and kind.name in ("list", "null"):
        yield Problem("/value", Text("应为单个值", "Must be a single value"), code="type")
    if indicator.aggregate == "slope" and not indicator.date:
        hint = Text("选择决定每个值在哪一天的日期字段", "Choose the date field that says on which day each value lies")
        yield Problem("/date", Text("趋势斜率需要 date", "A slope needs a date"), hint, code="required")
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
    yield from _chain(indicator, catalog)


def _chain(indicator: Indicator, catalog: Catalog) -> Iterator[Problem]:
    """Each field of the way is a stored reference; the last one leads to the subject."""
    steps = indicator.join.split(".")
    if len(steps) > MOST_LINKS:
        yield Problem("/join", Text(f"最多经过 {MOST_LINKS} 个引用", f"At most {MOST_LINKS} references in a row"), code="maximum")
        return
    found = way(catalog, indicator.source, indicator.join)
    for place, (object_key, field) in enumerate(found):
        last = place == len(steps) - 1
        known = references(catalog, object_key, indicator.object if last else "")
        if field not in known:
            target = Text(f"{object_key} 中指向 {indicator.object} 的引用字段", f"reference field of {object_key} to {indicator.object}")
            passing = Text(f"{object_key} 中的引用字段", f"reference field of {object_key}")
            yield unknown("/join", target if last else passing, field, known)
            return


def _time(indicator: Indicator, names: Scope) -> Iterator[Problem]:
    if indicator.window is not None:
        yield from _window(indicator.window)
        if not indicator.date:
            yield Problem("/date", Text("有时间窗口须给出 date", "A window needs a date"), code="required")
    if indicator.previous is not None:
        yield from _before(indicator.previous, indicator.window)
    if indicator.date:
        dated = {name for name, known in names.names.items() if known.type in (DATE, DATETIME)}
        if indicator.date not in dated:
            yield unknown("/date", Text("日期字段", "date field"), indicator.date, dated)


def _window(window: Window) -> Iterator[Problem]:
    if window.unit not in UNITS:
        hint = Text(f"选择 {'、'.join(UNITS)} 之一", f"Choose one of {', '.join(UNITS)}")
        yield Problem("/window/unit", Text("时间窗口缺少单位", "The window has no unit"), hint, code="required")
    elif window.span == TO_DATE and window.last != 1:
        hint = Text("去掉数量，或者改用最近若干个单位", "Leave the number out, or count the last so many units instead")
        yield Problem("/window/last", Text("本期至今只有一个单位", "A window to date has one unit"), hint, code="unexpected")
    elif too_long(*length(window.last, window.unit)):
        yield _too_long("/window/last")


def _before(previous: Previous, window: Window | None) -> Iterator[Problem]:
    if previous.unit == "windows" and window is None:
        hint = Text("给出窗口，或者选择向前移动多少天、月或年", "Give a window, or choose by how many days, months or years to go back")
        yield Problem("/previous/unit", Text("没有窗口就没有前一个窗口", "Without a window there is none before it"), hint, code="required")
    elif too_long(*moved(window, previous)):
        yield _too_long("/previous/back")


def _too_long(path: str) -> Problem:
    years = LONGEST_DAYS // 365
    return Problem(path, Text(f"最多 {years} 年", f"At most {years} years"), Text("减小数量", "Take a smaller number"), code="maximum")
