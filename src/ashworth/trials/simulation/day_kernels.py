"""Trials on whole days, many at a time: draw, sort into days, scan.

Separate passes over arrays, so that those without branches vectorise; no sort: the log-rank test
needs two histograms and one pass over the days. Times are rounded up to whole days, as dates in
a case report form are.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit, prange

from ashworth.trials.random_numbers.log_kernel import negative_logarithms
from ashworth.trials.random_numbers.word_kernel import philox_words

TIMES, SPARE = 1, 2
LATEST = 2_000_000_000
_SCALE = 1.0 / 4294967296.0


@njit(cache=True, nogil=True)
def draw_times(
    key0, key1, replicate, groups, cumulative, starts, waits, accrual_edges, accrual_share,
    drop_out, uniforms, entry, observed, event,
):  # fmt: skip
    """Entry day, observed day and event of the patients of one replicate.

    groups : int16 (n,) group of each patient; cumulative, starts, waits : (g, k) cumulative
    hazard and day at which the pieces begin, and days per unit of hazard (1 / hazard);
    accrual_edges, accrual_share : (m + 1,) distribution of the entry; uniforms : (3, n) space.
    """
    low, high = np.uint32(replicate & 0xFFFFFFFF), np.uint32(replicate >> 32)
    begin, hazard, loss = uniforms[0], uniforms[1], uniforms[2]
    for i in range(groups.size):
        w0, w1, w2, _ = philox_words(np.uint32(i), low, high, np.uint32(TIMES), key0, key1)
        begin[i] = (float(w0) + 0.5) * _SCALE
        hazard[i] = (float(w1) + 0.5) * _SCALE
        loss[i] = (float(w2) + 0.5) * _SCALE
    enter(begin, accrual_edges, accrual_share, entry)
    fail(hazard, groups, cumulative, starts, waits, observed)
    event[:] = 1
    if drop_out > 0:
        lose(loss, drop_out, observed, event)


@njit(cache=True, nogil=True)
def enter(uniform, edges, share, entry):
    """Days of entry, uniform within the pieces of accrual."""
    if share.size == 2:
        width = edges[1] - edges[0]
        for i in range(uniform.size):
            entry[i] = np.int32(edges[0] + uniform[i] * width)
        return
    for i in range(uniform.size):
        place = 0
        while uniform[i] > share[place + 1]:
            place += 1
        inside = (uniform[i] - share[place]) / (share[place + 1] - share[place])
        entry[i] = np.int32(edges[place] + inside * (edges[place + 1] - edges[place]))


@njit(cache=True, nogil=True, error_model="numpy")
def fail(uniform, groups, cumulative, starts, waits, observed):
    """Days of the event: the time at which the cumulative hazard reaches ``-log u``."""
    negative_logarithms(uniform)
    pieces = starts.shape[1]
    reached, begin, wait = cumulative.ravel(), starts.ravel(), waits.ravel()
    place = np.empty(uniform.size, np.int32)
    for i in range(uniform.size):
        place[i] = groups[i] * pieces
    for piece in range(1, pieces):
        for i in range(uniform.size):
            later = np.uint32(groups[i] * pieces + piece)
            place[i] += np.int32(uniform[i] > reached[later])
    for i in range(uniform.size):
        here = np.uint32(place[i])
        time = begin[here] + (uniform[i] - reached[here]) * wait[here]
        observed[i] = np.int32(math.ceil(min(time, LATEST)))


@njit(cache=True, nogil=True, error_model="numpy")
def lose(uniform, drop_out, observed, event):
    """Take patients out at exponential times."""
    negative_logarithms(uniform)
    for i in range(uniform.size):
        lost = np.int32(math.ceil(min(uniform[i] / drop_out, LATEST)))
        event[i] = np.uint8(lost >= observed[i])
        observed[i] = min(lost, observed[i])


@njit(cache=True, nogil=True)
def calendar_days(entry, observed, event, arms, targets, latest, calendar, days):
    """Calendar day of each look: when its number of events is reached, or the latest day.

    targets : int64 (looks,) events, increasing; 0 asks for the latest day.
    """
    last = calendar.size - 1
    for i in range(entry.size):
        day = min(entry[i] + observed[i], last)
        calendar[day] += event[i] & (arms[i] < 2)
    look = 0
    total = 0
    for day in range(last):
        total += calendar[day]
        while look < targets.size and targets[look] > 0 and total >= targets[look]:
            days[look] = min(day, latest)
            look += 1
        if look == targets.size:
            break
    while look < targets.size:
        days[look] = latest
        look += 1
    calendar[:] = 0


@njit(cache=True, nogil=True, error_model="numpy")
def day_histogram_at(entry, observed, event, arms, day, histogram):
    """Sort patients who entered before a calendar day into days of follow-up.

    histogram : int32 (days, 4), zeros: leaving the control arm without and with event, then the
    experimental arm. Its last row takes those who are not analysed: arm 2, or not yet entered.
    Returns the longest day, and the entered of both arms.
    """
    cells = histogram.ravel()
    nowhere = np.int32(cells.size - 1)
    cell = np.empty(entry.size, np.int32)
    today = np.int32(day)
    longest = entered = entered1 = np.int32(0)
    for i in range(entry.size):
        arm = np.int32(arms[i])
        room = np.int32(today - entry[i])
        analysed = np.int32(room > 0) & np.int32(arm < 2)
        with_event = np.int32(observed[i] <= room) & np.int32(event[i])
        time = min(observed[i], room)
        cell[i] = np.int32(4 * time + 2 * arm + with_event) if analysed else nowhere
        longest = max(longest, np.int32(time * analysed))
        entered += analysed
        entered1 += np.int32(analysed & arm)
    for i in range(entry.size):
        cells[np.uint32(cell[i])] += 1
    return longest, entered - entered1, entered1


@njit(cache=True, nogil=True, error_model="numpy")
def scan_days(histogram, longest, n0, n1, null_hazard_ratio):
    """Log-rank score of the experimental arm and its variance, from the histogram of days.

    At hazard ratio 1 the variance is hypergeometric (ties as in `ashworth.survival.log_rank`); at
    another null hypothesis the binomial variance of the risk set times the same tie factor.
    Returns score, variance, events of both arms.
    """
    scores, variances = np.empty(longest + 1), np.empty(longest + 1)
    at_risk0, at_risk1 = np.empty(longest + 1, np.int32), np.empty(longest + 1, np.int32)
    had0, had1 = np.empty(longest + 1, np.int32), np.empty(longest + 1, np.int32)
    risk0, risk1 = n0, n1
    events0 = events1 = 0
    event_days = 0
    for day in range(longest + 1):
        d0, d1 = histogram[day, 1], histogram[day, 3]
        at_risk0[event_days], at_risk1[event_days] = risk0, risk1
        had0[event_days], had1[event_days] = d0, d1
        event_days += (d0 + d1) > 0
        events0 += d0
        events1 += d1
        risk0 -= histogram[day, 0] + d0
        risk1 -= histogram[day, 2] + d1
    for k in range(event_days):
        d, total = had0[k] + had1[k], at_risk0[k] + at_risk1[k]
        weighted = null_hazard_ratio * at_risk1[k]
        share = weighted / (weighted + at_risk0[k])
        scores[k] = had1[k] - d * share
        variances[k] = d * share * (1.0 - share) * (total - d) / max(total - 1.0, 1.0)
    score, variance = 0.0, 0.0
    for k in range(event_days):
        score += scores[k]
        variance += variances[k]
    return score, variance, events0, events1


@njit(cache=True, nogil=True)
def log_hazard_ratio(histogram, longest, n0, n1):
    """Cox estimate of the log hazard ratio and its information (Breslow's ties), by Newton."""
    beta = 0.0
    information = 0.0
    for _ in range(25):
        theta = math.exp(beta)
        risk0, risk1 = n0, n1
        score, information = 0.0, 0.0
        for day in range(longest + 1):
            d0, d1 = histogram[day, 1], histogram[day, 3]
            d = d0 + d1
            if d > 0:
                share = theta * risk1 / (theta * risk1 + risk0)
                score += d1 - d * share
                information += d * share * (1.0 - share)
            risk0 -= histogram[day, 0] + d0
            risk1 -= histogram[day, 2] + d1
        if information <= 0.0:
            return np.nan, 0.0
        step = score / information
        step = min(max(step, -1.0), 1.0)
        beta += step
        if abs(step) < 1e-10:
            break
        if abs(beta) > 20:
            return np.nan, 0.0
    return beta, information


@njit(cache=True, nogil=True, parallel=True)
def simulate_block(
    key0, key1, first, groups, arms, cumulative, starts, waits, accrual_edges, accrual_share,
    drop_out, targets, latest, null_hazard_ratio, estimate, chunk, out,
):  # fmt: skip
    """Simulate replicates ``first, first + 1, ...``; out : float64 (replicates, looks, 9).

    Columns of `out`: statistic, score variance, events control, events experimental, entered
    control, entered experimental, calendar day, log hazard ratio, its information. groups, arms :
    (1 or replicates, n).
    """
    replicates = out.shape[0]
    for c in prange((replicates + chunk - 1) // chunk):
        simulate_chunk(
            key0, key1, first, groups, arms, cumulative, starts, waits, accrual_edges,
            accrual_share, drop_out, targets, latest, null_hazard_ratio, estimate, c * chunk,
            min((c + 1) * chunk, replicates), out,
        )  # fmt: skip


@njit(cache=True, nogil=True)
def simulate_chunk(
    key0, key1, first, groups, arms, cumulative, starts, waits, accrual_edges, accrual_share,
    drop_out, targets, latest, null_hazard_ratio, estimate, begin, end, out,
):  # fmt: skip
    """Simulate the replicates of one chunk, in space of its own."""
    n, looks = groups.shape[1], out.shape[1]
    shared = groups.shape[0] == 1
    uniforms = np.empty((3, n))
    entry, observed = np.empty(n, np.int32), np.empty(n, np.int32)
    event = np.empty(n, np.uint8)
    calendar = np.zeros(latest + 2, np.int32)
    days = np.empty(looks, np.int64)
    histogram = np.zeros((latest + 2, 4), np.int32)
    for r in range(begin, end):
        row = 0 if shared else r
        draw_times(
            key0, key1, first + r, groups[row], cumulative, starts, waits, accrual_edges,
            accrual_share, drop_out, uniforms, entry, observed, event,
        )  # fmt: skip
        calendar_days(entry, observed, event, arms[row], targets, latest, calendar, days)
        for look in range(looks):
            longest, n0, n1 = day_histogram_at(
                entry, observed, event, arms[row], days[look], histogram
            )
            score, variance, d0, d1 = scan_days(histogram, longest, n0, n1, null_hazard_ratio)
            out[r, look, 0] = score / math.sqrt(variance) if variance > 0 else 0.0
            out[r, look, 1] = variance
            out[r, look, 2], out[r, look, 3] = d0, d1
            out[r, look, 4], out[r, look, 5] = n0, n1
            out[r, look, 6] = days[look]
            if estimate:
                beta, information = log_hazard_ratio(histogram, longest, n0, n1)
                out[r, look, 7], out[r, look, 8] = beta, information
            histogram[: longest + 1] = 0
