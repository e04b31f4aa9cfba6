"""Other engines for the same expressions. Each gets our tree in its own words; one that is not installed is left out and says so.

They do not know our null: the records they are timed on have no missing values, and only the fields that are used.
"""

import ast
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import Any

import simpleeval

Run = Callable[[Mapping[str, Any]], Any]
_SIGNS: Mapping[type[ast.AST], str] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
_SIGNS = {**_SIGNS, ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "=="}


@dataclass(frozen=True)
class Words:
    """How a language writes what the three expressions are made of."""

    both: str
    number: Callable[[float], str]

    def write(self, node: ast.expr) -> str:
        match node:
            case ast.Constant(value=str() as text):
                return f'"{text}"'
            case ast.Constant(value=int() | float() as value):
                return self.number(value)
            case ast.Name(id=name):
                return name
            case ast.UnaryOp(operand=operand):
                return f"(-{self.write(operand)})"
            case ast.BinOp(left=left, op=op, right=right):
                return f"({self.write(left)} {_SIGNS[type(op)]} {self.write(right)})"
            case ast.BoolOp(values=values):
                return f"({f' {self.both} '.join(self.write(v) for v in values)})"
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                return f"({self.write(left)} {_SIGNS[type(op)]} {self.write(right)})"
            case ast.IfExp(test=test, body=body, orelse=other):
                return self.choice(self.write(test), self.write(body), self.write(other))
            case ast.Call(func=ast.Name(id="case"), args=args):
                return self.cases([self.write(a) for a in args])
            case ast.Call(func=ast.Name(id="coalesce"), args=[first, _]):
                return self.write(first)
            case ast.Call(func=ast.Name(id=name), args=[first, second]):
                return self.extreme("<" if name == "min" else ">", self.write(first), self.write(second))
        raise ValueError(ast.dump(node))

    def choice(self, test: str, body: str, other: str) -> str:
        return f"({test} ? {body} : {other})"

    def extreme(self, sign: str, first: str, second: str) -> str:
        return self.choice(f"({first} {sign} {second})", first, second)

    def cases(self, parts: list[str]) -> str:
        found = parts[-1]
        for at in range(len(parts) - 3, -1, -2):
            found = self.choice(parts[at], parts[at + 1], found)
        return found


class ZenWords(Words):
    def extreme(self, sign: str, first: str, second: str) -> str:
        return f"{'min' if sign == '<' else 'max'}([{first}, {second}])"


class PythonWords(Words):
    def choice(self, test: str, body: str, other: str) -> str:
        return f"({body} if {test} else {other})"

    def extreme(self, sign: str, first: str, second: str) -> str:
        return f"{'min' if sign == '<' else 'max'}({first}, {second})"


def json_logic(node: ast.expr) -> Any:
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Name(id=name):
            return {"var": name}
        case ast.UnaryOp(operand=operand):
            return {"-": [json_logic(operand)]}
        case ast.BinOp(left=left, op=op, right=right) | ast.Compare(left=left, ops=[op], comparators=[right]):
            return {_SIGNS[type(op)]: [json_logic(left), json_logic(right)]}
        case ast.BoolOp(values=values):
            return {"and": [json_logic(v) for v in values]}
        case ast.IfExp(test=test, body=body, orelse=other):
            return {"if": [json_logic(test), json_logic(body), json_logic(other)]}
        case ast.Call(func=ast.Name(id="case"), args=args):
            return {"if": [json_logic(a) for a in args]}
        case ast.Call(func=ast.Name(id="coalesce"), args=[first, _]):
            return json_logic(first)
        case ast.Call(func=ast.Name(id=name), args=args):
            return {name: [json_logic(a) for a in args]}
    raise ValueError(ast.dump(node))


def _zen(tree: ast.expr) -> Run:
    found: Run = import_module("zen").compile_expression(ZenWords("and", repr).write(tree)).evaluate
    return found


def _cel(tree: ast.expr) -> Run:
    found: Run = import_module("cel").compile(Words("&&", lambda v: repr(float(v))).write(tree)).execute
    return found


def _json_logic(tree: ast.expr) -> Run:
    return partial(import_module("json_logic_path").jsonLogic, json_logic(tree))


_FUNCTIONS = {"min": min, "max": max}


def _simpleeval_naive(tree: ast.expr) -> Run:
    text = PythonWords("and", repr).write(tree)
    return lambda values: simpleeval.simple_eval(text, names=values, functions=_FUNCTIONS)


def _simpleeval_parsed(tree: ast.expr) -> Run:
    text = PythonWords("and", repr).write(tree)
    evaluator = simpleeval.SimpleEval(functions=_FUNCTIONS)
    parsed = evaluator.parse(text)

    def run(values: Mapping[str, Any]) -> Any:
        evaluator.names = values
        return evaluator.eval(text, previously_parsed=parsed)

    return run


PEERS: Mapping[str, Callable[[ast.expr], Run]] = {
    "zen-engine, compiled": _zen,
    "simpleeval, parsed before": _simpleeval_parsed,
    "simpleeval, simple_eval(text)": _simpleeval_naive,
    "common-expression-language, compiled": _cel,
    "json-logic-path": _json_logic,
}


def peers(tree: ast.expr) -> Iterator[tuple[str, Run | None]]:
    for name, make in PEERS.items():
        try:
            yield name, make(tree)
        except ImportError:
            yield name, None
