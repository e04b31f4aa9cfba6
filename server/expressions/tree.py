"""The one door to Python's parser."""

import ast
import threading

# CPython counts the depth of the tree it builds in one counter for all threads: two requests that parse at the same moment
# were answered with "SystemError: AST constructor recursion depth mismatch". Seen in the editor, whose check and page ran together.
_ONE_AT_A_TIME = threading.RLock()


def tree_of(text: str) -> ast.expr:
    """Raises what `ast.parse` raises: SyntaxError, ValueError, MemoryError, RecursionError."""
    with _ONE_AT_A_TIME:
        return ast.parse(text, mode="eval").body
