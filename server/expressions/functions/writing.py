"""Functions between numbers and the way they are written."""

import re
from decimal import ROUND_HALF_UP, Context, Decimal

from server.errors import Text
from server.expressions.function import Form, Function, Param, Size, params
from server.expressions.functions.text import WHITE_SPACE

NOT_A_NUMBER = Text("文本不是数字", "the text is not a number")
TOO_LARGE = Text("金额超出可写的范围", "the amount is too large to be written out")
_WRITTEN = re.compile(r"[+-]?[0-9]{1,99}([.][0-9]{1,99})?")
_WRITTEN_PG = "(btrim({0}, BLANKS) ~ '^[+-]?[0-9]{1,99}([.][0-9]{1,99})?$')"
_EXACT = Context(prec=130, rounding=ROUND_HALF_UP)


def _is_number(text: str) -> bool:
    return _WRITTEN.fullmatch(text.strip(WHITE_SPACE)) is not None


def _number(text: str) -> float | None:
    return float(text.strip(WHITE_SPACE)) if _is_number(text) else None


def _decimal(x: float, decimals: int) -> Decimal:
    """With 15 digits, as PostgreSQL turns a double into decimals."""
    return Decimal(f"{x:.15g}").quantize(Decimal(1).scaleb(-decimals), context=_EXACT)


def _fixed(x: float, decimals: int) -> str:
    exact = _decimal(x, decimals)
    return format(exact if exact else abs(exact), "f")


# -- amounts in Chinese capitals: every digit with its unit first, then the zeros are tidied away

_DIGITS, _UNITS, _DECIMAL_UNITS = "零壹贰叁肆伍陆柒捌玖", "仟佰拾万仟佰拾亿仟佰拾万仟佰拾元", "角分"
_TIDY = (
    ("^(零[仟佰拾万亿])+", ""),
    ("零[仟佰拾]", "零"),
    ("零+", "零"),
    ("零万", "万"),
    ("零亿", "亿"),
    ("亿万", "亿零"),
    ("零+", "零"),
    ("^零元", ""),
    ("零元", "元"),
)
_AMOUNT_LIMIT = 1e16


def _capitals(x: float) -> str | None:
    return amount_in_words(_decimal(x, 2))


def amount_in_words(amount: Decimal) -> str | None:
    """An amount in Chinese capitals, to the fen; None where it is too large to be written out."""
    exact = abs(amount.quantize(Decimal(1).scaleb(-2), context=_EXACT))
    if exact >= Decimal(_AMOUNT_LIMIT):
        return None
    digits = f"{exact:019.2f}".replace(".", "")
    whole = "".join(_DIGITS[int(d)] + unit for d, unit in zip(digits, _UNITS))
    for pattern, new in _TIDY:
        whole = re.sub(pattern, new, whole)
    tenth, hundredth = int(digits[16]), int(digits[17])
    tail = f"{_DIGITS[tenth]}角" if tenth else "零" if hundredth and whole else ""
    tail += f"{_DIGITS[hundredth]}分" if hundredth else "整"
    return ("负" if amount < 0 and exact else "") + ((whole + tail) if whole or tenth or hundredth else "零元整")


def _capitals_pg() -> str:
    """The same in one expression: `a.d` is the text of 18 digits."""
    digit = f"substr('{_DIGITS}', CAST(substr(a.d, place.n, 1) AS integer) + 1, 1) || substr('{_UNITS}', place.n, 1)"
    whole = f"(SELECT string_agg({digit}, '' ORDER BY place.n) FROM generate_series(1, 16) AS place(n))"
    for pattern, new in _TIDY:
        whole = f"regexp_replace({whole}, '{pattern}', '{new}', 'g')"
    digit_at = "substr('" + _DIGITS + "', CAST(substr(b.d, {}, 1) AS integer) + 1, 1)"
    tenth = f"WHEN substr(b.d, 17, 1) <> '0' THEN {digit_at.format(17)} || '角'"
    tail = f"(CASE {tenth} WHEN substr(b.d, 18, 1) <> '0' AND b.w <> '' THEN '零' ELSE '' END)"
    tail += f" || (CASE WHEN substr(b.d, 18, 1) <> '0' THEN {digit_at.format(18)} || '分' ELSE '整' END)"
    written = f"(CASE WHEN b.d = '{'0' * 18}' THEN '零元整' ELSE b.w || {tail} END)"
    sign = f"(CASE WHEN {{0}} < 0 AND b.d <> '{'0' * 18}' THEN '负' ELSE '' END)"
    amount = "round(CAST(abs(CASE WHEN abs({0}) < 2e16 THEN {0} END) AS numeric), 2)"
    digits = f"(SELECT lpad(replace(CAST(amount.x AS text), '.', ''), 18, '0') AS d FROM (SELECT {amount} AS x) AS amount WHERE amount.x < 1e16) AS a"
    return f"(SELECT {sign} || {written} FROM (SELECT a.d AS d, {whole} AS w FROM {digits}) AS b)"


FUNCTIONS = (
    Function(
        "number",
        "text",
        Text("把文本读作数字（如 -12.50）；不是数字则为空", "The number that a text says, such as -12.50; null when it is not a number"),
        (
            Form(
                params(text="text"),
                "number",
                _number,
                "",
                f"CAST(CASE WHEN {_WRITTEN_PG} THEN btrim({{0}}, BLANKS) END AS double precision)",
                size=Size(1e-101, 1e100),
                may_be_null=True,
                cause=NOT_A_NUMBER,
                registered="number",
            ),
        ),
        (('number(" -12.50 ")', -12.5), ('number("12e3")', None), ('number("一百")', None), ('number("")', None), ('number("007")', 7.0)),
        aliases=("VALUE", "TO_NUMBER", "PARSE_NUMBER", "转数字", "文本转数字"),
    ),
    Function(
        "is_number",
        "text",
        Text("文本是一个数字", "The text is a number"),
        (Form(params(text="text"), "boolean", _is_number, "", _WRITTEN_PG, registered="is_number"),),
        (('is_number("12.5")', True), ('is_number("12,5")', False), ('is_number("")', False)),
        aliases=("ISNUMBER", "ISNUMERIC", "是数字"),
    ),
    Function(
        "fixed",
        "text",
        Text("数字写成固定小数位数的文本", "A number as text with a fixed number of decimals"),
        (
            Form(
                (Param("x", "number"), Param("decimals", "integer", literal=(0, 9))),
                "text",
                _fixed,
                "",
                "CAST(round(CAST({0} AS numeric), CAST({1} AS integer)) AS text)",
                registered="fixed",
            ),
        ),
        (("fixed(1234.5, 2)", "1234.50"), ("fixed(2.675, 2)", "2.68"), ("fixed(-0.001, 2)", "0.00"), ("fixed(7, 0)", "7")),
        aliases=("FORMAT", "FORMAT_NUMBER", "TOFIXED", "DOLLAR", "固定小数"),
    ),
    Function(
        "amount_in_words",
        "text",
        Text("金额的中文大写，如 壹仟贰佰叁拾肆元伍角整", "An amount of money in Chinese capitals, such as 壹仟贰佰叁拾肆元伍角整"),
        (Form(params(x="number"), "text", _capitals, "", _capitals_pg(), may_be_null=True, cause=TOO_LARGE, registered="amount_in_words"),),
        (
            ("amount_in_words(1234.5)", "壹仟贰佰叁拾肆元伍角整"),
            ("amount_in_words(100001000)", "壹亿零壹仟元整"),
            ("amount_in_words(-20.06)", "负贰拾元零陆分"),
            ("amount_in_words(0)", "零元整"),
            ("amount_in_words(1e16)", None),
        ),
        aliases=("UPPERMONEY", "RMB", "NUMBERSTRING", "大写金额", "金额大写", "人民币大写"),
    ),
)
