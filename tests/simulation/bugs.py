"""Bugs that anyone might write, planted on purpose: each must be caught, or the harness proves nothing."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from typing import Any, Final
from unittest import mock

from tests.simulation.verdict import Rule

Plant = AbstractContextManager[Any]


@dataclass(frozen=True, slots=True)
class Bug:
    """A change of the program, and the rules of which it must break one."""

    plant: Callable[[], Plant]
    breaks: frozenset[Rule]


BUGS: Final[dict[str, Bug]] = {}


def bug(*breaks: Rule) -> Callable[[Callable[[], Plant]], None]:
    """Enter a bug under its function's name."""

    def enter(plant: Callable[[], Plant]) -> None:
        BUGS[plant.__name__.strip("_")] = Bug(plant, frozenset(breaks))

    return enter


def instead(owner: Any, **changes: Any) -> Plant:
    """Put these in the place of what the owner has under their names, for a while."""
    stack = ExitStack()
    for name, new in changes.items():
        stack.enter_context(mock.patch.object(owner, name, new))
    return stack
