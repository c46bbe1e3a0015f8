"""The words of a clause that say how one image takes over from another. English and Chinese."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from seedance.engine.clauses import denied
from seedance.engine.storyboard import Transition

_NEXT: Final = (
    r"(?:\[|the\s+(?:next|second|third|fourth|last|final|other)\b|next\b|image\b"
    r"|another\s+(?:shot|image|view)\b|an?\s+(?:shot|view|close)\b)"
)
_NOUN: Final = (
    r"(?:(?:^|\b(?:an?|with|by|via|use|using|slow|quick|soft|gentle|smooth|long|short|fast"
    r"|and|or|no|not|then|the)|n[\u2019']t|[(\]])[\s-]*)"
)
_SIDES: Final = r"(left|right|up|down|top|bottom)"

_JOINTS: Final[tuple[tuple[str, Transition], ...]] = (
    (
        r"\bmatch[\s-](?:cut|zoom|dissolve)\w*|\bzoom[\s-](?:through\s+)?transitions?\b"
        r"|\bzoom\s+through\s+(?:in)?to\s+" + _NEXT,
        "match zoom",
    ),
    (r"匹配(?:剪辑|变焦|切)|变焦转场|缩放转场", "match zoom"),
    (
        r"\bmorph(?:s|ing|ed)?\b(?!\s+suit)|\b(?:transform|turn|chang|evolv|melt)(?:s|e|es"
        r"|ing)?\s+(?:slowly\s+|smoothly\s+|gradually\s+)?into\b"
        r"|\bmetamorphos\w+|\bbecom(?:es|ing)\s+" + _NEXT,
        "morph",
    ),
    (r"变成|化为|变为|变形|变身|渐变(?:成|为|到)|幻化", "morph"),
    (
        rf"{_NOUN}(?P<wipe>wip(?:e|es|ing))(?=\W*(?:$|\b(?:from|to|transition|left|right|up|down|across"
        rf"|into|between|in)))|\b(?:wip(?:e|es|ing))\s+(?:to|into|in)\s+{_NEXT}"
        r"|\bwipe\s+transitions?\b|\bwipes\b(?=\s+(?:between|as)\b)",
        "wipe right",
    ),
    (r"擦除|划像|划变|擦镜|擦拭转场", "wipe right"),
    (
        r"\bcross[\s-]?(?:dissolv|fad)\w*|\bdissolves?\s+transitions?\b|\bdissolv(?:e|es"
        r"|ing)\s+(?:slowly\s+|gently\s+)?(?:in)?(?:to|between|from)\s+"
        + _NEXT
        + r"|\bdissolv(?:e|es|ing)\s+(?:between|together)\b"
        + rf"|{_NOUN}(?:dissolves?)(?=\s*(?:$|\b(?:to|in|into|between|from|transitions?|as|with|and)\b))"
        + rf"|\bfad(?:e|es|ing)\s+(?:slowly\s+|gently\s+)?(?:in)?to\s+{_NEXT}|\bblend(?:s"
        rf"|ing)?\s+(?:in)?to\s+{_NEXT}",
        "dissolve",
    ),
    (r"溶解|叠化|溶接|叠画|交叉淡", "dissolve"),
    (
        r"\b(?:fad(?:e|es|ing)|dip(?:s|ping)?|goes)\s+(?:\w+\s+)?(?:to|through|from"
        r"|into)\s+(?:a\s+)?(?:black|white|darkness)\b"
        rf"|{_NOUN}fades?(?=\s*(?:$|\b(?:between|transitions?|out|and)\b))|\bfades?\s+transitions?\b"
        rf"|\[[^\]]*\]\s+fades\s+(?:in|out)\b|\bfad(?:e|es)\s+in\s+(?=\[)",
        "fade",
    ),
    (r"淡入淡出|淡出淡入|淡出|渐黑|黑场|渐隐", "fade"),
    (
        r"\b(?:hard|jump|smash|straight|quick|fast|rapid|sharp|clean|snappy)[\s-]cut(?:s|ting)?\b"
        r"|^\s*cuts?\s*$"
        r"|\bcut(?:s|ting)?\s+(?:straight\s+|back\s+|away\s+|quickly\s+|directly\s+"
        r"|hard\s+)*to\b(?!\s+(?:pieces|size|shape|length|ribbons|shreds|the\s+bone))"
        r"|\bcut(?:s|ting)?\s+between\b(?!\s+the\s+(?:teeth|leaves))|\bcuts?\s+from\s+"
        + _NEXT
        + r"|(?:\bno|\bwith|\bonly|\buse)\s+cuts\b|(?:\bwith|\bby)\s+a\s+cut\b",
        "cut",
    ),
    (r"硬切|快切|跳切|直切|切(?:到|至|换|入(?!味)|镜)", "cut"),
)
_COMPILED: Final = tuple((re.compile(pattern, re.IGNORECASE), transition) for pattern, transition in _JOINTS)
_ENDS: Final = re.compile(
    r"\b(?:at|in|to|towards?)\s+the\s+(?:very\s+)?end\b|\bend(?:s|ing)?\s+(?:with|on|in)\b"
    r"|\bfinally\s+fade|\bfade\s+(?:in\s+)?from\b"
    r"|\bopen(?:s|ing)?\s+(?:with|on)\s+a\s+fade|结尾|最后淡出|结束时",
    re.IGNORECASE,
)
_MANY: Final = re.compile(
    r"(?:cut|dissolve|fade|wipe|morph)s\b(?=\s*$|\s+between|\s+throughout)"
    r"|\bbetween\s+(?:\w+\s+)*(?:images|pictures|shots|photos|all|them|each)\b|\beach\b|\bthroughout\b"
    r"|之间|每",
    re.IGNORECASE,
)
_WIPE_TO: Final = (
    re.compile(rf"\b{_SIDES}[\s-]+to[\s-]+(?:the\s+)?{_SIDES}\b", re.IGNORECASE),
    re.compile(rf"\bto(?:wards?)?\s+(?:the\s+)?{_SIDES}\b|\b{_SIDES}wards?\b", re.IGNORECASE),
    re.compile(r"\bfrom\s+(?:the\s+)?(?P<from>left|right|top|bottom)\b", re.IGNORECASE),
    re.compile(rf"\bwip\w+\s+(?:\w+ly\s+)?{_SIDES}\b|\b{_SIDES}\s+wipe", re.IGNORECASE),
)
_WIPES: Final[dict[str, Transition]] = {
    "left": "wipe left",
    "right": "wipe right",
    "up": "wipe up",
    "top": "wipe up",
    "down": "wipe down",
    "bottom": "wipe down",
}
_BACK: Final = {"left": "right", "right": "left", "top": "down", "bottom": "up"}
_HAN: Final = {"左": "left", "右": "right", "上": "up", "下": "down"}


@dataclass(frozen=True)
class Joint:
    """A transition that a clause asks for. `start` counts characters of the clause."""

    start: int
    end: int
    transition: Transition
    everywhere: bool = False
    """Said of all images at once."""
    entering: bool = False
    """Said of the image that comes: "[Image 2] fades in"."""


def joints(clause: str) -> list[Joint]:
    """List the transitions between images that the clause asks for, in order."""
    if _ENDS.search(clause):
        return []
    found: list[Joint] = []
    for pattern, transition in _COMPILED:
        for match in pattern.finditer(clause):
            start, end = match.span()
            if denied(clause[:start]) or denied(clause[:end].rpartition(" ")[0] + " "):
                continue
            if any(start < other.end and other.start < end for other in found):
                continue
            kind = _wipe(clause) if transition == "wipe right" else transition
            entering = bool(re.match(r"\s+in\b(?!\s+from)", clause[end:])) or match[0].lower().endswith(
                "fades in"
            )
            found.append(Joint(start, end, kind, bool(_MANY.search(clause[start:])), entering))
    return sorted(found, key=lambda joint: joint.start)


def _wipe(clause: str) -> Transition:
    for pattern in _WIPE_TO:
        if found := pattern.search(clause):
            if "from" in pattern.groupindex:
                return _WIPES[_BACK[found["from"].lower()]]
            return _WIPES[[side for side in found.groups() if side][-1].lower()]
    if found := re.search(r"(?:[到向往至]([左右上下]))", clause) or re.search(
        r"([左右上下])(?:擦|划)", clause
    ):
        return _WIPES[_HAN[found[1]]]
    return "wipe right"
