"""Hostile image files, all made here: directed ones, each a named case, and mutants of sound ones."""

from __future__ import annotations

from tests.hostile import disguises, heifs, jpegs, pngs, webps
from tests.hostile.case import Case

DIRECTED: list[Case] = [
    *jpegs.cases(),
    *pngs.cases(),
    *webps.cases(),
    *heifs.cases(),
    *disguises.cases(),
]
