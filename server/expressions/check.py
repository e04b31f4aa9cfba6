"""The checker: types, nullability and size of every part, before anything runs. Never raises on any text."""

import ast
from collections.abc import Iterable, Sequence
from typing import Any

from server.errors import Problem, Text
from server.expressions import limits
from server.expressions.checked import Checked, Fact, Missing
from server.expressions.complaints import CONSTANTS, as_condition, did_you_mean, no_before, not_stored, too_much_text, type_name, unknown_function, unknown_name
from server.expressions.effort import too_much
from server.expressions.function import Function, Size
from server.expressions.functions.change import IS_NEW, earlier
from server.expressions.matching import Matched, convert, join_sizes, match, settle_into, unify
from server.expressions.operators import MEMBER, NEGATE, OPERATORS
from server.expressions.parse import NO_TEXT, Source, dotted, parse
from server.expressions.registry import ALIASES, FUNCTIONS
from server.expressions.types import BOOLEAN, DATE, DATETIME, INTEGER, NULL, NUMBER, TEXT, TEXTS, Scope, Type

__all__ = ["Checked", "check"]
_LITERALS: dict[type, Type] = {bool: BOOLEAN, int: INTEGER, float: NUMBER, str: TEXT}


def check(source: str, scope: Scope, expect: Type | None = None) -> tuple[Checked | None, tuple[Problem, ...]]:
    """The checked expression, or the problems with places. With `expect`, the result must have that type (integer passes for number)."""
    tree, place, problems = parse(source)
    if tree is None:
        return None, problems
    checker = _Checker(scope, place)
    fact = checker.visit(tree)
    if fact is not None and expect is not None:
        checker.expect(tree, fact, expect)
    if not checker.problems and (found := too_much(checker.facts, scope)):
        checker.problem(found[0], "too_much_text", *too_much_text(found[1]))
    if checker.problems or fact is None:
        return None, tuple(sorted(checker.problems, key=lambda p: p.start or 0))
    if fact.given == NUMBER:
        settle_into(fact)
    facts = checker.facts
    places: dict[ast.AST, tuple[int, int]] = {node: (place.start(node), place.end(node)) for node in facts if isinstance(node, ast.expr)}
    return Checked(source, tree, fact.given, fact.nullable, frozenset(checker.names), checker.uses_time, facts, scope, checker.earlier, places), ()


class _Checker:
    """One walk over one tree. A part that has a problem has no fact, and is not complained about again by what surrounds it."""

    def __init__(self, scope: Scope, place: Source) -> None:
        self.scope = scope
        self.place = place
        self.problems: list[Problem] = []
        self.facts: dict[ast.AST, Fact] = {}
        self.names: set[str] = set()
        self.uses_time = False
        self.earlier: dict[str, Type] = {}

    def problem(self, node: ast.expr, code: str, message: Text, hint: Text | None = None) -> Fact | None:
        """Notes it; the part gets no fact."""
        self.problems.append(Problem("", message, hint, start=self.place.start(node), end=self.place.end(node), code=code))
        return None

    def visit(self, node: ast.expr) -> Fact | None:
        fact: Fact | None = getattr(self, f"_{type(node).__name__.lower()}")(node)
        if fact is not None:
            self.facts[node] = fact
        return fact

    def visit_all(self, nodes: Iterable[ast.expr]) -> list[Fact] | None:
        """All facts, or None when one part has a problem (all are visited: all problems are told at once)."""
        found = [self.visit(node) for node in nodes]
        return None if any(f is None for f in found) else [f for f in found if f is not None]

    # -- leaves

    def _constant(self, node: ast.Constant) -> Fact | None:
        value: Any = node.value
        if value is None:
            return Fact(NULL, True, Size(1, 1), literal=None)
        kind = _LITERALS.get(type(value))
        if kind is None:
            return self.problem(node, "literal", Text("不能使用这种值", "This kind of value is not possible"))
        if kind == TEXT:
            return self._text(node, value)
        size = Size(1, 1)
        if kind in (INTEGER, NUMBER):
            if abs(value) > (limits.INTEGER if kind == INTEGER else limits.NUMBER):
                return self.problem(node, "too_large", Text("数字超出范围", "The number is too large"))
            if value and abs(value) < limits.QUANTUM:
                return self.problem(node, "too_small", Text("数字过小", "The number is too small"))
            size = Size(abs(value), abs(value)) if value else size
        return Fact(kind, literal=value, size=size)

    def _text(self, node: ast.Constant, value: str) -> Fact | None:
        if NO_TEXT.search(value):
            return self.problem(node, "character", Text("文本中含有无效字符", "The text has a character that no text may have"))
        if self.place.segment(node)[:1] not in "\"'":
            return self.problem(node, "literal", Text("文本前不能有字母前缀", "A text has no letters before its quote"))
        return Fact(TEXT, literal=value)

    def _name(self, node: ast.Name) -> Fact | None:
        return self._named(node, node.id)

    def _attribute(self, node: ast.Attribute) -> Fact | None:
        return self._named(node, dotted(node) or node.attr)

    def _named(self, node: ast.expr, name: str) -> Fact | None:
        known = self.scope.names.get(name)
        if known is None:
            return self.problem(node, "unknown_name", *unknown_name(name, self.scope, FUNCTIONS))
        self.names.add(name)
        fact = Fact(known.type, known.nullable, options=known.options)
        if known.type == INTEGER:
            fact.size = Size(1, limits.INTEGER + 1)  # 64 bits hold one more below zero
        return fact

    def _list(self, node: ast.List) -> Fact | None:
        """Only as literal list of texts; elsewhere `in` takes its items one by one."""
        for item in node.elts:
            if not (isinstance(item, ast.Constant) and isinstance(item.value, str)):
                return self.problem(item, "list", Text("列表中只能写文本", "A list holds literal texts only"))
        self.visit_all(node.elts)
        items = [item.value for item in node.elts if isinstance(item, ast.Constant)]
        return Fact(TEXTS, not items, literal=items or None)

    # -- operators

    def _unaryop(self, node: ast.UnaryOp) -> Fact | None:
        fact = self.visit(node.operand)
        if fact is None:
            return None
        if isinstance(node.op, ast.Not):
            return Fact(BOOLEAN, fact.nullable) if self.condition(node.operand, fact) else None
        if fact.given not in (INTEGER, NUMBER):
            return self.problem(node, "type", *self._wrong_operand("-", fact))
        if isinstance(node.op, ast.UAdd):
            return Fact(fact.type, fact.nullable, fact.size)
        form = NEGATE.forms[0 if fact.type == INTEGER else 1]
        literal = fact.literal if fact.literal is Missing else -fact.literal
        lowest = form.may_be_null and literal is Missing  # the lowest integer has no negative
        return Fact(fact.type, fact.nullable or lowest, fact.size, literal=literal, forms=(form,))

    def _binop(self, node: ast.BinOp) -> Fact | None:
        facts = self.visit_all((node.left, node.right))
        if facts is None:
            return None
        function = OPERATORS[type(node.op)]
        for operand, fact in zip((node.left, node.right), facts):
            if fact.given not in (INTEGER, NUMBER):
                return self.problem(operand, "type", *self._wrong_operand(function.name, *facts))
        if isinstance(node.op, ast.Pow) and facts[1].literal is not Missing and abs(facts[1].literal) > limits.EXPONENT:
            return self.problem(node.right, "exponent", Text(f"指数超过 {limits.EXPONENT}", f"The exponent is larger than {limits.EXPONENT}"))
        matched = match(function.forms, facts)
        return self._result(matched, facts) if isinstance(matched, Matched) else None

    def _wrong_operand(self, symbol: str, *facts: Fact) -> tuple[Text, Text | None]:
        wrong = next(f.given for f in facts if f.given not in (INTEGER, NUMBER))
        message = Text(f"{symbol} 只用于数字，这里是{type_name(wrong).zh}", f"{symbol} is for numbers, this is {type_name(wrong).en}")
        hints = {
            "text": Text("连接文本请用 concat(a, b)", "To join texts use concat(a, b)") if symbol == "+" else None,
            "date": Text("请用 add_days(日期, 天数) 或 days_between(a, b)", "Use add_days(day, n) or days_between(a, b)"),
            "datetime": Text("请用 days_between(a, b) 或 hours_between(a, b)", "Use days_between(a, b) or hours_between(a, b)"),
            "boolean": Text("请写 (1 if 条件 else 0)", "Write (1 if condition else 0)"),
        }
        return message, hints.get(wrong.name)

    def _boolop(self, node: ast.BoolOp) -> Fact | None:
        facts = self.visit_all(node.values)
        if facts is None:
            return None
        fine = [self.condition(part, fact) for part, fact in zip(node.values, facts)]
        return Fact(BOOLEAN, any(f.nullable for f in facts)) if all(fine) else None

    def _ifexp(self, node: ast.IfExp) -> Fact | None:
        facts = self.visit_all((node.test, node.body, node.orelse))
        if facts is None or not self.condition(node.test, facts[0]):
            return None
        kind = unify(f.given for f in facts[1:])
        if kind is None:
            return self.problem(node, "type", *_mixed(facts[1].given, facts[2].given))
        for fact in facts[1:]:
            convert(fact, kind)
        return Fact(kind, any(f.nullable for f in facts[1:]), join_sizes(facts[1:]))

    def condition(self, node: ast.expr, fact: Fact) -> bool:
        """No truthiness: a condition is a yes/no."""
        if fact.given == BOOLEAN:
            return True
        name = type_name(fact.given)
        message = Text(f"这里需要条件，而这是{name.zh}", f"A condition is needed here, and this is {name.en}")
        self.problem(node, "condition", message, as_condition(fact.given, self.place.segment(node)))
        return False

    # -- comparisons

    def _compare(self, node: ast.Compare) -> Fact | None:
        operands = [node.left, *node.comparators]
        if any(isinstance(op, ast.Is | ast.IsNot) for op in node.ops):
            return self._is(node)
        if isinstance(node.ops[0], ast.In | ast.NotIn):
            return self._in(node)
        if any(isinstance(op, ast.In | ast.NotIn) for op in node.ops):
            return self.problem(
                node, "chain", Text("in 不能与其他比较连写", "in cannot be chained with other comparisons"), Text("请用 and 分开", "Use and between them")
            )
        for operand in operands:
            if isinstance(operand, ast.Constant) and operand.value is None:
                other = next((o for o in operands if o is not operand), operand)
                word = "is not None" if isinstance(node.ops[0], ast.NotEq) else "is None"
                suggestion = f"{self.place.segment(other)} {word}"
                return self.problem(
                    node,
                    "null_compare",
                    Text("与空值比较的结果总是未知", "A comparison with null is always unknown"),
                    Text(f"请写 {suggestion}", f"Write {suggestion}"),
                )
        facts = self.visit_all(operands)
        if facts is None:
            return None
        kind = unify(f.given for f in facts)
        if kind is None or kind.name in ("list", "null"):
            return self._mixed_comparison(node, operands, facts)
        for fact in facts:
            convert(fact, kind)
        forms = []
        for op in node.ops:
            function = OPERATORS[type(op)]
            form = next((f for f in function.forms if f.params[0].type == kind.name), None)
            if form is None:
                return self.problem(node, "type", Text(f"是/否值不能用 {function.name} 比较", f"Yes/no values have no order ({function.name})"))
            forms.append(form)
        self._options(zip(operands, facts))
        return Fact(BOOLEAN, any(f.nullable for f in facts), forms=tuple(forms))

    def _mixed_comparison(self, node: ast.expr, operands: Sequence[ast.expr], facts: Sequence[Fact]) -> Fact | None:
        a, b = facts[0].given, next((f.given for f in facts if unify((facts[0].given, f.given)) is None), facts[1].given)
        message, hint = _mixed(a, b)
        kinds = {a.name, b.name}
        texts = [f.literal for f in facts if f.type == TEXT and isinstance(f.literal, str)]
        if "list" in kinds:
            hint = Text("请用 has(列表, 值)", "Use has(list, value)")
        elif kinds == {"date", "datetime"}:
            moment = next(self.place.segment(o) for o, f in zip(operands, facts) if f.given == DATETIME)
            word = "today()" if moment == "now()" else f"date_of({moment})"
            hint = Text(f"请把时刻写作 {word}", f"Write {word} for the moment")
        elif "text" in kinds and kinds & {"date", "datetime"} and texts:
            parts = [p.lstrip("0") or "0" for p in texts[0][:10].replace("/", "-").split("-")]
            written = f"date({', '.join(parts)})" if len(parts) == 3 and all(p.isdigit() for p in parts) else "date(2026, 1, 31)"
            hint = Text(f"日期写作 {written}", f"A date is written {written}")
        elif "text" in kinds and kinds & {"integer", "number"} and texts:
            hint = Text("数字不加引号", "Numbers have no quotes")
        elif "text" in kinds and "boolean" in kinds:
            hint = Text("是/否写作 True 或 False", "Yes and no are written True and False")
        return self.problem(node, "type", message, hint)

    def _is(self, node: ast.Compare) -> Fact | None:
        right = node.comparators[0]
        if len(node.ops) > 1 or not (isinstance(right, ast.Constant) and right.value is None):
            hint = Text("比较相等请写 ==", "To compare write ==")
            if isinstance(right, ast.Name) and CONSTANTS.get(right.id) == "None":
                word = f"{self.place.segment(node.left)} {'is not' if isinstance(node.ops[0], ast.IsNot) else 'is'} None"
                hint = Text(f"请写 {word}", f"Write {word}")
            return self.problem(node, "is", Text("is 只能用于 is None 和 is not None", "is can only be used as is None and is not None"), hint)
        fact = self.visit(node.left)
        self.facts[right] = Fact(NULL, True, literal=None)
        return None if fact is None else Fact(BOOLEAN)

    def _in(self, node: ast.Compare) -> Fact | None:
        right = node.comparators[0]
        if len(node.ops) > 1:
            return self.problem(
                node, "chain", Text("in 不能与其他比较连写", "in cannot be chained with other comparisons"), Text("请用 and 分开", "Use and between them")
            )
        if isinstance(right, ast.List):
            if not right.elts:
                return self.problem(right, "list", Text("列表是空的", "The list is empty"))
            facts = self.visit_all((node.left, *right.elts))
            if facts is None:
                return None
            self.facts[right] = Fact(TEXTS, literal=())
            return self._member((node.left, *right.elts), facts, node)
        facts = self.visit_all((node.left, right))
        if facts is None:
            return None
        if facts[1].given == TEXT:
            part, whole = self.place.segment(node.left), self.place.segment(right)
            return self.problem(
                node, "type", Text("in 用于列表", "in is for lists"), Text(f"请写 contains({whole}, {part})", f"Write contains({whole}, {part})")
            )
        matched = match(FUNCTIONS["has"].forms, [facts[1], facts[0]])
        if not isinstance(matched, Matched):
            return self.problem(node, "type", *_mixed(facts[0].given, facts[1].given))
        self._options(((right, facts[1]), (node.left, facts[0])))
        return self._result(matched, [facts[1], facts[0]])

    def _member(self, operands: Sequence[ast.expr], facts: list[Fact], node: ast.expr) -> Fact | None:
        matched = match(MEMBER.forms, facts)
        if not isinstance(matched, Matched):
            other = next((f.given for f in facts[1:] if unify((facts[0].given, f.given)) is None), facts[-1].given)
            return self.problem(node, "type", *_mixed(facts[0].given, other))
        self._options(zip(operands, facts))
        return self._result(matched, facts)

    def _options(self, operands: Iterable[tuple[ast.expr, Fact]]) -> None:
        """A literal that a choice can never be is a mistake, not a comparison that is always false."""
        pairs = list(operands)
        options = next((f.options for _, f in pairs if f.options), ())
        if not options:
            return
        for node, fact in pairs:
            written = fact.literal if isinstance(fact.literal, list) else [fact.literal]
            for value in written:
                if isinstance(value, str) and value not in options:
                    shown = Text(f"选项: {'、'.join(options[:20])}", f"Options: {', '.join(options[:20])}")
                    self.problem(node, "unknown_option", Text(f"没有选项 {value}", f"There is no option {value}"), did_you_mean(value, options) or shown)

    # -- calls

    def _call(self, node: ast.Call) -> Fact | None:
        if (foreign := dotted(node.func)) and foreign.lower() in ALIASES and "." in foreign:  # FLOOR.MATH
            return self.problem(node.func, "unknown_function", *unknown_function(foreign, FUNCTIONS, ALIASES))
        if not isinstance(node.func, ast.Name):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            hint = Text(f"函数写作 {name}(...)", f"Functions are written {name}(...)") if name in FUNCTIONS else None
            return self.problem(node, "not_allowed", Text("只能调用登记的函数", "Only the functions of the language can be called"), hint)
        name = node.func.id
        function = FUNCTIONS.get(name)
        facts = self.visit_all(node.args)
        if function is None:
            return self.problem(node.func, "unknown_function", *unknown_function(name, FUNCTIONS, ALIASES))
        if facts is None or not self._arity(node, function):
            return None
        if function.forms[0].earlier:
            return self._earlier(node, function, facts)
        for index, (argument, fact) in enumerate(zip(node.args, facts)):
            if fact.type == NULL and not any(f.param(index, len(facts)).type == "T" for f in function.forms):
                return self.problem(argument, "null", Text("这里不能直接写 None", "None cannot be written here"))
        matched = match(function.forms, facts)
        if not isinstance(matched, Matched):
            return self._no_form(node, function, facts, matched)
        self.uses_time = self.uses_time or any(f.at for f in matched.forms)
        params = [matched.forms[0].param(i, len(facts)) for i in range(len(facts))]
        self._options((node, fact) for node, fact, param in zip(node.args, facts, params) if param.option)
        return self._result(matched, facts)

    def _earlier(self, node: ast.Call, function: Function, facts: Sequence[Fact]) -> Fact | None:
        """A look at the record before the change: only where there is one, and only at its own stored fields."""
        if self.scope.before is None:
            return self.problem(node, "no_before", *no_before(function.name))
        if not node.args:
            self.earlier[IS_NEW] = BOOLEAN
            return Fact(BOOLEAN, forms=function.forms, earlier=IS_NEW)
        name, now = dotted(node.args[0]), facts[0]
        if name not in self.scope.before:
            return self.problem(node.args[0], "not_stored", *not_stored(function.name))
        form = next(f for f in function.forms if f.params[0].type in (now.type.name, "T"))
        self.earlier[earlier(name)] = now.type
        if form.result == "boolean":
            return Fact(BOOLEAN, forms=(form,), earlier=earlier(name))
        return Fact(now.type, True, now.size, now.options, forms=(form,), earlier=earlier(name))

    def _arity(self, node: ast.Call, function: Function) -> bool:
        count, fewest = len(node.args), min(f.fewest for f in function.forms)
        most = None if any(f.most is None for f in function.forms) else max(f.most or 0 for f in function.forms)
        if count >= fewest and (most is None or count <= most) and count <= limits.ARGUMENTS:
            return True
        wanted = str(fewest) if most == fewest else f"{fewest}+" if most is None else f"{fewest}-{most}"
        message = Text(f"{function.name} 需要 {wanted} 个参数，现有 {count} 个", f"{function.name} takes {wanted} arguments; there are {count}")
        self.problem(node, "arity", message, Text(f"{function.signature}: {function.doc.zh}", f"{function.signature}: {function.doc.en}"))
        return False

    def _no_form(self, node: ast.Call, function: Function, facts: Sequence[Fact], at: int) -> Fact | None:
        """`at`: the argument that fits worst."""
        params = [f.param(at, len(facts)) for f in function.forms]
        literal = next((p.literal for p in params if p.literal), None)
        if literal and facts[at].given == INTEGER:
            message = Text(f"须直接写 {literal[0]} 到 {literal[1]} 的整数", f"Must be written as a whole number from {literal[0]} to {literal[1]}")
            return self.problem(node.args[at], "literal", message)
        names = list(dict.fromkeys(type_name(p.type) for p in params))
        given = type_name(facts[at].given)
        if any(n == given for n in names) or "T" in {p.type for p in params}:
            message = Text(f"{function.name} 的参数类型不一致", f"The arguments of {function.name} are of different types")
        else:
            zh, en = "或".join(n.zh for n in names), " or ".join(n.en for n in names)
            message = Text(f"{params[0].name} 须为{zh}，而这是{given.zh}", f"{params[0].name} must be {en}; this is {given.en}")
        return self.problem(node.args[at], "type", message, Text(f"{function.signature}: {function.doc.zh}", f"{function.signature}: {function.doc.en}"))

    def _result(self, matched: Matched, facts: Sequence[Fact]) -> Fact:
        form = matched.forms[0]
        null = form.may_be_null or any(f.nullable for f in facts)
        if form.result == "T":
            null = all(f.nullable for f in facts) or form.may_be_null
        if any(f.to == DATE and f.type == DATETIME for f in facts):
            self.uses_time = True
        return Fact(matched.type, null, matched.size, forms=matched.forms)

    def expect(self, node: ast.expr, fact: Fact, wanted: Type) -> None:
        if fact.given == wanted or (wanted == NUMBER and fact.given == INTEGER) or fact.given == NULL:
            return
        if wanted == BOOLEAN:
            self.condition(node, fact)
            return
        if (fact.given, wanted) == (DATETIME, DATE):
            convert(fact, wanted)
            self.uses_time = True  # the zone decides which day it is
            return
        message = Text(
            f"结果应为{type_name(wanted).zh}，而这是{type_name(fact.given).zh}",
            f"The result must be {type_name(wanted).en}; this is {type_name(fact.given).en}",
        )
        hint = Text("取整请用 round(x) 或 floor(x)", "For a whole number use round(x) or floor(x)") if wanted == INTEGER and fact.given == NUMBER else None
        self.problem(node, "type", message, hint)


def _mixed(a: Type, b: Type) -> tuple[Text, Text | None]:
    x, y = type_name(a), type_name(b)
    if a == b:
        return Text(f"{x.zh}不能比较", f"{x.en} cannot be compared".capitalize()), None
    return Text(f"类型不同: {x.zh}与{y.zh}", f"Different types: {x.en} and {y.en}"), None
