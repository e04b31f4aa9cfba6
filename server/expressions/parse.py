"""Text to syntax tree: Python's own parser in expression mode, then one pass over the whole tree that lets only known parts through."""

import ast
import io
import re
import tokenize
import unicodedata
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property

from server.errors import Problem, Text
from server.expressions import limits
from server.expressions.messages import forbidden, syntax
from server.expressions.tree import tree_of

NODES: tuple[type[ast.AST], ...] = (
    ast.Constant,
    ast.Name,
    ast.Attribute,
    ast.BinOp,
    ast.UnaryOp,
    ast.BoolOp,
    ast.Compare,
    ast.IfExp,
    ast.Call,
    ast.List,
    ast.Load,
)
OPERATORS: tuple[type[ast.AST], ...] = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow, ast.USub, ast.UAdd, ast.Not, ast.And, ast.Or)
COMPARISONS: tuple[type[ast.AST], ...] = (ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.In, ast.NotIn, ast.Is, ast.IsNot)
NO_TEXT = re.compile("[\ud800-\udfff\0]")  # characters that no text may have
CHAIN = 0.25  # of a level: so much a further term of a sum counts
_SUMMANDS = (ast.Add, ast.Sub)
ALLOWED = frozenset(NODES + OPERATORS + COMPARISONS)
_SIGNS = frozenset((ast.Load, *OPERATORS, *COMPARISONS))  # have no place of their own and are no parts


@dataclass(frozen=True)
class Source:
    """The text and its places. The parser counts bytes of UTF-8; people and editors count characters."""

    text: str
    lead: int  # white space before the expression, which the parser must not see

    def start(self, node: ast.expr) -> int:
        return self._character(node.col_offset)

    def end(self, node: ast.expr) -> int:
        return self._character(node.end_col_offset or 0)

    def segment(self, node: ast.expr) -> str:
        return self.text[self.start(node) : self.end(node)]

    def _character(self, offset: int) -> int:
        if self.text.isascii():
            return self.lead + offset
        return self.lead + self._characters[offset]

    @cached_property
    def _characters(self) -> list[int]:
        """For each byte of the expression the number of its character, and one more for the end."""
        sizes = [len(c.encode("utf-8", "surrogatepass")) for c in self.text[self.lead :]]
        return [at for at, size in enumerate(sizes) for _ in range(size)] + [len(sizes)]


def dotted(node: ast.expr) -> str | None:
    """The name that `a` or `a.b` stands for; None for attributes of anything else."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else None


def parse(source: str) -> tuple[ast.expr | None, Source, tuple[Problem, ...]]:
    """The tree, or why there is none. Never raises on any text."""
    text = "".join(" " if c in "\n\r\t\f\v" else c for c in source)
    place = Source(text, len(text) - len(text.lstrip(" ")))
    if len(source) > limits.SOURCE_LENGTH:
        message = Text(
            f"表达式有 {len(source)} 个字符，上限为 {limits.SOURCE_LENGTH}", f"The expression has {len(source)} characters; the limit is {limits.SOURCE_LENGTH}"
        )
        return None, place, (Problem("", message, start=limits.SOURCE_LENGTH, end=len(source), code="too_long"),)
    if not text.strip():
        return None, place, (Problem("", Text("表达式为空", "The expression is empty"), start=0, end=len(source), code="empty"),)
    if wrong := NO_TEXT.search(text):
        message = Text("含有无效字符", "Contains a character that no text may have")
        return None, place, (Problem("", message, start=wrong.start(), end=wrong.end(), code="character"),)
    if "#" in text and (comment := _comment(text)) is not None:
        message = Text("表达式中不能写注释", "Comments are not possible in an expression")
        return None, place, (Problem("", message, start=comment, end=len(text), code="comment"),)
    try:
        tree = tree_of(text[place.lead :])
    except SyntaxError as error:
        return None, place, (syntax(source, error, place.lead),)
    except (ValueError, MemoryError, RecursionError):
        message = Text(f"表达式嵌套过深，上限为 {limits.DEPTH} 层", f"The expression is nested too deeply; the limit is {limits.DEPTH} levels")
        return None, place, (Problem("", message, start=0, end=len(source), code="too_deep"),)
    problems = _walk(tree, place)
    return (None if problems else _flat(tree) if "one_of" in text else tree), place, problems


def _flat(tree: ast.expr) -> ast.expr:
    """`one_of(x, ["a", "b"])` is `one_of(x, "a", "b")`: a list written out is the way people group the values."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "one_of" and len(node.args) == 2:
            node.args = [node.args[0], *node.args[1].elts] if isinstance(node.args[1], ast.List) and node.args[1].elts else node.args
    return tree


def _comment(text: str) -> int | None:
    """Where a comment begins; none in a text that Python cannot take apart: the parser says what is wrong with it."""
    written = text.lstrip(" ")
    with suppress(tokenize.TokenError, SyntaxError):
        for token in tokenize.generate_tokens(io.StringIO(written).readline):
            if token.type == tokenize.COMMENT:
                return token.start[1] + len(text) - len(written)
    return None


def _walk(tree: ast.expr, place: Source) -> tuple[Problem, ...]:
    """Breadth first over every node of every branch, without recursion: depth must not be able to hurt us."""
    problems: list[Problem] = []
    level: list[tuple[ast.AST, ast.expr, float]] = [(tree, tree, 1)]
    count, deepest = 0, 0.0
    too_large: ast.expr | None = None  # the first part that is too many, or too deep
    while level:
        following: list[tuple[ast.AST, ast.expr, float]] = []
        for node, owner, depth in level:
            deepest = max(deepest, depth if isinstance(node, ast.expr) else 0)
            if type(node) in _SIGNS:
                continue
            count += 1
            owner = node if isinstance(node, ast.expr) else owner
            if too_large is None and (count > limits.NODES or deepest > limits.DEPTH):
                too_large = owner
            if type(node) not in ALLOWED:
                problems.append(forbidden(node, owner, place.start(owner), place.end(owner)))
                continue
            if isinstance(node, ast.Name | ast.Attribute) and (found := _name(node, place)):
                problems.append(found)
            for child in _children(node):
                following.append((child, owner, depth + (CHAIN if _is_chain(node, child) else 1)))
        level = following
        if too_large is not None:
            problems.append(_too_large(count, too_large, place))
            break
    return tuple(problems[:20])


def _children(node: ast.AST) -> list[ast.AST]:
    """As `ast.iter_child_nodes`, which takes most of the time of a check."""
    found: list[ast.AST] = []
    for name in node._fields:
        value = getattr(node, name)
        if isinstance(value, ast.AST):
            found.append(value)
        elif isinstance(value, list):
            found.extend(value)
    return found


def _is_chain(node: ast.AST, child: ast.AST) -> bool:
    """`a + b + c` reads as one sum, though the parser nests it to the left."""
    return isinstance(node, ast.BinOp) and isinstance(child, ast.BinOp) and child is node.left and type(child.op) in _SUMMANDS and type(node.op) in _SUMMANDS


def _too_large(count: int, node: ast.expr, place: Source) -> Problem:
    start, end = place.start(node), place.end(node)
    if count > limits.NODES:
        message = Text(f"表达式超过 {limits.NODES} 个部分", f"The expression has more than {limits.NODES} parts")
        return Problem("", message, start=start, end=end, code="too_large")
    message = Text(f"表达式嵌套超过 {limits.DEPTH} 层", f"The expression is nested more than {limits.DEPTH} levels deep")
    return Problem("", message, start=start, end=end, code="too_deep")


def _name(node: ast.Name | ast.Attribute, place: Source) -> Problem | None:
    """A name must be written as the parser reads it: Python folds look-alikes (ＡＢ is AB), which would let two texts mean one name."""
    name = node.id if isinstance(node, ast.Name) else node.attr
    start, end = place.start(node), place.end(node)
    if name.startswith("_"):
        message = Text(f"名称不能以下划线开头: {name}", f"A name cannot begin with an underscore: {name}")
        return Problem("", message, start=start, end=end, code="private_name")
    written = place.text[start:end]
    if not written.endswith(name) or unicodedata.normalize("NFKC", written) != written:
        hint = Text(f"请写作 {name}", f"Write {name}")
        return Problem(
            "",
            Text("名称中含有兼容字符（如全角字母）", "The name contains compatibility characters (such as full-width letters)"),
            hint,
            start=start,
            end=end,
            code="not_normal",
        )
    if isinstance(node, ast.Attribute) and dotted(node) is None:
        message = Text("点号只能用于引用字段，如 customer.region", "A dot is only for the field of a referenced record, such as customer.region")
        hint = Text(f"函数写作 {name}(...)", f"Functions are written {name}(...)")
        return Problem("", message, hint, start=start, end=end, code="attribute")
    return None
