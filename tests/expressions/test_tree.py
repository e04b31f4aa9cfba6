"""Threads that parse at the same moment must take turns: CPython 3.11 mixes up their depths when the garbage collector runs code in between."""

import ast
import gc
import sys
from concurrent.futures import ThreadPoolExecutor

from server.expressions.tree import tree_of

TEXT = "(" * 30 + "a + b * 2" + ")" * 30 + " and one_of(c, 'x', 'y')"


class Lingering:
    """Garbage whose end runs Python code, so that another thread may come in while a tree is being built."""

    def __init__(self) -> None:
        self.me = self

    def __del__(self) -> None:
        for _ in range(50):
            pass


def parse_among_garbage(text: str) -> ast.expr:
    Lingering(), Lingering()
    return tree_of(text)


def test_threads_may_parse_at_the_same_moment() -> None:
    interval, threshold = sys.getswitchinterval(), gc.get_threshold()
    sys.setswitchinterval(1e-6)
    gc.set_threshold(20)
    try:
        with ThreadPoolExecutor(4) as pool:
            trees = list(pool.map(parse_among_garbage, [TEXT] * 300))
    finally:
        sys.setswitchinterval(interval)
        gc.set_threshold(*threshold)
    assert len(trees) == 300
