"""Runs, simulations and explanations as plain data: for JSON, and for lines on a terminal."""

from collections.abc import Iterator, Mapping
from typing import Any

from server.config.catalog import Catalog
from server.errors import NotFound, Text
from server.feature import Work
from server.features.assessment.engine import outputs
from server.features.assessment.explain import explain_class, risk_register
from server.features.assessment.replay import ScoreExplanation, explain_score
from server.features.assessment.runs import Summary
from server.features.assessment.service import results
from server.features.assessment.simulation import Simulation


def both(text: Text | None) -> dict[str, str] | None:
    return None if text is None else {"zh_CN": text.zh, "en": text.en}


def summary_data(object_key: str, found: Summary) -> dict[str, Any]:
    return {"object": object_key, **vars(found), "as_of": found.as_of.isoformat(), "seconds": round(found.seconds, 3)}


def simulation_data(found: Simulation) -> dict[str, Any]:
    changed = {key: [{"old": old, "new": new, "records": n} for (old, new), n in counts.items()] for key, counts in found.changed.items()}
    return {
        "population": found.population,
        "changed": changed,
        "movers": [{**m._asdict(), "why": both(m.why)} for m in found.movers],
        "movers_total": found.movers_total,
        "scores": dict(found.scores),
        "alerts_open": dict(found.alerts_open),
        "alerts_close": dict(found.alerts_close),
        "problems": [{"file": p.file, "path": p.path, "message": both(p.message), "severity": p.severity} for p in found.errors],
    }


def simulation_lines(catalog: Catalog, object_key: str, found: Simulation, locale: str) -> Iterator[str]:
    titles = {name: o.title for name, o in outputs(catalog, object_key).items()}
    yield Text(f"总体 {found.population}", f"population {found.population}").of(locale)
    for key, counts in found.changed.items():
        for (old, new), n in sorted(counts.items(), key=lambda item: -item[1]):
            if old != new:
                yield f"{titles.get(key, Text(key, key)).of(locale)}: {old or '—'} → {new or '—'}: {n}"
    for word, rules in ((Text("将触发", "would fire"), found.alerts_open), (Text("将不再触发", "would no longer fire"), found.alerts_close)):
        for rule, n in rules.items():
            yield f"{rule}: {word.of(locale)} {n}"


def explanation_data(work: Work, object_key: str, record_id: int, name: str = "") -> dict[str, Any]:
    """Why a record has its scores, classes and levels; or one of them."""
    found = results(work, object_key, record_id)
    if found is None:
        raise NotFound(Text("此记录没有评估结果", "This record has no results"))
    given = outputs(work.catalog, object_key)
    if name and name not in given:
        raise NotFound(Text(f"没有 {name}", f"There is no {name}"))
    data: dict[str, Any] = {"object": object_key, "id": record_id, "release": found["release"], "as_of": found["as_of"].isoformat()}
    wanted = [o for o in given.values() if not o.part and name in ("", o.name)]
    data["scores"] = {o.name: score_data(explain_score(work, object_key, record_id, o.name)) for o in wanted if o.kind == "score"}
    data["classes"] = {o.name: class_data(work, object_key, record_id, o.name) for o in wanted if o.kind == "classification"}
    risks = risk_register(work, object_key, record_id) if any(o.kind == "risk_type" for o in wanted) else []
    data["risks"] = {
        r.risk_type.key: {"likelihood": r.likelihood, "impact": r.impact, "level": r.level, "why": both(r.why)} for r in risks if name in ("", r.risk_type.key)
    }
    if name and given[name].kind == "indicator":
        data["value"] = found[name] if isinstance(found[name], str | int | float | bool | None) else found[name].isoformat()
    return data


def score_data(found: ScoreExplanation) -> dict[str, Any]:
    factors = [
        {"factor": f.factor.key, "value": f.value, "points": f.points, "weight": f.weight, "contribution": round(f.contribution, 6), "missing": f.missing,
         "reason": both(f.reason), "better": both(f.better_band)}
        for f in found.factors
    ]  # fmt: skip
    return {"total": found.total, "coverage": found.coverage, "factors": factors, "reasons": [both(r) for r in found.reasons]}


def class_data(work: Work, object_key: str, record_id: int, key: str) -> dict[str, Any]:
    found = explain_class(work, object_key, record_id, key)
    return {"value": found.value, "row": found.row, "sentence": both(found.sentence)}


def explanation_lines(data: Mapping[str, Any], locale: str) -> Iterator[str]:
    language = "zh_CN" if locale.startswith("zh") else "en"
    for key, score in data["scores"].items():
        yield f"{key} = {score['total']}"
        for f in sorted(score["factors"], key=lambda f: -f["contribution"]):
            value = "—" if f["value"] is None else f["value"]
            yield f"  {f['contribution']:6.2f}  {f['factor']} = {value} → {f['points']} × {f['weight']:g}"
    for key, found in data["classes"].items():
        yield f"{key} = {found['value']}: {found['sentence'][language]}"
    for key, found in data["risks"].items():
        yield f"{key}: {found['likelihood']} × {found['impact']} → {found['level']}: {found['why'][language]}"
    if "value" in data:
        yield f"{data['value']}"
