"""Made-up cells of a cartridge of 7 x 2 frames, with hostile names among them."""

from __future__ import annotations

import numpy as np
import polars as pl

from .tables import HOSTILE, VERY_LONG

NUMBERS = {
    "leukocyte": (3000, 0.0, 250.0),
    "unclassified_nucleus": (900, 0.0, 8.0),
    "ctc": (34, 700.0, 3.0),
    "apoptotic_ctc": (5, 200.0, 4.0),
    "ck_without_nucleus": (60, 300.0, 1.0),
    "doublet": (4, 500.0, 200.0),
    "artefact": (6, 3000.0, 2500.0),
    HOSTILE[0] + VERY_LONG: (3, 50.0, 50.0),
}
WIDTH_UM, HEIGHT_UM = 886.0, 663.0


def cells() -> pl.DataFrame:
    """Cells with the intensities of their class and a place in the cartridge."""
    rng = np.random.default_rng(4)
    calls = [call for call, (n, _, _) in NUMBERS.items() for _ in range(n)]
    n = len(calls)
    x, y = rng.uniform(0, 7 * WIDTH_UM, n), rng.uniform(0, 2 * HEIGHT_UM, n)
    column, row = (x // WIDTH_UM).astype(int), (y // HEIGHT_UM).astype(int)
    spread = rng.lognormal(0, 0.4, (2, n))
    middle = np.array([NUMBERS[call][1:] for call in calls]).T
    ck, cd45 = middle * spread + rng.normal(0, 5, (2, n))
    return pl.DataFrame(
        {
            "cell_id": [f"{i} {HOSTILE[i % 4]}" for i in range(n)],
            "call": calls,
            "frame": np.where(row == 0, column, 13 - column) + 1,
            "x_um": x,
            "y_um": y,
            "ck_mean": ck,
            "cd45_mean": cd45,
        }
    )


def frames() -> pl.DataFrame:
    """Frames in a snake with the nuclei that the cells put there; two are out of focus."""
    places = [(c, 0) for c in range(7)] + [(c, 1) for c in reversed(range(7))]
    common = cells().filter(pl.col("call").is_in(["leukocyte", "unclassified_nucleus"]))
    nuclei = dict(common.group_by("frame").len().iter_rows())
    return pl.DataFrame(
        {
            "frame": range(1, 15),
            "column": [c for c, _ in places],
            "row": [r for _, r in places],
            "n_nuclei": [nuclei.get(i, 0) for i in range(1, 15)],
            "out_of_focus": [i in (3, 9) for i in range(1, 15)],
        }
    )
