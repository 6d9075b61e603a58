"""A submodule must never hide a public function of the same name."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

from ashworth import cohorts, enumeration


@pytest.mark.parametrize("room", [enumeration, cohorts])
def test_modules_and_public_names_differ(room):
    modules = {m.name for m in pkgutil.iter_modules(room.__path__)}
    assert modules.isdisjoint(room.__all__)
    for name in modules:
        importlib.import_module(f"{room.__name__}.{name}")
    for name in room.__all__:
        assert not isinstance(getattr(room, name), type(room)), name
    assert set(room.__all__) <= set(dir(room))
    with pytest.raises(AttributeError, match="no attribute"):
        _ = room.nothing
