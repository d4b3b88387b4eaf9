"""No byte of a wrong block is ever given out, whatever the stream does."""

from __future__ import annotations

import errno
import io
import tracemalloc

import pytest
from blake3 import blake3
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.canonical import MIN_BLOCK_BYTES
from provenance.digest import BlockDigests, VerifyingReader
from provenance.digest.verified_reading import count_right_blocks
from provenance.errors import DigestError, InputError

B = MIN_BLOCK_BYTES
DATA = bytes(range(256)) * (2 * B // 256) + b"the last block"


def blocks_of(data: bytes, block_size: int = B) -> BlockDigests:
    digests = b"".join(
        blake3(data[start : start + block_size]).digest()
        for start in range(0, len(data), block_size)
    )
    return BlockDigests(len(data), block_size, digests)


SIGNED = blocks_of(DATA)


class Pipe:
    """Gives bytes in pieces of some size, and then perhaps fails."""

    def __init__(self, data: bytes, piece: int = 1000, fault: OSError | None = None) -> None:
        """Begin at the first byte."""
        self._data = io.BytesIO(data)
        self._piece = piece
        self._fault = fault

    def read(self, size: int, /) -> bytes | None:
        part = self._data.read(min(size, self._piece))
        if not part and self._fault is not None:
            raise self._fault
        return part


def read_until_refused(reader: VerifyingReader) -> tuple[bytes, Exception | None]:
    """Return all that a reader gives, and how it ends."""
    given_out = b""
    try:
        while part := reader.read(10_000):
            given_out += part
    except (DigestError, InputError) as error:
        return given_out, error
    return given_out, None


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(DATA) - 1), st.integers(1, 255))
def test_any_changed_byte_is_refused_before_its_block(at: int, mask: int) -> None:
    changed = bytearray(DATA)
    changed[at] ^= mask
    found, error = read_until_refused(VerifyingReader(io.BytesIO(changed), SIGNED))
    assert found == DATA[: at // B * B]
    assert isinstance(error, DigestError)
    assert error.code == "digest-mismatch"


@settings(max_examples=40, deadline=None)
@given(st.integers(0, len(DATA) - 1))
def test_what_is_cut_off_is_refused_and_whole_blocks_are_given(length: int) -> None:
    found, error = read_until_refused(VerifyingReader(Pipe(DATA[:length], 9999), SIGNED))
    assert found == DATA[: length // B * B]
    assert isinstance(error, DigestError)
    assert error.code == "size-mismatch"


@pytest.mark.parametrize("more", [b"\0", b"x" * 100_000])
@pytest.mark.parametrize("length", [len(DATA), 2 * B, B, 0])
def test_what_goes_on_is_refused_without_its_last_block(length: int, more: bytes) -> None:
    signed = blocks_of(DATA[:length])
    found, error = read_until_refused(VerifyingReader(io.BytesIO(DATA[:length] + more), signed))
    assert found == DATA[: max(length - 1, 0) // B * B]
    assert isinstance(error, DigestError)
    assert error.code == "size-mismatch"


def test_blocks_that_are_swapped_are_refused() -> None:
    data = bytes(B) + b"\1" * B
    swapped = data[B:] + data[:B]
    found, error = read_until_refused(VerifyingReader(io.BytesIO(swapped), blocks_of(data)))
    assert found == b""
    assert isinstance(error, DigestError)


@pytest.mark.parametrize("length", [0, 5, B, B + 5, 2 * B])
def test_fault_of_the_stream_is_told_and_only_whole_blocks_are_given(length: int) -> None:
    fault = OSError(errno.EIO, "Input/output error")
    reader = VerifyingReader(Pipe(DATA[:length], fault=fault), SIGNED, source="the pipe")
    found, error = read_until_refused(reader)
    assert found == DATA[: length // B * B]
    assert isinstance(error, InputError)
    assert str(error).startswith("the pipe: cannot be read: Input/output error")


def test_nothing_more_is_read_after_a_refusal() -> None:
    changed = b"\xff" + DATA[1:] + DATA
    reader = VerifyingReader(io.BytesIO(changed), SIGNED)
    with pytest.raises(DigestError):
        reader.read(1)
    for _ in range(3):
        with pytest.raises(DigestError, match="after a block that was refused"):
            reader.read(1)
    assert reader.verified == 0


def test_stream_without_bytes_yet_is_refused() -> None:
    class Waiting:
        def read(self, _size: int, /) -> bytes | None:
            return None

    with pytest.raises(InputError, match="does not wait"):
        VerifyingReader(Waiting(), SIGNED).read(1)


def test_stream_that_gives_too_much_is_refused() -> None:
    class Flood:
        def read(self, size: int, /) -> bytes:
            return bytes(size + 1)

    with pytest.raises(InputError, match="more bytes than it was asked for"):
        VerifyingReader(Flood(), SIGNED).read(1)


@pytest.mark.parametrize("piece", [7, 1000, B - 1, B, B + 1, 10**7])
@pytest.mark.parametrize("length", [0, 1, B - 1, B, B + 1, 2 * B, len(DATA)])
def test_right_bytes_come_through_whatever_the_pieces(piece: int, length: int) -> None:
    data = DATA[:length]
    reader = VerifyingReader(Pipe(data, piece), blocks_of(data))
    assert reader.read() == data
    assert reader.read() == b""
    assert reader.verified == length


def test_it_is_a_stream_that_others_can_wrap() -> None:
    with io.BufferedReader(VerifyingReader(io.BytesIO(DATA), SIGNED)) as file:
        assert file.read(3) == DATA[:3]
        assert file.readline() == DATA[3:11]
        assert file.read() == DATA[11:]


def test_blocks_come_whole_without_a_copy() -> None:
    reader = VerifyingReader(io.BytesIO(DATA), SIGNED)
    lengths = []
    while block := reader.read_block():
        assert block.readonly
        lengths.append(len(block))
    assert lengths == [B, B, 14]


def test_memory_stays_below_two_blocks() -> None:
    block_size = 64 * B

    class Zeros:
        def __init__(self) -> None:
            self.left = 16 * block_size

        def readinto(self, view: memoryview) -> int:
            count = min(len(view), self.left, 100_000)
            self.left -= count
            return count

        def read(self, size: int, /) -> bytes:
            raise NotImplementedError

    digest = blake3(bytes(block_size)).digest()
    signed = BlockDigests(16 * block_size, block_size, digest * 16)
    tracemalloc.start()
    try:
        reader = VerifyingReader(Zeros(), signed)
        total = 0
        while block := reader.read_block():
            total += len(block)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert total == signed.size
    assert peak < 1.5 * block_size


@pytest.mark.parametrize("first", [-1, len(SIGNED) + 1])
def test_reading_begins_at_no_block_that_is_not_there(first: int) -> None:
    with pytest.raises(DigestError) as caught:
        VerifyingReader(io.BytesIO(DATA), SIGNED, first_block=first)
    assert caught.value.code == "digest-format"


@pytest.mark.parametrize("first", range(len(SIGNED) + 1))
def test_reading_from_a_block_on_gives_the_rest_and_no_more(first: int) -> None:
    reader = VerifyingReader(io.BytesIO(DATA[first * B :]), SIGNED, first_block=first)
    assert reader.verified == min(first * B, len(DATA))
    assert read_until_refused(reader) == (DATA[first * B :], None)
    assert reader.verified == len(DATA)
    longer = VerifyingReader(io.BytesIO(DATA[first * B :] + b"x"), SIGNED, first_block=first)
    given_out, error = read_until_refused(longer)
    assert isinstance(error, DigestError)
    assert error.code == "size-mismatch"
    assert given_out == DATA[first * B : max(first, len(SIGNED) - 1) * B]


@pytest.mark.parametrize(
    ("copy", "count"),
    [(b"", 0), (DATA[: B - 1], 0), (DATA[:B], 1), (DATA[: 2 * B], 2), (DATA, 3), (DATA * 2, 3)],
    ids=["nothing", "short", "one", "two", "all", "long"],
)
def test_right_blocks_of_an_unfinished_copy_are_counted(copy: bytes, count: int) -> None:
    assert count_right_blocks(io.BytesIO(copy), SIGNED) == count


def test_unfinished_copy_that_cannot_be_read_is_told() -> None:
    with pytest.raises(InputError):
        count_right_blocks(Pipe(DATA[:B], fault=OSError(errno.EIO, "failing disk")), SIGNED)
