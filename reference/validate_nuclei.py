"""How well do the nuclei agree with masks drawn by hand?

Run: .venv/bin/python reference/validate_nuclei.py FOLDER [NETWORK...]
FOLDER holds one `NAME.png` (grey) and one `NAME.labels.png` (0 background, 1..n nuclei) each, e.g.
of BBBC038. A nucleus is found where a label overlaps it with an intersection over union above 0.5;
F1 = 2 found / (drawn + labelled). One setting, the default, serves all images.
With n networks of `train_nuclei.py`, image i is given to network i mod n too: those trained with
FOLD 0 to 3 then see only images that they were not trained on. Prints the table of
`docs/explanation/nuclei-validation.md`.
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
from ashworth.imaging.nuclei_network import Network, read_network, shipped_network

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


def tried(path: Path, network: Network) -> tuple[Agreement, float]:
    """Agreement in one image, and the seconds of processor time it took."""
    image = cv2.imread(str(path).replace(".labels.png", ".png"), cv2.IMREAD_UNCHANGED)
    drawn = np.asarray(cv2.imread(str(path), cv2.IMREAD_UNCHANGED), np.int32)
    start = time.process_time()
    labels = segment_nuclei(image, network=network)
    return agreement(drawn, labels), time.process_time() - start


def main(folder: Path, *networks: Path) -> None:
    """Print the table and the means."""
    others = [read_network(path) for path in networks]
    scores = []
    print("| image | drawn | found | missed | extra | F1 | seconds | F1 out of fold |")
    print("|---|---|---|---|---|---|---|---|")
    for i, path in enumerate(sorted(folder.glob("*.labels.png"))):
        a, seconds = tried(path, shipped_network())
        other = tried(path, others[i % len(others)])[0].f1 if others else np.nan
        scores.append((a.f1, other))
        row = f"{a.found + a.missed} | {a.found} | {a.missed} | {a.extra}"
        name = path.name.removesuffix(".labels.png")
        print(f"| {name} | {row} | {a.f1:.3f} | {seconds:.2f} | {other:.3f} |", flush=True)
    own, out_of_fold = np.mean(scores, axis=0)
    print(f"| mean of {len(scores)} | | | | | {own:.4f} | | {out_of_fold:.4f} |")


if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:]))
