"""What a page area hands to the registry: its routes, and its places in the menu."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from fastapi import APIRouter

from server.errors import Text
from server.feature import Work


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
    router: APIRouter
    links: tuple[Link, ...] = ()
    body_limits: Mapping[str, str] = field(default_factory=dict)  # beginning of a path -> the setting that bounds its request bodies
