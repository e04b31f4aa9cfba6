"""Amounts in Chinese capitals 大写, as cheques and contracts want them, so that no digit can be altered: 1234.50 is 壹仟贰佰叁拾肆元伍角整. Pure."""

from decimal import ROUND_HALF_UP, Decimal

DIGITS = "零壹贰叁肆伍陆柒捌玖"
PLACES = ("", "拾", "佰", "仟")
GROUPS = ("", "万", "亿", "万亿")
LARGEST = Decimal(10) ** 16  # beyond there is no customary way


def capitals(amount: Decimal | int) -> str:
    """To the fen, half away from zero; empty where there is no customary way of writing the amount."""
    value = Decimal(amount)
    if not value.is_finite() or abs(value) >= LARGEST:
        return ""
    fen = int((abs(value) * 100).quantize(Decimal(1), ROUND_HALF_UP))
    yuan, jiao, rest = fen // 100, fen // 10 % 10, fen % 10
    text = _whole(yuan) + "元" if yuan else ""
    if not jiao and not rest:
        return ("负" if value < 0 and fen else "") + (text or "零元") + "整"
    if jiao:
        text += DIGITS[jiao] + "角"
    elif text:
        text += "零"
    text += DIGITS[rest] + "分" if rest else "整"
    return ("负" if value < 0 else "") + text


def _whole(number: int) -> str:
    """Groups of four digits; a gap of zeros inside the number is one 零."""
    groups = []
    while number:
        number, group = divmod(number, 10_000)
        groups.append(group)
    text = ""
    for i in range(len(groups) - 1, -1, -1):
        group = groups[i]
        if not group:
            continue
        above = i + 1 < len(groups)
        if above and (group < 1000 or groups[i + 1] % 10 == 0) and text:
            text += "零"
        text += _four(group) + (GROUPS[i] if not (i == 3 and groups[2]) else "万")
    return text


def _four(group: int) -> str:
    text, gap = "", False
    for place in (3, 2, 1, 0):
        digit = group // 10**place % 10
        if digit:
            text += ("零" if gap and text else "") + DIGITS[digit] + PLACES[place]
            gap = False
        else:
            gap = True
    return text
