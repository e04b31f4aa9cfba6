"""What the meta-schema cannot say about an alert: names, types, whom it reaches, what its message names."""

from collections.abc import Iterator

from server.config.catalog import Catalog
from server.errors import Problem, Text
from server.expressions.types import BOOLEAN
from server.features.alerts.engine import OWN_PLACEHOLDERS, SEVERITIES
from server.features.alerts.kind import Alert
from server.features.objects.findings import object_problem, text_problems, unknown
from server.features.objects.results import scope
from server.features.objects.wording import placeholders


def check(alert: Alert, catalog: Catalog) -> Iterator[Problem]:
    if found := object_problem(catalog, alert.object):
        yield found
        return
    object_type, names = catalog.get("object", alert.object), scope(catalog, alert.object)
    if not object_type.assessed:
        yield Problem("/object", Text(f"对象 {alert.object} 不参与评估", f"The object {alert.object} is not assessed"), code="not_assessed")
    yield from text_problems(alert.when, names, "/when", BOOLEAN)
    yield from text_problems(alert.clear, names, "/clear", BOOLEAN)
    if alert.clear.strip() == alert.when.strip():
        yield Problem("/clear", Text("解除条件与触发条件相同", "It fires and clears on the same condition"), code="contradiction")
    if alert.severity not in SEVERITIES:
        yield unknown("/severity", Text("严重程度", "severity"), alert.severity, SEVERITIES)
    for i, r in enumerate(alert.raises):
        yield from text_problems(r.when, names, f"/severity_when/{i}/when", BOOLEAN)
        if r.severity not in SEVERITIES:
            yield unknown(f"/severity_when/{i}/severity", Text("严重程度", "severity"), r.severity, SEVERITIES)
    roles = {r.key for r in catalog.all("role")}
    users = {key for key, f in object_type.fields.items() if f.type == "user"}
    for i, recipient in enumerate(alert.recipients):
        if recipient.to not in roles | users:
            yield unknown(f"/recipients/{i}/to", Text("角色或用户字段", "role or user field"), recipient.to, roles | users)
        yield from text_problems(recipient.when, names, f"/recipients/{i}/when", BOOLEAN)
    for i, escalation in enumerate(alert.escalate):
        if escalation.to not in roles | users:
            yield unknown(f"/escalate/{i}/to", Text("角色或用户字段", "role or user field"), escalation.to, roles | users)
    for language, text in (("zh_CN", alert.message.zh), ("en", alert.message.en)):
        for name in sorted(placeholders(Text(text, text))):
            if name not in names.names and name not in OWN_PLACEHOLDERS:
                yield unknown(f"/message/{language}", Text("名称", "name"), name, [*names.names, *OWN_PLACEHOLDERS])
    if alert.watch and alert.watch not in names.names:
        yield unknown("/watch", Text("名称", "name"), alert.watch, names.names)
