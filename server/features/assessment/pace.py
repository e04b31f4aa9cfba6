"""How many records one transaction of a run takes: many while nobody else writes, few while somebody does, so that no save waits long for a run."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TypeVar

T = TypeVar("T")
MOST = 2000  # about a quarter of a second
FEWEST = 50
WAITED = 0.003  # seconds: nobody waits so long for a transaction that nobody else wants


class Pace:
    """`most`: records of a transaction that nobody waits for; none: MOST."""

    def __init__(self, most: int | None = None) -> None:
        self.most = self.size = most or MOST

    @contextmanager
    def step(self, opened: Callable[[], AbstractContextManager[T]]) -> Iterator[T]:
        """One transaction. That it had to be waited for says that others write: then this one is short already."""
        asked = time.monotonic()
        with opened() as work:
            self.waited(time.monotonic() - asked)
            yield work

    def waited(self, seconds: float) -> None:
        self.size = min(self.most, FEWEST) if seconds > WAITED else min(self.most, self.size * 2)
