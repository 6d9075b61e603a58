"""Best time of some repeats."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any


def best_of(task: Callable[[], Any], repeats: int) -> tuple[float, Any]:
    """Shortest wall time in seconds, and what the task returned."""
    best, result = float("inf"), None
    for _ in range(repeats):
        start = time.perf_counter()
        result = task()
        best = min(best, time.perf_counter() - start)
    return best, result
