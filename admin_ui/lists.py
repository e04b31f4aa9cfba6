"""A list being answered: the object, the address, what its person may see, and the records behind it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from fastapi import Request

from admin_ui import listing
from admin_ui.address import EVERYTHING, Address, read
from admin_ui.pages.records import object_of
from admin_ui.subjects import Subject, subject
from server.config.output import Output
from server.errors import NotFound, Text
from server.expressions.types import Name
from server.feature import Work
from server.features.access import people
from server.features.objects import results
from server.features.objects.kind import ObjectType
from server.features.records import service as records
from server.features.records import views
from server.features.records.liststate import ListState

PAGE = 50


@dataclass(frozen=True)
class List:
    """A list being answered: who asks for what of which object."""

    work: Work
    object_type: ObjectType
    address: Address
    lead: Subject
    outputs: Mapping[str, Output]
    views: Sequence[views.View]

    @property
    def state(self) -> ListState:
        return self.address.state

    @cached_property
    def names(self) -> Mapping[str, Name]:
        """What the person may filter and sort by."""
        return views.names_of(self.work, self.object_type.key)


def list_of(request: Request, work: Work, object_key: str) -> List:
    """The list that the request's address asks for."""
    object_type = object_of(work, object_key)
    known = views.views(work, object_key)
    address = read(object_key, request.query_params, known, views.opening(work, known))
    asked = request.query_params.get("view", "")
    if asked and asked != EVERYTHING and address.view is None and not request.query_params.get("changed"):
        raise NotFound(Text("没有这个视图，或无权查看", "There is no such view, or you may not see it"))
    return List(work, object_type, address, subject(work.catalog, object_key), outputs_of(work, object_type), known)


def outputs_of(work: Work, object_type: ObjectType) -> Mapping[str, Output]:
    return results.outputs(work.catalog, object_type.key) if object_type.assessed else {}


def found_of(it: List, columns: Sequence[listing.Column], **asked: Any) -> records.Page:
    """The records of the list's address, with what the columns show."""
    fields = it.object_type.fields
    return records.query(
        it.work,
        it.object_type.key,
        **{
            "search": it.state.search,
            "inside": it.state.inside,
            "filter": it.state.filter,
            "conditions": [(c.name, c.op, c.value) for c in it.state.conditions],
            "sort": it.state.sort,
            "cursor": it.address.cursor,
            "limit": PAGE,
            "columns": [c.name for c in columns if c.name in fields],
            "results": [c.name for c in columns if c.name not in fields and c.kind != "stamp"],
            **asked,
        },
    )


def names_of_people(work: Work, columns: Sequence[listing.Column]) -> Mapping[str, str]:
    wanted = any(c.name in {"created_by", "updated_by"} or (c.field is not None and c.field.type == "user") for c in columns)
    return people.user_names(work) if wanted else {}
