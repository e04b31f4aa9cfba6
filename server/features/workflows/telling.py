"""Whom steps of workflows are told to: who is to decide, and who asked."""

from typing import Any

from server.errors import Text
from server.feature import Notice, Work, tell
from server.features.workflows.engine import transitions_from
from server.features.workflows.kind import State, Transition, Workflow


def tell_step(work: Work, workflow: Workflow, row: Any, transition: Transition, target: State, comment: str) -> None:
    """`row`: the instance as it was before the step."""
    link, said = f"/o/{row.object}/{row.record_id}", Text(comment, comment)
    notices = []
    deciding = _deciders(workflow, target)
    if deciding:
        title = Text(f"待审批：{workflow.title.zh} · {{name}}", f"Waits for your decision: {workflow.title.en} · {{name}}")
        to = tuple(f"role:{role}" for role in deciding)
        notices.append(Notice("approval", to, title, said, link, row.object, row.record_id, to_doer=False))
    askers = {who for who in (row.started_by, row.asked_by, row.submitted_by) if who and who != "system"}
    if transition.decision and askers:
        title = Text(f"{target.title.zh}：{workflow.title.zh} · {{name}}", f"{target.title.en}: {workflow.title.en} · {{name}}")
        to = tuple(f"user:{who}" for who in sorted(askers))
        notices.append(Notice("outcome", to, title, said, link, row.object, row.record_id, to_doer=False))
    tell(work, notices)


def _deciders(workflow: Workflow, state: State) -> list[str]:
    """Roles that may decide in this state."""
    if state.type != "approval":
        return []
    roles = {role for t in transitions_from(workflow, state.key) if t.decision for role in t.roles}
    return sorted(roles & set(state.approvers) if state.approvers else roles)
