"""Run the benchmarks on one thread: `./dev bench [SUBJECT] [quick] [N ...]`.

Subjects: survival (default), competing, imaging, pooling, registries, resampling, trials.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

for variable in ("OMP", "OPENBLAS", "MKL", "NUMBA", "POLARS_MAX", "VECLIB_MAXIMUM"):
    os.environ.setdefault(f"{variable}_NUM_THREADS", "1")
os.environ["POLARS_MAX_THREADS"] = "1"
sys.path.insert(0, str(Path(__file__).resolve().parent))


def main() -> None:
    """Read the subject and sizes from the command line."""
    words = sys.argv[1:]
    if "imaging" in words:
        import imaging

        imaging.run(quick="quick" in words)
        return
    if "competing" in words:
        import competing

        competing.run()
        return
    if "pooling" in words:
        import pooling

        pooling.run()
        return
    if "registries" in words:
        import registries

        registries.run(words, quick="quick" in words)
        return
    if "resampling" in words:
        import resampling

        resampling.run(quick="quick" in words)
        return
    if "trials" in words:
        import trials

        trials.run(quick="quick" in words)
        return
    import survival

    sizes = tuple(int(float(w)) for w in words if w != "quick") or survival.SIZES
    survival.run(sizes, quick="quick" in words)


if __name__ == "__main__":
    main()
