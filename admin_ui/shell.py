"""What stands around every page: menu with counts, the person, language and theme."""

from collections.abc import Iterable
from dataclasses import dataclass

from fastapi import Request

from admin_ui.area import Area, Link
from server.errors import Text
from server.feature import Work
from server.features.access import service as access
from server.features.objects.kind import ObjectType

OBJECTS_AT = 20
SHOWN_OBJECTS = 6  # of a catalog with many objects the others fold away
THEMES = ("light", "dark")


@dataclass(frozen=True)
class MenuLine:
    key: str
    title: Text
    path: str
    icon: str
    count: int | None
    apart: bool  # a gap before it
    phone: bool
    folded: bool = False  # behind "more records"


def menu(areas: Iterable[Area], work: Work) -> tuple[MenuLine, ...]:
    """The lines this person may see, in order; objects come from the catalog."""
    links = sorted((link for area in areas for link in area.links), key=lambda link: link.order)
    before = [_line(link, work) for link in links if link.order < OBJECTS_AT and _visible(link, work)]
    after = [_line(link, work) for link in links if link.order >= OBJECTS_AT and _visible(link, work)]
    return (*before, *object_lines(work), *after)


def _visible(link: Link, work: Work) -> bool:
    return not link.capability or any(access.may(work, capability) for capability in link.capability.split())


def _line(link: Link, work: Work) -> MenuLine:
    return MenuLine(link.key, link.title, link.path, link.icon, link.count(work) if link.count else None, link.order in {80, 90}, link.phone)


def object_lines(work: Work) -> tuple[MenuLine, ...]:
    shown = sorted((o for o in work.catalog.all("object") if o.menu and access.allowed(work, o.key, "read")), key=lambda o: o.menu)
    folding = len(shown) > SHOWN_OBJECTS + 1
    return tuple(_object_line(o, first=i == 0, folded=folding and i >= SHOWN_OBJECTS) for i, o in enumerate(shown))


def _object_line(object_type: ObjectType, *, first: bool, folded: bool) -> MenuLine:
    return MenuLine(f"o/{object_type.key}", object_type.plural, f"/o/{object_type.key}", object_type.icon, None, False, first, folded)


def theme_of(request: Request) -> str:
    """light, dark, or "" for what the device prefers."""
    theme = request.cookies.get("weatherglass_theme", "")
    return theme if theme in THEMES else ""
