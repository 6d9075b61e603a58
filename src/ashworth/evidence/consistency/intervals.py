"""Arithmetic of printed estimates with limits: ratios, survival shares, rates, designs."""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.special import bdtr, bdtrc, betaincinv, gammaln, ndtr, ndtri

from ashworth.evidence.consistency.rounding import half_unit
from ashworth.survival.results import normal_quantile


def two_sided(z: float) -> float:
    """Two-sided p-value of a normal statistic."""
    return 2.0 * float(ndtr(-abs(z)))


def z_of_p(p: float) -> float:
    """Normal statistic, above 0, of a two-sided p-value."""
    return -float(ndtri(p / 2.0))


@dataclass(frozen=True, slots=True)
class RatioInterval:
    """A printed ratio with its limits, on the scale of logarithms.

    Attributes
    ----------
    estimate, lower, upper : float
        On the natural scale, as printed.
    level : float
    digits : int
        Printed decimals.
    """

    estimate: float
    lower: float
    upper: float
    level: float
    digits: int

    @property
    def standard_error(self) -> float:
        """``log(upper / lower) / (2 z)``."""
        return math.log(self.upper / self.lower) / (2.0 * normal_quantile(self.level))

    @property
    def z(self) -> float:
        """Log estimate over its standard error."""
        return math.log(self.estimate) / self.standard_error

    @property
    def p_value(self) -> float:
        """Two-sided p-value of a ratio of 1."""
        return two_sided(self.z)

    @property
    def events(self) -> float:
        """Events of two equal groups that give this standard error: ``4 / SE^2``."""
        return 4.0 / self.standard_error**2

    @property
    def centre(self) -> float:
        """Geometric mean of the limits."""
        return math.sqrt(self.lower * self.upper)

    def standard_errors(self) -> tuple[float, float]:
        """Smallest and largest standard error that round to the printed limits."""
        h, width = half_unit(self.digits), 2.0 * normal_quantile(self.level)
        low, high = max(self.lower - h, 1e-12), self.upper + h
        inner = max((self.upper - h) / (self.lower + h), 1.0 + 1e-12)
        return math.log(inner) / width, math.log(high / low) / width

    def z_range(self) -> tuple[float, float]:
        """Smallest and largest |z| that round to the printed numbers."""
        h, (small, large) = half_unit(self.digits), self.standard_errors()
        ends = [abs(math.log(max(self.estimate + s * h, 1e-12))) for s in (-1, 1)]
        nearest = 0.0 if self.estimate - h <= 1.0 <= self.estimate + h else min(ends)
        return nearest / large, max(ends) / small

    def centres(self) -> tuple[float, float]:
        """Smallest and largest geometric mean that round to the printed limits."""
        h = half_unit(self.digits)
        return (
            math.sqrt(max(self.lower - h, 0.0) * (self.upper - h)),
            math.sqrt((self.lower + h) * (self.upper + h)),
        )


def limits_from_p(ratio: float, p: float, level: float = 0.95) -> tuple[float, float]:
    """Limits of a ratio from its two-sided p-value."""
    half = normal_quantile(level) * abs(math.log(ratio)) / z_of_p(p)
    return ratio * math.exp(-half), ratio * math.exp(half)


def level_from_p(interval: RatioInterval, p: float) -> float:
    """Level at which these limits agree with a two-sided p-value."""
    width = math.log(interval.upper / interval.lower)
    return 2.0 * float(ndtr(width * z_of_p(p) / (2.0 * abs(math.log(interval.estimate))))) - 1.0


def log_log_limits(events: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Greenwood limits, on the log(-log) scale, of survivors among n without censoring."""
    share = events / n
    error = math.sqrt((1.0 - share) / (n * share)) / abs(math.log(share))
    shift = math.exp(normal_quantile(level) * error)
    return share**shift, share ** (1.0 / shift)


def log_log_error(lower: float, upper: float, level: float = 0.95) -> float:
    """Standard error of log(-log S) from its limits (as shares)."""
    gap = math.log(-math.log(lower)) - math.log(-math.log(upper))
    return gap / (2.0 * normal_quantile(level))


def effective_n(share: float, error: float) -> float:
    """Patients without censoring that give this standard error of log(-log S)."""
    return (1.0 - share) / (share * math.log(share) ** 2 * error**2)


def rate_ratio(
    events: tuple[int, int], person_years: tuple[float, float], level: float = 0.95
) -> tuple[float, float, float, float]:
    """Ratio of two rates with exact conditional limits and p-value (as R's poisson.test)."""
    (a, b), (s, t) = events, person_years
    tail, total = (1.0 - level) / 2.0, a + b
    low = betaincinv(a, b + 1, tail) if a else 0.0
    high = betaincinv(a + 1, b, 1.0 - tail) if b else 1.0
    ratio = (a / s) / (b / t) if b else math.inf
    lower = low * t / ((1.0 - low) * s)
    upper = high * t / ((1.0 - high) * s) if high < 1 else math.inf
    return ratio, float(lower), float(upper), binomial_p(a, total, s / (s + t))


def binomial_p(x: int, n: int, share: float = 0.5) -> float:
    """Two-sided exact binomial p: outcomes no likelier than the observed one."""
    logs = [
        gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
        + k * math.log(share) + (n - k) * math.log1p(-share)
        for k in range(n + 1)
    ]  # fmt: skip
    return min(1.0, sum(math.exp(v) for v in logs if v <= logs[x] + 1e-7))


def sign_test(positive: int, n: int) -> tuple[float, float]:
    """Two-sided and one-sided p-value of the sign test."""
    upper = float(bdtrc(positive - 1, n, 0.5)) if positive > 0 else 1.0
    one = min(upper, float(bdtr(positive, n, 0.5)))
    return min(1.0, 2.0 * one), one


def newcombe(events: tuple[int, int], n: tuple[int, int], level: float = 0.95) -> tuple[float, ...]:
    """Difference of two shares with Newcombe's limits (Stat Med 1998;17:873, method 10)."""
    from ashworth.enumeration import proportion_interval

    p = [x / m for x, m in zip(events, n, strict=True)]
    w = [proportion_interval(x, m, method="wilson", level=level)
         for x, m in zip(events, n, strict=True)]  # fmt: skip
    low, high = [float(i.lower) for i in w], [float(i.upper) for i in w]
    d = p[0] - p[1]
    return (d, d - math.hypot(p[0] - low[0], high[1] - p[1]),
            d + math.hypot(high[0] - p[0], p[1] - low[1]))  # fmt: skip


def kappa(a: int, b: int, c: int, d: int) -> float:
    """Cohen's kappa of a 2 x 2 table by rows (a, b), (c, d)."""
    n = a + b + c + d
    seen = (a + d) / n
    chance = ((a + b) * (a + c) + (c + d) * (b + d)) / n**2
    return (seen - chance) / (1.0 - chance)


def schoenfeld_events(
    hazard_ratio: float, alpha: float, power: float, *, sides: int = 2, margin: float = 1.0
) -> float:
    """Events that a log-rank comparison of two equal groups needs.

    ``4 (z_alpha + z_power)^2 / log(hazard_ratio / margin)^2``. Schoenfeld DA. Biometrics
    1983;39:499.
    """
    z = float(ndtri(1.0 - alpha / sides)) + float(ndtri(power))
    return 4.0 * z**2 / math.log(hazard_ratio / margin) ** 2


def patients_per_group(
    share_1: float, share_2: float, alpha: float, power: float, *, sides: int = 2
) -> float:
    """Patients per group that tell two shares apart (pooled variance under no difference)."""
    mean = (share_1 + share_2) / 2.0
    null = math.sqrt(2.0 * mean * (1.0 - mean)) * float(ndtri(1.0 - alpha / sides))
    own = math.sqrt(share_1 * (1 - share_1) + share_2 * (1 - share_2)) * float(ndtri(power))
    return ((null + own) / (share_1 - share_2)) ** 2
