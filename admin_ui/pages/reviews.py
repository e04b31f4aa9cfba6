"""Reviews: the calendar of periods, and one review with its agenda at left, the metric at right, comments, follow-up and signatures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from admin_ui.area import Area, Link
from admin_ui.edge import Id, reading, writing
from admin_ui.formats import DASH, Formats
from admin_ui.pages.tasks import view_of
from admin_ui.posted import posted
from admin_ui.render import page
from server.errors import Invalid, NotFound, Problem, Text
from server.feature import Work
from server.features.access import service as access
from server.features.reviews import service as reviews
from server.features.reviews.engine import Period, before, period_of
from server.features.reviews.kind import Review
from server.features.reviews.service import MetricLine, ReviewPage, ReviewSummary

router = APIRouter()
CADENCES: Mapping[str, Text] = {"month": Text("每月", "monthly"), "quarter": Text("每季", "quarterly"), "year": Text("每年", "yearly")}
STATES: Mapping[str, Text] = {"open": Text("评议中", "open"), "signed": Text("已签署", "signed")}
# What a review looks at besides its metrics; "@" keeps these apart from keys of documents.
FACTS: tuple[tuple[str, Text, Text], ...] = (
    (
        "@moves",
        Text("等级变动", "Moves between levels"),
        Text("期初与期末的等级不同的记录", "Records whose level at the end differs from the one at the start"),
    ),
    (
        "@exposures",
        Text("未覆盖敞口", "Uncovered exposure"),
        Text("没有担保或保险覆盖的敞口，从大到小", "Exposure without guarantee or insurance, largest first"),
    ),
    ("@criticals", Text("未关闭的严重预警", "Open critical alerts"), Text("打开最久的在前", "Longest open first")),
    ("@late", Text("逾期任务", "Late tasks"), Text("逾期最久的在前", "Latest first")),
)


@dataclass(frozen=True)
class Item:
    """One line of the agenda; the chosen one is drawn at right."""

    key: str
    title: Text
    help: Text | None
    shown: str
    tone: str  # good, bad or ""
    discussed: bool
    is_metric: bool = False
    target_shown: str = ""
    before_shown: str = ""
    change: str = ""
    change_tone: str = ""
    parts: str = ""
    comments: tuple[Any, ...] = ()
    chart: Mapping[str, Any] | None = None
    points: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Said:
    name: str
    at: Any
    text: str


def due_count(work: Work) -> int:
    return len(reviews.due_reviews(work))


AREA = Area(router, (Link("reviews", Text("定期评估", "Reviews"), "/reviews", "clipboard-check", "reviews", 60, count=due_count),))


def period_title(key: str) -> Text:
    """2026-Q1, 2026-03 or 2026 in words."""
    year, _, part = key.partition("-")
    if part.startswith("Q"):
        return Text(f"{year} 年第{'一二三四'[int(part[1]) - 1]}季度", f"{part} {year}")
    if part:
        return Text(f"{year} 年 {int(part)} 月", date(int(year), int(part), 1).strftime("%B %Y"))
    return Text(f"{year} 年", year)


def _title(summary: ReviewSummary) -> Text:
    period = period_title(summary.period)
    return Text(f"{summary.title.zh} · {period.zh}", f"{summary.title.en} · {period.en}")


@router.get("/reviews", response_class=HTMLResponse)
def reviews_page(request: Request) -> HTMLResponse:
    with reading(request, "reviews") as work:
        found = reviews.list_reviews(work)
        kinds = []
        for kind in work.catalog.all("review"):
            mine = [r for r in found if r.key == kind.key]
            kinds.append(
                {
                    "key": kind.key,
                    "title": kind.title,
                    "cadence": CADENCES[kind.cadence],
                    "metrics": len(kind.metrics),
                    "openable": [(p.key, period_title(p.key).of(work.actor.locale)) for p in _openable(work, kind) if p.key not in {r.period for r in mine}],
                    "reviews": [
                        {
                            "id": r.id,
                            "title": _title(r),
                            "state": STATES[r.state],
                            "signed": r.signed,
                            "signers": r.signers,
                            "done": r.state == "signed",
                            "due": r.due,
                        }
                        for r in mine
                    ],
                }
            )
        return page(request, work, "pages/reviews.html", area="reviews", kinds=kinds)


def _openable(work: Work, kind: Review) -> Sequence[Period]:
    """The last periods and the present one, newest ended first: that is the one people mean."""
    now = period_of(kind.cadence, work.at.today)
    one = before(kind.cadence, now)
    return (one, now, before(kind.cadence, one))


@router.post("/reviews")
def open_review(request: Request, form: Mapping[str, str] = Depends(posted)) -> Response:
    with writing(request, "reviews") as work:
        review_id = reviews.open_review(work, form.get("review", ""), form.get("period", ""))
    return RedirectResponse(f"/reviews/{review_id}", 303)


@router.get("/reviews/{review_id}", response_class=HTMLResponse)
def review_page(request: Request, review_id: Id, item: str = "") -> HTMLResponse:
    with reading(request, "reviews") as work:
        return _review(request, work, review_id, item)


def _review(request: Request, work: Work, review_id: int, item_key: str, problems: Sequence[Problem] = ()) -> HTMLResponse:
    found = reviews.get_review(work, review_id)
    people = access.user_names(work)
    metrics, agenda, facts = _metric_items(work, found, people), _agenda_items(found, people), _fact_items(work, found)
    every = [*metrics, *agenda, *facts]
    item = (
        next((i for i in every if i.key == item_key), None)
        if item_key
        else (next((i for i in metrics if not i.discussed), None) or (every[0] if every else None))
    )
    if item is None:
        raise NotFound(Text("评估中没有这一项", "The review has no such item"))
    keys = [i.key for i in every]
    following = keys[keys.index(item.key) + 1] if item.key != keys[-1] else ""
    context: dict[str, Any] = {
        "r": found,
        "title": _title(found.summary),
        "state": STATES[found.summary.state],
        "metrics": metrics,
        "agenda": agenda,
        "facts": facts,
        "item": item,
        "next_item": following,
        "actions": [view_of(work, k, people) for k in found.actions],
        "people": [u for u in access.users(work) if u.active],
        "names": {**{r.key: r.title.of(work.actor.locale) for r in work.catalog.all("role")}, **people},
        "due": (work.at.today + timedelta(days=14)).isoformat(),
        "discussed": sum(1 for i in metrics if i.discussed),
        "problems": problems,
        "signers": found.signers,
        "open": found.summary.state == "open",
        "red": [m for m in metrics if m.tone == "bad"],
    }
    return page(request, work, "pages/review.html", area="reviews", status=422 if problems else 200, **context)


def _said(comments: Sequence[Any], people: Mapping[str, str]) -> tuple[Said, ...]:
    return tuple(Said(people.get(c.by, c.by), c.at, c.text) for c in comments)


def _metric_items(work: Work, found: ReviewPage, people: Mapping[str, str]) -> list[Item]:
    formats = Formats(work.actor.locale, work.zone)
    return [_metric_item(work, formats, line, found, people) for line in found.metrics]


def _metric_item(work: Work, formats: Formats, line: MetricLine, found: ReviewPage, people: Mapping[str, str]) -> Item:
    def shown(value: float | None) -> str:
        return formats.quantity(value, line.unit, line.decimals)

    known = line.value is not None
    change = (line.value - line.previous) if line.value is not None and line.previous is not None else None
    better = change is not None and ((change < 0) == (line.better == "lower"))
    point = line.series[-1] if line.series else None
    parts = (
        f"{formats.number(point.numerator, 2)} / {formats.number(point.denominator, 2)}"
        if point and point.numerator is not None and point.denominator is not None
        else ""
    )
    return Item(
        line.metric,
        line.title,
        line.help,
        shown(line.value) if known else DASH,
        "bad" if line.red else "good" if known else "",
        bool(line.comments) or (known and not line.red),
        True,
        ("≤ " if line.better == "lower" else "≥ ") + shown(line.target),
        shown(line.previous) if line.previous is not None else "",
        "" if not change else f"{'↑' if change > 0 else '↓'} {formats.number(abs(change), line.decimals)}",
        "good" if better else "bad" if change else "",
        parts,
        _said(line.comments, people),
        _chart(work, formats, line, found),
        tuple((p.period, shown(p.value)) for p in line.series),
    )


def _chart(work: Work, formats: Formats, line: MetricLine, found: ReviewPage) -> Mapping[str, Any] | None:
    points = [p for p in line.series if p.value is not None]
    if len(points) < 2:
        return None
    values = [float(p.value) for p in points if p.value is not None]
    goal = ("≤ " if line.better == "lower" else "≥ ") + formats.quantity(line.target, line.unit, line.decimals)
    low, high = min([*values, line.target]), max([*values, line.target])
    room = (high - low) * 0.25 or max(abs(high), 1) * 0.1
    inside = [p.period for p in points if found.summary.first <= p.as_of <= found.summary.last]
    return {
        "type": "line",
        "categories": True,
        "locale": work.actor.locale,
        "title": line.title.of(work.actor.locale),
        "x": [p.period for p in points],
        "y": values,
        "last": formats.quantity(values[-1], line.unit, line.decimals),
        "bad": line.red,
        "min": round(low - room, line.decimals) if low - room > 0 else (0 if low >= 0 else round(low - room, line.decimals)),
        "max": round(high + room, line.decimals),
        "marks": [{"value": line.target, "kind": "target", "label": Text("目标 ", "target ").of(work.actor.locale) + goal, "short": goal}],
        "period": [inside[0], inside[-1]] if inside else None,
    }


def _agenda_items(found: ReviewPage, people: Mapping[str, str]) -> list[Item]:
    return [Item(a.key, a.title, a.help, "", "", bool(a.comments), comments=_said(a.comments, people)) for a in found.agenda]


def _fact_items(work: Work, found: ReviewPage) -> list[Item]:
    formats = Formats(work.actor.locale, work.zone)
    counts = {
        "@moves": len(found.facts.moves),
        "@exposures": len(found.facts.exposures),
        "@criticals": len(found.facts.criticals),
        "@late": len(found.facts.late),
    }
    return [Item(key, title, help, formats.number(counts[key]), "", False) for key, title, help in FACTS]


def _to(review_id: int, form: Mapping[str, str]) -> Response:
    return RedirectResponse(f"/reviews/{review_id}?item={form.get('item', '')}", 303)


@router.post("/reviews/{review_id}/comment", response_class=HTMLResponse)
def comment(request: Request, review_id: Id, form: Mapping[str, str] = Depends(posted)) -> Response:
    try:
        with writing(request, "reviews") as work:
            reviews.comment(work, review_id, form.get("item", ""), form.get("text", ""))
    except Invalid as refused:
        with reading(request, "reviews") as work:
            return _review(request, work, review_id, form.get("item", ""), refused.problems)
    return _to(review_id, form)


@router.post("/reviews/{review_id}/action", response_class=HTMLResponse)
def add_action(request: Request, review_id: Id, form: Mapping[str, str] = Depends(posted)) -> Response:
    try:
        with writing(request, "reviews") as work:
            reviews.add_action(work, review_id, form.get("title", ""), _day(form.get("due_on", "")), form.get("assignee", ""))
    except Invalid as refused:
        with reading(request, "reviews") as work:
            return _review(request, work, review_id, form.get("item", ""), refused.problems)
    return _to(review_id, form)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Invalid([Problem("due_on", Text("请选择一个日期", "Choose a day"))]) from None


@router.post("/reviews/{review_id}/sign")
def sign(request: Request, review_id: Id, form: Mapping[str, str] = Depends(posted)) -> Response:
    with writing(request, "sign") as work:
        reviews.sign(work, review_id, form.get("comment", ""))
    return RedirectResponse(f"/reviews/{review_id}", 303)
