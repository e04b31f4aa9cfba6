"""The jobs page under Settings: what runs, what was done, what failed and what to do about it."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response

from admin_ui.area import Area
from admin_ui.edge import Asked, Id, is_partial, local_path, reading, to, writing
from admin_ui.pages.settings import tabs_of
from admin_ui.posted import posted
from admin_ui.render import fragment, page
from server.errors import NotFound, Text
from server.feature import SYSTEM, Work
from server.features.access import people
from server.features.audit import service as audit
from server.jobs import ledger
from server.registry import JOBS

router = APIRouter(include_in_schema=False)
AREA = Area(router)
PER_PAGE = 50
STATES = {
    "queued": (Text("排队", "Waiting"), "clock"),
    "running": (Text("运行中", "Running"), "player-play"),
    "done": (Text("完成", "Done"), "check"),
    "failed": (Text("失败", "Failed"), "alert-triangle"),
    "cancelled": (Text("已停止", "Stopped"), "x"),
}
VIEWS = {"": Text("全部", "All"), "open": Text("未结束", "Not ended"), "done": STATES["done"][0], "failed": STATES["failed"][0]}


@router.get("/settings/jobs", response_class=HTMLResponse)
def jobs_page(request: Request, state: str = "", before: Asked = None) -> HTMLResponse:
    with reading(request, "studio") as work:
        state = state if state in VIEWS else ""
        timed = [job for job in JOBS.values() if job.may_be_asked_for]
        found = ledger.list_jobs(work.session, state=state, before=before, limit=PER_PAGE + 1)
        context: dict[str, Any] = {
            "jobs": found[:PER_PAGE],
            "more": found[PER_PAGE - 1].id if len(found) > PER_PAGE else None,
            "kinds": {key: job.title for key, job in JOBS.items()},
            "timed": timed,
            "last": ledger.last_of(work.session, [job.key for job in timed]),
            "people": people.user_names(work),
            "states": STATES,
            "views": VIEWS,
            "state": state,
            "before": before,
            "counts": ledger.counts(work.session),
            "alive": any(j.is_open for j in found),
            "tabs": tabs_of(work),
            "tab": "jobs",
        }
        if is_partial(request):
            return fragment(request, work, "parts/jobs.html", **context)
        return page(request, work, "pages/jobs.html", area="settings", **context)


@router.post("/settings/jobs/run")
def run_now(request: Request, form: Mapping[str, str] = Depends(posted)) -> Response:
    """What runs by itself, now; one that waits or runs already is not asked for twice."""
    kind = form.get("kind", "")
    if kind not in JOBS or not JOBS[kind].may_be_asked_for:
        raise NotFound(Text("没有这种可以启动的作业", "There is no such job to be started"))
    with writing(request, "studio") as work:
        last = ledger.last_of(work.session, [kind]).get(kind)
        if last is None or not last.is_open:
            _note(work, "run_job", ledger.enqueue(work.session, work.now, SYSTEM.username, kind, {}))
    return to(request, local_path(form.get("back", ""), "/settings/jobs"))


@router.post("/settings/jobs/{job_id}/cancel")
def cancel(request: Request, job_id: Id) -> Response:
    with writing(request, "studio") as work:
        ledger.cancel(work.session, work.now, job_id)
        _note(work, "cancel_job", job_id)
    return to(request, "/settings/jobs")


@router.post("/settings/jobs/{job_id}/again")
def again(request: Request, job_id: Id) -> Response:
    with writing(request, "studio") as work:
        ledger.again(work.session, work.now, job_id)
        _note(work, "repeat_job", job_id)
    return to(request, "/settings/jobs")


def _note(work: Work, action: str, job_id: int) -> None:
    audit.record(work, action, detail={"job": job_id})
