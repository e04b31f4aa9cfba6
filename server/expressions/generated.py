"""Generated source becomes a function here and nowhere else: of expressions, and of what is made once for an object's records."""

from collections.abc import Mapping
from typing import Any


def function_of(source: str, name: str, about: str, names: dict[str, Any]) -> Any:
    """The function `name` that the source defines, over `names`, which hold all it can reach. Writers put nothing into a source but templates, numbers,
    numbered names and texts by `repr`. `about` stands in tracebacks."""
    exec(compile(source, f"<{about}>", "exec"), names)  # noqa: S102 our own generated source
    return names[name]


NO_BUILTINS: Mapping[str, Any] = {"__builtins__": {}}
