"""What `./dev demo` runs: a real study, a simulated one, and the review that rebuilds itself.

Usage: python examples/demo.py [--out DIR]
"""

import argparse
import sys
from pathlib import Path

from ashworth.cli.output import steps_shown
from ashworth.errors import AshworthError
from ashworth.workflows.review.build import build_review
from ashworth.workflows.run_study import run_study
from ashworth.workflows.simulate_cohort import simulate_study

HERE = Path(__file__).resolve().parent
SEED = 2436


def report(study, out):
    with steps_shown(quiet=False) as progress:
        summary = run_study(study, out=out, progress=progress)
    print(*summary.lines(), "", sep="\n")
    return summary.report


def main():
    parser = argparse.ArgumentParser(description="Make two example reports and the review.")
    parser.add_argument("--out", type=Path, default=HERE.parent / "demo")
    out = parser.parse_args().out.absolute()
    print("1. Real patients: the German Breast Cancer Study Group", flush=True)
    real = report(HERE / "gbsg", out / "gbsg-results")
    print("2. Simulated patients: CTC in metastatic breast cancer", flush=True)
    simulate_study("metastatic", out=out / "metastatic", seed=SEED)
    with (out / "metastatic" / "study.toml").open("a", encoding="utf-8") as study:
        study.write((HERE / "monitoring.toml").read_text(encoding="utf-8"))
    simulated = report(out / "metastatic", out / "metastatic-results")
    print("3. The review that rebuilds itself: every figure drawn, every number from a record")
    with steps_shown(quiet=False) as progress:
        review = build_review(out=out / "review", progress=progress)
    print(*review.lines(), "", sep="\n")
    print("Open in a browser:")
    print(f"  review     {review.out / 'review.html'}")
    print(f"  real       {real}")
    print(f"  simulated  {simulated}")


if __name__ == "__main__":
    try:
        main()
    except AshworthError as error:
        sys.exit(f"demo: {error}")
