"""Image folders to cells, calls, counts, galleries and summaries."""

from __future__ import annotations
