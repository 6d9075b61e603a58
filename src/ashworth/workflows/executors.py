"""Processes on this machine or the workers of a Dask cluster, as one kind of executor."""

from __future__ import annotations

import multiprocessing
import signal
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager, nullcontext
from multiprocessing.process import BaseProcess
from types import FrameType

from ashworth.errors import InputError, Problem

GRACE_S = 15.0
"""How long a worker may take to clear up when it is asked to end."""


@contextmanager
def interrupts_held() -> Iterator[None]:
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
def open_executor(workers: int, cluster: str | None) -> Iterator[Executor]:
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
