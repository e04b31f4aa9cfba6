"""The desk: what waits for me, and what changed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from admin_ui.area import Area, Link
from admin_ui.edge import reading
from admin_ui.pages.matrix import View, matrix_view
from admin_ui.pages.tasks import Waiting, approvals
from admin_ui.render import page
from admin_ui.subjects import Subject, subject
from server.errors import Text
from server.feature import Work
from server.features.access import roles
from server.features.access import service as access
from server.features.alerts.inbox import NOTHING, Inbox, Wanted, inbox
from server.features.assessment.movement import Move, class_counts, movers
from server.features.classification.kind import Class
from server.features.comments import service as comments
from server.features.forms import drafts
from server.features.forms.drafts import Draft
from server.features.objects.kind import ObjectType
from server.features.reviews.service import ReviewSummary, due_reviews
from server.features.strategies.tasks import Task, my_tasks

router = APIRouter(include_in_schema=False)
SHOWN = 5
NO_CELL = "-"  # the desk's matrix has no cell marked


@dataclass(frozen=True)
class LevelLine:
    klass: Class
    count: int
    url: str


@dataclass(frozen=True)
class Mine:
    """My records by level; everybody's for who owns none."""

    title: Text
    lines: tuple[LevelLine, ...]
    total: int


@dataclass(frozen=True)
class Desk:
    alerts: Inbox
    approvals: tuple[Waiting, ...]
    tasks: tuple[Task, ...]
    reviews: tuple[ReviewSummary, ...]
    drafts: tuple[Draft, ...]
    object_type: ObjectType | None
    lead: Subject
    moves: tuple[Move, ...]
    moved: int
    mine: Mine | None
    matrix: View | None

    @property
    def empty(self) -> bool:
        return not (self.alerts.lines or self.approvals or self.tasks or self.reviews or self.drafts)


@router.get("/", response_class=HTMLResponse)
def desk(request: Request) -> HTMLResponse:
    with reading(request) as work:
        return page(request, work, "pages/desk.html", area="desk", desk=_desk(work), creatable=_creatable(work), mentions=comments.unread(work))


def _desk(work: Work) -> Desk:
    handles = roles.may(work, "alerts")
    object_type = next((o for o in work.catalog.all("object") if o.assessed and access.allowed(work, o.key, "read")), None)
    lead = subject(work.catalog, object_type.key) if object_type else Subject()
    moves: list[Move] = []
    moved = 0
    if object_type and lead.score:
        moves, moved = movers(work, object_type.key, work.at.today - timedelta(days=1), lead.names, lead.score.key, SHOWN)
    return Desk(
        inbox(work, Wanted(mine=True, by_record=True), size=SHOWN) if handles else NOTHING,
        approvals(work),
        my_tasks(work),
        due_reviews(work),
        drafts.mine(work)[:SHOWN],
        object_type,
        lead,
        tuple(moves),
        moved,
        _mine(work, object_type, lead) if object_type else None,
        matrix_view(work, cell=NO_CELL) if roles.may(work, "matrix") else None,
    )


def _mine(work: Work, object_type: ObjectType, lead: Subject) -> Mine | None:
    if lead.level is None:
        return None
    counts: Mapping[Any, int] = class_counts(work, object_type.key, lead.level.key, work.actor.username)
    own = bool(counts)
    if not own:
        counts = class_counts(work, object_type.key, lead.level.key)
    suffix = f"&{object_type.owner_field}={work.actor.username}" if own and object_type.owner_field else ""
    lines = tuple(
        LevelLine(c, counts.get(c.key, 0), f"/o/{object_type.key}?{lead.level.key}={c.key}{suffix}")
        for c in reversed(lead.level.classes)
        if counts.get(c.key) or c.color
    )
    title = (
        Text(f"我的{object_type.plural.zh}", f"My {object_type.plural.en.lower()}")
        if own
        else Text(f"全部{object_type.plural.zh}", f"All {object_type.plural.en.lower()}")
    )
    return Mine(title, lines, sum(counts.values()))


def _creatable(work: Work) -> tuple[ObjectType, ...]:
    found = (o for o in work.catalog.all("object") if o.menu and access.allowed(work, o.key, "create"))
    return tuple(sorted(found, key=lambda o: o.menu))


AREA = Area(router, (Link("desk", Text("工作台", "Desk"), "/", "layout-dashboard", order=10, phone=True),))
