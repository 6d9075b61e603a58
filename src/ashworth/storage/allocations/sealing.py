"""The seed of a trial: from the operating system, sealed by a key, spent by counting.

Only the standard library is used: the key stream and the tag are HMAC-SHA256 (encrypt, then
authenticate; two keys derived from one). What this protects is said in decision 12.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from ashworth.errors import InputError, Problem
from ashworth.storage.allocations.faults import AllocationLogError

VARIABLE = "ASHWORTH_ALLOCATION_KEY"
BYTES = 32


def new_key(path: Path) -> None:
    """Write a new key, readable by its owner only; never over an existing file.

    Raises
    ------
    InputError
        The file exists or cannot be written.
    """
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        problem = Problem("key", None, str(path), error.strerror or "an error", "a new file",
                          "name a file that does not exist, in a folder that does")  # fmt: skip
        raise InputError([problem]) from None
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(secrets.token_hex(BYTES) + "\n")
        file.flush()
        os.fsync(file.fileno())


def read_key(path: Path | None = None) -> bytes:
    """Key of 64 hexadecimal digits from a file, or else from the environment.

    Raises
    ------
    InputError
        There is no key, or it is not 64 hexadecimal digits; the message never shows it.
    """
    place = f"environment variable {VARIABLE}" if path is None else str(path)
    try:
        text = os.environ.get(VARIABLE) if path is None else path.read_text("ascii")
        key = bytes.fromhex((text or "").strip())
    except OSError as error:
        raise _no_key(place, error.strerror or "an error") from None
    except ValueError:
        raise _no_key(place, "text that is not hexadecimal") from None
    if len(key) != BYTES:
        raise _no_key(place, f"{len(key)} bytes" if key else "nothing")
    return key


def _no_key(place: str, found: str) -> InputError:
    problem = Problem("key", None, place, found, f"{2 * BYTES} hexadecimal digits",
                      f"name the key file, or set {VARIABLE}")  # fmt: skip
    return InputError([problem], subject="the key of the allocation log")


def keyed(key: bytes, purpose: str, *parts: bytes) -> bytes:
    """HMAC-SHA256 of parts, each with its length, under a key for one purpose."""
    mac = hmac.new(hmac.digest(key, purpose.encode(), "sha256"), digestmod=hashlib.sha256)
    for part in parts:
        mac.update(len(part).to_bytes(8, "big") + part)
    return mac.digest()


def sealed_seed(key: bytes, log_id: str) -> dict[str, str]:
    """Draw a seed from the operating system and seal it for one log."""
    seed, nonce = secrets.token_bytes(BYTES), secrets.token_bytes(BYTES)
    cipher = _crossed(seed, keyed(key, "seal stream", log_id.encode(), nonce))
    tag = keyed(key, "seal tag", log_id.encode(), nonce, cipher)
    return {"nonce": nonce.hex(), "cipher": cipher.hex(), "tag": tag.hex()}


def unsealed_seed(key: bytes, log_id: str, sealed: Mapping[str, str]) -> bytes:
    """Open the seed; refuse another key and a changed seal."""
    nonce, cipher, tag = (bytes.fromhex(sealed[k]) for k in ("nonce", "cipher", "tag"))
    expected = keyed(key, "seal tag", log_id.encode(), nonce, cipher)
    if not hmac.compare_digest(expected, tag):
        raise AllocationLogError(
            "the key does not open the seed of this log: it is the key of another log, or the "
            "seal was changed; give the key with which the log was opened"
        )
    return _crossed(cipher, keyed(key, "seal stream", log_id.encode(), nonce))


def _crossed(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


def draw(seed: bytes, index: int) -> tuple[float, float]:
    """Two uniform numbers in [0, 1) of one draw: HMAC-SHA256 of its number."""
    words = keyed(seed, "draw", index.to_bytes(8, "big"))
    first, second = int.from_bytes(words[:8], "big"), int.from_bytes(words[8:16], "big")
    return (first >> 11) * 2.0**-53, (second >> 11) * 2.0**-53
