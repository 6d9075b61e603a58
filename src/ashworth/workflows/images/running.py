"""Tasks over processes, a cluster or any executor; the results do not depend on which."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, as_completed
from contextlib import nullcontext
from functools import partial

from ashworth.workflows.executors import interrupts_held, open_executor
from ashworth.workflows.images.sample import enumerate_sample, failed
from ashworth.workflows.images.task import SampleResult, SampleTask

Progress = Callable[[str, int, int], None]


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
    with nullcontext(executor) if executor else open_executor(count, cluster) as pool:
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
    with interrupts_held():
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
    with open_executor(1, None) as pool:
        try:
            with interrupts_held():
                future = pool.submit(_in_worker, enumerate_sample, task)
            return future.result()
        except BrokenExecutor:
            reason = "its process ended at once; was there too little memory?"
            return SampleResult(task.sample, "failed", reason)


def _alone(task: SampleTask, k: int, n: int, tell: Progress) -> SampleResult:
    """One task with progress by frame."""
    label = task.sample if n == 1 else f"{task.sample} ({k + 1} of {n})"
    return enumerate_sample(task, lambda done, total: tell(f"{label}: frames", done, total))


def _in_worker(call: Callable[[SampleTask], SampleResult], task: SampleTask) -> SampleResult:
    """Do one task in a worker; the pool would go on with the next task after a request to end."""
    try:
        return call(task)
    except SystemExit:
        os._exit(1)
