"""The words of a clause that move the camera, hold it still or take it in the hand. English and Chinese."""

from __future__ import annotations

import re
from typing import Final

from seedance.engine import camera_chinese, camera_english
from seedance.engine.ask import Ask
from seedance.engine.clauses import denied

_STILL: Final = re.compile(
    r"\bstatic\s+(?:wide\s+|close-?up\s+|camera\s+)?(?:shot|camera|frame|view|angle|framing)\b"
    r"|^\s*(?:a\s+)?static\s*$|\block(?:ed)?[\s-](?:off|down)\b"
    r"|\b(?:still|fixed|stationary|motionless)\s+(?:camera|shot|frame|view)\b"
    r"|\bcamera\s+(?:[\w']+\s+){0,3}(?:still|static|fixed|stationary|motionless|locked"
    r"|steady\s+on\s+a\s+tripod)\b"
    r"|\b(?:on\s+a\s+|tripod\s+)(?:tripod|shot)\b|\b(?:no|without(?:\s+any)?"
    r"|zero)\s+camera\s+(?:movement|motion|moves?)\b"
    r"|\b(?:do\s+not|don[\u2019']t|never|without)\s+mov(?:e|ing)\s+the\s+camera\b"
    r"|\bcamera\s+(?:does\s+not|doesn[\u2019']t|never|must\s+not|should\s+not|shouldn[\u2019']t"
    r"|not)\s+moves?\b"
    r"|固定(?:镜头|机位|的镜头)|镜头(?:保持)?(?:固定|静止|不动)|静止镜头|静态镜头|机位(?:固定|不动)|镜头不(?:要)?(?:移动|动)",
    re.IGNORECASE,
)
_HANDHELD: Final = re.compile(
    r"\bhand[\s-]?held\b(?!\s+(?:fan|device|phone|mirror|radio|game|torch|console|drill|blender|lantern))"
    r"|\bshak(?:y|ing)\s+cam(?:era)?\b|\bcamera\s+shak(?:e|es|ing)\b|手持(?:镜头|拍摄|摄影|摄像|感|跟拍)|^\s*手持\s*$"
    r"|镜头(?:轻微)?(?:晃动|抖动)|晃动镜头",
    re.IGNORECASE,
)


def handheld(clause: str) -> bool:
    """Tell whether the clause asks for a hand-held camera."""
    return any(not denied(clause[: match.start()]) for match in _HANDHELD.finditer(clause))


def asks(clause: str) -> list[Ask]:
    """List the moves that the clause asks for or forbids, in order."""
    still = [Ask(match.start(), match.end(), ("still",)) for match in _STILL.finditer(clause)]
    found = still + camera_english.asks(clause) + camera_chinese.asks(clause)
    free: list[Ask] = []
    for ask in sorted(found, key=lambda ask: (ask.start, -ask.end)):
        if not free or ask.start >= free[-1].end:
            free.append(ask)
    return free
