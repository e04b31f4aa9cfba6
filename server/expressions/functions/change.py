"""Functions that look at the record as it was before the change at hand. The value before is added by the engines as the last argument."""

from typing import Any

from server.errors import Text
from server.expressions import numbers
from server.expressions.function import Form, Function, params
from server.expressions.types import BOOLEAN, NUMBER, TEXT, Name, Scope

IS_NEW = "is_new()"  # under this key values say whether the record is new; no field can have it
NO_EARLIER = Text("没有修改前的值", "there was no value before")


def earlier(name: str) -> str:
    """Under this key values hold what a field held before the change."""
    return f"previous.{name}"


def _previous(now: Any, before: Any) -> Any:
    return before


def _changed(now: Any, before: Any) -> bool:
    """From or to null is a change; null that stays null is none."""
    if now is None or before is None:
        return now is not before
    return bool(numbers.key(now) != numbers.key(before) if isinstance(now, float) else now != before)


def _is_new(new: bool | None) -> bool:
    return bool(new)


# What the examples are about: an amount that was 100 and a name that stays.
EXAMPLE_SCOPE = Scope({"amount": Name(NUMBER), "name": Name(TEXT), "held": Name(BOOLEAN)}, before=frozenset(("amount", "name", "held")))
EXAMPLE_VALUES = {"amount": 160.0, "name": "客户", earlier("amount"): 100.0, earlier("name"): "客户", IS_NEW: False}

FUNCTIONS = (
    Function(
        "previous",
        "change",
        Text(
            "字段在本次修改之前的值；新记录为空。只用于保存记录时的检查（例中 amount 由 100 改为 160）",
            "What the field held before the change at hand; null for a new record. For the checks of a record that is saved"
            " (in the examples the amount goes from 100 to 160)",
        ),
        (Form(params(field="T"), "T", _previous, "{1}", sees_null=True, earlier=True, may_be_null=True, cause=NO_EARLIER),),
        (("previous(amount)", 100.0), ("amount <= previous(amount) * 1.5", False), ("previous(name) == name", True), ("previous(held)", None)),
        null="handles",
        aliases=("PRIORVALUE", "OLD", "原值", "修改前"),
    ),
    Function(
        "changed",
        "change",
        Text(
            "本次修改了这个字段；由空变为有值、由有值变为空也算（例中 amount 由 100 改为 160）",
            "The change at hand changes the field; from or to null counts (in the examples the amount goes from 100 to 160)",
        ),
        (
            Form(params(field="number"), "boolean", _changed, "{0:key} IS NOT {1:key}", "{0:key} IS DISTINCT FROM {1:key}", sees_null=True, earlier=True),
            Form(params(field="T"), "boolean", _changed, "{0} IS NOT {1}", "{0} IS DISTINCT FROM {1}", sees_null=True, earlier=True),
        ),
        (("changed(amount)", True), ("changed(name)", False), ("changed(held)", False)),
        null="handles",
        aliases=("ISCHANGED", "HAS_CHANGED", "已修改", "是否修改"),
    ),
    Function(
        "is_new",
        "change",
        Text("正在新建这条记录", "The record is being created"),
        (Form((), "boolean", _is_new, "coalesce({0}, 0)", "coalesce({0}, false)", sees_null=True, earlier=True),),
        (("is_new()", False), ("not is_new() and changed(amount)", True), ("is_new() or changed(name)", False)),
        null="handles",
        aliases=("ISNEW", "新建", "是否新建"),
    ),
)
