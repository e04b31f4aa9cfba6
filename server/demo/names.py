"""Names for the demo company's world. All are invented: companies by chance from syllables, credit codes from an area that does not exist."""

import random

FIRST = "雾澄栖岚汀砚翎禾曜芷霁钧郁湛峤漪葭缙璟沅霖阡皓淳昱骊瑾珩蔚筱"
SECOND = "桥岭江石川渡野屿泉峰舟庐原津陌洲溪湾亭林丘堤塬崖浦台汇岸墅坞"
FIRST_EN = (
    "Fog Clear Rest Mist Shore Ink Plume Grain Dawn Iris Sleet Balance Lush Deep Ridge Ripple "
    "Reed Silk Jade Marsh Rain Field Bright Pure Glow Steed Gem Amber Vale Bamboo"
)
SECOND_EN = (
    "bridge hill river stone stream ford field isle spring peak boat lodge plain port lane "
    "shore brook bay court wood mound dike mesa cliff quay tower junction bank villa dale"
)
TRADES = {
    "electronics": (("电子", "Electronics"), ("光电", "Optics"), ("智控", "Controls")),
    "machinery": (("精工", "Precision"), ("机械", "Machinery"), ("装备", "Equipment")),
    "building_materials": (("建材", "Building Materials"), ("新材", "Materials"), ("管业", "Pipes")),
    "food": (("食品", "Foods"), ("粮油", "Grain and Oil"), ("饮品", "Beverages")),
    "textile": (("纺织", "Textiles"), ("织造", "Weaving"), ("服饰", "Garments")),
    "chemicals": (("化工", "Chemicals"), ("涂料", "Coatings"), ("助剂", "Additives")),
    "auto_parts": (("汽配", "Auto Parts"), ("汽车部件", "Motor Components"), ("车业", "Motors")),
    "retail": (("商贸", "Trading"), ("五金", "Hardware"), ("商业", "Stores")),
    "other": (("实业", "Industries"), ("工贸", "Works"), ("科技", "Technology")),
}
CITIES = {
    "north": "北京 天津 石家庄 太原 唐山 保定",
    "east": "上海 苏州 杭州 宁波 南京 无锡 常州 合肥 青岛 济南",
    "south": "广州 深圳 佛山 东莞 中山 厦门 南宁",
    "central": "武汉 长沙 郑州 洛阳 宜昌",
    "southwest": "成都 重庆 昆明 贵阳 绵阳",
    "northwest": "西安 兰州 银川 宝鸡",
    "northeast": "沈阳 大连 长春 哈尔滨",
}
ABROAD = (("de", "GmbH"), ("us", "Inc."), ("vn", "Co., Ltd."), ("sg", "Pte. Ltd."), ("hk", "Limited"))
ROADS = ["云栖路", "望江路", "工业大道", "新港路", "科苑路", "环城南路", "梧桐街", "创新路", "迎宾大道", "青石巷"]
SURNAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦许何吕施张孔曹严华金魏陶姜谢邹苏潘葛范彭鲁韦马方任袁柳唐罗薛贺汤殷毕安常乐于时傅齐康伍余顾孟黄"
GIVEN = "静 磊 敏 浩 悦 宁 刚 雪 明远 思齐 佳怡 建国 志强 晓峰 雨桐 子涵 文博 丽华 海涛 玉兰 俊杰 慧敏 国栋 春燕 立新 梦琪 永康 秀英 振华 欣然"
BANKS = ("工商银行", "建设银行", "农业银行", "中国银行", "招商银行", "交通银行")
CODE_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def person(r: random.Random) -> str:
    return r.choice(SURNAMES) + r.choice(GIVEN.split())


def company_names(r: random.Random, regions: list[str], industries: list[str]) -> list[tuple[str, str]]:
    """(country, name) for each customer, no name twice. The first is the firm that the product's drawings tell about."""
    first, second = FIRST_EN.split(), SECOND_EN.split()
    pairs = [(a, b) for a in range(len(FIRST)) for b in range(len(SECOND))]
    r.shuffle(pairs)
    pairs.remove((0, 0))
    pairs.insert(0, (0, 0))
    found = []
    for i, (region, industry) in enumerate(zip(regions, industries, strict=True)):
        a, b = pairs[i % len(pairs)]
        trade = TRADES[industry][0 if i == 0 else r.randrange(3)]
        again = "" if i < len(pairs) else f"({i // len(pairs) + 1})"
        if region == "overseas":
            country, form = r.choice(ABROAD)
            found.append((country, f"{first[a]}{second[b]} {trade[1]} {form}{again}"))
            continue
        city = "苏州" if i == 0 else r.choice(CITIES[region].split())
        form = "有限公司" if i == 0 or r.random() < 0.9 else "股份有限公司"
        found.append(("cn", f"{city}{FIRST[a]}{SECOND[b]}{trade[0]}{form}{again}"))
    return found


def credit_code(r: random.Random, number: int) -> str:
    """18 characters in the right form; the area code 990000 is given to nobody."""
    return "91990000" + f"{number:06d}" + "".join(r.choice(CODE_ALPHABET) for _ in range(4))
