"""What the parser's refusals say, in words of the user."""

import ast
import re
import unicodedata

from server.errors import Problem, Text

_WHY: dict[str, Text] = {
    "Lambda": Text("不能定义函数 (lambda)", "Functions cannot be defined (lambda)"),
    "NamedExpr": Text("不能赋值 (:=)", "Values cannot be assigned (:=)"),
    "JoinedStr": Text("不能使用 f 字符串", "f-strings are not possible"),
    "Subscript": Text("不能用方括号取元素", "Elements cannot be taken with square brackets"),
    "ListComp": Text("不能使用推导式", "Comprehensions are not possible"),
    "SetComp": Text("不能使用推导式", "Comprehensions are not possible"),
    "DictComp": Text("不能使用推导式", "Comprehensions are not possible"),
    "GeneratorExp": Text("不能使用生成器", "Generators are not possible"),
    "Dict": Text("不能使用字典", "Dictionaries are not possible"),
    "Set": Text("不能使用集合", "Sets are not possible"),
    "Tuple": Text("不能使用逗号分隔的一组值", "A group of values is not possible"),
    "Starred": Text("不能使用 *", "Unpacking with * is not possible"),
    "keyword": Text("参数不能写名称", "Arguments are given without names"),
    "Await": Text("不能使用 await", "await is not possible"),
    "Yield": Text("不能使用 yield", "yield is not possible"),
    "YieldFrom": Text("不能使用 yield", "yield is not possible"),
    "BitAnd": Text("不能使用 &", "& is not an operator here"),
    "BitOr": Text("不能使用 |", "| is not an operator here"),
    "BitXor": Text("不能使用 ^", "^ is not an operator here"),
    "LShift": Text("不能使用 <<", "<< is not an operator here"),
    "RShift": Text("不能使用 >>", ">> is not an operator here"),
    "MatMult": Text("不能使用 @", "@ is not an operator here"),
    "Invert": Text("不能使用 ~", "~ is not an operator here"),
}
_HINT: dict[str, Text] = {
    "Subscript": Text("列表请用 has(列表, 值)", "For lists use has(list, value)"),
    "JoinedStr": Text("请用 concat(...) 连接文本", "Join texts with concat(...)"),
    "NamedExpr": Text("比较相等请写 ==", "To compare write =="),
    "Tuple": Text("一组值写作 [a, b]", "Several values are written [a, b]"),
    "Set": Text("一组值写作 [a, b]", "Several values are written [a, b]"),
    "keyword": Text("比较相等请写 ==", "To compare write =="),
    "BitAnd": Text("请写 and", "Write and"),
    "BitOr": Text("请写 or", "Write or"),
    "BitXor": Text("乘方请写 **", "A power is written **"),
    "Invert": Text("请写 not", "Write not"),
}
_WIDE = {"（": "(", "）": ")", "，": ",", "＞": ">", "＜": "<", "＝": "=", "＋": "+", "－": "-", "×": "*", "÷": "/", "＊": "*", "／": "/", "。": "."}
_WIDE |= {"：": ":", "；": ";", "【": "[", "】": "]", "“": '"', "”": '"', "‘": "'", "’": "'", "≥": ">=", "≤": "<=", "≠": "!=", "－": "-", "−": "-", "、": ","}
_HABITS: tuple[tuple[str, Text], ...] = (
    (r"&&", Text("“且”请写 and", "Write and instead of &&")),
    (r"\|\|", Text("“或”请写 or", "Write or instead of ||")),
    (r"<>", Text("“不等于”请写 !=", "Write != instead of <>")),
    (r"===", Text("比较相等请写 ==", "Write == instead of ===")),
    (r"!(?!=)", Text("“非”请写 not", "Write not instead of !")),
    (r"(?i)\bif\s*\(", Text("条件写作: 甲 if 条件 else 乙", "A choice is written: a if condition else b")),
    (r"(?i)\bis\s+(not\s+)?null\b", Text("请写 is None 或 is not None", "Write is None or is not None")),
    (r"(?i)\b(between)\b(?!\s*\()", Text("请写 between(x, 下限, 上限)", "Write between(x, low, high)")),
    (r"(?i)\blike\b", Text("请用 contains(文本, 部分)", "Use contains(text, part)")),
    (r"\?.*:", Text("条件写作: 甲 if 条件 else 乙", "A choice is written: a if condition else b")),
    (r"\bAND\b|\bOR\b|\bNOT\b|\bIN\b", Text("and、or、not、in 须用小写", "and, or, not and in are written in small letters")),
    (r"=[<>]|[<>!] +=", Text("“不小于”写作 >=，“不大于”写作 <=，“不等于”写作 !=", "Write >= for at least, <= for at most, != for not equal")),
    (r"(?<![=!<>:])=(?!=)", Text("比较相等请写 ==", "To compare write ==")),
    (r"\d\s*%(\s*($|[)\],]|and\b|or\b))", Text("百分数请写成小数，如 0.05", "Write a percentage as a number, such as 0.05")),
    (r"\b0\d+", Text("数字不能以 0 开头", "A number does not begin with 0")),
)


def forbidden(node: ast.AST, owner: ast.expr, start: int, end: int) -> Problem:
    """A part of Python that the language does not have."""
    name = type(node).__name__
    message = _WHY.get(name, Text("表达式中不能这样写", "This cannot be written in an expression"))
    return Problem("", message, _HINT.get(name), start=start, end=end, code="not_allowed")


def syntax(source: str, error: SyntaxError, lead: int) -> Problem:
    """Python's complaint, and what was probably meant."""
    last = len(source.rstrip(" \n\r\t\f\v")) - 1
    at = error.offset - 1 + lead if error.offset else last + 1  # none where the text ends too early
    ended, at = at > last, min(at, last)
    end = max(min((error.end_offset or 0) - 1 + lead, len(source)), at + 1)
    outside = re.sub(r"\"[^\"]*\"|'[^']*'", lambda m: " " * len(m[0]), source)
    wide = next((i for i, c in enumerate(outside) if c in _WIDE), None)
    if wide is not None:
        char = outside[wide]
        hint = Text(f"请改用半角 {_WIDE[char]}", f"Use {_WIDE[char]} instead")
        return Problem("", Text(f"含有全角或特殊符号 {char}", f"Contains the character {char}"), hint, start=wide, end=wide + 1, code="syntax")
    for pattern, hint in _HABITS:
        if found := re.search(pattern, outside):
            return Problem("", Text("无法理解这里的写法", "This cannot be understood"), hint, start=found.start(), end=found.end(), code="syntax")
    return Problem("", *_python(error.msg, source[at], ended), start=at, end=end, code="syntax")


def _python(message: str, char: str, ended: bool) -> tuple[Text, Text | None]:
    """`char` is the character it points at; `ended`: it wanted more than there was."""
    if "was never closed" in message:
        return Text(f"括号 {char} 没有闭合", f"The bracket {char} is never closed"), None
    if "unmatched" in message or "does not match" in message:
        return Text(f"括号 {char} 没有对应的开括号", f"The bracket {char} does not match"), None
    if "unterminated" in message:
        return Text("文本缺少结束引号", "The closing quote of the text is missing"), None
    if "nested parentheses" in message:
        return Text("括号嵌套过深", "Brackets are nested too deeply"), None
    if "invalid character" in message or "non-printable" in message:
        name = unicodedata.name(char, f"U+{ord(char):04X}")
        return Text(f"不能使用字符 {char!r} ({name})", f"The character {char!r} ({name}) has no meaning here"), None
    if "forgot a comma" in message:
        return Text("可能缺少逗号或运算符", "A comma or an operator may be missing"), None
    if re.search("invalid .* literal", message):
        return Text("数字写法有误", "The number is not written correctly"), None
    if ended:
        return Text("表达式不完整", "The expression is incomplete"), None
    return Text("无法理解这里的写法", "This cannot be understood"), None
