"""Bad arguments: an error in our words, never one of numpy's, never a silent number."""

import warnings

import numpy as np
import pytest

from ashworth.errors import EstimationError, InputError
from ashworth.survival import (
    brier_score,
    cause_specific,
    compare_marker_forms,
    cox,
    derive_events,
    firth_cox,
    kaplan_meier,
    person_years,
    rate_ratio,
)
from ashworth.survival.inputs import check_count, check_generator

TIME, EVENT, X = [5, 8, 12, 3, 9, 14], [1, 1, 0, 1, 1, 1], [0.5, 1, 2, 3, 1, 0]


@pytest.mark.parametrize("time", [[[1, 2], 3, 4, 5, 6, 7], [[1], [1, 2]], np.zeros((6, 1), object)])
def test_ragged_and_nested_values_are_named(time):
    with pytest.raises(InputError, match="column 'time'"):
        cox(time, EVENT, X)


def test_lists_of_text_beside_numbers_are_not_made_text():
    with pytest.raises(InputError, match="labels of mixed types"):
        kaplan_meier([1, 2, 3, 4], [1, 1, 1, 1], group=[1, "1", 2, "2"])


@pytest.mark.parametrize("names", [5, 1.5, "x", True])
def test_names_that_are_no_list(names):
    with pytest.raises(InputError, match="a list of names"):
        cox(TIME, EVENT, X, names=names)


def test_no_frame():
    with pytest.raises(InputError, match="a polars or pandas frame"):
        derive_events(None, "os")


@pytest.mark.parametrize(
    "numbers",
    [(None, 1.0, 2, 1.0), ("a", 1.0, 2, 1.0), (np.nan, 1.0, 2, 1.0), (2, [1.0], 2, 1.0),
     (10**30, 1.0, 2, 1.0), (-1, 1.0, 2, 1.0), (1.5, 1.0, 2, 1.0), (1, np.inf, 2, 1.0)],
)  # fmt: skip
def test_rate_ratio_refuses_what_is_no_count(numbers):
    with pytest.raises(EstimationError, match="allowed"):
        rate_ratio(*numbers)


@pytest.mark.parametrize("days", [None, "x", 0, np.nan, [1]])
def test_days_per_year(days):
    with pytest.raises(EstimationError, match="days_per_year"):
        person_years(TIME, EVENT, days_per_year=days)


def test_no_causes():
    with pytest.raises(EstimationError, match="causes is empty"):
        cause_specific(TIME, EVENT, X, causes=[])


@pytest.mark.parametrize("code", [1e308, -1, 0.5, np.nan])
def test_brier_codes(code):
    risk = np.full((6, 1), 0.5)
    with pytest.raises(InputError, match="column 'event'"):
        brier_score(TIME, [code, *EVENT[1:]], risk, [8])


@pytest.mark.filterwarnings("ignore::ashworth.errors.AshworthWarning")
def test_more_covariates_than_events_make_no_noise():
    x = np.random.default_rng(1).normal(size=(12, 15))
    time, event = np.arange(1.0, 13.0), np.arange(12) % 2
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        with pytest.raises(EstimationError, match="no maximum"):
            firth_cox(time, event, x)


@pytest.mark.filterwarnings("ignore::ashworth.errors.AshworthWarning")
def test_a_marker_that_separates_has_no_curve_and_no_noise():
    time, event = np.arange(1.0, 13.0), np.array([1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0])
    count = np.arange(11, -1, -1)
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        compare_marker_forms(time, event, count, 5)


@pytest.mark.parametrize("seed", [-1, 1.5, "x", None, True])
def test_a_seed_is_a_whole_number_or_a_generator(seed):
    with pytest.raises(EstimationError, match="seed is"):
        check_generator(seed, "bootstrap_optimism")
    assert check_generator(np.random.default_rng(1), "x").integers(9) < 9


@pytest.mark.parametrize("count", [0, 1.5, "x", 10**9, float("nan")])
def test_a_number_of_samples_is_whole_and_has_an_end(count):
    with pytest.raises(EstimationError, match="replicates is"):
        check_count(count, "replicates", 2)
    assert check_count(200.0, "replicates", 2) == 200
