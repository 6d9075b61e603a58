"""The allocation log: append-only, hash-chained, concealed; SQLite or PostgreSQL by one code."""

from __future__ import annotations

from ashworth.storage.allocations.database import AllocationLog, connect_log
from ashworth.storage.allocations.faults import AllocationLogError
from ashworth.storage.allocations.records import ROLES, Head
from ashworth.storage.allocations.sealing import new_key, read_key
from ashworth.storage.allocations.verification import Verification, verify_log
from ashworth.storage.allocations.writing import (
    allocate_patient,
    change_role,
    correct_record,
    log_head,
    open_log,
    see_allocations,
    unblind_patient,
)

__all__ = [
    "ROLES",
    "AllocationLog",
    "AllocationLogError",
    "Head",
    "Verification",
    "allocate_patient",
    "change_role",
    "connect_log",
    "correct_record",
    "log_head",
    "new_key",
    "open_log",
    "read_key",
    "see_allocations",
    "unblind_patient",
    "verify_log",
]
