"""Rows of a list drawn from records, beside f-strings written by hand for this one list that give the same HTML."""

import statistics
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from markupsafe import escape

from admin_ui import listing
from admin_ui.address import Address
from admin_ui.render import Renderer
from admin_ui.subjects import subject
from bench.lists import micros
from bench.population import fill
from bench.row import Row
from bench.setup import ZONE, open_bench
from server.features.objects import results
from server.features.records import service as records

ROWS = "{{ draw_rows(columns, rows) }}"
PENCIL = '<svg class="i" viewBox="0 0 24 24" aria-hidden="true"><use href="/static/vendor/tabler-icons-3.51.0/sprite.svg#pencil"/></svg>'
NOTHING = '<span class="m2">–</span>'


def by_hand(rows: Sequence[records.Record]) -> str:
    return "".join(
        f'<tr id="row-{r.id}" data-href="/o/customer/{r.id}">\n<td class="k-pick"><input class="form-check-input" type="checkbox" name="_id" value="{r.id}"'
        f' form="bulk" data-pick aria-label="选择 {escape(r.name)}"></td><td class="k-name ed" data-cell="name"><a class="nm" data-row'
        f' href="/o/customer/{r.id}" title="{escape(r.name)}">{escape(r.name)}</a><button type="button" class="pen" data-row-edit'
        f' aria-label="在列表里编辑: {escape(r.name)}" title="在列表里编辑 (e)">{PENCIL}</button></td><td class="k-class">{NOTHING}</td>'
        f'<td class="n k-score">{NOTHING}</td><td class="m1 k-field ed" data-cell="region">{escape(r.display["region"]) or NOTHING}</td>'
        f'<td class="m1 k-field ed" data-cell="active" data-label="有效">{escape(r.display["active"]) or NOTHING}</td>'
        f'<td class="n fo k-field ed" data-cell="limit_amount" data-label="额度">{escape(r.display["limit_amount"]) or NOTHING}</td></tr>\n'
        for r in rows
    )


def rows(folder: Path, rounds: int) -> Iterator[Row]:
    bench = open_bench(f"sqlite:///{folder}/pages.sqlite")
    fill(bench, 200, 0)
    with bench.work(write=False) as work:
        it, lead, outputs = work.catalog.get("object", "customer"), subject(work.catalog, "customer"), results.outputs(work.catalog, "customer")
        columns = listing.columns(work, it, lead, outputs, Address("customer"))
        own, others = [c.name for c in columns if c.name in it.fields], [c.name for c in columns if c.name not in it.fields]
        found = records.query(work, "customer", columns=own, results=others).rows
        seen: dict[str, Any] = {"columns": columns, "rows": found, "object_type": it, "lead": lead, "now": work.now}
        draw = partial(Renderer(ZONE).environments["zh_CN"].from_string(ROWS).render, **seen, may_edit=True, may_delete=True, trends={}, people={})
    if draw() != by_hand(found):
        raise SystemExit("the rows written by hand are not ours any more")
    taken = [micros(draw, partial(by_hand, found)) for _ in range(rounds)]
    ours, reference = (statistics.median(turn[side] for turn in taken) for side in (0, 1))
    yield Row("50 rows of a list drawn, beside f-strings by hand that give the same HTML", ours, reference, "us")
    bench.database.close()
