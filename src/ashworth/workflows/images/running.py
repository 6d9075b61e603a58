"""Tasks over processes, a cluster or any executor; the results do not depend on which."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import (
    BrokenExecutor,
    Executor,
    Future,
    ProcessPoolExecutor,
    as_completed,
)
from contextlib import contextmanager, nullcontext
from functools import partial
from multiprocessing.process import BaseProcess
from types import FrameType

from ashworth.errors import InputError, Problem
from ashworth.workflows.images.sample import enumerate_sample, failed
from ashworth.workflows.images.task import SampleResult, SampleTask

Progress = Callable[[str, int, int], None]
GRACE_S = 15.0
"""How long a worker may take to clear up when it is asked to end."""


def run_tasks(
    tasks: Sequence[SampleTask],
    *,
    workers: int | None = None,
    cluster: str | None = None,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> list[SampleResult]:
    """Do the tasks in this process, in several, or elsewhere; results in their order.

    Tasks whose process died under them are tried again, each in a process of its own.
    """
    tell = progress or (lambda *_: None)
    count = min(len(tasks), workers or os.cpu_count() or 1)
    if cluster is None and executor is None and count <= 1:
        return [_alone(task, k, len(tasks), tell) for k, task in enumerate(tasks)]
    call = enumerate_sample if executor or cluster else partial(_in_worker, enumerate_sample)
    with nullcontext(executor) if executor else _executor(count, cluster) as pool:
        results = _submitted(pool, call, tasks, tell)
    return [
        result if result is not None else _in_own_process(task)
        for task, result in zip(tasks, results, strict=True)
    ]


def _submitted(
    pool: Executor,
    call: Callable[[SampleTask], SampleResult],
    tasks: Sequence[SampleTask],
    tell: Progress,
) -> list[SampleResult | None]:
    """Results of the pool; None where the pool broke first."""
    results: dict[int, SampleResult | None] = {}
    with _interrupts_held():
        waiting = {pool.submit(call, task): k for k, task in enumerate(tasks)}
    tell("samples", 0, len(tasks))
    try:
        for done, future in enumerate(as_completed(waiting), start=1):
            k = waiting[future]
            results[k] = _result_of(future, tasks[k])
            tell(tasks[k].sample, done, len(tasks))
    except BaseException:
        for future in waiting:
            future.cancel()
        raise
    return [results[k] for k in range(len(tasks))]


def _result_of(future: Future[SampleResult], task: SampleTask) -> SampleResult | None:
    try:
        return future.result()
    except BrokenExecutor:
        return None
    except Exception as error:
        return failed(task, error)


def _in_own_process(task: SampleTask) -> SampleResult:
    """Try a task again whose process pool broke, perhaps because of another task."""
    with _executor(1, None) as pool:
        try:
            with _interrupts_held():
                future = pool.submit(_in_worker, enumerate_sample, task)
            return future.result()
        except BrokenExecutor:
            reason = "its process ended at once; was there too little memory?"
            return SampleResult(task.sample, "failed", reason)


def _alone(task: SampleTask, k: int, n: int, tell: Progress) -> SampleResult:
    """One task with progress by frame."""
    label = task.sample if n == 1 else f"{task.sample} ({k + 1} of {n})"
    return enumerate_sample(task, lambda done, total: tell(f"{label}: frames", done, total))


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Hold Ctrl-C back while worker processes start: they inherit that, and so never see it."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _set_signals() -> None:
    """In a worker: Ctrl-C is the parent's to handle; its request to end clears up first."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _leave)


def _leave(number: int, frame: FrameType | None) -> None:
    """End this worker once; a second request must not disturb the clearing up."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise SystemExit(128 + number)


def _in_worker(call: Callable[[SampleTask], SampleResult], task: SampleTask) -> SampleResult:
    """Do one task in a worker; the pool would go on with the next task after a request to end."""
    try:
        return call(task)
    except SystemExit:
        os._exit(1)


def _end(workers: Sequence[BaseProcess]) -> None:
    """Ask workers to end, and end those that do not within `GRACE_S`."""
    for worker in workers:
        worker.terminate()
    end = time.monotonic() + GRACE_S
    for worker in workers:
        worker.join(max(end - time.monotonic(), 0.0))
        if worker.is_alive():
            worker.kill()


@contextmanager
def _executor(workers: int, cluster: str | None) -> Iterator[Executor]:
    """Processes on this machine, or the workers of a Dask cluster."""
    if cluster is None:
        context = multiprocessing.get_context("spawn")
        before = multiprocessing.active_children()
        with ProcessPoolExecutor(workers, mp_context=context, initializer=_set_signals) as pool:
            try:
                yield pool
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                _end([p for p in multiprocessing.active_children() if p not in before])
                raise
        return
    try:
        from distributed import Client
    except ImportError:
        remedy = "install ashworth[cluster]"
        raise InputError(
            [Problem("--cluster", None, None, "no package 'distributed'", "it installed", remedy)]
        ) from None
    try:
        client = Client(cluster, timeout="20s")
    except (OSError, TimeoutError, ValueError) as error:
        raise InputError(
            [Problem("--cluster", None, None, f"{cluster}: {error}", "a running Dask scheduler",
                     "correct the address, e.g. tcp://host:8786")]
        ) from None  # fmt: skip
    with client, nullcontext(client.get_executor(pure=False)) as pool:
        yield pool
