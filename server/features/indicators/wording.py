"""An indicator as people say it: its window in two words, and in one sentence what was counted over which days."""

from datetime import date, timedelta

from server.config.catalog import Catalog
from server.config.names import shown
from server.errors import Text
from server.expressions.check import check
from server.expressions.conditions import to_tree
from server.expressions.conditions_words import words
from server.expressions.types import Scope
from server.features.indicators.engine import source_scope
from server.features.indicators.kind import Indicator, Window
from server.features.indicators.windows import TO_DATE, WHOLE, Edge, edges
from server.features.objects.results import scope

_UNITS = {
    "days": (Text("天", "d"), Text("日", "day")),
    "weeks": (Text("周", "wk"), Text("周", "week")),
    "months": (Text("个月", "mo"), Text("月", "month")),
    "quarters": (Text("个季度", "qtr"), Text("季度", "quarter")),
    "years": (Text("年", "yr"), Text("年", "year")),
}
_AGGREGATES = {
    "count": Text("{of}的条数", "Number of {of}"),
    "sum": Text("{of}的{value}合计", "Sum of {value} of {of}"),
    "avg": Text("{of}的{value}平均", "Average of {value} of {of}"),
    "min": Text("{of}的{value}最小值", "Smallest {value} of {of}"),
    "max": Text("{of}的{value}最大值", "Largest {value} of {of}"),
    "first": Text("{of}中最早的{value}", "First {value} of {of}"),
    "last": Text("{of}中最新的{value}", "Latest {value} of {of}"),
    "distinct": Text("{of}中不同{value}的个数", "Number of different {value} of {of}"),
    "ratio": Text("{of}的{value}合计 ÷ {divisor}合计", "Sum of {value} ÷ sum of {divisor} of {of}"),
    "median": Text("{of}的{value}中位数", "Median of {value} of {of}"),
    "percentile": Text("{of}的{value}第 {percent} 百分位数", "Percentile {percent} of {value} of {of}"),
    "stddev": Text("{of}的{value}标准差", "Standard deviation of {value} of {of}"),
    "slope": Text("{of}的{value}每天的变化趋势", "Slope of {value} of {of} in a day"),
}


def window_words(window: Window | None) -> Text:
    """Short: it stands in a column of a table."""
    if window is None:
        return Text("当前", "now")
    count, one = _UNITS[window.unit]
    if window.span == TO_DATE:
        return Text("今天" if window.unit == "days" else f"本{one.zh}至今", "today" if window.unit == "days" else f"{one.en} to date")
    if window.span == WHOLE and window.last == 1:
        last = {"days": "昨天", "years": "去年"}.get(window.unit, f"上{one.zh}")
        return Text(last, "yesterday" if window.unit == "days" else f"last {one.en}")
    if window.span == WHOLE:
        whole = count.zh.replace("个", "个整")
        return Text(f"前 {window.last} {whole}", f"last {window.last} whole {one.en}s")
    return Text(f"{window.last} {count.zh}", f"{window.last} {count.en}")


def sentence(catalog: Catalog, indicator: Indicator, today: date) -> Text:
    """What was counted, over which days, under which condition. `today`: the as-of day."""
    if indicator.over_population or not indicator.source:
        names = scope(catalog, indicator.object)
        return _together(Text("按公式：", "By the formula: "), _said(indicator.expression or indicator.value, names))
    names = source_scope(catalog, indicator)
    found = [_aggregate(catalog, indicator, names), Text("，", ", "), _days(indicator, edges(indicator.window), today, names)]
    if indicator.filter:
        found += [Text("，条件：", ", where "), _condition(indicator.filter, names)]
    if indicator.previous is not None:
        found += [Text("；上期：", "; before: "), _days(indicator, edges(indicator.window, indicator.previous), today, names)]
    return _together(*found)


def _together(*parts: Text) -> Text:
    return Text("".join(part.zh for part in parts), "".join(part.en for part in parts))


def _aggregate(catalog: Catalog, indicator: Indicator, names: Scope) -> Text:
    value, divisor = _said(indicator.value, names), _said(indicator.divisor, names)
    source = catalog.get("object", indicator.source).title
    pattern, percent = _AGGREGATES[indicator.aggregate], f"{indicator.percent:g}"

    def side(text: str, locale: str) -> str:
        places = {"of": source, "value": value, "divisor": divisor}
        return text.format(percent=percent, **{name: given.of(locale) for name, given in places.items()})

    return Text(side(pattern.zh, "zh_CN"), side(pattern.en, "en"))


def _days(indicator: Indicator, found: tuple[Edge | None, Edge], today: date, names: Scope) -> Text:
    begin, end = found
    until = end.day(today)
    if not indicator.date:
        return Text("全部记录", "all records")
    dated = _said(indicator.date, names)
    if begin is None:
        return _together(dated, Text(f" 截至 {until}", f" up to {until}"))
    first = begin.day(today) + timedelta(days=1)
    return _together(dated, Text(f" {first} 至 {until}", f" {first} to {until}"))


def _said(source: str, names: Scope) -> Text:
    """A single name by its title, a longer text as it stands."""
    known = names.names.get(source.strip())
    return known.title if known is not None and known.title is not None else Text(shown(source), shown(source))


def _condition(source: str, names: Scope) -> Text:
    checked, _ = check(source, names)
    tree = to_tree(checked) if checked is not None else None
    if not isinstance(tree, dict):
        return Text(source, source)
    return Text(words(tree, names.names, "zh_CN"), words(tree, names.names, "en"))
