"""Kill writers of the allocation log at random instants; then the log must verify, nothing lost.

Two processes allocate the same patients to one log. Again and again one of them is killed
(SIGKILL) and begun anew. Then: the log verifies with its key, every arm that was told is the arm
that stands in the log, no patient stands in it twice, none is missing, no draw was skipped.

    python reference/validate_allocation_log.py [--kills 200] [--seed 1] [sqlite] [postgres]
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ashworth.errors import InputError
from ashworth.storage.allocations import (
    ROLES,
    allocate_patient,
    connect_log,
    new_key,
    open_log,
    read_key,
    see_allocations,
    verify_log,
)
from ashworth.trials import allocation_scheme

SITES = ["north", "south", "west"]
PEOPLE = {role: ["tester"] for role in ROLES}


@contextmanager
def private_postgres() -> Iterator[str]:
    """Start a PostgreSQL server of its own in a temporary folder; give its address."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    programs = Path(shutil.which("initdb") or found[-1]).parent
    as_user = {"user": "postgres", "group": "postgres"} if os.geteuid() == 0 else {}
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    if as_user:
        shutil.chown(folder, "postgres", "postgres")
    data, quiet = folder / "data", {"stdout": subprocess.DEVNULL, "cwd": folder, **as_user}
    subprocess.run([programs / "initdb", "-D", data, "-A", "trust", "-U", "postgres"],
                   check=True, **quiet)  # fmt: skip
    options = f"-k {folder} -c listen_addresses="
    subprocess.run([programs / "pg_ctl", "-D", data, "-w", "-o", options, "-l", folder / "log",
                    "start"], check=True, **quiet)  # fmt: skip
    try:
        yield f"postgresql://postgres@/postgres?host={folder}"
    finally:
        subprocess.run([programs / "pg_ctl", "-D", data, "-m", "immediate", "stop"],
                       check=False, **quiet)  # fmt: skip
        shutil.rmtree(folder, ignore_errors=True)


def ask(log, worker: int, number: int) -> str | None:
    """Request an arm; None when the other writer was first."""
    factors = {"site": SITES[number % 3], "line": "first" if number % 2 else "later"}
    try:
        return allocate_patient(log, f"P{number:05d}", factors, who="tester",
                                request_id=f"w{worker}-{number}",
                                eligibility={"verdict": "eligible"})  # fmt: skip
    except InputError as refused:
        if "allocated in record" not in str(refused):
            raise
        return None


def begin_writer(where: str, key: bytes, worker: int, first: int, pipe: int) -> int:
    """Fork a writer; it tells patient and arm by the pipe, each as soon as it has it."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        log = connect_log(where, key)
        for number in range(first, first + 100_000):
            arm = ask(log, worker, number)
            os.write(pipe, f"{number} {arm or '-'}\n".encode())
        status = 0
    finally:
        os._exit(status)


def kill_writers(where: str, key: bytes, kills: int, seed: int, longest_s: float) -> dict:
    """Two writers, killed at random; give what was told and what stands in the log."""
    chance = random.Random(seed)
    scheme = allocation_scheme(
        "minimisation", ["standard", "guided"], factors={"site": SITES, "line": ["first", "later"]}
    )
    open_log(connect_log(where, key), scheme, who="tester", roles=PEOPLE,
             protocol={"id": "kill-test", "version": "1", "hash": "0" * 64})  # fmt: skip
    read, write = os.pipe()
    os.set_blocking(read, False)
    told: dict[int, str] = {}
    reached, text, died = 0, "", 0
    writers = [begin_writer(where, key, w, 0, write) for w in (0, 1)]
    for _ in range(kills):
        time.sleep(chance.uniform(0.0, longest_s))
        victim = chance.randrange(2)
        os.kill(writers[victim], signal.SIGKILL)
        _, status = os.waitpid(writers[victim], 0)
        died += os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        text = hear(read, text, told)
        reached = max([reached, *told])
        writers[victim] = begin_writer(where, key, victim, max(0, reached - 3), write)
    for writer in writers:
        os.kill(writer, signal.SIGKILL)
        os.waitpid(writer, 0)
    hear(read, text, told)
    return judged(where, key, told, died)


def hear(read: int, text: str, told: dict[int, str]) -> str:
    """Read what the writers told; give the beginning of an unfinished line."""
    try:
        while more := os.read(read, 65536):
            text += more.decode()
    except BlockingIOError:
        pass
    *lines, rest = text.split("\n")
    for line in lines:
        number, arm = line.split()
        if arm != "-" and told.setdefault(int(number), arm) != arm:
            raise SystemExit(f"patient {number} was told two arms")
    return rest


def judged(where: str, key: bytes, told: dict[int, str], died: int) -> dict:
    """Compare what was told with the log; count what must be zero."""
    log = connect_log(where, key)
    before = verify_log(log, who="tester")
    last = max(told)
    for number in range(last + 1):  # requests that died unanswered are repeated
        ask(log, 0, number)
    rows = see_allocations(log, reason="kill test", who="tester")
    arms = {int(row["patient"][1:]): row["arm"] for row in rows}
    after = verify_log(log, who="tester")
    return {
        "kills": died,
        "allocations": len(rows),
        "told": len(told),
        "twice": len(rows) - len(arms),
        "missing": len(set(range(last + 1)) - set(arms)),
        "told otherwise": sum(arms.get(n) != arm for n, arm in told.items()),
        "problems": [*before.problems, *after.problems],
    }


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("stores", nargs="*", default=["sqlite", "postgres"])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        key_file = Path(folder) / "key"
        new_key(key_file)
        key = read_key(key_file)
        for store in asked.stores:
            began = time.monotonic()
            if store == "sqlite":
                found = kill_writers(f"{folder}/log.sqlite", key, asked.kills, asked.seed, 0.04)
            else:
                with private_postgres() as address:
                    found = kill_writers(address, key, asked.kills, asked.seed, 0.1)
            names = ("twice", "missing", "told otherwise", "problems")
            right = not any(found[n] for n in names) and found["kills"] == asked.kills
            bad += not right
            words = ", ".join(f"{k} {v}" for k, v in found.items())
            seconds = time.monotonic() - began
            print(f"{store}: {'PASS' if right else 'FAIL'} ({words}; {seconds:.1f} s)")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
