"""One schedule lived through: the provider, the program's lives, its users, and the verdict at the end."""

from __future__ import annotations

import asyncio
import contextvars
import random
import traceback
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pydantic import SecretStr

from seedance.errors import NothingSent, NotRecorded, SeedanceError
from seedance.settings import Settings
from seedance.studio import Studio
from tests.simulation.machine import Machine
from tests.simulation.process import CURRENT, Process, task_factory
from tests.simulation.provider import KEY, Provider
from tests.simulation.schedule import FOR_EVER, Life, Schedule, Wish
from tests.simulation.virtual import VirtualLoop, run

PATIENCE: Final = 2 * 3600.0  # seconds in which all must end once nothing disturbs any more
LONGEST: Final = 8 * 86400.0
_LOOK: Final = 7.0  # seconds between two looks at whether all is over


@dataclass
class World:
    """What happens in one schedule, and what was seen of it."""

    machine: Machine
    schedule: Schedule
    loop: VirtualLoop
    provider: Provider
    pending: list[Wish]
    asked: list[Wish] = field(default_factory=list)
    refused: list[Wish] = field(default_factory=list)
    """What the program turned down: nothing may be sent for that."""
    texts: list[str] = field(default_factory=list)
    """All that users were told."""
    lived: list[tuple[float, float]] = field(default_factory=list)
    """From when to when a process was alive."""
    torn: list[str] = field(default_factory=list)
    misled: list[str] = field(default_factory=list)
    """Who was told that nothing was sent, when that was not known."""
    errors: list[str] = field(default_factory=list)
    disturbed: float = 0.0
    """When the latest pause between two lives ends."""
    users: set[asyncio.Future[None]] = field(default_factory=set)
    processes: list[Process] = field(default_factory=list)

    async def play(self) -> None:
        """Let it all happen, until everything has ended or nothing will."""
        replicas = enumerate(self.schedule.replicas)
        tasks = [asyncio.ensure_future(self._replica(number, lives)) for number, lives in replicas]
        while not self._over():
            await asyncio.sleep(_LOOK if any(it.alive for it in self.processes) else 10 * _LOOK)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for task in tasks:
            if not task.cancelled() and (error := task.exception()):
                raise error

    def _over(self) -> bool:
        now = self.loop.time()
        if now > min(max(self.schedule.calm, self.disturbed) + PATIENCE, LONGEST):
            return True
        if self.pending or self.provider.arriving:
            return False
        unfinished = "SELECT 1 FROM videos WHERE finished_at IS NULL LIMIT 1"
        return self.machine.raw.execute(unfinished).fetchone() is None and now > self.asking_until

    @property
    def asking_until(self) -> float:
        """When the last wish has surely been put on record or turned down."""
        return max(wish.at for wish in self.schedule.wishes) + _LOOK

    async def _replica(self, number: int, lives: tuple[Life, ...]) -> None:
        """Start the program, and again each time that it has ended."""
        for life in (*lives, Life()):
            again = 1.0
            while not await self._life(number, life):
                again = min(again * 2, 60.0)
                await self._pause(again)
            if life.pause == FOR_EVER:
                self.pending = [wish for wish in self.pending if wish.replica != number]
                return
            await self._pause(life.pause)

    async def _pause(self, seconds: float) -> None:
        self.disturbed = max(self.disturbed, self.loop.time() + seconds)
        await asyncio.sleep(seconds)

    async def _life(self, number: int, life: Life) -> bool:
        """Live one life; return False when the program could not even start."""
        process = Process(life.crash, life.cut_off)
        self.processes.append(process)
        born = self.loop.time()
        context = contextvars.copy_context()
        context.run(CURRENT.set, process)
        program = self.loop.create_task(self._program(number), context=context)
        gone = asyncio.ensure_future(process.gone.wait())
        try:
            await asyncio.wait((program, gone), timeout=life.stop, return_when=asyncio.FIRST_COMPLETED)
            if process.alive and not program.done():  # stopped in good order
                program.cancel()
                await asyncio.wait((program, gone), timeout=30.0, return_when=asyncio.FIRST_COMPLETED)
                return True
            return not process.alive
        finally:
            gone.cancel()
            await process.bury(program)
            self.lived.append((born, self.loop.time()))
            self.look_for_torn()
            if program.done() and not program.cancelled() and isinstance(program.exception(), Exception):
                self.errors.append(_where(program.exception()))

    async def _program(self, number: int) -> None:
        """Do what the page does: take up what is unfinished, then serve the users."""
        settings = Settings(
            api_key=SecretStr(KEY),
            data_dir=self.machine.data,
            database_url=self.machine.url,
            engine="wavespeed",
        )
        with suppress(NotRecorded):
            async with Studio(
                settings, transport=self.provider, clock=self.loop.wall, chance=self.machine.chance.random
            ) as studio:
                await studio.resume(for_ever=True)
                for wish in self.pending:
                    if wish.replica == number:
                        self._start(self._ask(studio, wish))
                await asyncio.Event().wait()

    async def _ask(self, studio: Studio, wish: Wish) -> None:
        """Be the user of one wish: ask once, then watch."""
        await asyncio.sleep(max(0.0, wish.at - self.loop.time()))
        self.pending.remove(wish)
        self.asked.append(wish)
        try:
            id = await studio.start(
                wish.prompt,
                [self.machine.picture(n) for n in wish.pictures],
                duration=wish.duration,
                camera_fixed=wish.camera_fixed,
                seed=wish.seed,
            )
        except SeedanceError as error:
            self.refused.append(wish)
            self.texts.append("".join(traceback.format_exception(error)))
        except Exception as error:
            self.errors.append(_where(error))
        else:
            await self._watch(studio, id, wish)

    async def _watch(self, studio: Studio, id: str, wish: Wish) -> None:
        """Be told how it goes until it has ended, looking again where that fails."""
        if wish.stop_after is not None:
            self._start(self._stop(studio, id, wish.stop_after))
        while True:
            try:
                async for event in studio.watch(id):
                    self.texts.append(f"{event!r} {event.summary()}")
                return
            except NothingSent as error:
                self.misled.append(f"{wish.seed}: {error}")
            except SeedanceError as error:
                self.texts.append("".join(traceback.format_exception(error)))
            except Exception as error:
                self.errors.append(_where(error))
            await asyncio.sleep(_LOOK)

    def _start(self, user: Coroutine[Any, Any, None]) -> None:
        """Let a user act, for as long as the process that it talks to lives."""
        self.users.add(asyncio.ensure_future(user))

    async def _stop(self, studio: Studio, id: str, after: float) -> None:
        await asyncio.sleep(after)
        with suppress(KeyError):  # it is not in the making any more
            await studio.stop(id)

    def look_for_torn(self) -> None:
        """A video under its own name must be whole at every moment."""
        with self.machine.quiet(), suppress(FileNotFoundError):
            whole = {charge.video for charge in self.provider.ledger}
            for path in (self.machine.data / "videos").glob("*.mp4"):
                if path.read_bytes() not in whole:
                    self.torn.append(path.name)


def _where(error: BaseException | None) -> str:
    """Say what was raised, and where in the program."""
    frames = traceback.extract_tb(error.__traceback__ if error else None)
    ours = [f"{Path(it.filename).name}:{it.lineno} {it.name}" for it in frames if "/seedance/" in it.filename]
    return f"{type(error).__name__} at {' < '.join(reversed(ours))}"


def live(machine: Machine, schedule: Schedule) -> World:
    """Live through a schedule and return the world as it then is."""
    machine.clear()
    chance = random.Random(schedule.seed)
    machine.chance = random.Random(chance.getrandbits(64))

    async def play(loop: VirtualLoop) -> World:
        loop.set_task_factory(task_factory)
        provider = Provider(loop, chance, schedule.faults, schedule.history, schedule.failing, schedule.deaf)
        world = World(machine, schedule, loop, provider, sorted(schedule.wishes, key=lambda it: it.at))
        provider.knows, provider.on_download = machine.knows, world.look_for_torn
        machine.now, machine.apart = loop.time, schedule.apart
        machine.full = lambda: any(start <= loop.time() < end for start, end in schedule.full)
        with _state(chance), machine.log.alone():
            await world.play()
        machine.full = lambda: False
        return world

    return run(play)


@contextmanager
def _state(chance: random.Random) -> Iterator[None]:
    """Let what draws from the common source of chance draw the same each time."""
    before = random.getstate()
    random.seed(chance.getrandbits(64))
    try:
        yield
    finally:
        random.setstate(before)
