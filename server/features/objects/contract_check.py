"""What is wrong with the outside schema that an object document holds, and with the places it names."""

from collections.abc import Iterator, Mapping
from typing import Any

from server.config.catalog import Catalog
from server.config.findings import unknown, wrong
from server.config.names import pointer
from server.errors import Problem
from server.features.objects.contract import Contract, parse_contract
from server.features.objects.kind import ObjectType
from server.features.objects.outside.schema import findings


def contract_of(catalog: Catalog, object_type: ObjectType) -> Contract | None:
    """The contract of a published object, read once a catalog."""
    if object_type.contract is None:
        return None
    memo = ("objects.contract", object_type.key)
    if memo not in catalog.memo:
        catalog.memo[memo] = parse_contract(object_type.contract)
    found: Contract = catalog.memo[memo]
    return found


def check_contract(it: ObjectType, catalog: Catalog) -> Iterator[Problem]:
    if it.contract is None:
        return
    found = list(findings(it.contract["schema"]))
    for problem in found:
        path = "/contract/schema" + problem.path
        yield Problem(path, problem.message, problem.hint, code=problem.code)
    yield from _places(it, it.contract, "/contract")
    inside = {s.object for s in it.subforms}
    for i, row in enumerate(it.contract.get("rows", ())):
        child: ObjectType | None = catalog.get("object", row["object"])
        if child is None or row["object"] not in inside:
            yield unknown(pointer("contract", "rows", i, "object"), "object", row["object"], inside, catalog)
        else:
            yield from _places(child, row, pointer("contract", "rows", i))


def _places(it: ObjectType, body: Mapping[str, Any], path: str) -> Iterator[Problem]:
    for name in ("places", "values"):
        for key, at in body.get(name, {}).items():
            if key not in it.fields:
                yield unknown(path + pointer(name, key), "field", key, it.fields)
            elif name == "places" and at and not at.startswith("/"):
                yield wrong(path + pointer(name, key), f"“{at}” 不是位置，应以 / 开头", f"“{at}” is no place; it begins with /", "pointer")
            elif name == "values" and not isinstance(at, Mapping):
                yield wrong(path + pointer(name, key), "应为对象 {…}", "Must be an object {…}", "type")
