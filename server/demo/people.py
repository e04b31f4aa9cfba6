"""Who works at the demo company. The password is for the demo only and is printed when it is ready."""

from dataclasses import dataclass

from server.feature import Actor, Work
from server.features.access.people import create_user, users

PASSWORD = "sunny-river-42"


@dataclass(frozen=True)
class Person:
    username: str
    name: str
    roles: tuple[str, ...]
    locale: str = "zh_CN"

    @property
    def actor(self) -> Actor:
        return Actor(self.username, self.name, self.roles, self.locale)


PEOPLE = (
    Person("admin", "何晴", ("admin",)),
    Person("li", "李静", ("staff",)),
    Person("wang", "王磊", ("staff",)),
    Person("zhao", "赵敏", ("staff",)),
    Person("chen", "陈浩", ("staff",)),
    Person("sun", "孙悦", ("credit_control",)),
    Person("zhou", "周宁", ("credit_control",)),
    Person("wu", "吴刚", ("reviewer",)),
    Person("anna", "Anna Keller", ("reviewer",), "en"),
)


def hire(work: Work) -> None:
    known = {user.username for user in users(work)}
    for person in PEOPLE:
        if person.username not in known:
            create_user(work, person.username, person.name, PASSWORD, person.roles, person.locale)
