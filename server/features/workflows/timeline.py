"""Steps of one record's workflows in the order of time, for its timeline."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from server.errors import Text
from server.feature import Work
from server.features.records.moments import Place, earlier
from server.features.workflows.instances import pinned
from server.features.workflows.tables import workflow_instances, workflow_steps


@dataclass(frozen=True)
class StepMoment:
    id: int
    at: datetime
    by: str
    title: Text  # of the transition
    target: Text  # the state it led to
    comment: str


def steps(work: Work, object_key: str, record_id: int, before: Place | None, rank: int, limit: int) -> list[StepMoment]:
    """For who may read the record, newest first."""
    s, i = workflow_steps.c, workflow_instances.c
    joined = workflow_steps.join(workflow_instances, i.id == s.instance_id)
    columns = (s.id, s.at, s.by, s.transition, s.to, s.comment, i.workflow, i.release)
    where = (i.object == object_key, i.record_id == record_id, *earlier(before, rank, s.at, s.id))
    query = sa.select(*columns).select_from(joined).where(*where).order_by(s.at.desc(), s.id.desc()).limit(limit)
    found = []
    for row in work.session.execute(query):
        workflow = pinned(work, row.workflow, row.release)
        taken = next((t.title for t in workflow.transitions if t.key == row.transition), None) if workflow else None
        state = workflow.states.get(row.to) if workflow else None
        titles = (taken or Text(row.transition, row.transition), state.title if state else Text(row.to, row.to))
        found.append(StepMoment(row.id, row.at, row.by, *titles, row.comment))
    return found
