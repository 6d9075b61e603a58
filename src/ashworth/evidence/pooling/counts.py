"""Pooling of counts themselves: Mantel-Haenszel, Peto, random-intercept logistic model."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import expit, gammaln, log_expit, logit, ndtr

from ashworth.errors import EstimationError
from ashworth.evidence.pooling.columns import need
from ashworth.evidence.pooling.effect_sizes import (
    peto_parts,
    read_proportions,
    read_two_groups,
    two_groups,
)
from ashworth.survival.inputs import Booleans, Floats, check_level, check_option
from ashworth.survival.results import chi_square_p, normal_quantile
from ashworth.version import __version__

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class PooledCounts:
    """An effect pooled from counts.

    Attributes
    ----------
    estimate, standard_error, lower, upper, p_value : float
        On the scale of the analysis (logarithm of a ratio, logit, or difference); p of no effect.
    natural, natural_lower, natural_upper : float
        Ratio, proportion or difference.
    tau2 : float
        Between-study variance; 0 in the common-effect models.
    q, q_df, q_p_value : float, int, float
        Heterogeneity: Cochran's Q; for proportions the likelihood ratio against a saturated model.
    used : ndarray of bool, shape (k,)
        Studies that tell something.
    n, events : int
        Studies, and events of all.
    method, options, version
    """

    estimate: float
    standard_error: float
    lower: float
    upper: float
    p_value: float
    natural: float
    natural_lower: float
    natural_upper: float
    tau2: float
    q: float
    q_df: int
    q_p_value: float
    used: Booleans
    n: int
    events: int
    method: str
    options: Mapping[str, Any]
    version: str

    @property
    def ci(self) -> tuple[float, float]:
        """Limits on the scale of the analysis."""
        return self.lower, self.upper

    def table(self) -> pl.DataFrame:
        """One row."""
        import polars as pl

        names = ("method", "n", "events", "estimate", "standard_error", "lower", "upper",
                 "p_value", "natural", "natural_lower", "natural_upper", "tau2", "q", "q_df",
                 "q_p_value")  # fmt: skip
        return pl.DataFrame([{name: getattr(self, name) for name in names}])


def _result(
    y: float, s: float, tau2: float, q: float, df: int, used: Booleans, events: int, back: Any,
    method: str, options: Mapping[str, Any],
) -> PooledCounts:  # fmt: skip
    half = normal_quantile(options["level"]) * s
    p = 2.0 * float(ndtr(-abs(y / s)))
    natural, low, high = (float(back(v)) for v in (y, y - half, y + half))
    return PooledCounts(
        y, s, y - half, y + half, p, natural, low, high, tau2, q, df,
        chi_square_p(q, df) if df else math.nan, used, used.size, events, method, dict(options),
        __version__,
    )  # fmt: skip


def _q(y: Floats, s: Floats, centre: float) -> tuple[float, int]:
    ok = np.isfinite(y)
    if ok.sum() < 2:
        return 0.0, 0
    return float(np.sum(((y[ok] - centre) / s[ok]) ** 2)), int(ok.sum()) - 1


def mantel_haenszel(
    events1: Any,
    n1: Any,
    events2: Any,
    n2: Any,
    *,
    measure: Literal["risk_ratio", "odds_ratio", "risk_difference"] = "risk_ratio",
    level: float = 0.95,
) -> PooledCounts:
    r"""Pool two by two tables by Mantel and Haenszel (common effect).

    Use it with few events: no zero cell needs a correction in the pooled effect.

    Parameters
    ----------
    events1, n1, events2, n2 : array-like, shape (k,)
    measure : {"risk_ratio", "odds_ratio", "risk_difference"}
    level : float

    Returns
    -------
    PooledCounts
        Variances by Greenland and Robins (risk ratio), Robins, Breslow and Greenland (odds ratio),
        Sato, Greenland and Robins (difference). Q compares the studies' own effects, those with a
        zero cell corrected by 0.5.

    Raises
    ------
    InputError
        Faulty counts.
    EstimationError
        No events in one of the groups over all studies (ratios).

    References
    ----------
    .. [1] Robins J, Breslow N, Greenland S (1986). Estimators of the Mantel-Haenszel variance
       consistent in both sparse data and large-strata limiting models. Biometrics 42:311-323.

    Examples
    --------
    >>> found = mantel_haenszel([4, 6], [123, 306], [11, 29], [139, 303])
    >>> round(found.natural, 4)
    0.2588
    """
    check_option(measure, "measure", ("risk_ratio", "odds_ratio", "risk_difference"))
    options = {"measure": measure, "level": check_level(level)}
    a, b, c, d = read_two_groups("mantel_haenszel", events1, n1, events2, n2)
    m, n = a + b, c + d
    total = m + n
    if measure == "odds_ratio":
        y, s = _mh_odds(a, b, c, d, total)
    elif measure == "risk_ratio":
        y, s = _mh_risk(a, c, m, n, total)
    else:
        weight = float((m * n / total).sum())
        y = float(((a * n - c * m) / total).sum()) / weight
        p = float(((m**2 * c - n**2 * a + m * n * (n - m) / 2.0) / total**2).sum())
        q = float(((a * d + b * c) / (2.0 * total)).sum())
        s = math.sqrt(y * p + q) / weight
    if s == 0.0:
        raise EstimationError(
            "mantel_haenszel: no study has both patients with and without the event; the interval "
            "would have no width: report the counts"
        )
    own = two_groups(a, m, c, n, measure=measure)
    heterogeneity, df = _q(own.estimate, own.standard_error, y)
    back = (lambda v: v) if measure == "risk_difference" else np.exp
    return _result(
        y, s, 0.0, heterogeneity, df, own.used, int((a + c).sum()), back,
        f"Mantel-Haenszel {measure}", options,
    )  # fmt: skip


def _both_sides(top: float, bottom: float) -> None:
    if min(top, bottom) <= 0.0:
        raise EstimationError(
            "mantel_haenszel: no events in one group (or no patient without) over all studies; "
            "the ratio is 0 or infinite: take measure='risk_difference', or report the counts"
        )


def _mh_odds(a: Floats, b: Floats, c: Floats, d: Floats, total: Floats) -> tuple[float, float]:
    p, q, r, s = (a + d) / total, (b + c) / total, a * d / total, b * c / total
    top, bottom = float(r.sum()), float(s.sum())
    _both_sides(top, bottom)
    variance = (
        0.5 * float(p @ r) / top**2
        + 0.5 * float(p @ s + q @ r) / (top * bottom)
        + 0.5 * float(q @ s) / bottom**2
    )
    return math.log(top / bottom), math.sqrt(variance)


def _mh_risk(a: Floats, c: Floats, m: Floats, n: Floats, total: Floats) -> tuple[float, float]:
    top, bottom = float((a * n / total).sum()), float((c * m / total).sum())
    _both_sides(top, bottom)
    spread = float(((m * n * (a + c) - a * c * total) / total**2).sum())
    return math.log(top / bottom), math.sqrt(spread / (top * bottom))


def peto(events1: Any, n1: Any, events2: Any, n2: Any, *, level: float = 0.95) -> PooledCounts:
    r"""Pool two by two tables by Peto's one-step odds ratio (common effect).

    Use it for rare events, groups of about equal size and ratios near 1; it is biased otherwise.

    Parameters
    ----------
    events1, n1, events2, n2 : array-like, shape (k,)
    level : float

    Returns
    -------
    PooledCounts

    Raises
    ------
    InputError
        Faulty counts.
    EstimationError
        No study with a contrast.

    Notes
    -----
    .. math:: \log OR = \frac{\sum (O - E)}{\sum V},\quad SE = 1/\sqrt{\textstyle\sum V}

    References
    ----------
    .. [1] Yusuf S, et al. (1985). Beta blockade during and after myocardial infarction: an
       overview of the randomized trials. Prog Cardiovasc Dis 27:335-371.

    Examples
    --------
    >>> round(peto([4, 6], [123, 306], [11, 29], [139, 303]).natural, 4)
    0.2894
    """
    a, b, c, d = read_two_groups("peto", events1, n1, events2, n2)
    difference, v = peto_parts(a, b, c, d)
    if v.sum() == 0.0:
        raise EstimationError("peto: no study has both patients with and without the event")
    used = v > 0.0
    y = float(difference.sum() / v.sum())
    own = difference[used] / v[used]
    q = float(v[used] @ (own - y) ** 2)
    return _result(
        y, 1.0 / math.sqrt(float(v.sum())), 0.0, q, int(used.sum()) - 1, used, int((a + c).sum()),
        np.exp, "Peto odds ratio", {"level": check_level(level)},
    )  # fmt: skip


_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(80)
_REACH = 40.0  # the tails beyond exp(-40) of the mode are left out


def _modes(x: Floats, n: Floats, mean: float, tau: float) -> Floats:
    """Mode of each study's scaled random effect, by Newton's steps in a bracket."""
    low, high = -tau * (n - x), tau * x
    u, moved = np.clip(np.zeros(x.size), low, high), high - low
    for _ in range(200):
        p = expit(mean + tau * u)
        slope, curve = tau * (x - n * p) - u, tau**2 * n * p * (1 - p) + 1.0
        low, high = np.where(slope > 0.0, u, low), np.where(slope < 0.0, u, high)
        to = u + slope / curve
        slow = (to < low) | (to > high) | (2.0 * np.abs(to - u) > moved)
        to = np.where(slow, 0.5 * (low + high), to)
        u, moved = to, np.abs(to - u)
        if moved.max() < 1e-13 * (1.0 + np.abs(u).max()):
            break
    return u


def binomial_likelihood(x: Floats, n: Floats, mean: float, tau: float) -> float:
    """Log likelihood of the random-intercept logistic model by quadrature on each side of the mode.

    With no events, or only events, a study's integrand is narrow on one side and wide on the other:
    points spread evenly about the mode miss one of them.
    """

    def terms(u: Floats) -> Floats:
        eta = mean + tau * u
        return x[:, None] * log_expit(eta) + (n - x)[:, None] * log_expit(-eta) - 0.5 * u**2

    constant = gammaln(n + 1) - gammaln(x + 1) - gammaln(n - x + 1)
    centre = _modes(x, n, mean, tau)[:, None]
    top = terms(centre)
    sides = np.array([-1.0, 1.0])
    near, far = np.zeros((x.size, 2)), np.full((x.size, 2), math.sqrt(2.0 * _REACH))
    for _ in range(30):
        half = 0.5 * (near + far)
        inside = terms(centre + sides * half) > top - _REACH
        near, far = np.where(inside, half, near), np.where(inside, far, half)
    u = centre[:, :, None] + (sides * far)[:, :, None] * (0.5 * (_NODES + 1.0))
    heights = np.exp(terms(u.reshape(x.size, -1)) - top).reshape(u.shape)
    inner = (0.5 * far * (heights @ _WEIGHTS)).sum(axis=1)
    return float((constant + top[:, 0] + np.log(inner) - 0.5 * math.log(2.0 * math.pi)).sum())


def pool_proportions(events: Any, n: Any, *, level: float = 0.95) -> PooledCounts:
    r"""Pool proportions by a logistic model with a normal random intercept (GLMM).

    Use it for positivity rates: zero counts need no correction and no transformation back.

    Parameters
    ----------
    events, n : array-like, shape (k,)
        Two studies or more.
    level : float

    Returns
    -------
    PooledCounts
        ``natural`` is the proportion in the median study, not the mean over studies.

    Raises
    ------
    InputError
        Faulty counts.
    EstimationError
        Fewer than two studies; no events, or only events, in all, or one or the other in each.

    Notes
    -----
    :math:`\text{logit}\, p_i \sim N(\mu, \tau^2)`; maximum likelihood with 80
    Gauss-Legendre points on each side of every study's mode (R's ``rma.glmm`` takes 7 adaptive
    Gauss-Hermite points and stops early; they agree to about 5 digits).

    References
    ----------
    .. [1] Stijnen T, Hamza TH, Özdemir P (2010). Random effects meta-analysis of event outcome in
       the framework of the generalized linear mixed model. Stat Med 29:3046-3067.

    Examples
    --------
    >>> found = pool_proportions([435, 330, 95], [2026, 1493, 1317])
    >>> round(found.natural, 4), round(found.tau2, 3)
    (0.1545, 0.353)
    """
    x, total = read_proportions("pool_proportions", events, n)
    level = check_level(level)
    need("pool_proportions", x.size, 2, "pooling")
    if x.sum() in (0.0, total.sum()):
        raise EstimationError(
            f"pool_proportions: {int(x.sum())} of {int(total.sum())} have the event; the model has "
            "no finite estimate: report the counts with an exact interval"
        )
    if bool((((x == 0.0) | (x == total)).all()) and total.max() > 1.0):
        raise EstimationError(
            "pool_proportions: every study has no events or only events; the likelihood rises "
            "without end as the variance between studies grows: report the counts"
        )
    mean, tau = _fit_proportions(x, total)
    error = _error_of_mean(x, total, mean, tau)
    with np.errstate(divide="ignore", invalid="ignore"):
        saturated = x * np.log(x / total) + (total - x) * np.log(1 - x / total)
    common = x.sum() / total.sum()
    at = x * math.log(common) + (total - x) * math.log1p(-common)
    q = 2.0 * float((np.nan_to_num(saturated) - at).sum())
    return _result(
        mean, error, tau**2, max(q, 0.0), x.size - 1, np.ones(x.size, dtype=bool), int(x.sum()),
        expit, "random-intercept logistic model", {"level": level},
    )  # fmt: skip


def _fit_proportions(x: Floats, n: Floats) -> tuple[float, float]:
    """Maximum over the mean for every tau, then over tau, then Newton's steps in both."""
    start = float(logit(x.sum() / n.sum()))
    spread = 4.0 + float(np.ptp(logit((x + 0.5) / (n + 1.0))))

    def best_mean(tau: float) -> Any:
        return minimize_scalar(
            lambda m: -binomial_likelihood(x, n, m, tau), bounds=(start - spread, start + spread),
            method="bounded", options={"xatol": 1e-7},
        )  # fmt: skip

    found = minimize_scalar(
        lambda t: best_mean(t).fun, bounds=(0.0, spread), method="bounded", options={"xatol": 1e-5}
    )
    tau = float(found.x)
    at_zero = -float(best_mean(0.0).fun)
    if tau < 1e-3 or at_zero >= -float(found.fun) - 1e-9:
        return start, 0.0
    return _polish(x, n, float(best_mean(tau).x), tau)


def _polish(x: Floats, n: Floats, mean: float, tau: float) -> tuple[float, float]:
    for _ in range(6):
        gradient, hessian = _derivatives(x, n, mean, tau)
        step = np.linalg.solve(hessian, gradient)
        mean, tau = mean - float(step[0]), abs(tau - float(step[1]))
        if np.abs(step).max() < 1e-10:
            break
    return mean, tau


def _derivatives(x: Floats, n: Floats, mean: float, tau: float) -> tuple[Floats, Floats]:
    """Gradient and Hessian by central differences of the smooth quadrature."""
    h = 1e-3
    f = {
        (i, j): binomial_likelihood(x, n, mean + i * h, tau + j * h)
        for i in (-2, -1, 0, 1, 2) for j in (-2, -1, 0, 1, 2) if abs(i * j) <= 1
    }  # fmt: skip

    def first(a: float, b: float, c: float, d: float) -> float:
        return (a - 8 * b + 8 * c - d) / (12 * h)

    def second(a: float, b: float, m: float, c: float, d: float) -> float:
        return (-a + 16 * b - 30 * m + 16 * c - d) / (12 * h * h)

    gradient = np.array([
        first(f[-2, 0], f[-1, 0], f[1, 0], f[2, 0]), first(f[0, -2], f[0, -1], f[0, 1], f[0, 2])
    ])  # fmt: skip
    cross = (f[1, 1] - f[1, -1] - f[-1, 1] + f[-1, -1]) / (4 * h * h)
    middle = f[0, 0]
    return gradient, np.array([
        [second(f[-2, 0], f[-1, 0], middle, f[1, 0], f[2, 0]), cross],
        [cross, second(f[0, -2], f[0, -1], middle, f[0, 1], f[0, 2])],
    ])  # fmt: skip


def _error_of_mean(x: Floats, n: Floats, mean: float, tau: float) -> float:
    if tau == 0.0:
        p = float(expit(mean))
        return 1.0 / math.sqrt(float(n.sum()) * p * (1.0 - p))
    hessian = _derivatives(x, n, mean, tau)[1]
    return math.sqrt(float(np.linalg.inv(-hessian)[0, 0]))
