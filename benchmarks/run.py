"""Run the benchmarks on one thread: `./dev bench [quick] [N ...]`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

for variable in ("OMP", "OPENBLAS", "MKL", "NUMBA", "POLARS_MAX", "VECLIB_MAXIMUM"):
    os.environ.setdefault(f"{variable}_NUM_THREADS", "1")
os.environ["POLARS_MAX_THREADS"] = "1"
sys.path.insert(0, str(Path(__file__).resolve().parent))


def main() -> None:
    """Read sizes from the command line."""
    import survival

    words = sys.argv[1:]
    sizes = tuple(int(float(w)) for w in words if w != "quick") or survival.SIZES
    survival.run(sizes, quick="quick" in words)


if __name__ == "__main__":
    main()
