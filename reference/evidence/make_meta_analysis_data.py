"""Synthetic studies with zero cells and with two outcomes: `python make_meta_analysis_data.py`."""

from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parent / "data"


def main() -> None:
    """Write both files."""
    rng = np.random.default_rng(20261126)
    n1, n2 = rng.integers(20, 120, 9), rng.integers(20, 120, 9)
    e1, e2 = rng.binomial(n1, 0.06), rng.binomial(n2, 0.04)
    e1[[0, 3]], e2[[1, 3]] = 0, 0
    rows = "".join(f"{a},{b},{c},{d}\n" for a, b, c, d in zip(e1, n1, e2, n2, strict=True))
    (FOLDER / "zero_cells.csv").write_text("e1,n1,e2,n2\n" + rows)
    true = rng.multivariate_normal([0.6, 0.8], [[0.09, 0.07], [0.07, 0.12]], 18)
    s = np.round(rng.uniform(0.1, 0.45, (18, 2)), 3)
    y = np.round(true + rng.normal(size=(18, 2)) * s, 4).astype(object)
    text = s.astype(object)
    for row, column in ((0, 0), (4, 1), (5, 1), (11, 0), (15, 1)):
        y[row, column] = text[row, column] = "NA"
    rows = "".join(f"{i + 1},{y[i, 0]},{text[i, 0]},{y[i, 1]},{text[i, 1]}\n" for i in range(18))
    (FOLDER / "two_outcomes.csv").write_text("study,y1,s1,y2,s2\n" + rows)


if __name__ == "__main__":
    main()
