"""Measure what a Dask cluster costs and gains, and say what 100 and 10,000 workers would need.

Each worker has a core of its own. Workers that only sleep show what the scheduler has to do for many.

Usage: python -m tests.bench.cluster [--renders 12] [--rounds 3] [--sleepers 100]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import psutil
from sqlalchemy import Engine as Database
from sqlalchemy import event

from seedance.engine.cluster import RenderCluster
from seedance.engine.executor import Executor
from seedance.engine.pool import RenderPool
from seedance.engine.worker import Job
from seedance.settings import Settings
from seedance.studio import Studio
from tests.conftest import ROOT
from tests.proof.cluster import Cluster, doze, running
from tests.proof.scaling import LINE, WRITES, Costs, Needs, heartbeats, limits, needs
from tests.proof.waiting import until

_SOON: Final = 120.0
_MB: Final = 1e6
_PHOTOS: Final = tuple(ROOT / "assets" / "examples" / f"{name}.jpg" for name in ("fox", "balloon"))


def job(folder: Path, number: int, duration: int = 5) -> Job:
    name = folder / str(number)
    return Job(
        images=_PHOTOS,
        prompt="slow push in, then dissolve",
        duration=duration,
        camera_fixed=False,
        seed=number,
        result=name.with_suffix(".mp4"),
        thumbnail=name.with_suffix(".webp"),
        last_frame=name.with_suffix(".png"),
        progress=name.with_suffix(".progress"),
    )


async def overhead(executor: Executor, folder: Path, count: int) -> tuple[float, float]:
    """Return the seconds between call and outcome that are not the render's, and the render's: medians."""
    beside, inside = [], []
    for number in range(count):
        began = time.perf_counter()
        outcome = await executor.run(job(folder, number, 2))
        inside.append(outcome.inference_ms / 1000)
        beside.append(time.perf_counter() - began - inside[-1])
    return statistics.median(beside), statistics.median(inside)


async def throughput(executor: Executor, folder: Path, count: int) -> float:
    """Return renders a second, as many at a time as there are workers."""
    numbers = iter(range(count))

    async def one_after_the_other() -> None:
        for number in numbers:
            await executor.run(job(folder, number))

    began = time.perf_counter()
    await asyncio.gather(*(one_after_the_other() for _ in range(executor.workers)))
    return count / (time.perf_counter() - began)


def busy(*pids: int) -> float:
    """Return the processor time that these processes have used, in seconds."""
    times = [psutil.Process(pid).cpu_times() for pid in pids]
    return sum(used.user + used.system for used in times)


def pin(pid: int, number: int) -> None:
    """Give a worker a core of its own, for all its threads."""
    cores = sorted(os.sched_getaffinity(0))
    for thread in psutil.Process(pid).threads():
        os.sched_setaffinity(thread.id, {cores[number % len(cores)]})


async def gain(cluster: Cluster, renders: RenderCluster, folder: Path, options: Any) -> tuple[float, float]:
    """Return the throughput of one worker and of two, measured by turns."""
    rates: dict[int, list[float]] = {1: [], 2: []}
    for turn in range(2 * options.rounds):
        workers = 1 + turn % 2
        cluster.heal(workers)
        await until(lambda workers=workers: renders.workers == workers, _SOON)  # type: ignore[misc]
        for number, worker in enumerate(cluster.workers):
            pin(worker.pid, number)
        rates[workers].append(await throughput(renders, folder, workers * options.renders // 2))
    return statistics.median(rates[1]), statistics.median(rates[2])


def messages(renders: RenderCluster) -> float:
    """Return how many messages the streams to and from the scheduler have carried."""
    connection = renders._connection
    assert connection is not None
    client = connection._client

    def sent(dask_scheduler: Any) -> int:
        streams = [*dask_scheduler.stream_comms.values(), *dask_scheduler.client_comms.values()]
        return sum(stream.message_count for stream in streams)

    def reported(dask_worker: Any) -> int:
        return int(dask_worker.batched_stream.message_count)

    workers = sum(client.run(reported).values())
    return float(client.run_on_scheduler(sent) + workers + client.scheduler_comm.message_count)


async def dozing(
    cluster: Cluster, renders: RenderCluster, count: int, seconds: float, images: int, results: int
) -> tuple[float, float]:
    """Have so many tasks slept through; return the scheduler's processor time and how long it took."""
    connection, scheduler = renders._connection, cluster.scheduler
    assert connection is not None
    assert scheduler is not None
    payload = os.urandom(images)
    free = asyncio.Semaphore(renders.workers)

    async def one() -> None:
        async with free:
            future = await asyncio.to_thread(
                connection.executor.submit, doze, payload, renders._topic, seconds, results
            )
            await asyncio.wrap_future(future)

    used, began = busy(scheduler.pid), time.perf_counter()
    await asyncio.gather(*(one() for _ in range(count)))
    return busy(scheduler.pid) - used, time.perf_counter() - began


async def idling(cluster: Cluster, seconds: float) -> float:
    """Return the share of a core that the scheduler takes for nothing but heartbeats."""
    assert cluster.scheduler is not None
    used = busy(cluster.scheduler.pid)
    await asyncio.sleep(seconds)
    return (busy(cluster.scheduler.pid) - used) / seconds


async def written(folder: Path) -> tuple[int, int]:
    """Make a video by the page's own way; return the writing statements of the engine and of the journal."""
    counts = {True: 0, False: 0}

    def count(_: Any, __: Any, statement: str, *___: Any) -> None:
        counts["engine_" in statement] += statement.startswith(("INSERT", "UPDATE", "DELETE"))

    async with Studio(Settings(data_dir=folder, executor="process:1")) as studio:
        await studio.warm()
        event.listen(Database, "before_cursor_execute", count)
        try:
            id = await studio.start("push in", _PHOTOS, duration=2, seed=1)
            async for _ in studio.watch(id):
                pass
        finally:
            event.remove(Database, "before_cursor_execute", count)
    return counts[True], counts[False]


async def measure(options: Any, folder: Path) -> tuple[Costs, bool]:
    pool = RenderPool("process:1")
    await overhead(pool, folder, 2)
    direct, _ = await overhead(pool, folder, options.renders)
    await pool.close()
    with running(folder, 1) as cluster:
        renders = RenderCluster(cluster.setting)
        renders.warm()
        await until(lambda: renders.workers == 1, _SOON)
        await overhead(renders, folder, 2)
        carried = sum(path.stat().st_size for path in _PHOTOS) / _MB
        before, used = messages(renders), busy(os.getpid())
        beside, _ = await overhead(renders, folder, options.renders)
        engine = (busy(os.getpid()) - used) / options.renders
        told = (messages(renders) - before) / options.renders + 4  # the results' two calls and their answers
        print(
            f"beside the render: {1000 * beside:.0f} ms by Dask, {1000 * direct:.0f} ms by the process pool"
        )
        one, two = await gain(cluster, renders, folder, options)
        print(f"renders a second: {one:.2f} by 1 worker, {two:.2f} by 2: {two / one:.2f} times as many")
        made = job(folder, 0)
        carried += sum(path.stat().st_size for path in (made.result, made.thumbnail, made.last_frame)) / _MB
        seconds = 1 / one - beside
        await renders.close()
    print(f"a render of 5 s: {seconds:.2f} s, {carried:.1f} MB in and out, {told:.0f} messages")

    with running(folder, 0) as cluster:
        cluster.start_sleepers(20)
        renders = RenderCluster(cluster.setting)
        renders.warm()
        await until(lambda: renders.workers == 20, _SOON)
        await dozing(cluster, renders, 40, 0.05, 1000, 1000)
        idle = await idling(cluster, 5.0)
        small, took = await dozing(cluster, renders, 200, 0.05, 1000, 1000)
        size = round(carried * _MB / 2)
        large, took_large = await dozing(cluster, renders, 200, 0.05, size, size)
        await renders.close()
    small, large = small - idle * took, large - idle * took_large
    engine_writes, journal_writes = await written(folder / "house")
    print(f"writes for each video: {engine_writes} to the engine's database, {journal_writes} to the journal")
    costs = Costs(
        render=seconds,
        overhead=beside,
        carried=carried,
        messages=told,
        scheduler=small / 200,
        scheduler_mb=(large - small) / 200 / carried,
        heartbeat=idle / heartbeats(20),
        engine=engine,
        writes=engine_writes,
    )
    print(
        f"the scheduler: {1000 * costs.scheduler:.1f} ms a task, {1000 * costs.scheduler_mb:.1f} ms a MB, "
        f"{1000 * costs.heartbeat:.1f} ms a heartbeat; the engine: {1000 * engine:.1f} ms a render"
    )
    right = await check(costs, options.sleepers, folder)
    return costs, right and two / one >= 1.7 and beside - direct <= 0.05


async def check(costs: Costs, workers: int, folder: Path) -> bool:
    """See whether the model tells how much a scheduler with many workers that only sleep has to do."""
    asleep = replace(costs, render=2.0, overhead=0.05)
    wanted = needs(asleep, workers)
    with running(folder, 0) as cluster:
        cluster.start_sleepers(workers)
        renders = RenderCluster(cluster.setting)
        renders.warm()
        await until(lambda: renders.workers == workers, _SOON)
        half = round(costs.carried * _MB / 2)
        used, took = await dozing(cluster, renders, 5 * workers, asleep.render, half, half)
        await renders.close()
    cores, rate = used / took, 5 * workers / took
    scaled = needs(replace(asleep, overhead=workers / rate - asleep.render), workers)
    print(
        f"{workers} workers that sleep for 2 s: {rate:.1f} tasks a second (at most {wanted.renders:.1f}), "
        f"{cores:.2f} cores of the scheduler (model, at that rate: {scaled.scheduler:.2f})"
    )
    return 0.5 <= cores / scaled.scheduler <= 2


def table(costs: Costs) -> str:
    rows: list[tuple[str, Callable[[Needs], str]]] = [
        ("renders", lambda it: f"{it.renders:.1f}"),
        ("scheduler messages", lambda it: f"{it.messages:.0f}"),
        ("MB each way through it", lambda it: f"{it.carried:.1f}"),
        ("cores of the scheduler (it has 1)", lambda it: f"{it.scheduler:.2f}"),
        ("cores of the engines", lambda it: f"{it.engine:.2f}"),
        ("database writes", lambda it: f"{it.writes:.0f}"),
    ]
    sizes = [needs(costs, workers) for workers in (1, 2, 100, 10_000)]
    lines = ["each second, with workers:".ljust(36) + "".join(f"{it.workers:>10}" for it in sizes)]
    lines += [name.ljust(36) + "".join(f"{told(it):>10}" for it in sizes) for name, told in rows]
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--renders", type=int, default=12, help="in each measurement")
    parser.add_argument("--rounds", type=int, default=3, help="turns of one worker and of two")
    parser.add_argument(
        "--sleepers", type=int, default=100, help="workers against which the model is checked"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="seedance-cluster-") as name:
        costs, met = asyncio.run(measure(options, Path(name)))
    print(table(costs))
    print("what each part can serve, the first to break at the top:")
    for part, workers in limits(costs).items():
        print(f"  {part:<32}{workers:>8} workers")
    print(f"(assumed: {LINE:.0f} MB/s for the scheduler's line, {WRITES:.0f} writes/s for the database)")
    print(
        "goals met"
        if met
        else "goals missed: 1.7 times with two workers, 50 ms, the model within a factor of 2"
    )
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
