"""Counties of Zhejiang (GB/T 2260 codes) and beyond, weighted by how much business they have. Weights are ours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.simulator.arrays import Floats, Ints

_URBAN = (
    "330102 上城 330105 拱墅 330106 西湖 330108 滨江 330109 萧山 330110 余杭 330111 富阳 330112 临安 "
    "330113 临平 330114 钱塘 330203 海曙 330205 江北 330206 北仑 330211 镇海 330212 鄞州 330213 奉化 "
    "330281 余姚 330282 慈溪 330302 鹿城 330303 龙湾 330304 瓯海 330381 瑞安 330382 乐清 330402 南湖 "
    "330411 秀洲 330421 嘉善 330481 海宁 330483 桐乡 330502 吴兴 330602 越城 330603 柯桥 330604 上虞 "
    "330681 诸暨 330702 婺城 330782 义乌 330783 东阳 331002 椒江 331003 黄岩 331004 路桥 331081 温岭 "
    "331082 临海"
)
_RURAL = (
    "330122 桐庐 330182 建德 330424 海盐 330482 平湖 330503 南浔 330521 德清 330522 长兴 330523 安吉 "
    "330624 新昌 330683 嵊州 330703 金东 330726 浦江 330781 兰溪 330784 永康"
)
# The 26 mountain counties (DOMAIN 2.4).
_MOUNTAIN = (
    "330127 淳安 330324 永嘉 330326 平阳 330327 苍南 330328 文成 330329 泰顺 330723 武义 330727 磐安 "
    "330802 柯城 330803 衢江 330822 常山 330824 开化 330825 龙游 330881 江山 331022 三门 331023 天台 "
    "331024 仙居 331102 莲都 331121 青田 331122 缙云 331123 遂昌 331124 松阳 331125 云和 331126 庆元 "
    "331127 景宁 331181 龙泉"
)
_ISLAND = "330902 定海 330903 普陀 330921 岱山 330922 嵊泗 330305 洞头 331083 玉环"
_WEIGHTS = ((_URBAN, 3.0), (_RURAL, 1.5), (_MOUNTAIN, 1.0), (_ISLAND, 0.8))

# The other provinces whose firms sell there; their codes have the form of GB/T 2260 and are no list of real counties.
_ELSEWHERE = (
    "11 北京 12 天津 13 河北 21 辽宁 31 上海 32 江苏 34 安徽 35 福建 36 江西 37 山东 41 河南 42 湖北 43 湖南 44 广东 "
    "50 重庆 51 四川 52 贵州"
)
_COUNTIES_A_PROVINCE = 77
_DISTRICTS_A_CITY = 7
_ELSEWHERE_SHARE = 0.30  # of suppliers and buyers


@dataclass(frozen=True, slots=True)
class Regions:
    """Counties: their codes, names, and how much business each has against the others."""

    codes: Ints
    names: NDArray[np.str_]
    weights: Floats


def _counties() -> list[tuple[int, str, float]]:
    return sorted(
        (int(code), name, weight)
        for listed, weight in _WEIGHTS
        for code, name in zip(listed.split()[::2], listed.split()[1::2], strict=True)
    )


def _elsewhere(total: float) -> list[tuple[int, str, float]]:
    provinces = list(zip(_ELSEWHERE.split()[::2], _ELSEWHERE.split()[1::2], strict=True))
    weight = total * _ELSEWHERE_SHARE / (1 - _ELSEWHERE_SHARE) / (len(provinces) * _COUNTIES_A_PROVINCE)
    return [
        (int(code) * 10_000 + (1 + place // _DISTRICTS_A_CITY) * 100 + 2 + place % _DISTRICTS_A_CITY, name, weight)
        for code, name in provinces
        for place in range(_COUNTIES_A_PROVINCE)
    ]


def _regions(counties: list[tuple[int, str, float]]) -> Regions:
    codes, names, weights = zip(*counties, strict=True)
    return Regions(np.array(codes, dtype=np.int64), np.array(names), np.array(weights))


MOUNTAIN = tuple(_MOUNTAIN.split()[::2])
ISLAND = tuple(_ISLAND.split()[::2])
ZHEJIANG = _regions(_counties())
# 18 provinces, 1,399 counties (DESIGN 1: some 1,400 districts).
NATIONAL = _regions(_counties() + _elsewhere(float(ZHEJIANG.weights.sum())))
