"""What was ordered: the lines of the recent orders. They add up to the order to the last cent."""

import random
from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal

from server.demo.calendar import Timeline
from server.demo.trade import Row

DAYS = 120
ITEMS = {
    "fasteners": ("六角螺栓 M8×40", "内六角螺钉 M6×20", "平垫圈 M10", "自锁螺母 M12", "膨胀螺栓 M10×80"),
    "tools": ("棘轮扳手 72 齿", "数显扭力扳手", "角磨机 125 mm", "钻头套装 1-13 mm", "气动扳手 1/2 寸"),
    "electrical": ("铜芯电缆 3×2.5", "小型断路器 C32", "接线端子 UK-6N", "防爆配电箱", "LED 工矿灯 150 W"),
    "hydraulics": ("高压软管 DN16", "液压油缸 63/35", "电磁换向阀 4WE6", "齿轮泵 CBN-F310", "抗磨液压油 46# 200 L"),
    "safety": ("防冲击护目镜", "丁腈手套 100 只", "安全帽 ABS", "全身式安全带", "防毒半面罩"),
    "consumables": ("焊丝 ER50-6 15 kg", "切割片 125×1.2", "砂带 915×100", "工业擦拭纸", "厌氧胶 243 250 ml"),
}


def order_lines(seed: int, orders: Iterable[Row], time: Timeline) -> list[Row]:
    """Two to four lines an order. The dice are the order's own, so that nothing else of the company moves."""
    since = time.end - timedelta(days=DAYS)
    found: list[Row] = []
    for order in orders:
        if order["order_date"] < since:
            continue
        dice = random.Random(f"{seed}:lines:{order['id']}")
        for position, row in enumerate(_split(dice, order["amount"], order["product_line"]), 1):
            of = {"id": len(found) + 1, "order": order["id"], "position": position, "product_line": order["product_line"]}
            found.append({**of, **row, "order_date": order["order_date"], "by": order["by"]})
    return found


def _split(dice: random.Random, amount: Decimal, product_line: str) -> Iterable[Row]:
    items = dice.sample(ITEMS[product_line], dice.randint(2, 4))
    left = amount
    for item in items[:-1]:
        quantity = Decimal(dice.choice((10, 20, 50, 100, 200)))
        price = (left * Decimal(dice.randint(15, 45)) / 100 / quantity).quantize(Decimal("0.01"))
        left -= quantity * price
        yield {"item": item, "quantity": quantity, "unit_price": price, "discount_pct": None}
    last = next(q for q in (Decimal(100), Decimal(50), Decimal(20), Decimal(10), Decimal(5), Decimal(4), Decimal(2), Decimal(1)) if left * 100 % q == 0)
    yield {"item": items[-1], "quantity": last, "unit_price": left / last, "discount_pct": None}
