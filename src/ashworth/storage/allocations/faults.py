"""What the allocation log raises beside `InputError`."""

from __future__ import annotations

from ashworth.errors import AshworthError


class AllocationLogError(AshworthError):
    """The log cannot be used as it is: changed, full, unreachable, or of another key."""
