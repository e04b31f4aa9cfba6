"""What people have done at the demo company before you come in: alerts judged, tasks done, a limit approved, a review opened."""

from collections.abc import Callable
from typing import Any

from server.errors import Text
from server.feature import Work

Act = Callable[[Any, Work], None]

STORY: tuple[tuple[str, Text, Act], ...] = ()
