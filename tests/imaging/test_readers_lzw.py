"""The LZW kernel and its twin decode the same, and damage never passes."""

from __future__ import annotations

import imagecodecs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ashworth.errors import FrameError
from ashworth.imaging.readers import open_folder, pixels
from ashworth.imaging.readers.lzw_kernel import SPARE, decode_lzw
from ashworth.imaging.writers import write_tiff

from .frames_that_tell import cartridge, files


def decoded(raw: bytes, size: int) -> tuple[int, bytes]:
    out = np.full(size + SPARE + 8, 0xA5, np.uint8)
    done = decode_lzw(np.frombuffer(raw, np.uint8), out, size)
    assert (out[size + SPARE :] == 0xA5).all()
    return done, out[: max(done, 0)].tobytes()


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    size=st.integers(1, 20_000),
    letters=st.sampled_from([1, 2, 3, 17, 256]),
    block=st.integers(1, 40),
)
def test_kernel_and_twin_agree(seed, size, letters, block):
    """Any bytes, from constant (strings that contain themselves) to noise (full tables)."""
    rng = np.random.default_rng(seed)
    data = np.repeat(rng.integers(0, letters, size, dtype=np.uint8), block)[:size].tobytes()
    raw = imagecodecs.lzw_encode(data)
    assert decoded(raw, size) == (size, data)
    assert bytes(pixels.lzw(raw, size)) == bytes(imagecodecs.lzw_decode(raw, out=size)) == data


@settings(max_examples=150, deadline=None)
@given(raw=st.binary(min_size=1, max_size=400), size=st.integers(1, 3000))
def test_any_bytes_stay_inside_the_output(raw, size):
    done, _ = decoded(b"\x80" + raw, size)
    assert -1 <= done <= size


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), at=st.floats(0, 1, exclude_max=True))
def test_a_strip_that_ends_early_is_short(seed, at):
    data = np.random.default_rng(seed).integers(0, 256, 3000, dtype=np.uint8).tobytes()
    raw = imagecodecs.lzw_encode(data)[: 1 + int(at * 1500)]
    done, got = decoded(raw, 3000)
    assert done < 3000
    assert data.startswith(got)


@pytest.mark.parametrize("least", [1, 10**9])
def test_frames_through_kernel_and_twin(tmp_path, monkeypatch, least):
    monkeypatch.setattr(pixels, "LEAST_FOR_KERNEL", least)
    made = cartridge(2, 1)
    folder = write_tiff(made, tmp_path / "s", compression="lzw")
    np.testing.assert_array_equal(open_folder(folder).load(1), made.load(1))
    path = files(folder)[0]
    raw = bytearray(path.read_bytes())
    (page, *_) = open_folder(folder).load.__self__.scans[path.name].pages
    middle = page.offsets[0] + page.counts[0] // 2
    raw[middle : page.offsets[0] + page.counts[0]] = b"\xff" * (
        page.counts[0] - page.counts[0] // 2
    )
    path.write_bytes(raw)
    with pytest.raises(FrameError, match="is damaged"):
        open_folder(folder).load(0)
