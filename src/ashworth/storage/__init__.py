"""Tables to files: results folders that are whole or not there, and the run log."""

from __future__ import annotations

from ashworth.storage.anndata_export import write_anndata
from ashworth.storage.results_folder import results_folder
from ashworth.storage.run_log import file_digest, software_versions, write_run_log
from ashworth.storage.tables import write_table

__all__ = [
    "file_digest",
    "results_folder",
    "software_versions",
    "write_anndata",
    "write_run_log",
    "write_table",
]
