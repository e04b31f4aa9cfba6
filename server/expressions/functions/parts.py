"""Functions that find, take and put together parts of texts. Positions count from 1; what is searched for is plain text, never a pattern."""

from collections.abc import Sequence
from typing import Any

from server.errors import Text
from server.expressions import limits
from server.expressions.function import Form, Function, Param, params
from server.expressions.functions.text import TOO_LONG

_LIMIT = limits.TEXT_LENGTH
NOT_FOUND = Text("文本中没有这一部分", "the text does not have this part")
NO_PART = Text("文本没有这么多部分", "the text does not have that many parts")


def _held(at: int, low: int, high: int) -> str:
    """An argument held in bounds, so that it fits what text functions take."""
    return f"CASE WHEN {{{at}}} < {low} THEN {low} WHEN {{{at}}} > {high} THEN {high} ELSE {{{at}}} END"


def fitting(text: str) -> str | None:
    return text if len(text) <= _LIMIT else None


def _middle(x: str, start: int, count: int) -> str:
    first = max(start, 1) - 1
    return x[first : first + max(count, 0)]


def _replace(x: str, old: str, new: str) -> str | None:
    if not old:
        return x
    return x.replace(old, new) if len(x) + x.count(old) * (len(new) - len(old)) <= _LIMIT else None


def _repeat(x: str, count: int) -> str | None:
    return x * max(count, 0) if len(x) * max(count, 0) <= _LIMIT else None


def _filling(x: str, length: int, fill: str) -> str | None:
    """What is missing to the length; None when that is longer than a text may be."""
    missing = length - len(x)
    if length > _LIMIT:
        return None
    return (fill * (missing // len(fill) + 1))[:missing] if fill and missing > 0 else ""


def _pad_left(x: str, length: int, fill: str) -> str | None:
    filling = _filling(x, length, fill)
    return None if filling is None else filling + x


def _pad_right(x: str, length: int, fill: str) -> str | None:
    filling = _filling(x, length, fill)
    return None if filling is None else x + filling


def _split_part(x: str, separator: str, number: int) -> str | None:
    parts = x.split(separator) if separator else [x]
    return parts[number - 1] if 1 <= number <= len(parts) else None


def _text_before(x: str, part: str) -> str | None:
    at = x.find(part)
    return x[:at] if at >= 0 else None


def _text_after(x: str, part: str) -> str | None:
    at = x.find(part)
    return x[at + len(part) :] if at >= 0 else None


def _occurrences(x: str, part: str) -> int:
    return x.count(part) if part else 0


def _capitalise(x: str) -> str:
    return x[:1].upper() + x[1:]


def _join_texts(separator: str | None, *parts: str | None) -> str | None:
    return None if separator is None else fitting(separator.join(p for p in parts if p is not None))


def _join_list(separator: str | None, items: Sequence[str] | None) -> str | None:
    return None if separator is None else fitting(separator.join(items or ()))


_REPEATED = _held(1, 0, _LIMIT + 1)
_COUNTED = "(length({0}) - length(replace({0}, {1}, ''))) / nullif(length({1}), 0)"
_COUNTED_PG = "CAST(length({0}) - length(replace({0}, {1}, '')) AS bigint) / nullif(length({1}), 0)"
_REPLACED = (
    "CASE WHEN {1} = '' AND {2} IS NOT NULL THEN {0} WHEN length({0}) + COUNTED * (length({2}) - length({1}))"
    f" <= {_LIMIT} THEN replace({{0}}, {{1}}, {{2}}) END"
)
_OCCURS = "CASE WHEN {0} IS NULL THEN NULL WHEN {1} = '' THEN ZERO ELSE COUNTED END"
_PADDED_PG = f"CASE WHEN {{1}} <= {_LIMIT} THEN PAD({{0}}, CAST(greatest(length({{0}}), {_held(1, 0, _LIMIT)}) AS integer), {{2}}) END"
_SPLIT_PG = (
    "CASE WHEN {1} = '' THEN (CASE WHEN {2} = 1 THEN {0} END)"
    f" WHEN {{2}} BETWEEN 1 AND {_COUNTED_PG} + 1 THEN split_part({{0}}, {{1}}, CAST({_held(2, 1, _LIMIT + 1)} AS integer)) END"
)
_JOIN_LIST_PG = (
    "CASE WHEN {0} IS NOT NULL THEN (SELECT CASE WHEN length(joined.x) <= LIMIT THEN joined.x END FROM"
    " (SELECT coalesce(string_agg(item.x, {0} ORDER BY item.n), '') AS x"
    " FROM json_array_elements_text(CAST(coalesce({1}, '[]') AS json)) WITH ORDINALITY AS item(x, n)) AS joined) END"
).replace("LIMIT", str(_LIMIT))
_PART = params(text="text", part="text")
_FILL = (Param("text", "text"), Param("length", "integer"), Param("fill", "text"))


def _padding(name: str, python: Any, pad: str, doc: Text, aliases: tuple[str, ...], *examples: tuple[str, Any]) -> Function:
    form = Form(_FILL, "text", python, postgresql=_PADDED_PG.replace("PAD", pad), may_be_null=True, cause=TOO_LONG, registered=name)
    return Function(name, "text", doc, (form,), examples, aliases=aliases)


FUNCTIONS = (
    Function(
        "middle",
        "text",
        Text("从第 start 个字符起的 count 个字符", "So many characters from a place on; the first place is 1"),
        (
            Form(
                (Param("text", "text"), Param("start", "integer"), Param("count", "integer")),
                "text",
                _middle,
                f"substr({{0}}, {_held(1, 1, _LIMIT + 1)}, {_held(2, 0, _LIMIT)})",
                f"substr({{0}}, CAST({_held(1, 1, _LIMIT + 1)} AS integer), CAST({_held(2, 0, _LIMIT)} AS integer))",
            ),
        ),
        (('middle("weatherglass", 8, 5)', "glass"), ('middle("客户编号", 3, 1)', "编"), ('middle("abc", 0, 2)', "ab"), ('middle("abc", 9, 2)', "")),
        aliases=("MID", "SUBSTR", "SUBSTRING", "SLICE", "截取", "中间几个字"),
    ),
    Function(
        "find",
        "text",
        Text("这一部分首次出现的位置，从 1 数起；没有则为 0", "The place where the part first occurs, from 1; 0 when it does not"),
        (
            Form(
                _PART,
                "integer",
                lambda x, part: x.find(part) + 1,
                "instr({0}, {1})",
                "CAST(strpos({0}, {1}) AS bigint)",
                limit=_LIMIT,
            ),
        ),
        (('find("weatherglass", "glass")', 8), ('find("晴雨表", "表")', 3), ('find("abc", "x")', 0)),
        aliases=("SEARCH", "INDEXOF", "STRPOS", "POSITION", "CHARINDEX", "LOCATE", "查找", "位置"),
    ),
    Function(
        "replace",
        "text",
        Text("把每一处 old 换成 new", "With every old part replaced by the new one"),
        (
            Form(
                params(text="text", old="text", new="text"),
                "text",
                _replace,
                _REPLACED.replace("COUNTED", _COUNTED),
                _REPLACED.replace("COUNTED", _COUNTED_PG),
                may_be_null=True,
                cause=TOO_LONG,
            ),
        ),
        (
            ('replace("a-b-c", "-", "")', "abc"),
            ('replace("晴雨表", "雨", "天")', "晴天表"),
            ('replace("abc", "", "x")', "abc"),
            ('replace(repeat("a", 100000), "a", "bb")', None),
        ),
        aliases=("SUBSTITUTE", "REGEX_REPLACE", "替换"),
    ),
    Function(
        "repeat",
        "text",
        Text("把文本重复若干次", "The text so many times in a row"),
        (
            Form(
                (Param("text", "text"), Param("count", "integer")),
                "text",
                _repeat,
                f"CASE WHEN length({{0}}) * ({_REPEATED}) <= {_LIMIT} THEN replace(hex(zeroblob({_REPEATED})), '00', {{0}}) END",
                f"CASE WHEN length({{0}}) * ({_REPEATED}) <= {_LIMIT} THEN repeat({{0}}, CAST({_REPEATED} AS integer)) END",
                may_be_null=True,
                cause=TOO_LONG,
            ),
        ),
        (('repeat("ab", 3)', "ababab"), ('repeat("*", 0)', ""), ('repeat("ab", 60000)', None)),
        aliases=("REPT", "REPLICATE", "重复"),
    ),
    _padding(
        "pad_left",
        _pad_left,
        "lpad",
        Text("在左边补字符到这个长度；已够长则不变", "Filled up on the left to this length; unchanged when long enough"),
        ("LPAD", "PADSTART", "ZFILL", "左补齐", "补零"),
        ('pad_left("7", 3, "0")', "007"),
        ('pad_left("abcd", 3, "0")', "abcd"),
        ('pad_left("x", 6, "ab")', "ababax"),
        ('pad_left("x", 100001, "a")', None),
    ),
    _padding(
        "pad_right",
        _pad_right,
        "rpad",
        Text("在右边补字符到这个长度；已够长则不变", "Filled up on the right to this length; unchanged when long enough"),
        ("RPAD", "PADEND", "右补齐"),
        ('pad_right("ab", 4, ".")', "ab.."),
        ('pad_right("abcd", 3, ".")', "abcd"),
        ('pad_right("x", 3, "")', "x"),
        ('pad_right("x", 100001, "a")', None),
    ),
    Function(
        "split_part",
        "text",
        Text("按分隔符分开后的第几部分，第一部分为 1；没有则为空", "The part of this number between separators, from 1; null when there is none"),
        (
            Form(
                (Param("text", "text"), Param("separator", "text"), Param("number", "integer")),
                "text",
                _split_part,
                "",
                _SPLIT_PG,
                may_be_null=True,
                cause=NO_PART,
                registered="split_part",
            ),
        ),
        (
            ('split_part("华东/上海/浦东", "/", 2)', "上海"),
            ('split_part("a,b", ",", 3)', None),
            ('split_part("a,,b", ",", 2)', ""),
            ('split_part("ab", "", 1)', "ab"),
        ),
        aliases=("SPLIT", "TEXTSPLIT", "拆分", "分割"),
    ),
    Function(
        "text_before",
        "text",
        Text("首次出现这一部分之前的文本；没有这一部分则为空", "The text before the first occurrence of the part; null when it does not occur"),
        (
            Form(
                _PART,
                "text",
                _text_before,
                "CASE WHEN instr({0}, {1}) > 0 THEN substr({0}, 1, instr({0}, {1}) - 1) END",
                "CASE WHEN strpos({0}, {1}) > 0 THEN left({0}, strpos({0}, {1}) - 1) END",
                may_be_null=True,
                cause=NOT_FOUND,
            ),
        ),
        (('text_before("li@example.com", "@")', "li"), ('text_before("abc", "a")', ""), ('text_before("abc", "x")', None)),
        aliases=("TEXTBEFORE", "之前的文本"),
    ),
    Function(
        "text_after",
        "text",
        Text("首次出现这一部分之后的文本；没有这一部分则为空", "The text after the first occurrence of the part; null when it does not occur"),
        (
            Form(
                _PART,
                "text",
                _text_after,
                "CASE WHEN instr({0}, {1}) > 0 THEN substr({0}, instr({0}, {1}) + length({1})) END",
                "CASE WHEN strpos({0}, {1}) > 0 THEN substr({0}, strpos({0}, {1}) + length({1})) END",
                may_be_null=True,
                cause=NOT_FOUND,
            ),
        ),
        (('text_after("li@example.com", "@")', "example.com"), ('text_after("abc", "c")', ""), ('text_after("abc", "x")', None)),
        aliases=("TEXTAFTER", "之后的文本"),
    ),
    Function(
        "occurrences",
        "text",
        Text("这一部分出现的次数", "How often the part occurs"),
        (
            Form(
                _PART,
                "integer",
                _occurrences,
                _OCCURS.replace("COUNTED", _COUNTED).replace("ZERO", "0"),
                _OCCURS.replace("COUNTED", _COUNTED_PG).replace("ZERO", "CAST(0 AS bigint)"),
                limit=_LIMIT,
            ),
        ),
        (('occurrences("a,b,c", ",")', 2), ('occurrences("aaa", "aa")', 1), ('occurrences("abc", "")', 0)),
        aliases=("COUNT_TEXT", "REGEXP_COUNT", "出现次数"),
    ),
    Function(
        "reverse",
        "text",
        Text("字符顺序颠倒", "The characters in reverse order"),
        (Form(params(text="text"), "text", lambda x: x[::-1], "", "reverse({0})", registered="reverse"),),
        (('reverse("abc")', "cba"), ('reverse("客户😀")', "😀户客"), ('reverse("")', "")),
        aliases=("STRREVERSE", "反转", "倒序"),
    ),
    Function(
        "capitalise",
        "text",
        Text("首字母大写，其余不变", "With a capital first letter, the rest as it is"),
        (
            Form(
                params(text="text"),
                "text",
                _capitalise,
                "",
                'upper(left({0}, 1) COLLATE "und-x-icu") COLLATE "default" || substr({0}, 2)',
                registered="capitalise",
            ),
        ),
        (('capitalise("äpfel AG")', "Äpfel AG"), ('capitalise("客户a")', "客户a"), ('capitalise("")', "")),
        aliases=("CAPITALIZE", "INITCAP", "PROPER", "首字母大写"),
    ),
    Function(
        "join",
        "text",
        Text(
            "用分隔符把文本或列表的值连起来；空的文本不计",
            "Texts, or the values of a list, with a separator between them; nulls are left out",
        ),
        (
            Form(
                params(separator="text", text="text", other="text"),
                "text",
                _join_texts,
                "",
                f"CASE WHEN length(concat_ws({{*}})) <= {_LIMIT} THEN concat_ws({{*}}) END",
                sees_null=True,
                repeat=1,
                least=2,
                may_be_null=True,
                cause=TOO_LONG,
                registered="join_texts",
            ),
            Form(
                params(separator="text", list="list"),
                "text",
                _join_list,
                "",
                _JOIN_LIST_PG,
                sees_null=True,
                may_be_null=True,
                cause=TOO_LONG,
                registered="join_list",
            ),
        ),
        (
            ('join(", ", "a", None if 1 > 0 else "x", "b")', "a, b"),
            ('join("、", ["甲", "乙"])', "甲、乙"),
            ('join("-", [])', ""),
            ('join(",", repeat("a", 60000), repeat("b", 60000))', None),
        ),
        null="handles",
        aliases=("TEXTJOIN", "CONCAT_WS", "STRING_AGG", "合并文本", "用分隔符连接"),
    ),
)
