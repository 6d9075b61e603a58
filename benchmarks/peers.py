"""The programs to compare with: R's survival package and lifelines, where they are present."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from clock import best_of

from data import Study, write

HERE = Path(__file__).resolve().parent


def r_seconds(study: Study, repeats: int) -> dict[str, tuple[float, list[float]]]:
    """Seconds of R's own calls, timed by R, with the numbers that they gave."""
    if shutil.which("Rscript") is None:
        return {}
    n, p = study.covariates.shape
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "study.bin"
        write(study, path)
        command = ["Rscript", str(HERE / "peer.R"), str(path), str(n), str(p), str(repeats)]
        text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    lines = [line.split() for line in text.splitlines()]
    return {w[0]: (float(w[1]), [float(v) for v in w[2:]]) for w in lines}


def lifelines_seconds(study: Study, repeats: int) -> dict[str, float]:
    """Seconds of lifelines' calls."""
    try:
        import pandas as pd
        from lifelines import CoxPHFitter, KaplanMeierFitter
        from lifelines.statistics import logrank_test
    except ImportError:
        return {}
    frame = pd.DataFrame(study.covariates).add_prefix("x")
    frame["time"], frame["event"] = study.time, study.event
    strata = frame.assign(stratum=study.stratum)
    one = study.arm == 1
    t, d = study.time, study.event

    def curves() -> None:
        for arm in (one, ~one):
            KaplanMeierFitter().fit(t[arm], d[arm])

    tasks = {
        "cox": lambda: CoxPHFitter().fit(frame, "time", "event"),
        "cox_strata": lambda: CoxPHFitter().fit(strata, "time", "event", strata=["stratum"]),
        "kaplan_meier": curves,
        "log_rank": lambda: logrank_test(t[one], t[~one], d[one], d[~one]),
    }
    return {name: best_of(task, repeats)[0] for name, task in tasks.items()}
