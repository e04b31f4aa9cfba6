"""Checked expressions as Python functions."""

from collections.abc import Callable, Mapping
from typing import Any

from server.expressions.checked import Checked
from server.expressions.evaluate import evaluate
from server.expressions.types import At


def compile_python(checked: Checked) -> Callable[[Mapping[str, Any], At], Any]:
    """A function of (values, at) that gives what `evaluate` gives."""
    return lambda values, at: evaluate(checked, values, at)
