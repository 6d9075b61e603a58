"""Image folders to cells: readers and writers, segmentation, features, phantoms."""

from __future__ import annotations
