"""What can go wrong, as values and as refusals.

A user's mistake is data: functions return `Problem`s. A refused request is an `AppError`; its class carries the HTTP status:

    AppError 400
    ├── NotSignedIn 401      ├── Forbidden 403      ├── NotFound 404
    ├── Conflict 409         (a rule of state forbids the step)
    │   └── Stale            (somebody changed the record meanwhile; the API answers 412)
    ├── TooLarge 413         (a limit of the product was passed)
    ├── Gone 410             (a link that ran out)
    ├── Invalid 422          (carries the problems)
    └── Unavailable 503      (the database is away or kept busy by others)

Everything else is a bug and crashes to the request edge.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple


class Text(NamedTuple):
    """One user-facing sentence in both languages of the product."""

    zh: str
    en: str

    def of(self, locale: str) -> str:
        return self.zh if locale.startswith("zh") else self.en


@dataclass(frozen=True)
class Problem:
    """One finding about a document or an input.

    `path`: where, as a JSON pointer inside the document ("/factors/2/weight") or a field key of a record ("credit_limit"; "" is the whole).
    `start`, `end`: character positions inside an expression, when the place is an expression.
    """

    path: str
    message: Text
    hint: Text | None = None
    file: str = ""
    start: int | None = None
    end: int | None = None
    severity: str = "error"  # "error" blocks saving or publishing, "warning" does not
    code: str = ""  # stable word for tests and the API, e.g. "required", "unknown_name"


class AppError(Exception):
    status = 400

    def __init__(self, message: Text, hint: Text | None = None) -> None:
        super().__init__(message.en)
        self.message = message
        self.hint = hint


class NotSignedIn(AppError):
    status = 401


class Forbidden(AppError):
    status = 403


class NotFound(AppError):
    status = 404


class Conflict(AppError):
    status = 409


class Stale(Conflict):
    """The version that the user saw is no longer the present one."""


class Gone(AppError):
    """It was there and is over: a link that ran out."""

    status = 410


class TooLarge(AppError):
    status = 413


class Unavailable(AppError):
    """The database did not do its part; made at the request edge from what it raised."""

    status = 503

    def __init__(self) -> None:
        super().__init__(
            Text("数据库暂时没有响应，刚才提交的内容可能没有保存", "The database does not answer at the moment; what you sent may not have been saved"),
            Text("过几秒刷新，看看是否已保存，再试一次", "Look again in a few seconds whether it was saved, then try again"),
        )


class Invalid(AppError):
    """Refused because of problems the user can mend; nothing was saved."""

    status = 422

    def __init__(self, problems: Iterable[Problem], message: Text | None = None) -> None:
        self.problems = tuple(problems)
        first = self.problems[0].message if self.problems else Text("输入有误", "The input has problems")
        super().__init__(message or first)
