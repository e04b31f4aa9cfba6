"""What pages draw most of, rows of a list and boxes of a form, beside f-strings written by hand for this one list and form that give the same HTML."""

import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from markupsafe import escape

from admin_ui import listing
from admin_ui.address import Address
from admin_ui.record_forms import build
from admin_ui.render import Renderer
from admin_ui.subjects import subject
from bench.account import COMPUTED, FIELDS, OPTIONS, account, values
from bench.lists import micros
from bench.population import fill
from bench.row import Row
from bench.setup import ZONE, open_bench
from server.features.forms import service as forms
from server.features.objects import results
from server.features.records import service as records
from server.features.records.engine import FieldState

ROWS = "{{ draw_rows(columns, rows) }}"
SECTIONS = "{{ draw_sections(form) }}"
PENCIL = '<svg class="i" viewBox="0 0 24 24" aria-hidden="true"><use href="/static/vendor/tabler-icons-3.51.0/sprite.svg#pencil"/></svg>'
NOTHING = '<span class="m2">–</span>'


def rows(folder: Path, rounds: int) -> Iterator[Row]:
    yield _row("50 rows of a list drawn", rounds, *_list(folder))
    yield _row("form of 35 fields drawn", rounds, *_form(folder))


def _row(what: str, rounds: int, draw: Callable[[], str], by_hand: Callable[[], str]) -> Row:
    if draw() != by_hand():
        raise SystemExit(f"{what}: what is written by hand is not ours any more")
    taken = [micros(draw, by_hand, clock=time.thread_time) for _ in range(rounds)]
    ours, reference = (statistics.median(turn[side] for turn in taken) for side in (0, 1))
    return Row(f"{what}, beside f-strings by hand that give the same HTML", ours, reference, "CPU us")


# -- The list ------------------------------------------------------------------------------------------------------------------


def rows_by_hand(rows: Sequence[records.Record]) -> str:
    return "".join(_row_by_hand(r, escape(r.name), r.display) for r in rows)


def _row_by_hand(r: records.Record, name: str, texts: Mapping[str, str]) -> str:
    return (
        f'<tr id="row-{r.id}" data-href="/o/customer/{r.id}">\n<td class="k-pick"><input class="form-check-input" type="checkbox" name="_id" value="{r.id}"'
        f' form="bulk" data-pick aria-label="选择 {name}"></td><td class="k-name ed" data-cell="name"><a class="nm" data-row'
        f' href="/o/customer/{r.id}" title="{name}">{name}</a><button type="button" class="pen" data-row-edit'
        f' aria-label="在列表里编辑: {name}" title="在列表里编辑 (e)">{PENCIL}</button></td><td class="k-class">{NOTHING}</td>'
        f'<td class="n k-score">{NOTHING}</td><td class="m1 k-field ed" data-cell="region">{escape(texts["region"]) or NOTHING}</td>'
        f'<td class="m1 k-field ed" data-cell="active" data-label="有效">{escape(texts["active"]) or NOTHING}</td>'
        f'<td class="n fo k-field ed" data-cell="limit_amount" data-label="额度">{escape(texts["limit_amount"]) or NOTHING}</td></tr>\n'
    )


def _list(folder: Path) -> tuple[Callable[[], str], Callable[[], str]]:
    bench = open_bench(f"sqlite:///{folder}/pages.sqlite")
    fill(bench, 200, 0)
    with bench.work(write=False) as work:
        it, lead, outputs = work.catalog.get("object", "customer"), subject(work.catalog, "customer"), results.outputs(work.catalog, "customer")
        columns = listing.columns(work, it, lead, outputs, Address("customer"))
        own, others = [c.name for c in columns if c.name in it.fields], [c.name for c in columns if c.name not in it.fields]
        found = records.query(work, "customer", columns=own, results=others).rows
        seen: dict[str, Any] = {"columns": columns, "rows": found, "object_type": it, "lead": lead, "now": work.now}
        draw = partial(Renderer(ZONE).environments["zh_CN"].from_string(ROWS).render, **seen, may_edit=True, may_delete=True, trends={}, people={})
    bench.database.close()
    return draw, partial(rows_by_hand, found)


# -- The form ------------------------------------------------------------------------------------------------------------------

INPUTS = {
    "phone": ' type="tel" inputmode="tel" maxlength="40" autocomplete="off"',
    "email": ' type="email" maxlength="254" autocomplete="off" spellcheck="false"',
    "link": ' type="url" inputmode="url" maxlength="2000" autocomplete="off" spellcheck="false"',
    "integer": ' inputmode="numeric" autocomplete="off" spellcheck="false"',
    "number": ' inputmode="decimal" autocomplete="off" spellcheck="false"',
    "decimal": ' inputmode="decimal" autocomplete="off" spellcheck="false"',
}


def form_by_hand(fields: Mapping[str, FieldState], shown: Mapping[str, str]) -> str:
    boxes = "".join(_box(f.key, f.kind, f.most, fields[f.key], f.required) for f in FIELDS)
    calculated = "".join(
        f'<div class="fw" id="w-{key}"><span class="form-label">{key}</span><div class="calc" id="f-{key}">{escape(shown[key]) or NOTHING}'
        f' <span class="sm m2">随输入计算</span></div>\n</div>\n'
        for key in COMPUTED
    )
    return f'<fieldset class="fs" id="s-other" data-part="other"><legend>account</legend><div class="fg c2">\n{boxes}{calculated}</div></fieldset>\n'


def _box(key: str, kind: str, most: int, state: FieldState, required: bool) -> str:
    star, must = (' <span class="req" aria-hidden="true">*</span>', " required") if required else ("", "")
    label = f'<label class="form-label" for="f-{key}">{key}{star}</label>'
    wide = " w2" if kind == "long_text" else ""
    said = f' id="f-{key}" name="{key}"{must}'
    if kind == "choice":
        options = "".join(f'<option value="{o}"{" selected" if o == state.entry else ""}>{o}</option>' for o in OPTIONS[key])
        inner = f'{label}<select class="form-select"{said}><option value="">请选择</option>{options}</select>'
    elif kind == "yes_no":
        ways = "".join(
            f'<label><input class="form-check-input" type="radio" name="{key}" value="{value}"{" checked" if value == state.entry else ""}> {word}</label>'
            for value, word in (("true", "是"), ("false", "否"), ("", "未填"))
        )
        inner = f'<fieldset class="yn"><legend class="form-label">{key}</legend><div class="opts" id="f-{key}" tabindex="-1">\n{ways}</div></fieldset>'
    elif kind == "long_text":
        inner = f'{label}<textarea class="form-control"{said} rows="3" maxlength="{most}" placeholder="">{escape(state.entry)}</textarea>'
    elif kind == "date":
        inner = f'{label}<input class="form-control"{said} value="{escape(state.entry)}" type="date" placeholder="年-月-日" autocomplete="off" maxlength="40">'
    else:
        more = INPUTS.get(kind) or f' maxlength="{most}" autocomplete="off"'
        inner = f'{label}<input class="form-control"{said} value="{escape(state.entry)}" placeholder=""{more}>'
    return f'<div class="fw{wide}" id="w-{key}">{inner}</div>\n'


def _form(folder: Path) -> tuple[Callable[[], str], Callable[[], str]]:
    """The form of a filled record with nothing wrong: what opens when one edits."""
    bench = open_bench(f"sqlite:///{folder}/form.sqlite", account("account", assessed=False))
    with bench.work(write=False) as work:
        it = work.catalog.get("object", "account")
        plan = forms.plan_of(work, it, "", "create")
        state, _ = forms.state(work, it, plan, next(values(1)))
        form = build(work, it, plan, state)
        draw = partial(Renderer(ZONE).environments["zh_CN"].from_string(SECTIONS).render, form=form, object_type=it, now=work.now, upload_limit=0)
    bench.database.close()
    return draw, partial(form_by_hand, state.fields, {f.field.key: f.shown for f in form.fields})
