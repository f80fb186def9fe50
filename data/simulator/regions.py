"""Counties of Zhejiang (GB/T 2260 codes), with a weight for how much business they have. Weights are ours."""

from __future__ import annotations

import numpy as np

from data.simulator.arrays import Floats

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

_COUNTIES = sorted(
    (code, name, weight)
    for listed, weight in _WEIGHTS
    for code, name in zip(listed.split()[::2], listed.split()[1::2], strict=True)
)
CODES = np.array([int(code) for code, _, _ in _COUNTIES], dtype=np.int64)
NAMES = np.array([name for _, name, _ in _COUNTIES])
WEIGHTS: Floats = np.array([weight for _, _, weight in _COUNTIES])
