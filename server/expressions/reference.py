"""The reference of the language, made from its registry: what the help page shows. Results are worked out, never written down."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from server.errors import Text
from server.expressions.check import check
from server.expressions.complaints import type_name
from server.expressions.evaluate import evaluate
from server.expressions.function import Form, Function
from server.expressions.functions.change import EXAMPLE_SCOPE, EXAMPLE_VALUES
from server.expressions.operators import MEMBER, NEGATE, OPERATORS
from server.expressions.registry import FUNCTIONS
from server.expressions.types import BOOLEAN, At, Name, Scope

MOMENT = At(datetime(2024, 3, 15, 10, 30, tzinfo=UTC), ZoneInfo("UTC"))  # the moment all examples are worked out at
FAMILIES: Mapping[str, Text] = {
    "logic": Text("逻辑与空值", "Logic and empty values"),
    "number": Text("数字", "Numbers"),
    "text": Text("文本", "Text"),
    "date": Text("日期与时刻", "Dates and moments"),
    "list": Text("列表", "Lists"),
    "change": Text("变化", "Change"),
}
NULL_RULES: Mapping[str, Text] = {
    "propagates": Text("有一个参数为空，结果就为空。", "Null when an argument is null."),
    "handles": Text("自行处理空值，见说明。", "Deals with null itself, as described."),
}


@dataclass(frozen=True)
class Example:
    source: str
    result: Any
    type: str


@dataclass(frozen=True)
class Section:
    key: str
    title: Text
    lines: tuple[Text, ...]
    examples: tuple[Example, ...]


@dataclass(frozen=True)
class TruthTable:
    """`rows`: the values of a and b, then what each of `heads` gives."""

    heads: tuple[str, ...]
    rows: tuple[tuple[bool | None, ...], ...]


@dataclass(frozen=True)
class Entry:
    """A function or an operator. `forms`: how it can be called, with types."""

    function: Function
    forms: tuple[Text, ...]
    examples: tuple[Example, ...]


def example(source: str) -> Example:
    checked, problems = check(source, EXAMPLE_SCOPE)
    if checked is None:
        raise ValueError(f"{source}: {problems[0].message.en}")
    return Example(source, evaluate(checked, EXAMPLE_VALUES, MOMENT), checked.type.name)


def truth_tables() -> tuple[TruthTable, ...]:
    values = (True, False, None)
    scope = Scope({"a": Name(BOOLEAN), "b": Name(BOOLEAN)})

    def table(heads: tuple[str, ...], rows: Iterable[tuple[bool | None, ...]], names: str) -> TruthTable:
        made = []
        for row in rows:
            given = dict(zip(names, row, strict=True))
            made.append((*row, *(_run(head, scope, given) for head in heads)))
        return TruthTable((*names, *heads), tuple(made))

    pairs = itertools.product(values, repeat=2)
    return table(("a and b", "a or b", "a == b"), pairs, "ab"), table(("not a", "a is None", "coalesce(a, False)"), ((v,) for v in values), "a")


def _run(source: str, scope: Scope, given: Mapping[str, Any]) -> Any:
    checked, _ = check(source, scope)
    return None if checked is None else evaluate(checked, given, MOMENT)


def _section(key: str, title: Text, lines: Sequence[Text], *sources: str) -> Section:
    return Section(key, title, tuple(lines), tuple(example(source) for source in sources))


def sections() -> tuple[Section, ...]:
    return (
        _section(
            "grammar",
            Text("写法", "How to write"),
            (
                Text(
                    '用字段的键和函数写成一行：订单数 < 3 and 等级 == "A"。引用记录的字段写作 customer.region。键可以是拉丁字母或汉字。',
                    'Keys of fields and functions make one line: orders < 3 and tier == "A". A field of a referenced record is '
                    "customer.region. Keys may be Latin or Han.",
                ),
                Text(
                    '文本放在引号里；是和否写 True、False；空值写 None。有 + - * / // % **，比较可以连写，列表写 ["a", "b"]，选择写 值 if 条件 else 另一个值。',
                    "Text stands in quotes; yes and no are True and False; no value is None. There are + - * / // % **, comparisons can be "
                    'chained, a list is ["a", "b"], a choice is value if condition else other.',
                ),
                Text(
                    "先算 **，再算负号、乘除、加减，然后是比较，再是 not、and、or；括号最先。",
                    "** comes first, then the sign, * and /, + and -, comparisons, then not, and, or. Brackets go before all.",
                ),
            ),
            "1 < 2 <= 2",
            "2 + 3 * 4 ** 2",
            '"A" in ["A", "B"]',
            '"late" if 31 > 30 else "in time"',
            "not (1 > 2) and 3 != 4",
        ),
        _section(
            "types",
            Text("类型", "Types"),
            (
                Text(
                    "每个部分都有类型：文本、整数、数字、是/否、日期、时刻、列表。整数可以当数字用；金额是数字；此外没有自动转换，不同类型不能比较。",
                    "Every part has a type: text, whole number, number, yes/no, date, moment, list. Whole numbers pass for numbers, money is "
                    "a number; nothing else is converted, and different types cannot be compared.",
                ),
                Text("条件必须是是/否：数字和文本本身不算真假。", "A condition is a yes/no: a number or a text alone is neither true nor false."),
            ),
            "1 == 1.0",
            "text(12)",
            'number("12.50")',
            'to_date("2024-02-29")',
        ),
        _section(
            "null",
            Text("空值", "Null"),
            (
                Text(
                    "没有值就是空。空参与计算和比较，结果为空（未知）。用 is None、is_empty 或 coalesce 处理空值；不能写 == None。",
                    "No value is null. Whatever is calculated or compared with null is null: unknown. Test it with is None, is_empty or "
                    "coalesce; == None is refused.",
                ),
                Text(
                    "规则、筛选、显示条件在未知时视为不成立，并显示“无法判断”；权限在未知时拒绝。",
                    "A rule, a filter or a visibility that is unknown is not met, and shown as such; a permission that is unknown refuses.",
                ),
                Text(
                    "表达式从不报错：除以零、超出范围、没有的日期都得空，并说明原因。",
                    "No expression fails on data: division by zero, overflow, a day that does not exist give null, with the cause.",
                ),
            ),
            "1 / 0",
            "coalesce(1 / 0, 7)",
            "is_empty(None)",
            "date(2023, 2, 29)",
        ),
        _section(
            "numbers",
            Text("数字", "Numbers"),
            (
                Text(
                    "整数有 64 位；其他数字是双精度。比较前都舍入到 9 位小数，所以 0.1 + 0.2 == 0.3 成立。",
                    "Whole numbers have 64 bits, other numbers are doubles. Both sides are rounded to 9 decimals before they are compared, "
                    "so 0.1 + 0.2 == 0.3 holds.",
                ),
                Text(
                    "round 四舍五入（远离零）；/ 是除，// 向下取整，% 的符号与除数相同。",
                    "round goes away from zero at the half; / divides, // rounds down, % has the sign of the divisor.",
                ),
            ),
            "0.1 + 0.2 == 0.3",
            "round(2.5)",
            "round(-2.5)",
            "7 / 2",
            "-7 // 2",
            "-7 % 3",
            "9223372036854775807 + 1",
        ),
        _section(
            "text",
            Text("文本", "Text"),
            (
                Text(
                    "文本按字符比较，区分大小写；长度按字符计，一个汉字或表情算一个。连接用 concat。",
                    "Text is compared character by character and capital letters matter; a Han character or an emoji counts as one. Join with concat.",
                ),
            ),
            '"a" == "A"',
            'length("客户")',
            'concat("C-", text(7))',
            'lower("ÄB")',
        ),
        _section(
            "dates",
            Text("日期与窗口", "Dates and windows"),
            (
                Text(
                    "日期没有时刻；时刻按 UTC 保存，按机构的时区算成日期。today() 和 now() 是评估的时点，可以是过去的某一天：同一天总得同样的数。",
                    "A date has no time; a moment is kept in UTC and becomes a date in the organisation's time zone. today() and now() are "
                    "the moment of the evaluation, which may be a past day: the same day always gives the same numbers.",
                ),
                Text(
                    "指标的窗口是半开的：“近 90 天”含今天，不含 90 天前的那一天。月末加一个月落在下月最后一天。",
                    'Windows of indicators are half open: "in 90 days" has today and not the day 90 days ago. A month after the last day of '
                    "a month is at most the last day of the next.",
                ),
            ),
            "days_between(date(2024, 2, 1), date(2024, 3, 1))",
            "add_months(date(2024, 1, 31), 1)",
            "add_days(today(), -90)",
            "end_of_month(date(2024, 2, 10))",
        ),
    )


def operators() -> tuple[Entry, ...]:
    return tuple(entry(function) for function in dict.fromkeys((*OPERATORS.values(), NEGATE, MEMBER)))


def entries(wanted: str = "") -> Mapping[str, tuple[Entry, ...]]:
    """The functions by family; with `wanted` those whose name, foreign name or help has it."""
    found: dict[str, list[Entry]] = {family: [] for family in FAMILIES}
    for function in FUNCTIONS.values():
        if _is_wanted(function, wanted.strip().casefold()):
            found.setdefault(function.family, []).append(entry(function))
    return {family: tuple(members) for family, members in found.items() if members}


def _is_wanted(function: Function, wanted: str) -> bool:
    words = (function.name, *function.aliases, function.doc.zh, function.doc.en, FAMILIES[function.family].zh, FAMILIES[function.family].en)
    return all(any(part in word.casefold() for word in words) for part in wanted.split())


def entry(function: Function) -> Entry:
    return Entry(function, tuple(dict.fromkeys(_form(function, form) for form in function.forms)), tuple(example(source) for source, _ in function.examples))


def _form(function: Function, form: Form) -> Text:
    def side(locale: str) -> str:
        names = [f"{p.name}: {type_name(p.type).of(locale)}" for p in form.params] + (["…"] if form.repeat else [])
        result = type_name(form.result).of(locale)
        called = function.name if function.family != "operator" else ""
        return f"{called}({', '.join(names)}) → {result}" if called else f"{' , '.join(names)} → {result}"

    return Text(side("zh_CN"), side("en"))
