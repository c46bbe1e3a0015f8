"""A prompt in clauses, and what in a clause is denied. English and Chinese."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_SENTENCE_END: Final = r"[.!?](?!\d)|[\n;。\uff01\uff1f\uff1b]"
_SEQUENCE: Final = (
    r"\b(?:and\s+)?then\b|\bfollowed\s+by\b|\bafter\s+(?:that|which)\b|然后|接着|随后|之后|而后"
    r"|再(?=镜头|推|拉|切|向|缓|慢|快)"
)
_BORDER: Final = re.compile(
    rf"(?P<sentence>{_SENTENCE_END})|(?P<pause>[,:、\uff0c\uff1a—]|\s[-–]\s)"
    rf"|(?P<sequence>{_SEQUENCE})",
    re.IGNORECASE,
)

_ENGLISH_DENIAL: Final = re.compile(
    r"(?:(?:\bno(?!\s+(?:one|longer|matter|doubt)\b)|\bwithout(?:\s+any)?|\bzero|\bfree\s+of|\bneither"
    r"|\bnor)"
    r"(?:\s+[\w-]+){0,2}"
    r"|(?:\bnot(?!\s+only\b)|n[\u2019']t|\bnever|\bavoid(?:ing)?|\binstead\s+of|\brather\s+than"
    r"|\bstop(?:ped|s)?)"
    r"(?:\s+[\w-]+){0,5})\s+$",
    re.IGNORECASE,
)
_TURN: Final = re.compile(
    r"\b(?:but|instead(?!\s+of)|just|only|rather(?!\s+than)|simply|yet)\b|而是|但|只", re.IGNORECASE
)
_CHINESE_DENIAL: Final = re.compile(
    r"(?:不(?![断停仅只光久同])|没有?|无(?![人数尽边限声垠])|(?<![特区分告级个性])别(?![墅致样处])|勿|禁止|避免).{0,5}$"
)

_LONGEST: Final = 300
"""Characters after which a clause without punctuation is broken: reading takes the square of its length."""


@dataclass(frozen=True)
class Clause:
    """A stretch of the prompt between commas and the like. `start` counts characters of the prompt."""

    text: str
    start: int
    sentence: int
    follows: bool = False
    """Begins with a word such as "then"."""


def clauses(prompt: str) -> list[Clause]:
    """Split a prompt at punctuation and before words of sequence."""
    found: list[Clause] = []
    start = sentence = 0
    follows = False

    def close(end: int) -> None:
        at = start
        while prompt[at:end].strip():
            space = prompt.rfind(" ", at + 1, at + _LONGEST) if end - at > _LONGEST else end
            stop = space if space > 0 else at + _LONGEST
            found.append(Clause(prompt[at:stop], at, sentence, follows and at == start))
            at = stop

    for border in _BORDER.finditer(prompt):
        close(border.start())
        start, follows = border.end(), border["sequence"] is not None
        sentence += border["sentence"] is not None
    close(len(prompt))
    return found


def denied(before: str) -> bool:
    """Tell whether what follows `before`, in its clause, is said not to be: "no", "don't", "不要"."""
    turn = list(_TURN.finditer(before))
    before = before[turn[-1].end() :] if turn else before
    return bool(_ENGLISH_DENIAL.search(before) or _CHINESE_DENIAL.search(before))
