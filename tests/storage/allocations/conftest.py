"""One key, one server, and an empty log of each kind."""

from __future__ import annotations

import importlib.util
import uuid
from pathlib import Path

import pytest

from ashworth.storage.allocations import ROLES, connect_log, open_log
from ashworth.trials import allocation_scheme

HARNESS = Path(__file__).parents[3] / "reference" / "validate_allocation_log.py"
KEY = bytes(range(32))
FACTORS = {"site": ["north", "south"], "line": ["first", "later"]}
PROTOCOL = {"id": "trial-x", "version": "2", "hash": "ab" * 32}
ROLES_OF = {
    "administer": ["head"], "allocate": ["nurse", "nurse 2"], "see": ["monitor"],
    "correct": ["manager"], "unblind": ["doctor"], "verify": ["auditor"],
}  # fmt: skip


@pytest.fixture(scope="session")
def harness():
    spec = importlib.util.spec_from_file_location("validate_allocation_log", HARNESS)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def server(harness):
    with harness.private_postgres() as address:
        yield address


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def where(request, tmp_path):
    """Address of an empty place."""
    if request.param == "sqlite":
        return str(tmp_path / "log.sqlite")
    from sqlalchemy import create_engine, text

    server, name = request.getfixturevalue("server"), f"t{uuid.uuid4().hex}"
    engine = create_engine(server.replace("postgresql", "postgresql+psycopg", 1),
                           isolation_level="AUTOCOMMIT")  # fmt: skip
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return server.replace("/postgres?", f"/{name}?")


def opened(where: str, **changes):
    """Open a log with the roles of the tests."""
    assert set(ROLES_OF) == set(ROLES)
    log = connect_log(where, KEY)
    scheme = changes.pop("scheme", None) or allocation_scheme(
        "permuted_blocks", ["standard", "guided"], factors=FACTORS, strata=["site"],
        block_sizes=[2, 4],
    )  # fmt: skip
    open_log(log, scheme, **{"protocol": PROTOCOL, "roles": ROLES_OF, "who": "head", **changes})
    return log
