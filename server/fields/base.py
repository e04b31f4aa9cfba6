"""What a field type must answer, and the input policy every channel shares."""

import math
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from server.errors import Problem, Text
from server.expressions.types import Type
from server.fields.quick import Quick

INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1
# The Unicode property White_Space; Python's own strip() also takes the separators U+001C to U+001F, which are controls here.
WHITE_SPACE = "\t\n\x0b\x0c\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
# Controls, and halves of characters.
REFUSED, REFUSED_IN_LINES = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]"), re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
LINE_LIMIT, LONG_TEXT_LIMIT, NUMBER_TEXT_LIMIT = 1000, 100_000, 400  # characters, where the field declares no limit of its own


class OptionSpec(Protocol):
    @property
    def key(self) -> str: ...
    @property
    def title(self) -> Text: ...
    @property
    def parent(self) -> str: ...


class FieldSpec(Protocol):
    """What a field type reads of a field. The object feature's `Field` is one."""

    @property
    def key(self) -> str: ...
    @property
    def title(self) -> Text: ...
    @property
    def options(self) -> Sequence[OptionSpec]: ...
    @property
    def reference(self) -> str: ...
    @property
    def decimals(self) -> int: ...
    @property
    def unit(self) -> str: ...
    @property
    def duration_unit(self) -> str: ...
    @property
    def pattern(self) -> str: ...
    @property
    def minimum(self) -> float | None: ...
    @property
    def maximum(self) -> float | None: ...
    @property
    def min_length(self) -> int | None: ...
    @property
    def max_length(self) -> int | None: ...
    @property
    def max_files(self) -> int: ...


@dataclass(frozen=True)
class Reading:
    """How raw values come in.

    `strict`: JSON, where a number is a number and true is nothing else. Otherwise text as typed or imported (typed values are welcome too).
    `titles`: options may be named by their title. `naive`: the zone of an instant without offset; None refuses it.
    """

    strict: bool = False
    titles: bool = False
    naive: ZoneInfo | None = None


FORM, JSON = Reading(), Reading(strict=True)


class FieldType:
    """One way to hold a value. Empty is always None; `parse` gives the value, None or a Problem and never raises."""

    key: str
    title: Text
    widget: str
    limit = LONG_TEXT_LIMIT  # characters, for what is text
    searchable = False  # a list's search box looks into it
    stepped = False  # numbers are kept to a fixed step: a computed one is rounded to it

    def expression_type(self, field: FieldSpec) -> Type:
        raise NotImplementedError

    def column_type(self, field: FieldSpec) -> sa.types.TypeEngine[Any]:
        raise NotImplementedError

    def parse(self, field: FieldSpec, raw: Any, reading: Reading = FORM) -> Any:
        raise NotImplementedError

    def quick(self, field: FieldSpec, reading: Reading) -> Quick | None:
        """The short way through `parse`, where there is one. A type with a `parse` of its own has one of its own, or none."""
        return None

    def text(self, field: FieldSpec, value: Any, locale: str, zone: ZoneInfo | None = None) -> str:
        """What people read. Instants are shown in `zone`."""
        return "" if value is None else str(value)

    def texts(self, field: FieldSpec, locale: str, zone: ZoneInfo | None = None) -> Callable[[Any], str]:
        """`text` for many values of one field."""
        return lambda value: self.text(field, value, locale, zone)

    def entry(self, field: FieldSpec, value: Any, reading: Reading = FORM) -> str:
        """What a form input or a CSV cell holds; `parse` of it gives the value back."""
        return "" if value is None else str(value)

    def json(self, field: FieldSpec, value: Any) -> Any:
        """The JSON value; `parse` of it in the JSON channel gives the value back."""
        return value

    def json_text(self, field: FieldSpec) -> str:
        """`json` of a value that is there as canonical text, as an expression over `{v}`: `quote` and `canonical` are known to it. Empty: the long way."""
        return ""

    def stored(self, field: FieldSpec) -> str:
        """A value that is there as the driver takes it, as an expression over `{v}`. Empty: as the type of the column binds it on each database."""
        return ""

    def unit(self, field: FieldSpec) -> str:
        """The unit of the number that expressions see."""
        return field.unit

    def rounded(self, field: FieldSpec, source: str) -> str:
        """The text of a formula that gives a number, rounded to what the field holds."""
        return source

    def schema(self, field: FieldSpec) -> dict[str, Any]:
        """JSON Schema of what `json` gives and `parse` takes in the JSON channel, null and white space around text left out."""
        kind = self.expression_type(field).name
        return dict(_SCHEMAS.get(kind, {"type": "string"}))

    def to_expression(self, field: FieldSpec, value: Any) -> Any:
        return value

    def from_expression(self, field: FieldSpec, value: Any) -> Any:
        """An expression's result as a value of the field: rounded to its decimals; None when it does not fit."""
        return value

    def sql_value(self, field: FieldSpec, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        """The column as expressions see it."""
        return column


_SCHEMAS: Mapping[str, dict[str, Any]] = {
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
    "date": {"type": "string", "format": "date"},
    "datetime": {"type": "string", "format": "date-time"},
    "list": {"type": "array", "items": {"type": "string"}},
}


def bounds_schema(field: FieldSpec) -> dict[str, Any]:
    found = {"minimum": field.minimum, "maximum": field.maximum}
    return {key: value for key, value in found.items() if value is not None}


def problem(field: FieldSpec, code: str, message: Text, hint: Text | None = None) -> Problem:
    return Problem(field.key, message, hint, code=code)


def wrong_type(field: FieldSpec, wanted: Text) -> Problem:
    return problem(field, "type", Text(f"应为{wanted.zh}", f"Must be {wanted.en}"))


def clean(field: FieldSpec, raw: str, *, lines: bool = False) -> str | None | Problem:
    """Text by the input policy: trimmed, NFC, no controls, no halves of characters; None when nothing is left."""
    if raw.isascii() and raw.isprintable():
        return raw.strip(" ") if not lines else (raw if raw.strip(" ") else None)
    text = raw.replace("\r\n", "\n") if lines else raw.strip(WHITE_SPACE)
    if found := (REFUSED_IN_LINES if lines else REFUSED).search(text):
        char = found[0]
        if char >= "\ud800":
            return problem(field, "surrogate", Text("含有残缺的字符", "Contains half a character (a lone surrogate)"))
        return problem(field, "control", Text(f"含有不可见的控制字符 U+{ord(char):04X}", f"Contains the control character U+{ord(char):04X}"))
    if not text.strip(WHITE_SPACE):
        return None
    return unicodedata.normalize("NFC", text)


def length_problem(field: FieldSpec, text: str, limit: int) -> Problem | None:
    most = field.max_length if field.max_length is not None else limit
    if len(text) > most:
        return problem(field, "too_long", Text(f"最多 {most} 个字符，现有 {len(text)} 个", f"At most {most} characters; there are {len(text)}"))
    least = field.min_length
    if least is not None and len(text) < least:
        return problem(field, "too_short", Text(f"至少 {least} 个字符，现有 {len(text)} 个", f"At least {least} characters; there are {len(text)}"))
    return None


def finite(number: Any) -> bool:
    """math.isfinite, but for numbers of any size."""
    return number.is_finite() if isinstance(number, Decimal) else not isinstance(number, float) or math.isfinite(number)


def bounds_problem(field: FieldSpec, value: Any) -> Problem | None:
    if field.minimum is not None and value < field.minimum:
        return problem(field, "minimum", Text(f"不能小于 {field.minimum:g}", f"Must not be less than {field.minimum:g}"))
    if field.maximum is not None and value > field.maximum:
        return problem(field, "maximum", Text(f"不能大于 {field.maximum:g}", f"Must not be more than {field.maximum:g}"))
    return None


def too_big(field: FieldSpec) -> Problem:
    return problem(field, "range", Text("数字超出可存储的范围", "The number is too large to be stored"))
