"""The words of a prompt that name a mood or a weather of the scene. English and Chinese.

A word counts where it is about the look: "at night", not "a knight"; "warm light", not "a warm smile".
"""

from __future__ import annotations

import re
from typing import Final, TypeVar

from seedance.engine.clauses import clauses, denied
from seedance.engine.storyboard import Mood, Weather

_Look = TypeVar("_Look", Mood, Weather)

_PICTURE: Final = (
    r"(?:film|movie|cinema\w*|photo\w*|look|grad(?:e|ing)|style|image\w*|picture|video|footage|tone\w*"
    r"|feel\w*"
    r"|mood|aesthetic\w*|atmosphere|palette|shot|scene|filter|treatment|vibes?)\b"
)
_LIGHT: Final = (
    r"(?:(?:and\s+\w+|orange|blue|golden|evening|morning|winter|soft)\s+)?(?:light\w*|tone\w*|glow\w*"
    r"|colou?r\w*"
    r"|hue\w*|palette|grad(?:e|ing)|look|sunlight|sunshine|atmosphere|mood|tint|ambien\w+)\b"
)
_ALONE: Final = r"^\s*(?:(?:in|a|an|the|very|make\s+it|style|mood)\s+)*(?:{})(?:\s+and\s+[\w-]+)?\s*$"
_FALLS: Final = (
    r"(?:fall\w*|drift\w*|swirl\w*|com\w+\s+down|begins?|starts?|blow\w*|settl\w+|pour\w*|streak\w*)"
)

_MOODS: Final[dict[Mood, str]] = {
    "golden hour": r"\b(?:golden|magic)[\s-]hour\b|\bgolden\s+(?:sun)?light\b|\b(?:at"
    r"|during)\s+(?:sunset|sundown)\b"
    r"|\bsunset\s+(?:light|glow|colou?rs)|黄金时[刻段分]|夕阳|日落|金色的?阳光",
    "noir": r"(?<!pinot\s)\bnoir\b|黑色电影",
    "black and white": rf"\bblack[\s-](?:and|&|n)[\s-]white\s+{_PICTURE}|\bin\s+black[\s-](?:and|&"
    rf"|n)[\s-]white\s*$"
    rf"|\bb\s?&\s?w\b|\bmonochrom\w*|\bgr[ae]yscale\b|黑白(?:电影|影像|照片|画面|风格|色调|片|镜头|色)"
    rf"|{_ALONE.format(r'black[ -](?:and|&|n)[ -]white')}|^\s*黑白\s*$",
    "vintage": rf"\b(?:vintage|retro|nostalgic)\s+(?:\w+\s+)?{_PICTURE}|\bsepia\b|\bsuper[\s-]?8\b"
    rf"|\b8\s?mm\b|\bold\s+(?:film|movie)\b"
    rf"|{_ALONE.format('vintage|retro')}|复古(?:风|色|胶片|电影|感|滤镜|画面|的?色调)|怀旧|老电影|泛黄|^\s*复古\s*$",
    "cold": rf"\b(?:cold|cool|icy|wintry)\s+{_LIGHT}|{_ALONE.format('cold')}|冷色|冷调|冷光|清冷",
    "warm": rf"\bwarm\s+{_LIGHT}|{_ALONE.format('warm')}|暖色|暖调|暖光|温暖的?(?:光|色|阳光)",
    "dreamy": r"\bdreamy\b(?!\s+(?:eye|smile|boy|girl|face|expression|gaze|stare|man|woman))"
    r"|\bdream-?like\b|\bethereal\b"
    r"|梦幻|如梦|梦境般",
    "night": r"\b(?:at|by|into\s+the|in\s+the(?:\s+\w+)?|during\s+the"
    r"|a?\s?starry)\s+night\b(?!\s*(?:club|gown|stand))"
    r"|\bnight[\s-]?(?:time|scene|sky|shot|look|lights?|city|street|grade|mood)\b|\bmoonli(?:t|ght)\b"
    rf"|{_ALONE.format('night')}|夜晚|夜景|夜色|深夜|夜里|夜间|夜幕|月光|月色",
}

_WEATHERS: Final[dict[Weather, str]] = {
    "rain": r"(?<!after\sthe\s)(?<!before\sthe\s)(?<!after\s)\brain\b(?!\s*-?(?:coat|boot|jacket|forest"
    r"|bow|barrel|gauge|check|gear|hat|drop"
    r"|cloud|of|man|tree)s?\b)|\brain(?:ing|y|fall|storm)\b(?!\s+day\s+fund)|\bdrizzl\w+|\bdownpour\b"
    r"|(?:下|细|大|小|暴|阵|微|风)雨|雨(?:中|天|夜|滴|丝|水落)|雷雨",
    "snow": r"(?<!covered\sin\s)(?<!covered\swith\s)(?<!capped\swith\s)\bsnow\b"
    r"(?!\s*-?(?:leopard|fox|owl|white|goose|geese|globe|m[ae]n|board\w*|shoe|boot|jacket|pea|cone"
    r"|cover\w*|capped|plow|plough"
    r"|monkey|angel|queen|bank|drift|line|on|lies|lying|melts|melting|topped|bunny|hare|crab)s?\b)"
    r"|\bsnow(?:ing|y(?=\s+(?:weather|day|night|evening|morning|air|sky)\b)|fall|flakes?|storm)\b(?!\s+(?:owl|egret|mountain|peak|plover))|\bblizzard\b"
    r"|(?:下|飘|大|小|暴|落|飞)雪|雪(?:花|中|天|夜)(?!莲)|风雪",
    "dust": r"\bdust\s+(?:motes?|particles?|specks?|storm|clouds?|in\s+the\s+(?:air|light|sun\w*)"
    rf"|{_FALLS}|float\w*|danc\w*|hangs?|rises?|rising|fills?)|\b(?:floating|drifting|swirling|airborne"
    rf"|blowing|flying)\s+dust\b"
    r"|\bdusty\s+(?:air|light|atmosphere|sun\w*)|\bwith\s+dust\b|\bsandstorm\b|沙尘|尘埃|浮尘|扬尘|尘土飞扬|灰尘(?:飞|飘"
    r"|漂)",
    "fog": r"\bfog(?:gy)?\b(?!\s*(?:horn|lamp|light|machine|memor|bank\s+account|brain))"
    r"|\bmist\b(?!\s+(?:spray|bottle))"
    r"|\bmisty\b(?!\s+eye)|\bhaz(?:e|y)\b(?!\s+(?:memor|recollect|idea|ipa|eye|nut))|(?:晨|大|薄|浓|雨|起|云"
    r"|迷)雾|雾气|雾中|雾蒙蒙",
    "light rays": r"\b(?:light|god|sun|solar)[\s-]?(?:rays?|beams?|shafts?)\b|\b(?:rays?|beams?"
    r"|shafts?)\s+of\s+(?:sun)?light\b"
    r"|\bsun(?:beam|ray)s?\b|\bvolumetric\s+light\w*|\bcrepuscular\b|光束|丁达尔|体积光|光芒|光柱",
    "film grain": r"\bfilm\s+grain\b|\bgrainy\b(?!\s+(?:bread|mustard|sand|soil))|\b(?:subtle|fine|heavy"
    r"|analog\w*|\d+\s?mm)\s+grain\b"
    r"|颗粒感|胶片颗粒|胶片质感",
}


def mood(prompt: str) -> Mood | None:
    """Find the first mood that the prompt asks for."""
    return _first(prompt, _MOODS)


def weather(prompt: str) -> Weather | None:
    """Find the first weather that the prompt asks for."""
    return _first(prompt, _WEATHERS)


def _first(prompt: str, table: dict[_Look, str]) -> _Look | None:
    for clause in clauses(prompt):
        found = [
            (match.start(), look)
            for look, pattern in table.items()
            for match in re.finditer(pattern, clause.text, re.IGNORECASE)
            if not denied(clause.text[: match.start()])
        ]
        if found:
            return min(found, key=lambda hit: hit[0])[1]
    return None
