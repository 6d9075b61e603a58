"""The registry store: a folder of Parquet that keeps every version of every registration."""

from __future__ import annotations

from ashworth.storage.registry_store.folder import RegistryStore, is_store, open_store
from ashworth.storage.registry_store.query import StoredSelection, select_on, table_of
from ashworth.storage.registry_store.update import StoreUpdate, update_store

__all__ = [
    "RegistryStore",
    "StoreUpdate",
    "StoredSelection",
    "is_store",
    "open_store",
    "select_on",
    "table_of",
    "update_store",
]
