"""The table of patients: covariates that hang together, and a little with the true count."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from ashworth.cohorts.spec import CohortSpec
from ashworth.streams import stream

Floats = NDArray[np.float64]
FIRST_INDEX_DATE = date(2005, 1, 3)
_SITES = (("bone", 0.62), ("liver", 0.38), ("lung", 0.32), ("lymph_nodes", 0.40), ("brain", 0.06))
_PRIOR = ("chemotherapy", "endocrine", "radiotherapy")


def draw_patients(
    spec: CohortSpec, seed: int, burden: Floats, accrual: NDArray[np.int64]
) -> pl.DataFrame:
    """Draw the patients of a cohort.

    Parameters
    ----------
    spec : CohortSpec
        Setting and sizes.
    seed : int
        Seed of the cohort.
    burden : ndarray, shape (n,)
        Standard normal score of the true concentration; tumour stage and line lean on it.
    accrual : ndarray of int, shape (n,)
        Days from the first index date to each patient's.

    Returns
    -------
    polars.DataFrame
        Columns of the table `patients`, in order of patient_id.
    """
    n = spec.n_patients
    columns: dict[str, pl.Series] = {
        "patient_id": pl.Series([f"P{i:05d}" for i in range(1, n + 1)]),
        "centre": _centres(spec, seed),
        "setting": pl.Series([spec.setting] * n),
    }
    columns |= _person(spec, seed)
    columns |= _receptors(spec, seed)
    columns |= _early(seed, burden) if spec.setting == "early" else _metastatic(seed, burden)
    columns["index_date"] = pl.Series([FIRST_INDEX_DATE + timedelta(int(d)) for d in accrual])
    return pl.DataFrame(columns)


def _pick(levels: Sequence[str | int], shares: Sequence[float], score: Floats) -> pl.Series:
    """Cut a standard normal score into ordered levels with these shares."""
    bounds = np.cumsum(np.asarray(shares, dtype=float) / np.sum(shares))[:-1]
    return pl.Series(np.asarray(levels)[np.searchsorted(bounds, ndtr(score))].tolist())


def _score(
    seed: int, purpose: str, n: int, burden: Floats | None = None, lean: float = 0.0
) -> Floats:
    """Draw standard normal scores, correlated with the burden by `lean`."""
    noise = stream(seed, purpose).standard_normal(n)
    return noise if burden is None else lean * burden + np.sqrt(1.0 - lean**2) * noise


def _centres(spec: CohortSpec, seed: int) -> pl.Series:
    """Centres of different sizes."""
    generator = stream(seed, "centre")
    weights = generator.gamma(3.0, size=spec.n_centres)
    width = max(2, len(str(spec.n_centres)))
    names = np.array([f"C{i:0{width}d}" for i in range(1, spec.n_centres + 1)])
    chosen = generator.choice(spec.n_centres, spec.n_patients, p=weights / weights.sum())
    return pl.Series(names[chosen].tolist())


def _person(spec: CohortSpec, seed: int) -> dict[str, pl.Series]:
    """Age, menopausal status, histology."""
    n = spec.n_patients
    mean, sd = (57.0, 12.0) if spec.setting == "early" else (60.0, 11.5)
    age = np.clip(mean + sd * _score(seed, "age", n), 24.0, 90.0)
    years_after = age - 50.5 + 2.5 * _score(seed, "menopause", n)
    menopause = np.where(years_after < -1.5, "pre", np.where(years_after < 1.5, "peri", "post"))
    menopause = np.where(stream(seed, "menopause unknown").random(n) < 0.02, "unknown", menopause)
    histology = _pick(
        ["nst", "lobular", "mixed", "other", "unknown"], [0.73, 0.14, 0.04, 0.06, 0.03],
        _score(seed, "histology", n),
    )  # fmt: skip
    return {
        "age_years": pl.Series(np.round(age, 1)),
        "menopausal_status": pl.Series(menopause.tolist()),
        "histology": histology,
    }


def _receptors(spec: CohortSpec, seed: int) -> dict[str, pl.Series]:
    """Oestrogen, progesterone and HER2 receptors, Ki-67 and grade, which hang together."""
    n = spec.n_patients
    aggressive = _score(seed, "aggressiveness", n)
    er = -0.45 * aggressive + 0.9 * _score(seed, "er", n) > -0.85
    pr = np.where(er, 0.8, -1.6) - 0.3 * aggressive + _score(seed, "pr", n) > 0
    percents = {
        name: np.where(status, 100 * stream(seed, f"{name} percent").beta(3.5, 0.9, n), 0.0)
        for name, status in (("er", er), ("pr", pr))
    }
    her2_score = _score(seed, "her2", n, aggressive, 0.25)
    ihc = _pick(["0", "1+", "2+", "3+"], [0.38, 0.32, 0.17, 0.13], her2_score)
    grade_score = 0.75 * aggressive + 0.66 * _score(seed, "grade", n)
    amplified = stream(seed, "ish").random(n) < 0.2
    scores = ihc.to_numpy()
    tested = scores == "2+"
    ish = np.where(tested, np.where(amplified, "amplified", "not_amplified"), "not_done")
    her2 = (scores == "3+") | (tested & amplified)
    ki67 = np.clip(100 * ndtr(-0.85 + 0.5 * aggressive + 0.45 * _score(seed, "ki67", n)), 1, 95)
    absent = 0.35 if spec.setting == "metastatic" else 0.2
    missing = stream(seed, "ki67 missing").random(n) < absent
    sign = np.array(["negative", "positive"])
    return {
        "er_percent": pl.Series(np.where(er, np.maximum(1, np.round(percents["er"])), 0.0)),
        "er_status": pl.Series(sign[er.astype(int)].tolist()),
        "pr_percent": pl.Series(np.where(pr, np.maximum(1, np.round(percents["pr"])), 0.0)),
        "pr_status": pl.Series(sign[pr.astype(int)].tolist()),
        "her2_ihc": ihc,
        "her2_ish": pl.Series(ish.tolist()),
        "her2_status": pl.Series(sign[her2.astype(int)].tolist()),
        "ki67_percent": pl.Series(np.where(missing, np.nan, np.round(ki67))).fill_nan(None),
        "grade": _pick([1, 2, 3], [0.14, 0.50, 0.36], grade_score),
    }


def _early(seed: int, burden: Floats) -> dict[str, pl.Series]:
    """Stage of early disease."""
    n = burden.size
    size = _score(seed, "pt", n, burden, 0.12)
    nodes = 0.4 * size + np.sqrt(1 - 0.16) * _score(seed, "pn", n, burden, 0.12)
    return {
        "pt": _pick(["pT1", "pT2", "pT3", "pT4"], [0.58, 0.34, 0.05, 0.03], size),
        "pn": _pick(["pN0", "pN1", "pN2", "pN3"], [0.62, 0.25, 0.08, 0.05], nodes),
        "m": pl.Series(["M0"] * n),
    }


def _metastatic(seed: int, burden: Floats) -> dict[str, pl.Series]:
    """Line of therapy, sites, de novo disease, prior therapy."""
    n = burden.size
    line = _pick([1, 2, 3, 4], [0.62, 0.20, 0.11, 0.07], _score(seed, "line", n, burden, 0.15))
    de_novo = stream(seed, "de novo").random(n) < 0.26
    has = np.stack(
        [_score(seed, site, n, burden, 0.15) > -ndtri(share) for site, share in _SITES], axis=1
    )
    has[~has.any(axis=1), 0] = True
    names = [name for name, _ in _SITES]
    given = stream(seed, "prior therapy").random((n, len(_PRIOR))) < [0.7, 0.6, 0.6]
    given &= ~(de_novo & (line.to_numpy() == 1))[:, None]
    return {
        "m": pl.Series(["M1"] * n),
        "line": line,
        "prior_therapy": _joined(given, _PRIOR, "none"),
        "sites": _joined(has, names, "none"),
        "de_novo": pl.Series(de_novo),
    }


def _joined(flags: NDArray[np.bool_], names: Sequence[str], empty: str) -> pl.Series:
    """Texts such as ``bone;liver`` from a matrix of flags."""
    width = len(names)
    chosen = [[n for i, n in enumerate(names) if code >> i & 1] for code in range(1 << width)]
    texts = np.array([";".join(some) or empty for some in chosen])
    return pl.Series(texts[flags @ (1 << np.arange(width))].tolist())
