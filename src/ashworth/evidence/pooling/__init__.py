"""Pooling of estimates over studies or centres."""
