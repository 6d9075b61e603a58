"""Pin Firth estimates of the Python package firthmodels (MIT), an independent implementation.

Run in this folder, in an environment with firthmodels and scikit-learn:
python make_firth.py > firth.json. It knows Breslow's way with ties only.
"""

from __future__ import annotations

import csv
import json
from importlib.metadata import version

import numpy as np
from firthmodels import FirthCoxPH  # pyrefly: ignore[missing-import]

with open("data/cohort.csv") as stream:
    rows = list(csv.DictReader(stream))
columns = {k: np.array([float(r[k]) for r in rows]) for k in rows[0]}
covariates = np.column_stack([columns[k] for k in ("x1", "x2", "x3")])
outcome = np.array(
    list(zip(columns["event"] == 1, columns["t_day"], strict=True)),
    dtype=[("event", bool), ("time", float)],
)
found = {}
for name, n in (("all", len(rows)), ("first 60", 60)):
    model = FirthCoxPH(gtol=1e-12, xtol=1e-14, max_iter=500, max_halfstep=40, backend="numpy").fit(
        covariates[:n], outcome[:n]
    )
    limits = np.asarray(model.conf_int(method="pl"))
    found[name] = {
        "coef": model.coef_.tolist(), "se": model.bse_.tolist(), "value": float(model.loglik_),
        "lower": limits[:, 0].tolist(), "upper": limits[:, 1].tolist(),
    }  # fmt: skip
print(json.dumps({"made_with": f"firthmodels {version('firthmodels')}", "values": found}, indent=1))
