"""Strategies and tasks, from one door. Running strategies are in runs.py, tasks in tasks.py."""

from server.config.catalog import Catalog
from server.feature import Assessed, Work
from server.features.strategies.responses import follow_alerts
from server.features.strategies.runs import end_removed, follow_results, get_run, running_counts, runs_of, start, startable, stop
from server.features.strategies.tasks import (
    add_note,
    approve_task,
    cancel_task,
    change_due,
    complete_task,
    create_task,
    get_task,
    list_tasks,
    my_approvals,
    my_task_counts,
    my_tasks,
    overdue_count,
    reassign,
    task_history,
    tasks_of,
    tasks_of_review,
)

__all__ = [
    "add_note",
    "approve_task",
    "cancel_task",
    "change_due",
    "complete_task",
    "create_task",
    "get_run",
    "get_task",
    "list_tasks",
    "my_approvals",
    "my_task_counts",
    "my_tasks",
    "on_assessed",
    "on_published",
    "overdue_count",
    "reassign",
    "running_counts",
    "runs_of",
    "start",
    "startable",
    "stop",
    "task_history",
    "tasks_of",
    "tasks_of_review",
]


def on_assessed(work: Work, assessed: Assessed) -> None:
    """New results: strategies start and stop, new alerts get their first task."""
    follow_alerts(work, assessed.object, assessed.part)
    follow_results(work, assessed.object, assessed.part)


def on_published(work: Work, old: Catalog, new: Catalog) -> None:
    end_removed(work, new)
