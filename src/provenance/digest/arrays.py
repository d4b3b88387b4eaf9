"""Arrays in memory to tensor digests: the same as of a file that holds them. Imports no numpy.

Source: `spec/digests.md`, section "Tensor digest". No I/O.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

from blake3 import blake3

from provenance.digest.dtypes import DTYPE_BITS
from provenance.digest.tensors import TensorDigest, check_shape, check_tensor_name
from provenance.errors import DigestError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["digest_array", "is_array"]

#: Bytes that are copied at once where an array does not lie in memory as it is hashed.
CHUNK_BYTES: Final = 1 << 24

# Names of element types that ml_dtypes adds, as safetensors spells them.
_SMALL_FLOATS: Final[Mapping[str, str]] = {
    "bfloat16": "BF16",
    "float8_e4m3fn": "F8_E4M3",
    "float8_e4m3fnuz": "F8_E4M3FNUZ",
    "float8_e5m2": "F8_E5M2",
    "float8_e5m2fnuz": "F8_E5M2FNUZ",
    "float8_e8m0fnu": "F8_E8M0",
}


def is_array(value: object) -> bool:
    """Return whether a value is a NumPy array."""
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(value, numpy.ndarray)


def digest_array(name: str, array: Any) -> TensorDigest:  # noqa: ANN401 - a NumPy array
    """Return the tensor digest of a NumPy array: its elements little-endian, in rows, in full.

    Args:
        name: The name that it has in a tree.
        array: An array of any order in memory and either order of bytes, also one in a file
            (`numpy.memmap`).

    Raises:
        DigestError: Its element type has no name in safetensors, as text, objects, times, records
            and long doubles, or it has a mask (`records-unsupported`); its name or shape cannot be
            (`tensors-malformed`).
    """
    check_tensor_name(name, "")
    shape = check_shape(array.shape, name, "")
    dtype = _dtype_name(array, name)
    hasher = blake3()
    for part in _parts(array):
        hasher.update(memoryview(part).cast("B"))
    return TensorDigest(name, dtype, shape, hasher.hexdigest())


def _dtype_name(array: Any, name: str) -> str:  # noqa: ANN401 - a NumPy array
    import numpy as np  # noqa: PLC0415 - whoever has an array has loaded it

    if isinstance(array, np.ma.MaskedArray):
        raise _unsupported(name, "an array with a mask", "fill it, or keep the mask apart")
    kind, bits = array.dtype.kind, array.dtype.itemsize * 8
    letters = {"b": "BOOL", "i": f"I{bits}", "u": f"U{bits}", "f": f"F{bits}", "c": f"C{bits}"}
    found = letters.get(kind) or _SMALL_FLOATS.get(array.dtype.name)
    found = _SMALL_FLOATS.get(array.dtype.name, found)
    if found not in DTYPE_BITS:
        raise _unsupported(name, f"the element type {array.dtype}", "cast it to numbers")
    return str(found)


def _unsupported(name: str, what: str, remedy: str) -> DigestError:
    return DigestError(
        path=name, problem=f"{what} has no tensor digest", remedy=remedy, code="records-unsupported"
    )


def _parts(array: Any) -> Iterator[Any]:  # noqa: ANN401 - NumPy arrays
    """Yield the elements as contiguous bytes; only what does not lie so is copied, in parts."""
    import numpy as np  # noqa: PLC0415 - as above

    little = array.dtype.newbyteorder("<")
    if array.flags.c_contiguous and array.dtype == little:
        yield array.reshape(-1).view(np.uint8)
        return
    if array.ndim == 0 or array.nbytes <= CHUNK_BYTES:
        yield np.ascontiguousarray(array, little).reshape(-1).view(np.uint8)
        return
    rows = max(1, CHUNK_BYTES // max(1, array.nbytes // len(array)))
    for start in range(0, len(array), rows):
        yield np.ascontiguousarray(array[start : start + rows], little).reshape(-1).view(np.uint8)
