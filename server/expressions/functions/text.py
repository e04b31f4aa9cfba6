"""Functions of text. Text is counted in code points; nothing here takes a pattern."""

from datetime import date
from typing import Any

from server.errors import Text
from server.expressions import limits, numbers
from server.expressions.function import Form, Function, Param, params

# The Unicode property White_Space, the same for every engine.
WHITE_SPACE = "\t\n\x0b\x0c\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
TOO_LONG = Text(f"文本超过 {limits.TEXT_LENGTH} 个字符", f"the text is longer than {limits.TEXT_LENGTH} characters")
_COUNT = "CASE WHEN {1} < 0 THEN 0 WHEN {1} > 100000 THEN 100000 ELSE {1} END"


def _concat(*parts: str) -> str | None:
    whole = "".join(parts)
    return whole if len(whole) <= limits.TEXT_LENGTH else None


def _concat_sql(count: int) -> str:
    whole = " || ".join(f"{{{at}}}" for at in range(count))
    return f"CASE WHEN {' + '.join(f'length({{{at}}})' for at in range(count))} <= {limits.TEXT_LENGTH} THEN {whole} END"


def _left(x: str, count: int) -> str:
    return x[: max(count, 0)]


def _right(x: str, count: int) -> str:
    return x[-count:] if count > 0 else ""


def _text(x: Any) -> str:
    return numbers.number_text(x) if isinstance(x, float) else x.isoformat() if isinstance(x, date) else str(x)


FUNCTIONS = (
    Function(
        "length",
        "text",
        Text("字符数", "The number of characters"),
        (Form(params(text="text"), "integer", len, "length({0})", "CAST(length({0}) AS bigint)", limit=limits.TEXT_LENGTH),),
        (('length("客户")', 2), ('length("")', 0), ('length("a😀")', 2)),
        aliases=("LEN", "STRLEN", "CHAR_LENGTH", "长度", "字数"),
    ),
    Function(
        "lower",
        "text",
        Text("小写", "In small letters"),
        (Form(params(text="text"), "text", str.lower, "", 'lower({0} COLLATE "und-x-icu") COLLATE "default"', registered="lower"),),
        (('lower("ÄB")', "äb"), ('lower("ΣΑΣ")', "σας"), ("lower('客户A')", "客户a")),
        aliases=("LOWERCASE", "LCASE", "小写"),
    ),
    Function(
        "upper",
        "text",
        Text("大写", "In capital letters"),
        (Form(params(text="text"), "text", str.upper, "", 'upper({0} COLLATE "und-x-icu") COLLATE "default"', registered="upper"),),
        (('upper("äß")', "ÄSS"), ('upper("客户a")', "客户A"), ("upper('straße')", "STRASSE")),
        aliases=("UPPERCASE", "UCASE", "大写"),
    ),
    Function(
        "trim",
        "text",
        Text("去掉两端空白", "Without white space at both ends"),
        (Form(params(text="text"), "text", lambda x: x.strip(WHITE_SPACE), "trim({0}, BLANKS)", "btrim({0}, BLANKS)"),),
        (('trim("　客户 ")', "客户"), ('trim("  ")', ""), ("trim('a b')", "a b")),
        aliases=("STRIP", "BTRIM", "去空格"),
    ),
    Function(
        "contains",
        "text",
        Text("文本中有这一部分（区分大小写）", "The text has this part (capital letters matter)"),
        (Form(params(text="text", part="text"), "boolean", lambda x, part: part in x, "instr({0}, {1}) > 0", "strpos({0}, {1}) > 0", inline="{1} in {0}"),),
        (('contains("weatherglass", "glass")', True), ('contains("ABC", "b")', False), ('contains("x", "")', True), ('contains("晴雨表", "雨")', True)),
        aliases=("包含",),
    ),
    Function(
        "starts_with",
        "text",
        Text("以此开头", "Begins with this"),
        (Form(params(text="text", part="text"), "boolean", str.startswith, "substr({0}, 1, length({1})) = {1}", "starts_with({0}, {1})"),),
        (('starts_with("C-00001", "C-")', True), ('starts_with("c", "C")', False), ('starts_with("", "C")', False)),
        aliases=("BEGINS", "STARTSWITH", "开头"),
    ),
    Function(
        "ends_with",
        "text",
        Text("以此结尾", "Ends with this"),
        (
            Form(
                params(text="text", part="text"),
                "boolean",
                str.endswith,
                "substr({0}, length({0}) - length({1}) + 1) = {1} AND length({0}) >= length({1})",
                "right({0}, length({1})) = {1}",
            ),
        ),
        (('ends_with("report.pdf", ".pdf")', True), ('ends_with("f", "pdf")', False), ('ends_with("x", "")', True)),
        aliases=("ENDSWITH", "结尾"),
    ),
    Function(
        "concat",
        "text",
        Text("把文本连起来；有一个为空则为空", "The texts in a row; null when one is null"),
        (Form(params(text="text", other="text"), "text", _concat, _concat_sql, repeat=1, may_be_null=True, cause=TOO_LONG),),
        (('concat("a", "b", "c")', "abc"), ('concat("a", None if 1 > 0 else "b")', None), ('concat("客户", "-", text(7))', "客户-7")),
        aliases=("CONCATENATE", "连接", "拼接"),
    ),
    Function(
        "text",
        "text",
        Text("把数字或日期写成文本；数字最多 15 位有效数字、9 位小数", "A number or a date as text; a number with at most 15 digits and 9 decimals"),
        (
            Form(params(x="integer"), "text", _text, "CAST({0} AS TEXT)"),
            Form(params(x="number"), "text", _text, "", "CAST(trim_scale(round(CAST({0} AS numeric), 9)) AS text)", registered="text"),
            Form(params(x="date"), "text", _text, "CAST({0} AS TEXT)", "to_char({0}, 'YYYY-MM-DD')"),
            Form(params(x="text"), "text", _text, "{0}"),
        ),
        (("text(12)", "12"), ("text(0.1 + 0.2)", "0.3"), ("text(2.0)", "2"), ("text(date(2024, 2, 29))", "2024-02-29"), ("text(-1 / 3)", "-0.333333333")),
        aliases=("STR", "STRING", "TO_CHAR", "TOSTRING", "转文本"),
    ),
    Function(
        "left",
        "text",
        Text("前几个字符", "The first characters"),
        (Form((Param("text", "text"), Param("count", "integer")), "text", _left, f"substr({{0}}, 1, {_COUNT})", f"left({{0}}, CAST({_COUNT} AS integer))"),),
        (('left("客户编号", 2)', "客户"), ('left("ab", 9)', "ab"), ('left("ab", -1)', "")),
        aliases=("LEFTB", "左边", "前几个字"),
    ),
    Function(
        "right",
        "text",
        Text("后几个字符", "The last characters"),
        (
            Form(
                (Param("text", "text"), Param("count", "integer")),
                "text",
                _right,
                f"CASE WHEN {{1}} <= 0 THEN substr({{0}}, 1, 0) ELSE substr({{0}}, -({_COUNT})) END",
                f"right({{0}}, CAST({_COUNT} AS integer))",
            ),
        ),
        (('right("客户编号", 2)', "编号"), ('right("ab", 9)', "ab"), ('right("ab", 0)', "")),
        aliases=("RIGHTB", "右边", "后几个字"),
    ),
)
