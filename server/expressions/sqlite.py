"""Python functions that SQLite connections get, for what SQLite's own SQL cannot say: (name, number of arguments, function)."""

from collections.abc import Callable
from typing import Any

FUNCTIONS: tuple[tuple[str, int, Callable[..., Any]], ...] = ()
