"""Invented firm names in English and Chinese.

Every name is two words from the lists below and a trade; the Chinese name says the same words.
Two unrelated nouns side by side make a readable name that no real firm is known by.
"""

from __future__ import annotations

import polars as pl

from detector.demo.timeline import Ints

_FIRST = """
Harbour 港湾|Amber 琥珀|Copper 赤铜|Silver 白银|Morning 清晨|Autumn 秋日|Winter 冬日|Summer 夏日|
River 长河|Meadow 草甸|Valley 山谷|Summit 山巅|Marble 云石|Granite 花岗|Willow 垂柳|Cedar 雪松|
Bamboo 翠竹|Lotus 莲池|Plum 梅林|Maple 枫林|Jasmine 茉莉|Orchid 幽兰|Saffron 番红|Indigo 靛青|
Scarlet 绯红|Ivory 象牙白|Emerald 碧绿|Cobalt 钴蓝|Quiet 静夜|Brisk 疾风|Gentle 和煦|Bright 明亮|
Northern 北岸|Southern 南岸|Eastern 东岸|Western 西岸|Misty 薄雾|Cloudy 层云|Starry 繁星|Sunny 晴空|
Ninth 第九|Seventh 第七|Twin 双生|Lone 独行|Hidden 隐谷|Upper 上游|Lower 下游|Inland 内陆|
Island 小岛|Desert 大漠|Coral 珊瑚|Pebble 卵石|Timber 原木|Velvet 丝绒|Linen 亚麻|Paper 纸上|
Glass 琉璃|Clay 陶土|Salt 盐田|Tea 茶山
"""

_SECOND = """
Lantern 灯笼|Kite 纸鸢|Ferry 渡船|Orchard 果园|Loom 织机|Anvil 铁砧|Compass 罗盘|Teapot 茶壶|
Sundial 日晷|Abacus 算盘|Heron 苍鹭|Quill 羽笔|Bridge 石桥|Windmill 风车|Anchor 船锚|Bellows 风箱|
Thimble 顶针|Beacon 灯塔|Basket 竹篮|Bell 铜铃|Button 纽扣|Candle 烛台|Carpet 地毯|Cartwheel 车轮|
Chestnut 栗子|Cricket 蟋蟀|Drum 腰鼓|Falcon 游隼|Feather 羽毛|Fiddle 胡琴|Flute 长笛|Fountain 喷泉|
Garnet 石榴石|Gate 城门|Hammer 木槌|Hedge 篱笆|Helm 船舵|Hourglass 沙漏|Inkstone 砚台|Kettle 水壶|
Ladder 云梯|Magpie 喜鹊|Mirror 明镜|Needle 银针|Oar 船桨|Otter 水獭|Parasol 阳伞|Pavilion 凉亭|
Pear 雪梨|Pinwheel 纸风车|Ploughshare 犁铧|Quarry 采石场|Raft 竹筏|Saddle 马鞍|
Sickle 镰刀|Sparrow 麻雀|Spindle 纺锤|Stirrup 马镫|Swallow 燕子|Terrace 梯田|Trellis 花架|
Tugboat 拖船|Walnut 核桃|Whistle 口哨
"""


def _pairs(text: str) -> tuple[tuple[str, str], ...]:
    cells = (cell.strip() for cell in text.replace("\n", "").split("|"))
    return tuple((en, zh) for en, zh in (cell.split(" ", 1) for cell in cells))


FIRST = _pairs(_FIRST)
SECOND = _pairs(_SECOND)
PAIRS = len(FIRST) * len(SECOND)
"""How many different two-word names there are."""


def compose(pair: Ints, trade_en: pl.Series, trade_zh: pl.Series) -> tuple[pl.Series, pl.Series]:
    """English and Chinese names for word pairs numbered ``0 .. PAIRS - 1``.

    Args:
        pair: one number a firm; names are unique while (pair, trade) is.
        trade_en, trade_zh: the trade of each firm in both languages.
    """
    first, second = pair // len(SECOND), pair % len(SECOND)
    frame = pl.DataFrame(
        {
            "first_en": pl.Series([en for en, _ in FIRST]).gather(first),
            "first_zh": pl.Series([zh for _, zh in FIRST]).gather(first),
            "second_en": pl.Series([en for en, _ in SECOND]).gather(second),
            "second_zh": pl.Series([zh for _, zh in SECOND]).gather(second),
            "trade_en": trade_en,
            "trade_zh": trade_zh,
        }
    )
    named = frame.select(
        en=pl.concat_str("first_en", "second_en", "trade_en", separator=" "),
        zh=pl.concat_str("first_zh", "second_zh", "trade_zh"),
    )
    return named["en"], named["zh"]
