"""Assessment in the background: every night, because time alone moves windows and ages; after a release; when somebody asks for it. And the check on it."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from server.errors import Text
from server.feature import Work
from server.features.assessment.consistency import compare_sample
from server.features.assessment.runs import OpenWork, Progress, Summary, assess_all, assess_due
from server.features.assessment.service import RUN
from server.features.assessment.structure import assessed
from server.jobs.job import Job, Running

CHECK = "assess_check"
NIGHT = "assess_due"
NIGHTLY = "10 0 * * *"  # when the day is new in the organisation's zone
DAILY = "40 6,12,18 * * *"


def everybody(job: Running) -> Mapping[str, Any]:
    """Everybody of one object (`object`), or of all; a run that was cut off goes on where it came to."""
    return _run(job, lambda open_work, look, key, progress: assess_all(open_work, key, progress=progress, look=look))


def night(job: Running) -> Mapping[str, Any]:
    """Whoever may have other results today, of each object."""
    return _run(job, assess_due)


def _run(job: Running, assess: Callable[[OpenWork, OpenWork, str, Progress], Summary]) -> Mapping[str, Any]:
    seen = {"done": 0, "total": 0}

    @contextmanager
    def open_work() -> Iterator[Work]:
        with job.work(write=True, cause="assess") as work:
            job.check(work.session)
            job.progress(work.session, **seen)
            yield work

    def progress(done: int, total: int) -> None:
        seen.update(done=done, total=total)

    def look() -> AbstractContextManager[Work]:
        return job.work(write=False, cause="assess")

    return _told([assess(open_work, look, key, progress) for key in _objects(job)])


def _told(found: list[Summary]) -> Mapping[str, Any]:
    total: Counter[str] = Counter()
    for s in found:
        total.update(records=s.records, due=s.due, changed=s.changed, alerts_opened=s.alerts_opened, alerts_cleared=s.alerts_cleared)
    return total


def check(job: Running) -> Mapping[str, Any]:
    """Each object's sample worked out anew: how many records were looked at, and which differ from what is stored."""
    found = {}
    for key in _objects(job):
        with job.work(write=False, cause="assess") as work:
            sample = compare_sample(work, key)
        if sample is not None:
            found[key] = {"checked": sample.checked, "different": sample.different}
    return found


def _objects(job: Running) -> list[str]:
    with job.work(write=False, cause="assess") as work:
        return [job.args["object"]] if "object" in job.args else [o.key for o in assessed(work.catalog)]


JOBS = (
    Job(RUN, Text("评估全部", "Assess everybody"), everybody, on_demand=True),
    Job(NIGHT, Text("评估随时间变化的", "Assess what time changed"), night, NIGHTLY),
    Job(CHECK, Text("抽查评估结果", "Check results by sample"), check, DAILY),
)
