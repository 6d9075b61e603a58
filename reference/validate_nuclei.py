"""How well do the nuclei agree with masks drawn by hand?

Run: .venv/bin/python reference/validate_nuclei.py FOLDER
FOLDER holds one `NAME.png` (grey) and one `NAME.labels.png` (0 background, 1..n nuclei) each, e.g.
of BBBC038. A nucleus is found where a label overlaps it with an intersection over union above 0.5;
F1 = 2 found / (drawn + labelled). One setting, the default, serves all images.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ashworth.imaging.nuclei import segment_nuclei

Labels = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Agreement:
    """Nuclei of one image."""

    found: int
    missed: int
    extra: int

    @property
    def f1(self) -> float:
        """Harmonic mean of sensitivity and precision; 1 where there is nothing to find."""
        total = 2 * self.found + self.missed + self.extra
        return 2 * self.found / total if total else 1.0


def agreement(drawn: Labels, labels: Labels, *, overlap: float = 0.5) -> Agreement:
    """Compare two label images."""
    pairs = drawn.astype(np.int64) * (int(labels.max()) + 1) + labels
    counts = np.bincount(pairs.ravel(), minlength=(int(drawn.max()) + 1) * (int(labels.max()) + 1))
    both = counts.reshape(int(drawn.max()) + 1, -1)
    of_drawn, of_labels = both.sum(axis=1), both.sum(axis=0)
    union = of_drawn[1:, None] + of_labels[None, 1:] - both[1:, 1:]
    found = int((both[1:, 1:] > overlap * union).sum())
    present = int((of_drawn[1:] > 0).sum()), int((of_labels[1:] > 0).sum())
    return Agreement(found, present[0] - found, present[1] - found)


def main(folder: Path) -> None:
    """Print the table and the mean."""
    scores = []
    print("image                drawn found missed extra     F1     ms")
    for path in sorted(folder.glob("*.labels.png")):
        image = cv2.imread(str(path).replace(".labels.png", ".png"), cv2.IMREAD_GRAYSCALE)
        drawn = np.asarray(cv2.imread(str(path), cv2.IMREAD_UNCHANGED), np.int32)
        start = time.process_time()
        a = agreement(drawn, segment_nuclei(np.asarray(image, np.uint8)))
        spent = 1000 * (time.process_time() - start)
        scores.append(a.f1)
        name = path.name.removesuffix(".labels.png")
        row = f"{a.found + a.missed:5d} {a.found:5d} {a.missed:6d} {a.extra:5d}"
        print(f"{name:20s} {row}  {a.f1:.3f} {spent:6.0f}")
    print(f"mean F1 over {len(scores)} images: {np.mean(scores):.4f}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
