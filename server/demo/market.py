"""Market events and competitor moves of the 36 months; the shocks of trade.py are among them."""

from datetime import date, timedelta
from typing import Any

from server.demo.calendar import Timeline
from server.demo.plan import Plan
from server.demo.trade import PRICE_CUT, SLUMP, SLUMP_MONTHS, SUBSIDY

Row = dict[str, Any]
# month, title, kind, direction, severity, industries, regions, half-life, months until it ends (0: open)
EVENTS: tuple[tuple[float, str, str, str, str, tuple[str, ...], tuple[str, ...], int, float], ...] = (
    (3.0, "钢材价格上涨", "price", "negative", "medium", ("machinery", "auto_parts"), (), 90, 6),
    (7.5, "出口退税下调", "policy", "negative", "low", ("electronics", "textile"), ("overseas",), 120, 0),
    (11.0, "暴雨影响物流", "disaster", "negative", "medium", (), ("south",), 30, 1),
    (15.0, "家电以旧换新补贴", "policy", "positive", "medium", ("electronics", "retail"), (), 120, 8),
    (SLUMP, "建材需求下行", "demand", "negative", "high", ("building_materials",), ("east",), 90, SLUMP_MONTHS),
    (24.5, "食品包装新标准", "policy", "negative", "low", ("food",), (), 180, 0),
    (28.0, "人民币升值", "currency", "negative", "medium", (), ("overseas",), 120, 0),
    (30.5, "汽车排产下调", "demand", "negative", "medium", ("auto_parts",), ("central", "northeast"), 120, 0),
    (SUBSIDY, "电子信息产业扶持政策", "policy", "positive", "medium", ("electronics",), (), 90, 0),
    (33.6, "地产新开工下降", "demand", "negative", "medium", ("building_materials",), (), 90, 0),
    (34.6, "化工原料涨价", "price", "negative", "medium", ("chemicals",), ("north", "east", "central"), 90, 0),
    (35.2, "纺织外贸订单转移", "demand", "negative", "high", ("textile",), ("east", "south"), 90, 0),
    (35.6, "冬季限产", "policy", "negative", "low", ("building_materials", "chemicals"), ("north",), 90, 0),
)
# month, title, competitor, kind, severity, industries, regions, price gap, lines
MOVES: tuple[tuple[float, str, str, str, str, tuple[str, ...], tuple[str, ...], int | None, tuple[str, ...]], ...] = (
    (5.0, "竞品乙在华北新设仓库", "comp_b", "new_branch", "low", (), ("north",), None, ()),
    (10.0, "竞品丙推出国产液压阀", "comp_c", "new_product", "medium", ("machinery",), (), None, ("hydraulics",)),
    (18.0, "竞品甲年中促销", "comp_a", "promotion", "low", (), ("east", "south"), -5, ()),
    (PRICE_CUT, "竞品甲工具类降价", "comp_a", "price_cut", "high", (), ("south",), -15, ("tools",)),
    (31.0, "竞品乙签下区域独家", "comp_b", "exclusive_deal", "medium", (), ("northwest",), None, ("electrical",)),
    (33.8, "竞品甲在华中设网点", "comp_a", "new_branch", "medium", (), ("central",), None, ()),
    (35.0, "竞品丙零售渠道促销", "comp_c", "promotion", "low", ("retail",), (), -8, ("safety", "consumables")),
    (35.2, "竞品乙紧固件大幅降价", "comp_b", "price_cut", "high", ("machinery",), ("southwest", "northwest"), -18, ("fasteners",)),
    (35.5, "竞品乙西南挖走两名销售", "comp_b", "poaching", "low", (), ("southwest",), None, ()),
)


def events(time: Timeline) -> list[Row]:
    found = []
    for month, title, kind, direction, severity, industries, regions, half_life, until in EVENTS:
        starts = time.day(month)
        found.append(
            {
                "title": title,
                "kind": kind,
                "direction": direction,
                "severity": severity,
                "starts_on": starts,
                "ends_on": _ends(starts, until),
                "half_life_days": half_life,
                "industries": list(industries) or None,
                "regions": list(regions) or None,
                "made_on": starts,
            }
        )
    return found


def _ends(starts: date, months: float) -> date | None:
    return starts + timedelta(days=round(months * 30.4)) if months else None


def moves(plans: list[Plan], time: Timeline) -> list[Row]:
    found = []
    for month, title, competitor, kind, severity, industries, regions, gap, lines in MOVES:
        starts = time.day(month)
        found.append(
            _move(title, competitor, kind, severity, starts, gap)
            | {"industries": list(industries) or None, "regions": list(regions) or None, "product_lines": list(lines) or None}
        )
    courted = [p for p in plans if p.size == "L" and p.archetype in ("steady", "growing", "drifting")][:8]
    for i, p in enumerate(courted):
        starts = time.day(35.4 - i * 0.8)
        severity = ("medium", "high", "medium", "low")[i % 4]
        move = _move(f"竞品{'甲乙丙'[i % 3]}向{p.name[:12]}报价", f"comp_{'abc'[i % 3]}", "price_cut", severity, starts, -6 - i)
        found.append(move | {"target_customer": p.number, "industries": None, "regions": None, "product_lines": None})
    return found


def _move(title: str, competitor: str, kind: str, severity: str, starts: date, gap: int | None) -> Row:
    return {
        "title": title,
        "competitor": competitor,
        "kind": kind,
        "severity": severity,
        "price_gap_pct": gap,
        "starts_on": starts,
        "ends_on": None,
        "half_life_days": 60,
        "target_customer": None,
        "made_on": starts,
    }
