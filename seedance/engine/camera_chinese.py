"""Chinese words that move the camera."""

from __future__ import annotations

import re
from typing import Final

from seedance.engine.ask import Ask, Pace
from seedance.engine.clauses import denied

_CHINESE: Final = re.compile(
    r"(?P<whip>甩(?:镜头?|摇|动)|(?:[向往朝][左右上下])甩|[左右]甩)|(?P<zoomin>变焦(?:推近?|拉近|放大)|画面放大|镜头放大|变焦(?!拉远|缩))"
    r"|(?P<zoomout>变焦(?:拉远|缩小)|画面缩小)"
    r"|(?P<push>推(?:近|进(?!器)|镜|向|入|移至?)|前推|拉近|镜头.{0,4}(?:靠近|逼近|前进|向前))"
    r"|(?P<pull>拉(?:远|开(?=镜|$)|出(?!口|来)|镜|后)|后拉|向后拉|镜头.{0,4}(?:后退|远离|向后))"
    r"|(?P<across>(?:从|由)[左右上下](?:边|侧|方)?(?:到|向|往|至)(?P<to>[左右上下])(?:边|侧|方)?.{0,4}?(?P<how1>摇|移|扫|转|滑|升"
    r"|降|平移|$))"
    r"|(?P<side>[向往朝](?P<way>[左右上下])(?:侧|边|方)?[缓慢快速迅平稳轻地的]*(?P<how2>平移|横移|移|摇|滑|转|扫|升|降|抬|倾|仰|俯))"
    r"|(?P<short>(?P<way3>[左右上下])(?P<how3>移|摇|平移|横移))"
    r"|(?P<up>镜头.{0,4}(?:上升|升起|升高|抬升))|(?P<down>镜头.{0,4}(?:下降|降落|降下))|(?P<lift>升降镜头)"
    r"|(?P<orbit>(?:(?:镜头|拍摄|[缓慢快速]).{0,4}|^\s*|[向往朝][左右])(?:环绕|围绕|绕着|盘旋)|环绕(?:镜头|拍摄|一圈|[左右主人拍它他她])"
    r"|[顺逆]时针(?:环绕|旋转|绕))"
    r"|(?P<track>跟拍|跟随镜头|跟踪镜头|镜头.{0,3}跟(?:随|着)|平移|横移)|(?P<pan>摇镜头?|摇摄|镜头.{0,3}(?:扫过|摇动))"
)
_HAN: Final = {"左": "left", "右": "right", "上": "up", "下": "down"}


def asks(clause: str) -> list[Ask]:
    """List the moves that the clause asks for or forbids, in order."""
    return [_ask(match, clause) for match in _CHINESE.finditer(clause)]


def _ask(match: re.Match[str], clause: str) -> Ask:
    kind = match.lastgroup or ""
    for kind in (
        "whip",
        "zoomin",
        "zoomout",
        "push",
        "pull",
        "across",
        "side",
        "short",
        "up",
        "down",
        "lift",
        "orbit",
        "track",
        "pan",
    ):
        if match[kind]:
            break
    way = _HAN.get(match["to"] or match["way"] or match["way3"] or "", "")
    how = match["how1"] or match["how2"] or match["how3"] or ""
    gestures: tuple[str, ...]
    match kind:
        case "across" | "side" | "short":
            turned = how in ("摇", "扫", "转", "抬", "倾", "仰", "俯", "")
            names = ("pan", "tilt") if turned else ("truck", "crane")
            gestures = (f"{names[way in ('up', 'down')]} {way}",)
        case "whip":
            side = re.search(r"[左右上下]", match[0]) or re.search(r"[向往朝]([左右上下])", clause)
            gestures = (f"whip {_HAN[side[0][-1]]}",) if side else ("whip left", "whip right")
        case "orbit":
            side = re.search(r"[向往朝]?([左右])|([顺逆])时针", clause)
            left = side and (side[1] == "左" or side[2] == "顺")
            gestures = (
                ("orbit left", "orbit right") if not side else ("orbit left",) if left else ("orbit right",)
            )
        case _:
            gestures = {
                "zoomin": ("zoom in",),
                "zoomout": ("zoom out",),
                "push": ("push in",),
                "pull": ("pull out",),
                "up": ("crane up",),
                "down": ("crane down",),
                "lift": ("crane up", "crane down"),
                "track": ("truck left", "truck right"),
                "pan": ("pan left", "pan right"),
            }[kind]
    near = clause[max(0, match.start() - 8) : match.end() + 4]
    slow, fast = re.search(r"缓|慢|徐徐|轻轻|轻柔", near), re.search(r"快|迅速|急|猛|疾|飞速", near)
    pace: Pace = "fast" if kind == "whip" or fast else "slow" if slow else "steady"
    return Ask(match.start(), match.end(), gestures, pace, denied(clause[: match.start()]))
