"""Checked expressions as generated Python functions: the fast way for forms, imports and rules. Gives what `evaluate` gives.

A function trusts that the names that are never null are there. Where one is not, the same expression runs again as one that trusts nothing.
"""

from collections.abc import Callable, Mapping
from typing import Any

from server.expressions.checked import Checked
from server.expressions.generated import function_of
from server.expressions.pywriter import PythonWriter
from server.expressions.types import At

Compiled = Callable[[Mapping[str, Any], At], Any]


def compile_python(checked: Checked) -> Compiled:
    """A function of (values, at)."""
    doubting: list[Compiled] = []

    def doubt(values: Mapping[str, Any], at: At) -> Any:
        if not doubting:
            doubting.append(_function(PythonWriter(checked, doubt=None)))
        return doubting[0](values, at)

    return _function(PythonWriter(checked, doubt))


def _function(writer: PythonWriter) -> Compiled:
    source = writer.write()  # of a tree that passed the checker
    run: Compiled = function_of(source, "run", f"expression {writer.checked.source[:40]!r}", writer.names)
    return run
