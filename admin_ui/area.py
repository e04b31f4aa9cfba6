"""What a page area hands to the registry: its routes, and its places in the menu."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from fastapi import APIRouter

from server.errors import Text
from server.feature import Work
from server.settings import Settings


@dataclass(frozen=True)
class Link:
    """One line of the side bar. `count` is shown behind it and asked for on every page, so it must be one cheap query."""

    key: str
    title: Text
    path: str
    icon: str
    capability: str = ""  # who sees it; "" everybody, several words: who has one of them
    order: int = 50  # objects stand at 20
    count: Callable[[Work], int] | None = None
    phone: bool = False  # has a place in the bar at the bottom of a phone


@dataclass(frozen=True)
class Area:
    """`bodies`: addresses (as a pattern of the whole path) that take larger bodies than pages do, with how many bytes."""

    router: APIRouter
    links: tuple[Link, ...] = ()
    bodies: Mapping[str, Callable[[Settings], int]] = field(default_factory=dict)


def body_limits(areas: Iterable[Area], settings: Settings) -> Callable[[str], int]:
    """How many bytes a request to a path may bring."""
    larger = [(re.compile(pattern), most(settings)) for area in areas for pattern, most in area.bodies.items()]

    def limit(path: str) -> int:
        return next((most for pattern, most in larger if pattern.fullmatch(path)), settings.body_limit)

    return limit
