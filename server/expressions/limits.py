"""How large an expression and its values may be. Part of the language: the same on every engine. `LIMITS` is what people read."""

from dataclasses import dataclass

from server.errors import Text

SOURCE_LENGTH = 4000  # characters of an expression
NODES = 500  # parts: names, numbers, operators, calls
DEPTH = 32  # how deep parts may be nested
ARGUMENTS = 100  # of one call
EXPONENT = 1000  # written after **
TEXT_LENGTH = 100_000  # characters of a text value; a longer result is null
LIST_LENGTH = 10_000  # items of a list
# Characters that the functions of text read and write in one evaluation, at worst. It holds the evaluation within MILLISECONDS and MEBIBYTES:
# nothing else in the language takes more than a few microseconds a part, or keeps more than a few bytes.
TEXT_WORK = 3_000_000
MILLISECONDS, MEBIBYTES = 50, 16

INTEGER = 2**63 - 1  # integers lie within plus and minus this (so that every one has its negative); a result beyond is null
NUMBER = 1e100  # a number is smaller than this in magnitude; a larger result is null
QUANTUM = 2.0**-332  # about 1e-100: results smaller than this are 0
EXACT = 2.0**-279  # from here on up a number is kept to its last bit

# Between two reductions to the range above, results may wander this far: no engine overflows or underflows there.
SAFE_LARGE, SAFE_SMALL = 1e280, 1e-290

QUICK = 2**30 - 1  # Python computes fastest with integers up to here: what lies beyond is checked by a call


@dataclass(frozen=True)
class Limit:
    """`text` has {0} where the value stands. `when`: what happens at the limit."""

    key: str
    value: float
    text: Text
    when: Text

    def sentence(self, locale: str) -> str:
        shown = f"{self.value:,}" if isinstance(self.value, int) else f"{self.value:.0e}".replace("e+", "e")
        return f"{self.text.of(locale).format(shown)}{'；' if locale.startswith('zh') else '; '}{self.when.of(locale)}"


_REFUSED = Text("检查时拒绝，并指出位置", "refused when checked, with the place")
_NULL = Text("超出的结果为空", "a result beyond is null")
LIMITS = (
    Limit("source_length", SOURCE_LENGTH, Text("一个表达式最多 {0} 个字符", "an expression has at most {0} characters"), _REFUSED),
    Limit(
        "parts",
        NODES,
        Text("一个表达式最多 {0} 个部分（名称、值、运算、函数）", "an expression has at most {0} parts (names, values, operators, calls)"),
        _REFUSED,
    ),
    Limit("depth", DEPTH, Text("最多嵌套 {0} 层", "parts are nested at most {0} levels deep"), _REFUSED),
    Limit("arguments", ARGUMENTS, Text("一个函数最多 {0} 个参数", "a function has at most {0} arguments"), _REFUSED),
    Limit("exponent", EXPONENT, Text("直接写出的指数最大 {0}", "an exponent that is written out is at most {0}"), _REFUSED),
    Limit("text_work", TEXT_WORK, Text("文本函数一次最多处理 {0} 个字符", "the functions of text move at most {0} characters in one evaluation"), _REFUSED),
    Limit("list_length", LIST_LENGTH, Text("一个列表最多 {0} 项", "a list has at most {0} items"), _REFUSED),
    Limit("text_length", TEXT_LENGTH, Text("一个文本最多 {0} 个字符", "a text has at most {0} characters"), _NULL),
    Limit("integer", INTEGER, Text("整数的绝对值最大 {0}", "a whole number is at most {0} in magnitude"), _NULL),
    Limit("number", NUMBER, Text("数字的绝对值小于 {0}", "a number is smaller than {0} in magnitude"), _NULL),
    Limit(
        "milliseconds",
        MILLISECONDS,
        Text("一次求值不超过 {0} 毫秒", "one evaluation takes no more than {0} milliseconds"),
        Text("由以上限制保证", "which the limits above see to"),
    ),
    Limit(
        "mebibytes",
        MEBIBYTES,
        Text("一次求值不超过 {0} MiB 内存", "one evaluation takes no more than {0} MiB of memory"),
        Text("由以上限制保证", "which the limits above see to"),
    ),
)
