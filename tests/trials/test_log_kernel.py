"""Logarithms by series against those of exact arithmetic and of the mathematics library."""

from __future__ import annotations

from decimal import Decimal, getcontext

import numpy as np

from ashworth.trials.random_numbers.log_kernel import negative_logarithms


def of(values: np.ndarray) -> np.ndarray:
    out = np.array(values, dtype=np.float64)
    negative_logarithms(out)
    return out


def test_equal_to_thirty_digits_within_two_last_places() -> None:
    getcontext().prec = 40
    u = np.concatenate([
        (np.array([0, 1, 2**31, 3037000499, 3037000500, 2**32 - 2, 2**32 - 1]) + 0.5) / 2**32,
        np.random.default_rng(1).random(300),
        [1.0, 2.5, 1e-300, 1e300, np.nextafter(np.sqrt(0.5), 0), np.sqrt(0.5)],
    ])  # fmt: skip
    exact = np.array([float(-Decimal(float(x)).ln()) for x in u])
    assert np.all(np.abs(of(u) - exact) <= 4e-16 * np.abs(exact))


def test_order_and_sign_on_the_grid_of_uniforms() -> None:
    words = np.random.default_rng(2).integers(0, 2**32, 200_000)
    u = np.unique((words + 0.5) / 2**32)
    found = of(u)
    assert (found > 0).all()
    assert (np.diff(found) < 0).all()
    np.testing.assert_allclose(found, -np.log(u), rtol=5e-16)
