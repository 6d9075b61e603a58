"""Registry records to verdicts, to the store, to a landscape: records per processor second.

Real records come from the folder named on the command line or in ASHWORTH_REGISTRY_RECORDS,
else from the repository's tests; more of them are synthetic copies with numbers of their own. No
peer does both reading and classing, so the figures stand alone.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

from registry_copies import Records, copies, records_of, write_copies

from ashworth.registries.classification.verdicts import classify
from ashworth.registries.readers.ctgov_json import read_ctgov_json
from ashworth.registries.readers.ctgov_xml import read_ctgov_xml

HERE = Path(__file__).resolve()
SHIPPED = [HERE.parents[1] / "tests" / "data" / "registries" / "ctgov",
           HERE.parents[1] / "src" / "ashworth" / "workflows" / "review" / "registry"]  # fmt: skip
BUDGET = {"classic XML": 2000, "version 2 JSON": 3000}
MANY, MINUTES, GIB, CORES = 500_000, 5, 2.0, 2
QUERY_S = 1.0


def folders_of(words: list[str]) -> list[Path]:
    """Where the real records are."""
    named = [w for w in words if Path(w).is_dir()] or [os.environ.get("ASHWORTH_REGISTRY_RECORDS")]
    return [Path(f) for f in named if f] or SHIPPED


def rates(records: Records, *, quick: bool) -> None:
    """Print records per processor second from bytes through classification, one process."""
    print("| format | records | bytes each | records per processor second | budget |")
    print("|---|---|---|---|---|")
    n = 1_000 if quick else 4_000
    for name, raws, read in (("classic XML", records.xml, read_ctgov_xml),
                             ("version 2 JSON", records.json, read_ctgov_json)):  # fmt: skip
        some = list(copies(raws, 0, max(n, len(raws))))
        best = min(_judged(some, read) for _ in range(3))
        size, rate = sum(map(len, some)) / len(some), len(some) / best
        print(f"| {name} | {len(some):,} ({len(raws)} real) | {size:,.0f} | {rate:,.0f} | "
              f"{BUDGET[name]:,} |", flush=True)  # fmt: skip
    print()


def _judged(raws: list[bytes], read: Callable[..., object]) -> float:
    start = time.process_time()
    for raw in raws:
        for record in read(raw):  # type: ignore[attr-defined]
            classify(record)
    return time.process_time() - start


def many(records: Records, n: int) -> None:
    """Print what n copies cost: to the store, met again; as a landscape without a store; asked."""
    print(f"{n:,} copies, half classic XML in archives, half version 2 JSON in pages")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "copies"
        folder.mkdir()
        size = write_copies(records, folder, n)
        print(f"{size / 1e9:.1f} GB before packing\n")
        print("| step | wall, s | processor, s | peak of all processes, GiB | found | budget |")
        print("|---|---|---|---|---|---|")
        for step, budget in (
            ("store", f"{MINUTES * 60 * n / MANY:.0f} s, {GIB:.0f} GiB"),
            ("again", ""),
            ("files", f"{MINUTES * 60 * n / MANY:.0f} s, {GIB:.0f} GiB"),
            ("landscape", f"{QUERY_S:.0f} s"), ("filter", f"{QUERY_S:.0f} s"),
        ):  # fmt: skip
            row = measured(step, folder, Path(place) / "store")
            print(f"| {step} | {row['wall']:.2f} | {row['cpu']:.2f} | {row['peak_gib']:.2f} | "
                  f"{row['found']} | {budget} |", flush=True)  # fmt: skip


def measured(step: str, folder: Path, store: Path) -> dict[str, float]:
    """Run a step in a fresh process on two cores."""
    command = [sys.executable, str(HERE), step, str(folder), str(store)]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found: dict[str, float] = json.loads(text.splitlines()[-1])
    return found


class Peak:
    """Sum of the largest resident sizes of this process and its workers, as the kernel keeps them.

    Not `ru_maxrss`: that is handed on by the program which started this one. The processes need not
    have been largest at the same time, so the sum is an upper bound.
    """

    def __init__(self) -> None:
        self._largest: dict[int, int] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._over.wait(0.2):
            self.look()

    def look(self) -> None:
        """Read the peaks of all that run."""
        for pid in [os.getpid(), *_children(os.getpid())]:
            try:
                status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
            except OSError:
                continue
            found = re.search(r"VmHWM:\s+(\d+) kB", status)
            if found:
                self._largest[pid] = int(found[1])

    def gib(self) -> float:
        """The peak in GiB."""
        self.look()
        self._over.set()
        return sum(self._largest.values()) / 2**20


def _children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task")
    return [int(c) for t in tasks.iterdir() for c in (t / "children").read_text().split()]


def step_of(step: str, folder: Path, store: Path) -> None:
    """Do one step and print what it cost."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    peak = Peak()
    task = {"store": _store, "again": _store, "files": _files, "landscape": _landscape,
            "filter": _filter}[step]  # fmt: skip
    load()
    wall, cpu = time.perf_counter(), _processor()
    found = task(folder, store)
    row = {"wall": time.perf_counter() - wall, "cpu": _processor() - cpu, "peak_gib": peak.gib()}
    print(json.dumps({**row, "found": found}))


def load() -> None:
    """Import what the steps need, so that they alone are timed."""
    import ashworth.workflows.registries.landscape
    import ashworth.workflows.registries.store  # noqa: F401


def _processor() -> float:
    """Processor seconds of this process and its ended children."""
    t = os.times()
    return t.user + t.system + t.children_user + t.children_system


def _store(folder: Path, store: Path) -> str:
    from ashworth.workflows.registries.store import update_registry_store

    made = update_registry_store(store, [folder], workers=CORES).update
    return f"{made.n_new:,} new, {made.n_unchanged:,} known"


def _files(folder: Path, store: Path) -> str:
    from ashworth.workflows.registries.landscape import make_landscape

    made = make_landscape([folder], as_of=date(2100, 1, 1), workers=CORES).landscape
    return f"{len(made.focus()):,} breast trials at tier 3 of {made.n_trials:,} trials"


def _landscape(folder: Path, store: Path) -> str:
    from ashworth.registries.landscape import landscape_on
    from ashworth.storage.registry_store import open_store, select_on

    day = date(2100, 1, 1)
    found = select_on(open_store(store), day)
    made = landscape_on(found.surveyed, as_of=day)
    return f"{len(made.focus()):,} breast trials at tier 3 of {found.n_trials:,} trials"


def _filter(folder: Path, store: Path) -> str:
    from ashworth.storage.registry_store import open_store, table_of

    found = table_of(open_store(store), date(2100, 1, 1), specimen=["CTC", "both"],
                     country=["DE"], status=["open", "planned"])  # fmt: skip
    return f"{found.height:,} registrations"


def run(words: list[str], *, quick: bool = False) -> None:
    """Print the tables."""
    records = records_of(folders_of(words))
    print("Copies are synthetic (research use).\n")
    rates(records, quick=quick)
    many(records, 10_000 if quick else MANY)


if __name__ == "__main__":
    step_of(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
