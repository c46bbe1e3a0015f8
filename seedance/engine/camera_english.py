"""English verbs that move the camera, and whether it is the camera that they move."""

from __future__ import annotations

import re
from typing import Final

from seedance.engine.ask import Ask, Pace
from seedance.engine.clauses import denied

_VERBS: Final = {
    "whip": r"whip(?:s|ping)?(?:[\s-]+pan(?:s|ning)?)?|swish[\s-]+pan(?:s|ning)?",
    "zoom": r"zoom(?:s|ing|ed)?",
    "dolly": r"doll(?:y|ies|ying)",
    "push": r"push(?:es|ing|ed)?",
    "pull": r"pull(?:s|ing|ed)?|draw(?:s|ing)?(?=\s+back)|back(?:s|ing)?(?=\s+(?:away|off|out))",
    "pan": r"pan(?:s|ning|ned)?",
    "truck": r"truck(?:s|ing)?|track(?:s|ing)?|crab(?:s|bing)?(?=\s+(?:left|right))",
    "tilt": r"tilt(?:s|ing|ed)?",
    "crane": r"cran(?:es?|ing)|boom(?:s|ing)?|jib(?:s|bing)?|pedestals?",
    "orbit": r"orbit(?:s|ing)?|arc(?:s|ing)?(?=\s+(?:shot|around|left|right|to\s+the|move))"
    r"|(?:circl(?:es?|ing)|revolv(?:es?|ing)|rotat(?:es?|ing)|spin(?:s"
    r"|ning)?)(?=\s+(?:\w+ly\s+)?(?:around|about))|circl(?:es|ing)",
    "move": r"mov(?:es?|ing)|glid(?:es?|ing)|drift(?:s|ing)?|slid(?:es?|ing)|float(?:s|ing)?|travel(?:s"
    r"|l?ing)?|fl(?:y|ies|ying)"
    r"|ris(?:es?|ing)|ascend(?:s|ing)?|descend(?:s|ing)?|lower(?:s|ing)?|lift(?:s|ing)?|go(?:es|ing)?"
    r"|sweep(?:s|ing)?"
    r"|creep(?:s|ing)?|follow(?:s|ing)?|clos(?:es?|ing)(?=\s+in\b)|swing(?:s|ing)?|turn(?:s|ing)?",
}
_VERB: Final = re.compile(
    r"(?<![\w-])(?:" + "|".join(f"(?P<{name}>{verb})" for name, verb in _VERBS.items()) + r")(?!\w)",
    re.IGNORECASE,
)
_NOT_A_MOVE: Final = re.compile(
    r"(?:frying|sauce|dust|baking|roasting|cake|hot|iron|peter|bread|pots\s+and|heat\s+the|in\s+the"
    r"|of\s+the|my|her|his|their)[\s-]+pans?\b"
    r"|\bpan(?:s|ned)?[\s-]+(?:of|for|flutes?|pipes?|fried|seared)\b"
    r"|\bzoom\w*\s+(?:past|by|calls?|meetings?|lens|off|chat|class|bys?)\b|\btilt[\s-]+shift"
    r"|(?:\bin|\binto|\blow|\bearth|\blunar|\bstable)\s+orbit\b|\bboom\s+(?:box|mic)"
    r"|\bturn\w*\s+(?:into|to\s+(?:dust|stone|gold))\b|\bgo(?:es|ing)?\s+(?:to|on|down"
    r"|up)\s+(?:the\s+)?(?:sleep|work|drain)",
    re.IGNORECASE,
)
_STRONG: Final = ("zoom", "dolly", "pan", "whip")
"""Verbs that are the camera's even after a word of the scene."""

_ASIDE: Final = re.compile(
    r"\b(?:as|while|when|where|who|which|that|until|before|after|because|showing|revealing|to\s+reveal"
    r"|to\s+show|following)\b",
    re.IGNORECASE,
)
_CAMERA: Final = re.compile(
    r"\b(?:camera\w*|lens|drone|viewpoint|viewer|perspective|point\s+of\s+view)\b|镜头|摄像机|相机",
    re.IGNORECASE,
)
_PICTURE_BEFORE: Final = re.compile(
    r"\b(?:shot|view|frame|image|picture|photo|scene|video|footage|we|it)\s*$", re.IGNORECASE
)
_LIGHT_WORDS: Final = (
    r"(?:\w+ly|a|an|one|the|and|or|with|but|just|only|slow|fast|quick|rapid|gentle|smooth|steady|subtle"
    r"|cinematic|dramatic"
    r"|long|simple|single|continuous|very|extreme|slight|gradual|soft|sudden|crash|snap|sweeping|super"
    r"|ultra|hand-?held"
    r"|aerial|drone|please|use|using|add|do|make|start\w*|begin\w*|end|ends|ending|open|opens|opening"
    r"|finish\w*|by|to|now"
    r"|next|first|second|finally|also|left|right|upward|downward|leftward|rightward|inward|outward"
    r"|forward|backward"
    r"|full|half|low|high|wide|close|tight|lateral|vertical|horizontal|macro|epic|big|tiny|small|some"
    r"|more|little"
    r"|\[\s*(?:image|图)\s*\d+\s*\]|on|in|for|of|is|must|should|can|will|let|want|i|not|do|don[\u2019']t"
    r"|no|never|without|any"
    r"|avoid|instead|top|bottom|image|photo|picture|shot|\d+|all|way|clockwise|counter-?clockwise"
    r"|anti-?clockwise)"
)
_LIGHT: Final = re.compile(rf"^(?:[\s\-–\"'(+&/]|{_LIGHT_WORDS}(?![\w]))*$", re.IGNORECASE)
_LIGHT_LAST: Final = re.compile(
    r"(?:\b(?:a|an|the|and|with|slow|fast|quick|rapid|gentle|smooth|steady|subtle|cinematic|dramatic"
    r"|long|gradual|soft|sudden|crash"
    r"|snap|sweeping|continuous|slight|slowly|quickly|gently|smoothly|or|but|no|not|never|without"
    r"|hand-?held|by|ward|right|left|aerial)"
    r"|n[\u2019']t|\])[\s-]*$",
    re.IGNORECASE,
)

_FILL: Final = (
    r"(?:[\s-]+(?:\w+ly|slow|fast|quick|smooth|very|and|further|farther|all\s+the\s+way|straight"
    r"|right(?=\s+(?:in|out|back|up|down)\b)"
    r"|(?:the|our)\s+(?:camera|shot|lens|view|frame|viewer)|camera|us|it|in(?=\s+closer)"
    r"|back(?=\s+and\s+(?:up|away))|shot|move(?:ment)?))*[\s-]+"
)
_INTO: Final = re.compile(
    rf"^{_FILL}(?:in(?:to|wards?)?|closer|forwards?|ahead|towards?|on|onto|nearer|through)\b", re.IGNORECASE
)
_OUT: Final = re.compile(rf"^{_FILL}(?:out(?:wards?)?|back(?:wards?)?|away|off)\b", re.IGNORECASE)
_SIDES: Final = r"(left|right|top|bottom|up|down)"
_ACROSS: Final = re.compile(
    rf"\b{_SIDES}(?:[\s-]+hand)?(?:\s+side)?(?:\s+of\s+(?:the\s+)?\w+)?[\s-]+to(?:wards?)?[\s-]+(?:the\s+)?{_SIDES}\b",
    re.IGNORECASE,
)
_AT_ONCE: Final = re.compile(
    rf"^{_FILL}(?:shot\s+)?(?:to\s+)?(?:the\s+)?{_SIDES}(?:wards?)?\b", re.IGNORECASE
)
_TOWARDS: Final = re.compile(
    rf"\b(?:to|towards?)\s+(?:the\s+|its\s+)?(?:\w+\s+)?{_SIDES}\b|\b(left|right|up|down)wards?\b",
    re.IGNORECASE,
)
_FROM: Final = re.compile(r"\bfrom\s+(?:the\s+)?(left|right|top|bottom|above|below)\b", re.IGNORECASE)
_UPRIGHT: Final = re.compile(r"\b(up|down)(?:wards?)?\b", re.IGNORECASE)
_BEFORE: Final = re.compile(
    r"(?:\b(left|right|top|bottom)[\s-]+to[\s-]+(left|right|top|bottom)|\b(left|right|up|down|in|out|for"
    r"|back)wards?|\b(left|right))"
    r"(?:[\s-]+(?:camera|slow|fast|smooth))?[\s-]+$",
    re.IGNORECASE,
)
_TURNING: Final = re.compile(r"\b(counter[\s-]?|anti[\s-]?)?clockwise\b", re.IGNORECASE)
_BESIDE: Final = re.compile(
    r"^[\s-]+(?:shots?|moves?|movement|motion|across|over|along|alongside|around|through|past"
    r"|the\s+(?:scene|landscape|room|view)|with)\b",
    re.IGNORECASE,
)
_OPPOSITE: Final = {
    "left": "right",
    "right": "left",
    "top": "down",
    "bottom": "up",
    "above": "down",
    "below": "up",
}
_WAYS: Final = {"top": "up", "bottom": "down", "for": "in", "back": "out"}

_SLOW: Final = (
    r"slow(?:ly|er)?|gent(?:le|ly)|gradual(?:ly)?|subt(?:le|ly)|soft(?:ly)?|calm(?:ly)?"
    r"|leisurely|creeping|lightly|slight(?:ly)?|lazy|lazily"
)
_FAST: Final = (
    r"fast(?:er)?|quick(?:ly)?|rapid(?:ly)?|swift(?:ly)?|sudden(?:ly)?|abrupt(?:ly)?"
    r"|speed(?:y|ily)|crash|snap|sharply|hurried(?:ly)?"
)
_PACED: Final = re.compile(rf"\b(?:{_SLOW}|{_FAST}|smooth|steady)\s+$", re.IGNORECASE)
_PACE_BEFORE: Final = re.compile(
    rf"\b(?:(?P<slow>{_SLOW})|(?P<fast>{_FAST}))\b(?:[\s-]+[\w-]+){{0,3}}[\s-]*$", re.IGNORECASE
)
_PACE_AFTER: Final = re.compile(
    rf"^(?:(?!\b(?:a|an|the)\b).)*?\b(?:(?P<slow>{_SLOW})|(?P<fast>{_FAST}))\b|\b(?:(?P<slow2>slowly"
    rf"|gently|gradually|softly)|(?P<fast2>fast(?=\s*$)|quickly|rapidly|swiftly))\b",
    re.IGNORECASE,
)


def asks(clause: str) -> list[Ask]:
    """List the moves that the clause asks for or forbids, in order."""
    found: list[Ask] = []
    verbs = [match for match in _VERB.finditer(clause) if not _within(_NOT_A_MOVE, clause, match)]
    for match in verbs:
        verb, before, after = match.lastgroup or "", clause[: match.start()], clause[match.end() :]
        rest = clause[match.end() : _next(verbs, match)]
        if gestures := _gestures(verb, match[0], before, rest, after):
            between = clause[found[-1].end : match.start()] if found else ""
            listed = bool(found) and found[-1].forbidden and re.fullmatch(r"\s*(?:or|nor|/|and)\s*", between)
            forbidden = denied(before) or bool(listed)
            found.append(Ask(match.start(), match.end(), gestures, _pace(verb, before, rest), forbidden))
    return found


def _within(pattern: re.Pattern[str], clause: str, match: re.Match[str]) -> bool:
    return any(hit.start() < match.end() and match.start() < hit.end() for hit in pattern.finditer(clause))


def _gestures(verb: str, word: str, before: str, rest: str, after: str) -> tuple[str, ...]:
    """Give the moves that a verb may mean among the words around it; none if it is not the camera's."""
    aside = _ASIDE.search(rest)
    told = rest[: aside.start()] if aside else rest
    depth = "in" if _INTO.search(told) else "out" if _OUT.search(told) else ""
    way = _way(before, told, upright=verb in ("tilt", "crane", "move"))
    if depth and _AT_ONCE.search(told) is None and not (way and verb in ("pan", "tilt", "truck", "whip")):
        way = depth
    if not _of_camera(verb, word, before, way, after):
        return ()
    across = bool(_BESIDE.search(told))
    sides = "left", "right"
    match verb:
        case "zoom":
            return (f"zoom {way}",) if way in ("in", "out") else ("zoom in",)
        case "push":
            return ("push in",) if way == "in" else ()
        case "pull":
            return ("pull out",) if way == "out" else ()
        case "tilt":
            return (f"tilt {way}",) if way in ("up", "down") else ("tilt up", "tilt down") if across else ()
        case "crane":
            return (
                (f"crane {way}",) if way in ("up", "down") else ("crane up", "crane down") if across else ()
            )
        case "orbit":
            if turning := _TURNING.search(told) or _TURNING.search(before):
                return ("orbit right",) if turning[1] else ("orbit left",)  # seen from above
            return (f"orbit {way}",) if way in sides else ("orbit left", "orbit right")
        case "whip":
            if way in sides or way in ("up", "down"):
                return (f"whip {way}",)
            return ("whip left", "whip right") if "pan" in word.lower() else ()
        case "pan":
            if way in sides:
                return (f"pan {way}",)
            if way in ("up", "down"):
                return (f"tilt {way}",)
            shown = (
                across
                or depth == "in"
                or _PACE_BEFORE.search(before)
                or _CAMERA.search(before)
                or denied(before)
            )
            return ("pan left", "pan right") if shown or re.match(r"\s+(?:to|towards?)\b", told) else ()
        case "move" if re.match(r"\s+(?:\w+ly\s+)?(?:around|in\s+a\s+circle)\b", told):
            return ("orbit left", "orbit right")
    if way in sides:
        return (f"truck {way}",)
    if way in ("up", "down") and verb == "move":
        return (f"crane {way}",)
    if way in ("in", "out"):
        return ("push in",) if way == "in" else ("pull out",)
    if verb == "dolly":
        return ("push in",) if re.match(r"[\s-]+(?:shot|zoom|move)", told) or denied(before) else ()
    if verb == "move":
        lifts = re.match(r"(?:ris|ascend|lift)|(descend|lower)", word, re.IGNORECASE)
        if lifts:
            return ("crane down",) if lifts[1] else ("crane up",)
        across = across or word.lower().startswith("follow")
    return ("truck left", "truck right") if across or (denied(before) and verb == "truck") else ()


def _way(before: str, told: str, *, upright: bool) -> str:
    if across := _ACROSS.search(told):
        way = across[2]
    elif found := _AT_ONCE.search(told):
        way = found[1]
    elif found := _TOWARDS.search(told):
        way = found[1] or found[2]
    elif found := _FROM.search(told):
        way = _OPPOSITE[found[1].lower()]
    elif found := _BEFORE.search(before):
        way = found[2] or found[3] or found[4]
    elif upright and (found := _UPRIGHT.search(told)):
        way = found[1]
    else:
        return ""
    return _WAYS.get(way.lower(), way.lower())


def _of_camera(verb: str, word: str, before: str, way: str, after: str) -> bool:
    """Tell whether it is the camera that acts, not someone in the scene."""
    asides = list(_ASIDE.finditer(before))
    before = before[asides[-1].end() :] if asides else before
    if _CAMERA.search(before):
        return True
    adverbs_off = re.sub(r"(?:\s+\w+ly)+\s*$", " ", before)
    if _PICTURE_BEFORE.search(adverbs_off) and verb != "move":
        return True
    if re.match(r"\s+the\s+(?:camera|shot|view|lens|frame)\b", after, re.IGNORECASE):
        return True
    if verb == "move":
        if (
            re.search(rf"\b(?:{_SLOW}|{_FAST}|smooth|steady)\s+$", before, re.IGNORECASE)
            and word[-1] not in "sg"
        ):
            return bool(way)
        return bool(_LIGHT.match(before)) and bool(re.match(r"\s+(?:in\s+)?closer\b", after, re.IGNORECASE))
    plain = bool(_LIGHT.match(before))
    if verb in ("pan", "crane", "truck", "dolly") and re.search(
        r"\b(?:an?|the|one)\s+$", before, re.IGNORECASE
    ):
        taken = r"\s+(?:left|right|up|down)\s+(?:on|in|at|by|behind|the|an?|near|there|his|her)\b"
        if re.match(taken, after, re.IGNORECASE) or (
            verb != "pan" and not re.match(r"[\s-]+(?:shot|move|zoom)", after)
        ):
            return False
    if verb in ("push", "pull"):
        thing = r"[\s-]+(?:in|out|back|away|on|off)\s+(?:an?|the|his|her|their|its|my|your)\b"
        slow = _PACE_BEFORE.search(before)
        if re.match(thing, after, re.IGNORECASE) and not slow:
            return False
    if verb == "truck" and re.match(r"\s+(?:left|right)\s+(?:the|an?|his|her)\b", after, re.IGNORECASE):
        return False
    third = bool(re.search(r"(?:s|ed)$", word, re.IGNORECASE))
    if plain:
        return True
    if third:
        return False
    if re.search(r"\b(?:he|she|they|you|who|to)\s*$", adverbs_off, re.IGNORECASE):
        return False
    return bool(_LIGHT_LAST.search(before)) or (verb in _STRONG and bool(way))


def _pace(verb: str, before: str, rest: str) -> Pace:
    if verb == "whip":
        return "fast"
    asides = list(_ASIDE.finditer(before))
    before = before[asides[-1].end() :] if asides else before
    aside = _ASIDE.search(rest)
    for found in (_PACE_AFTER.search(rest[: aside.start()] if aside else rest), _PACE_BEFORE.search(before)):
        if found:
            groups = found.groupdict()
            return "slow" if groups.get("slow") or groups.get("slow2") else "fast"
    return "steady"


def _next(verbs: list[re.Match[str]], match: re.Match[str]) -> int | None:
    return min((other.start() for other in verbs if other.start() >= match.end()), default=None)
