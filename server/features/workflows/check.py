"""Finds what is wrong with a workflow: states nobody reaches or leaves, approvals without an answer, guards that are no conditions."""

from collections.abc import Iterator, Mapping

from server.config.catalog import Catalog
from server.config.findings import expected, formula, twice, unknown, warning, wrong
from server.config.names import pointer
from server.errors import Problem, Text
from server.expressions.types import BOOLEAN, Scope
from server.features.objects.kind import ObjectType
from server.features.workflows.engine import guard_scope
from server.features.workflows.kind import State, Transition, Workflow
from server.fields.registry import FIELD_TYPES


def check(flow: Workflow, catalog: Catalog) -> Iterator[Problem]:
    states = _listed_states(flow, catalog)
    yield from twice((pointer("states", i, "key"), key) for i, key in enumerate(states))
    yield from twice((pointer("transitions", i, "key"), t.key) for i, t in enumerate(flow.transitions))
    for i, key in enumerate(states):
        yield from _state(pointer("states", i), flow.states[key], flow, catalog)
    yield from _beginning(flow, states)
    for i, transition in enumerate(flow.transitions):
        yield from _places(pointer("transitions", i), transition, flow)
        for j, role in enumerate(transition.roles):
            yield from expected(pointer("transitions", i, "roles", j), "role", role, catalog)
    yield from expected("/object", "object", flow.object, catalog)
    object_type: ObjectType | None = catalog.get("object", flow.object)
    if object_type is not None:
        for i, transition in enumerate(flow.transitions):
            yield from _formulas(pointer("transitions", i), transition, object_type, catalog)


def _listed_states(flow: Workflow, catalog: Catalog) -> list[str]:
    """Keys in the order of the document, doubled ones included."""
    document = catalog.document("workflow", flow.key)
    return [s["key"] for s in document.body["states"]] if document else list(flow.states)


def _beginning(flow: Workflow, states: list[str]) -> Iterator[Problem]:
    initial = [s for s in flow.states.values() if s.type == "initial"]
    if len(initial) != 1:
        many = "、".join(s.key for s in initial)
        yield wrong(
            "/states",
            f"起始状态只能有一个，现有 {len(initial)} 个{'：' + many if many else ''}",
            f"There must be one initial state, not {len(initial)}",
            "initial",
            Text('把其中一个的类型设为 "initial"', 'Give one of them the type "initial"'),
        )
        return
    reached = _reached(initial[0].key, flow)
    for i, key in enumerate(states):
        if key not in reached:
            yield wrong(pointer("states", i), f"没有步骤可以到达状态 “{key}”", f"No transition leads to the state “{key}”", "unreachable")


def _reached(start: str, flow: Workflow) -> set[str]:
    reached = {start}
    while more := {t.target for t in flow.transitions if reached & set(t.sources)} - reached:
        reached |= more
    return reached


def _state(path: str, state: State, flow: Workflow, catalog: Catalog) -> Iterator[Problem]:
    leaving = [t for t in flow.transitions if state.key in t.sources]
    for i, role in enumerate(state.approvers):
        yield from expected(f"{path}/approvers/{i}", "role", role, catalog)
    if state.type == "final" and leaving:
        yield wrong(f"{path}/type", f"结束状态 “{state.key}” 还有离开的步骤", f"The final state “{state.key}” has transitions that leave it", "final_left")
    if state.type != "final" and not leaving:
        yield warning(
            path,
            f"状态 “{state.key}” 没有离开的步骤",
            f"No transition leaves the state “{state.key}”",
            "dead_end",
            Text("或把它设为结束状态", "Or make it final"),
        )
    if state.type == "approval":
        yield from _approval(path, state, leaving)
    elif state.approvers:
        yield wrong(f"{path}/approvers", "只有审批状态才有审批角色", "Only approval states have approvers", "approvers")


def _approval(path: str, state: State, leaving: list[Transition]) -> Iterator[Problem]:
    if not state.approvers:
        yield wrong(f"{path}/approvers", f"审批状态 “{state.key}” 没有审批角色", f"The approval state “{state.key}” has no approvers", "required")
    for decision, title in (("approve", Text("同意", "approves")), ("reject", Text("驳回", "rejects"))):
        ways = [t for t in leaving if t.decision == decision]
        if not ways:
            yield wrong(
                path,
                f"审批状态 “{state.key}” 没有“{title.zh}”的步骤",
                f"No transition {title.en} in the approval state “{state.key}”",
                f"no_{decision}",
                Text(f'给一个离开它的步骤加上 "decision": "{decision}"', f'Give a transition that leaves it "decision": "{decision}"'),
            )
        elif state.approvers and not any(set(t.roles) & set(state.approvers) for t in ways):
            yield wrong(
                path,
                f"审批状态 “{state.key}” 的审批角色都不能“{title.zh}”",
                f"None of the approvers of “{state.key}” may take the transition that {title.en}",
                f"nobody_{decision}",
            )


def _places(path: str, transition: Transition, flow: Workflow) -> Iterator[Problem]:
    for i, key in enumerate(transition.sources):
        if key not in flow.states:
            yield unknown(f"{path}/from/{i}", "state", key, flow.states)
        elif transition.decision and flow.states[key].type != "approval":
            yield wrong(
                f"{path}/decision",
                f"“{key}” 不是审批状态，没有什么可{'同意' if transition.decision == 'approve' else '驳回'}",
                f"“{key}” is no approval state: there is nothing to {transition.decision}",
                "decision",
            )
    if transition.target not in flow.states:
        yield unknown(f"{path}/to", "state", transition.target, flow.states)


def _formulas(path: str, transition: Transition, object_type: ObjectType, catalog: Catalog) -> Iterator[Problem]:
    names = guard_scope(catalog, object_type.key)
    yield from formula(f"{path}/guard", transition.guard, names, BOOLEAN)
    for i, key in enumerate(transition.require):
        if key not in object_type.fields:
            yield unknown(f"{path}/require/{i}", "field", key, object_type.fields)
    yield from _sets(f"{path}/sets", transition.sets or {}, object_type, names)
    for i, (through, sets) in enumerate(transition.updates):
        field = object_type.fields.get(through)
        if field is None:
            yield unknown(f"{path}/updates/{i}/through", "field", through, [f.key for f in object_type.fields.values() if f.reference])
        elif field.type != "reference":
            yield wrong(f"{path}/updates/{i}/through", f"“{through}” 不是关联字段", f"“{through}” is not a reference", "not_reference")
        elif target := catalog.get("object", field.reference):
            yield from _sets(f"{path}/updates/{i}/sets", sets, target, names)


def _sets(path: str, sets: Mapping[str, str], target: ObjectType, names: Scope) -> Iterator[Problem]:
    for key, source in sets.items():
        field = target.fields.get(key)
        if field is None:
            yield unknown(path + pointer(key), "field", key, target.fields)
        elif field.computed or field.derived:
            yield wrong(path + pointer(key), f"“{key}” 由公式算出，不能写入", f"“{key}” is computed and cannot be set", "computed")
        else:
            yield from formula(path + pointer(key), source, names, FIELD_TYPES[field.type].expression_type(field))
