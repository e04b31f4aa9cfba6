"""Reviews of a period: metrics against target, what moved, comments, follow-up actions, signatures."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from server.config.releases import catalog_at
from server.errors import Conflict, Forbidden, Invalid, NotFound, Problem, Text
from server.feature import Work
from server.features.access import service as access
from server.features.audit import service as audit
from server.features.reviews import facts as facts_
from server.features.reviews.engine import Period, before, period_named, period_of
from server.features.reviews.facts import Facts
from server.features.reviews.kind import Metric, Review
from server.features.reviews.metrics import Point, last_point, metric_series, take_snapshots
from server.features.reviews.tables import review_comments, review_signatures, reviews
from server.features.strategies import service as strategies
from server.features.strategies.tasks import Task

__all__ = ["add_action", "comment", "due_reviews", "get_review", "list_reviews", "metric_series", "open_review", "sign", "take_snapshots"]

TEXT_LIMIT = 4000
SERIES = 12


@dataclass(frozen=True)
class Comment:
    item: str
    at: datetime
    by: str
    text: str


@dataclass(frozen=True)
class MetricLine:
    metric: str
    title: Text
    help: Text | None
    unit: str
    decimals: int
    better: str
    target: float
    value: float | None
    as_of: date | None
    red: bool
    previous: float | None  # the value at the end of the period before
    series: tuple[Point, ...]
    comments: tuple[Comment, ...]
    unexplained: bool  # red and without a comment: nobody can sign


@dataclass(frozen=True)
class AgendaLine:
    key: str
    title: Text
    help: Text | None
    comments: tuple[Comment, ...]


@dataclass(frozen=True)
class Signer:
    role: str
    title: Text
    by: str | None
    at: datetime | None
    comment: str
    mine: bool  # the actor may sign here now


@dataclass(frozen=True)
class ReviewSummary:
    id: int
    key: str
    title: Text
    period: str
    first: date
    last: date
    state: str
    opened_at: datetime
    closed_at: datetime | None
    signed: int
    signers: int
    due: bool  # its period is over and it is not signed


@dataclass(frozen=True)
class ReviewPage:
    summary: ReviewSummary
    participants: tuple[str, ...]
    metrics: tuple[MetricLine, ...]
    agenda: tuple[AgendaLine, ...]
    facts: Facts
    actions: tuple[Task, ...]
    signers: tuple[Signer, ...]
    unexplained: tuple[str, ...]
    can_comment: bool
    sign_blocked: Text | None  # why the actor cannot sign; None: they can


# -- Opening and listing -------------------------------------------------------------------------------------------------------


def open_review(work: Work, review_key: str, period: str = "") -> int:
    """Open the review of a period (none given: the one today is in) and take the snapshots it looks at. Opened already: its id."""
    access.require(work, "reviews")
    kind: Review | None = work.catalog.get("review", review_key)
    if kind is None:
        raise NotFound(Text(f"没有定期评估 {review_key}", f"There is no review {review_key}"))
    wanted = period_named(kind.cadence, period) if period else period_of(kind.cadence, work.at.today)
    if isinstance(wanted, Problem):
        raise Invalid([wanted])
    if wanted.first > work.at.today:
        raise Invalid([Problem("period", Text("期间还没有开始", "The period has not begun"), code="range")])
    same = sa.and_(reviews.c.key == review_key, reviews.c.period == wanted.key)
    known = work.session.scalar(sa.select(reviews.c.id).where(same))
    if known is not None:
        return int(known)
    values = {"key": review_key, "period": wanted.key, "first_day": wanted.first, "last_day": wanted.last, "state": "open"}
    try:
        opened = {"opened_at": work.now, "opened_by": work.actor.username, "release": work.catalog.release}
        review_id: int = work.session.execute(sa.insert(reviews).values(**values, **opened).returning(reviews.c.id)).scalar_one()
    except sa.exc.IntegrityError:
        raise Conflict(Text("这次评估刚刚被他人打开,请刷新", "Somebody has just opened this review; please reload")) from None
    take_snapshots(work, min(wanted.last, work.at.today), kind.metrics)
    audit.record(work, "open_review", detail={"review": review_key, "period": wanted.key, "id": review_id})
    return review_id


def list_reviews(work: Work, state: str = "") -> tuple[ReviewSummary, ...]:
    """Newest period first."""
    access.require(work, "reviews")
    query = sa.select(reviews).order_by(reviews.c.last_day.desc(), reviews.c.id.desc())
    rows = work.session.execute(query.where(reviews.c.state == state) if state else query).all()
    return tuple(_summary(work, row) for row in rows)


def due_reviews(work: Work) -> tuple[ReviewSummary, ...]:
    """Open reviews that wait for the actor's signature or comment, for the desk."""
    if not access.may(work, "reviews"):
        return ()
    found = []
    for row in work.session.execute(sa.select(reviews).where(reviews.c.state == "open").order_by(reviews.c.last_day)):
        kind = _kind(work, row)
        if kind and set(work.actor.roles) & ({*kind.participants, *kind.signers}):
            found.append(_summary(work, row))
    return tuple(found)


def missing_periods(work: Work) -> tuple[tuple[Review, Period], ...]:
    """Reviews of the period that just ended which nobody opened."""
    found = []
    for kind in work.catalog.all("review"):
        last = before(kind.cadence, period_of(kind.cadence, work.at.today))
        if work.session.scalar(sa.select(reviews.c.id).where(reviews.c.key == kind.key, reviews.c.period == last.key)) is None:
            found.append((kind, last))
    return tuple(found)


def _summary(work: Work, row: sa.Row[Any]) -> ReviewSummary:
    kind = _kind(work, row)
    signed = work.session.scalar(sa.select(sa.func.count()).select_from(review_signatures).where(review_signatures.c.review_id == row.id)) or 0
    return ReviewSummary(
        row.id,
        row.key,
        kind.title if kind else Text(row.key, row.key),
        row.period,
        row.first_day,
        row.last_day,
        row.state,
        row.opened_at,
        row.closed_at,
        signed,
        len(kind.signers) if kind else signed,
        row.state == "open" and row.last_day < work.at.today,
    )


def _kind(work: Work, row: sa.Row[Any]) -> Review | None:
    """The review as it was in the release it was opened under."""
    found: Review | None = catalog_at(work.session, work.catalog, row.release).get("review", row.key)
    return found


# -- One review ----------------------------------------------------------------------------------------------------------------


def get_review(work: Work, review_id: int) -> ReviewPage:
    access.require(work, "reviews")
    row = _row(work, review_id)
    kind = _kind(work, row)
    if kind is None:
        raise NotFound(Text("没有这次评估", "There is no such review"))
    comments = _comments(work, review_id)
    lines = _metric_lines(work, row, kind, comments)
    unexplained = tuple(line.metric for line in lines if line.unexplained)
    kept = row.frozen["facts"] if row.frozen else None
    return ReviewPage(
        _summary(work, row),
        kind.participants,
        lines,
        tuple(AgendaLine(a.key, a.title, a.help, comments.get(a.key, ())) for a in kind.agenda),
        facts_.restored(work, kept) if kept else facts_.gather(work, row.first_day, row.last_day),
        strategies.tasks_of_review(work, review_id),
        _signers(work, row, kind),
        unexplained,
        row.state == "open",
        _sign_refusal(work, row, kind, unexplained),
    )


def _row(work: Work, review_id: int, lock: bool = False) -> sa.Row[Any]:
    query = sa.select(reviews).where(reviews.c.id == review_id)
    row = work.session.execute(query.with_for_update() if lock else query).first()
    if row is None:
        raise NotFound(Text("没有这次评估", "There is no such review"))
    return row


def _comments(work: Work, review_id: int) -> Mapping[str, tuple[Comment, ...]]:
    found: dict[str, list[Comment]] = defaultdict(list)
    for row in work.session.execute(sa.select(review_comments).where(review_comments.c.review_id == review_id).order_by(review_comments.c.id)):
        found[row.item].append(Comment(row.item, row.at, row.by, row.text))
    return {item: tuple(lines) for item, lines in found.items()}


def _metric_lines(work: Work, row: sa.Row[Any], kind: Review, comments: Mapping[str, tuple[Comment, ...]]) -> tuple[MetricLine, ...]:
    lines = []
    catalog = catalog_at(work.session, work.catalog, row.release)
    for key in kind.metrics:
        metric: Metric | None = catalog.get("metric", key)
        if metric is None:
            continue
        point = _signed_point(row, key) if row.frozen else last_point(work, key, row.last_day)
        if point is not None and point.as_of < row.first_day:
            point = None  # measured before the period only
        earlier = last_point(work, key, date.fromordinal(row.first_day.toordinal() - 1))
        said = comments.get(key, ())
        red = point is not None and point.red
        lines.append(
            MetricLine(
                key,
                metric.title,
                metric.help,
                metric.unit,
                metric.decimals,
                metric.better,
                point.target if point else float(metric.target),
                point.value if point else None,
                point.as_of if point else None,
                red,
                earlier.value if earlier else None,
                metric_series(work, key, SERIES, row.last_day),
                said,
                red and not said,
            )
        )
    return tuple(lines)


def _signed_point(row: sa.Row[Any], metric: str) -> Point | None:
    kept = row.frozen["metrics"].get(metric)
    if kept is None:
        return None
    return Point(date.fromisoformat(kept["as_of"]), row.period, kept["value"], kept["target"], kept["red"], None, None, row.release, row.closed_at)


def _signers(work: Work, row: sa.Row[Any], kind: Review) -> tuple[Signer, ...]:
    given = {s.role: s for s in work.session.execute(sa.select(review_signatures).where(review_signatures.c.review_id == row.id))}
    mine = _role_to_sign(work, row, kind)
    titles = {r.key: r.title for r in work.catalog.all("role")}
    return tuple(
        Signer(
            role,
            titles.get(role, Text(role, role)),
            given[role].by if role in given else None,
            given[role].at if role in given else None,
            given[role].comment if role in given else "",
            role == mine,
        )
        for role in kind.signers
    )


def _role_to_sign(work: Work, row: sa.Row[Any], kind: Review) -> str | None:
    """The role in which the actor can sign: one of theirs that nobody signed for; each person signs once."""
    c = review_signatures.c
    given = work.session.execute(sa.select(c.role, c.by).where(c.review_id == row.id)).all()
    if row.state != "open" or not access.may(work, "sign") or work.actor.username in {s.by for s in given}:
        return None
    done = {s.role for s in given}
    return next((role for role in kind.signers if role in work.actor.roles and role not in done), None)


def _sign_refusal(work: Work, row: sa.Row[Any], kind: Review, unexplained: tuple[str, ...]) -> Text | None:
    if row.state != "open":
        return Text("评估已经签署完毕", "The review is signed")
    if _role_to_sign(work, row, kind) is None:
        return Text("不需要您的签署", "Your signature is not asked for")
    if unexplained:
        titles = [m.title if m else Text(k, k) for k, m in ((k, work.catalog.get("metric", k)) for k in unexplained)]
        return Text(
            f"未达标的指标需先说明:{'、'.join(t.zh for t in titles)}", f"Explain the metrics that miss their target first: {', '.join(t.en for t in titles)}"
        )
    return None


# -- Saying, acting, signing ---------------------------------------------------------------------------------------------------


def comment(work: Work, review_id: int, item: str, text: str) -> None:
    """`item`: a metric or an agenda item of the review."""
    access.require(work, "reviews")
    row = _row(work, review_id, lock=True)
    kind = _open_kind(work, row)
    if item not in kind.metrics and item not in {a.key for a in kind.agenda}:
        raise NotFound(Text("评估中没有这一项", "The review has no such item"))
    work.session.execute(sa.insert(review_comments).values(review_id=review_id, item=item, at=work.now, by=work.actor.username, text=_text(text)))
    audit.record(work, "review_comment", detail={"review": review_id, "item": item})


def add_action(
    work: Work, review_id: int, title: Text | str, due_on: date, assignee: str = "", role: str = "", object: str = "", record_id: int | None = None
) -> int:
    """A follow-up action as a task with owner and date."""
    access.require(work, "reviews")
    _open_kind(work, _row(work, review_id))
    return strategies.create_task(work, title=title, due_on=due_on, assignee=assignee, role=role, object=object, record_id=record_id, review_id=review_id)


def sign(work: Work, review_id: int, text: str = "") -> ReviewPage:
    """Sign for one of one's roles. The last signature closes the review and keeps what was signed."""
    access.require(work, "sign")
    access.require(work, "reviews")
    row = _row(work, review_id, lock=True)  # two signers at once take turns, so that the last one closes
    kind = _open_kind(work, row)
    role = _role_to_sign(work, row, kind)
    if role is None:
        raise Forbidden(Text("不需要您的签署", "Your signature is not asked for"))
    lines = _metric_lines(work, row, kind, _comments(work, review_id))
    refusal = _sign_refusal(work, row, kind, tuple(line.metric for line in lines if line.unexplained))
    if refusal:
        raise Conflict(refusal)
    text = _text(text, required=False)
    try:
        work.session.execute(sa.insert(review_signatures).values(review_id=review_id, role=role, by=work.actor.username, at=work.now, comment=text))
    except sa.exc.IntegrityError:
        raise Conflict(Text("已有人签署,请刷新", "Somebody signed meanwhile; please reload")) from None
    audit.record(work, "sign_review", detail={"review": review_id, "role": role})
    given = set(work.session.scalars(sa.select(review_signatures.c.role).where(review_signatures.c.review_id == review_id)))
    if given >= set(kind.signers):
        _close(work, row, lines)
    return get_review(work, review_id)


def _close(work: Work, row: sa.Row[Any], lines: tuple[MetricLine, ...]) -> None:
    kept = {
        "metrics": {x.metric: {"as_of": x.as_of.isoformat(), "value": x.value, "target": x.target, "red": x.red} for x in lines if x.as_of},
        "facts": facts_.plain(facts_.gather(work, row.first_day, row.last_day)),
    }
    work.session.execute(sa.update(reviews).where(reviews.c.id == row.id).values(state="signed", closed_at=work.now, frozen=kept))
    audit.record(work, "close_review", detail={"review": row.id, "key": row.key, "period": row.period})


def _open_kind(work: Work, row: sa.Row[Any]) -> Review:
    kind = _kind(work, row)
    if kind is None:
        raise NotFound(Text("没有这次评估", "There is no such review"))
    if row.state != "open":
        raise Conflict(Text("评估已签署,不能再修改", "The review is signed and cannot be changed"))
    return kind


def _text(text: str, required: bool = True) -> str:
    text = text.strip()
    if required and not text:
        raise Invalid([Problem("text", Text("请填写内容", "Please write something"), code="required")])
    if len(text) > TEXT_LIMIT:
        raise Invalid([Problem("text", Text(f"最多 {TEXT_LIMIT} 个字符", f"At most {TEXT_LIMIT} characters"), code="too_long")])
    return text
