"""What the checker found out about an expression: all that the three ways of running it need to agree."""

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from server.expressions.function import BASE, Form, Size
from server.expressions.types import Scope, Type


class Missing:
    """No literal value."""


@dataclass
class Fact:
    """About one part of the tree. Written by the checker only.

    `forms`: how the part is computed (a chained comparison has one per pair). `settle`: the result is brought back into the range of
    numbers. `to`: what the value is then turned into, because that is wanted where it stands (integer to number, moment to date).
    """

    type: Type
    nullable: bool = False
    size: Size = BASE
    options: tuple[str, ...] = ()
    literal: Any = Missing
    forms: tuple[Form, ...] = ()
    settle: bool = False
    to: Type | None = None
    earlier: str = ""  # the key of the value before the change that the part reads

    @property
    def given(self) -> Type:
        """The type the surrounding part sees."""
        return self.to or self.type


@dataclass(frozen=True)
class Checked:
    """An expression that was checked, and only such a one can be run."""

    source: str
    tree: ast.expr
    type: Type
    nullable: bool
    names: frozenset[str]  # dotted names used
    uses_time: bool
    facts: Mapping[ast.AST, Fact] = field(compare=False, repr=False)
    scope: Scope = field(compare=False, repr=False)
    earlier: Mapping[str, Type] = field(compare=False, repr=False)  # keys of values before the change that are read
    places: Mapping[ast.AST, tuple[int, int]] = field(compare=False, repr=False)  # part -> where it stands, in characters

    def text(self, node: ast.AST) -> str:
        start, end = self.places[node]
        return self.source[start:end]
