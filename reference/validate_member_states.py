"""Do the shipped functions merge a whole register's member states as a plain count does?

Run: .venv/bin/python reference/validate_member_states.py TABLE
TABLE has the columns eudract_number, eudract_number_with_country and end_of_trial_status, as CSV or
CSV in gz. The register of December 2020 is at github.com/ebmdatalab/euctr_pub_search,
data/source_data/euctr_processed_dec2020.csv.zip (commit e0439d07f0f6); the repository states no
licence, so the table is not shipped. The plain count uses the csv module and dictionaries only.

Measured on that table (gz, 2.0 MB):

                                        shipped    plain
    rows                                 98,622   98,622
    trials                               38,566   38,566
    trials of several member states      13,944   13,944
    with differing statuses               7,062    7,062
    with two statuses that are told       6,536    6,536
    most member states                       23       23
    with statuses of two classes          5,204
    share differing 0.5065, with two told 0.4687
    reading 5.1 s, linking 1.3 s, counting 0.5 s of processor time; 241 MiB
    Completed           Ongoing              4,500
    Completed           Prematurely Ended    2,205
    Ongoing             Prematurely Ended    1,416
    Ongoing             not told               623
    Completed           not told               508
    Ongoing             Restarted              233
    Ongoing             Temporarily Halted     222
    Prematurely Ended   not told               185
    Completed           Temporarily Halted     155
    Prematurely Ended   Temporarily Halted     120
    Completed           Restarted               74
    Restarted           Temporarily Halted      45
"""

from __future__ import annotations

import csv
import gzip
import io
import resource
import sys
import time
from pathlib import Path

from ashworth.registries.linking import link
from ashworth.registries.member_states import MemberStateStatuses, member_state_statuses
from ashworth.registries.readers.files import read_registrations


def shipped(table: Path) -> tuple[int, MemberStateStatuses, dict[str, float]]:
    """Rows, agreement of member states, and seconds of reading, linking and counting."""
    marks = [time.process_time()]
    records = read_registrations([table]).records
    marks.append(time.process_time())
    trials = link(records)
    marks.append(time.process_time())
    found = member_state_statuses(trials)
    marks.append(time.process_time())
    names = ("reading", "linking", "counting")
    spent = {name: marks[i + 1] - marks[i] for i, name in enumerate(names)}
    return len(records), found, spent


def plain(table: Path) -> tuple[int, ...]:
    """Rows, trials, trials of several states, differing, contradicting, most states."""
    raw = table.read_bytes()
    text = (gzip.decompress(raw) if table.suffix == ".gz" else raw).decode("utf-8-sig")
    trials: dict[str, dict[str, str]] = {}
    n = 0
    for row in csv.DictReader(io.StringIO(text)):
        n += 1
        states = trials.setdefault(row["eudract_number"], {})
        states[row["eudract_number_with_country"]] = row["end_of_trial_status"]
    several = [set(states.values()) for states in trials.values() if len(states) > 1]
    return (
        n, len(trials), len(several), sum(len(s) > 1 for s in several),
        sum(len(s - {""}) > 1 for s in several), max(map(len, trials.values())),
    )  # fmt: skip


def main() -> int:
    """Print both counts; 1 where they differ."""
    table = Path(sys.argv[1])
    rows, found, spent = shipped(table)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    ours = (rows, found.n_trials, found.n_several, found.n_differing, found.n_contradicting,
            found.most_states)  # fmt: skip
    names = ("rows", "trials", "trials of several member states", "with differing statuses",
             "with two statuses that are told", "most member states")  # fmt: skip
    theirs = plain(table)
    for name, a, b in zip(names, ours, theirs, strict=True):
        print(f"    {name:34}{a:>9,}{b:>9,}")
    print(f"    {'with statuses of two classes':34}{found.n_classes:>9,}")
    print(f"    share differing {found.share_differing:.4f}, with two told "
          f"{found.share_contradicting:.4f}")  # fmt: skip
    print("    " + ", ".join(f"{name} {seconds:.1f} s" for name, seconds in spent.items())
          + f" of processor time; {memory:.0f} MiB")  # fmt: skip
    for first, second, n in found.table().head(12).iter_rows():
        print(f"    {first:20}{second:20}{n:>6,}")
    return int(ours != theirs)


if __name__ == "__main__":
    sys.exit(main())
