"""Working days, required fields, who may take a transition."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from server.errors import Text
from server.features.calendars.engine import WorkingTime
from server.features.calendars.kind import MONDAY_TO_FRIDAY
from server.features.workflows.engine import Mover, due_at, missing_fields, role_refusal
from server.features.workflows.kind import State, Transition

SHANGHAI = ZoneInfo("Asia/Shanghai")
WORKING = WorkingTime(MONDAY_TO_FRIDAY, SHANGHAI)


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("entered", "days", "due"),
    [
        ("2026-03-10 10:00", 1, "2026-03-11 10:00"),  # Tuesday
        ("2026-03-13 10:00", 1, "2026-03-16 10:00"),  # Friday to Monday
        ("2026-03-14 10:00", 1, "2026-03-17 00:00"),  # what comes on a Saturday begins to count with Monday
        ("2026-03-10 10:00", 5, "2026-03-17 10:00"),
        ("2026-03-10 10:00", 0.5, "2026-03-10 14:00"),  # half a working day
        ("2026-03-13 22:00", 0.5, "2026-03-16 02:00"),  # over midnight into Saturday
        ("2026-03-10 10:00", 1.25, "2026-03-11 12:00"),
    ],
)
def test_due_at_counts_working_days(entered: str, days: float, due: str) -> None:
    assert due_at(local(entered).astimezone(UTC), days, WORKING) == local(due)


def test_no_limit_is_never_due() -> None:
    assert due_at(datetime.now(UTC), 0, WORKING) is None


def test_missing_fields() -> None:
    transition = Transition("t", Text("t", "t"), ("a",), "b", ("staff",), require=("text", "list", "yes_no", "zero", "absent"))
    assert missing_fields(transition, {"text": "", "list": [], "yes_no": False, "zero": 0}) == ("text", "list", "absent")


APPROVE = Transition("approve", Text("批准", "Approve"), ("approval",), "done", ("reviewer", "credit_control"), decision="approve")
BACK = Transition("back", Text("退回", "Back"), ("approval",), "draft", ("reviewer",))
STATE = State("approval", Text("审批", "Approval"), "approval", approvers=("reviewer",))
TITLES = {"reviewer": Text("管理者", "Reviewer")}


@pytest.mark.parametrize(
    ("transition", "username", "roles", "refused"),
    [
        (APPROVE, "zhao.lei", ("reviewer",), False),
        (APPROVE, "wang.fang", ("credit_control",), True),  # may take it, but does not decide in this state
        (APPROVE, "asker", ("reviewer",), True),
        (APPROVE, "asker", ("reviewer", "admin", "credit_control"), True),
        (BACK, "asker", ("reviewer",), False),  # not a decision
        (APPROVE, "admin", ("admin",), True),
        (APPROVE, "nobody", (), True),
    ],
)
def test_who_may_decide(transition: Transition, username: str, roles: tuple[str, ...], refused: bool) -> None:
    found = role_refusal(transition, STATE, Mover(username, roles, False, {"asker"}), TITLES)
    assert (found is not None) is refused


def test_the_system_may() -> None:
    assert role_refusal(APPROVE, STATE, Mover("system", (), True, {"system"}), TITLES) is None


def test_due_never_lies_before_its_beginning() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    for hours in range(24 * 9):
        for days in (0.1, 1, 2.5):
            entered = start + timedelta(hours=hours)
            due = due_at(entered, days, WORKING)
            assert due is not None
            assert due >= entered
