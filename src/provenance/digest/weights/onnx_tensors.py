"""One tensor of an ONNX file: `TensorProto` as it lies in the file, and where its elements are.

Source: `spec/digests.md`, section "Containers of weights"; `onnx.proto`, message `TensorProto`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from provenance.canonical import MAX_NAME_BYTES, MAX_ONNX_TYPED_BYTES, MAX_TENSOR_DIMENSIONS
from provenance.digest.dtypes import DTYPE_BITS
from provenance.digest.tensors import byte_length, check_shape, check_tensor_name, malformed
from provenance.digest.weights.layouts import StoredTensor
from provenance.digest.weights.protobuf import BYTES, FIXED32, FIXED64, VARINT, read_varints
from provenance.errors import InputError, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provenance.digest.weights.protobuf import Field, WireReader
    from provenance.digest.weights.sources import Sources
    from provenance.errors import DigestError

__all__ = ["ONNX_TYPES", "TensorReader"]

#: Names of element types by their number in the file.
ONNX_TYPES: Final = {
    1: "F32", 2: "U8", 3: "I8", 4: "U16", 5: "I16", 6: "I32", 7: "I64", 9: "BOOL", 10: "F16",
    11: "F64", 12: "U32", 13: "U64", 14: "C64", 16: "BF16", 17: "F8_E4M3", 18: "F8_E4M3FNUZ",
    19: "F8_E5M2", 20: "F8_E5M2FNUZ", 24: "F8_E8M0",
}  # fmt: skip

# Fields of TensorProto.
_DIMS, _TYPE, _SEGMENT, _NAME, _RAW, _EXTERNAL, _LOCATION = 1, 2, 3, 8, 9, 13, 14
_STRINGS: Final = 6
#: Typed fields, and how their elements are written when they are not packed.
_TYPED: Final = {4: FIXED32, 5: VARINT, 7: VARINT, 10: FIXED64, 11: VARINT}
#: The typed field of each element type; the 32-bit integers hold all that are not listed.
_FIELD_OF: Final = {"F32": 4, "C64": 4, "I64": 7, "F64": 10, "U32": 11, "U64": 11}
_SMALL_FIELD: Final = 5
_ONCE: Final = frozenset({_TYPE, _NAME, _RAW, _LOCATION})
_IN_FILE, _OUTSIDE = 0, 1
_MAX_EXTERNAL: Final = 8


class TensorReader:
    """Reads tensors, and counts what their typed fields take."""

    def __init__(self, sources: Sources, wire: WireReader) -> None:
        """Begin with nothing read."""
        self._sources = sources
        self._wire = wire
        self._path = wire.path
        self._typed_left = MAX_ONNX_TYPED_BYTES

    def read(self, message: Field) -> StoredTensor:
        """Read one tensor.

        Raises:
            DigestError: It breaks the format (code `tensors-malformed`).
        """
        once: dict[int, Field] = {}
        dims: list[int] = []
        typed: list[Field] = []
        external: list[Field] = []
        for field in self._wire.fields(message.start, message.end):
            if field.number in _ONCE:
                if field.number in once:
                    raise self._fault(message, f"has the field {field.number} twice")
                once[field.number] = field
            elif field.number == _DIMS:
                dims += self._dimensions(field, message)
                if len(dims) > MAX_TENSOR_DIMENSIONS:
                    raise self._fault(message, "has too many dimensions")
            elif field.number in _TYPED:
                typed.append(field)
            elif field.number == _EXTERNAL:
                external.append(field)
            elif field.number in {_SEGMENT, _STRINGS}:
                raise self._fault(message, "has segments or texts, which are not read")
        name, dtype = self._name(once, message), self._dtype(once, message)
        shape = check_shape(dims, name, self._path)
        size = byte_length(dtype, shape, name, self._path)
        tensor = StoredTensor(name, dtype, shape, self._path, 0, size)
        return self._placed(tensor, once, typed, external)

    def _placed(
        self,
        tensor: StoredTensor,
        once: Mapping[int, Field],
        typed: list[Field],
        external: list[Field],
    ) -> StoredTensor:
        """Return the tensor with the place of its elements, which stand in exactly one."""
        location = self._location(once, tensor)
        raw = once.get(_RAW)
        places = (raw is not None) + bool(typed) + (location == _OUTSIDE)
        # A tensor without elements may leave them out altogether.
        if places > 1 or (not places and tensor.size):
            raise self._fault(tensor, f"has its elements in {places} places, expected one")
        if location == _OUTSIDE:
            return self._outside(tensor, external)
        if raw is not None:
            if raw.kind != BYTES or raw.end - raw.start != tensor.size:
                problem = f"has {raw.end - raw.start} bytes, expected {tensor.size}"
                raise self._fault(tensor, problem)
            return _at(tensor, self._path, raw.start)
        data = self._from_typed(tensor, typed)
        if len(data) != tensor.size:
            raise self._fault(tensor, f"has {len(data)} bytes, expected {tensor.size}")
        return _at(tensor, self._path, 0, data)

    def _from_typed(self, tensor: StoredTensor, typed: list[Field]) -> bytes:
        """Return the elements of typed fields, little-endian."""
        wanted = _FIELD_OF.get(tensor.dtype, _SMALL_FIELD)
        kind = _TYPED[wanted]
        width = DTYPE_BITS[tensor.dtype] // 8
        parts = []
        for field in typed:
            if field.number != wanted or field.kind not in {kind, BYTES}:
                raise self._fault(tensor, f"has elements in the field {field.number}")
            # An element takes at most 8 bytes, and at least one on the wire.
            self._typed_left -= (field.end - field.start) * (8 if kind == VARINT else 1)
            if self._typed_left < 0:
                problem = f"typed fields hold more than the {MAX_ONNX_TYPED_BYTES} bytes read"
                raise malformed(self._path, problem)
            data = self._wire.read(field)
            parts.append(self._little(tensor, data, width) if kind == VARINT else data)
        return b"".join(parts)

    def _little(self, tensor: StoredTensor, data: bytes, width: int) -> bytes:
        """Return integers of the wire as elements; what does not fit is refused, not cut."""
        is_signed = tensor.dtype.startswith("I")
        bits = 8 * width
        result = bytearray()
        for number in read_varints(data, self._path):
            value = number - (1 << 64) if is_signed and number >> 63 else number
            low, high = (-(1 << bits - 1), 1 << bits - 1) if is_signed else (0, 1 << bits)
            if not low <= value < high:
                raise self._fault(tensor, f"has the element {value}, which {tensor.dtype} is not")
            result += (value & ((1 << bits) - 1)).to_bytes(width, "little")
        return bytes(result)

    def _outside(self, tensor: StoredTensor, external: list[Field]) -> StoredTensor:
        """Return the tensor with its place in another file."""
        pairs: dict[str, str] = {}
        for field in external:
            key, value = self._pair(field, tensor)
            if key in pairs or len(pairs) >= _MAX_EXTERNAL:
                raise self._fault(tensor, "names its file in two ways")
            pairs[key] = value
        file = self._sources.beside(pairs.get("location", ""))
        try:
            available = self._sources.size(file)
        except InputError as error:
            if error.code == "file-unreadable":
                raise self._fault(
                    tensor, f"has its elements in a file that {error.problem}"
                ) from error
            raise
        start = self._decimal(tensor, pairs.get("offset", "0"))
        size = self._decimal(tensor, pairs.get("length", str(available - start)))
        if size != tensor.size or start + size > available:
            problem = f"has {size} bytes at {start} of {available}, expected {tensor.size}"
            raise self._fault(tensor, problem)
        return _at(tensor, file, start)

    def _pair(self, message: Field, tensor: StoredTensor) -> tuple[str, str]:
        found: dict[int, str] = {}
        if message.kind != BYTES:
            raise self._fault(tensor, "names its file by no text")
        for field in self._wire.fields(message.start, message.end):
            if field.number in found or field.number not in {1, 2}:
                raise self._fault(tensor, "names its file in two ways")
            found[field.number] = self._text(field)
        return found.get(1, ""), found.get(2, "")

    def _decimal(self, tensor: StoredTensor, text: str) -> int:
        if text.isascii() and text.isdigit() and len(text) <= len(str(1 << 53)):
            return int(text)
        raise self._fault(tensor, f"has the offset or length {shown(text)}")

    def _dimensions(self, field: Field, message: Field) -> list[int]:
        if field.kind == VARINT:
            return [field.value]
        if field.kind != BYTES or field.end - field.start > 10 * MAX_TENSOR_DIMENSIONS:
            raise self._fault(message, "has too many dimensions")
        return list(read_varints(self._wire.read(field), self._path))

    def _name(self, once: Mapping[int, Field], message: Field) -> str:
        field = once.get(_NAME)
        if field is None:
            raise self._fault(message, "has no name")
        name = self._text(field)
        check_tensor_name(name, self._path)
        return name

    def _dtype(self, once: Mapping[int, Field], message: Field) -> str:
        field = once.get(_TYPE)
        number = field.value if field is not None and field.kind == VARINT else 0
        dtype = ONNX_TYPES.get(number)
        if dtype is None:
            raise self._fault(message, f"has the type {shown(number)}, which has no name here")
        return dtype

    def _location(self, once: Mapping[int, Field], tensor: StoredTensor) -> int:
        field = once.get(_LOCATION)
        if field is None:
            return _IN_FILE
        if field.kind != VARINT or field.value not in {_IN_FILE, _OUTSIDE}:
            raise self._fault(tensor, "has its elements in an unknown place")
        return field.value

    def _text(self, field: Field) -> str:
        if field.kind != BYTES or field.end - field.start > MAX_NAME_BYTES:
            raise malformed(self._path, f"the name at byte {field.start} is too long")
        try:
            return self._wire.read(field).decode("utf-8")
        except UnicodeDecodeError as error:
            raise malformed(self._path, f"the name at byte {field.start} is not UTF-8") from error

    def _fault(self, where: Field | StoredTensor, problem: str) -> DigestError:
        which = shown(where.name) if isinstance(where, StoredTensor) else f"at byte {where.start}"
        return malformed(self._path, f"the initializer {which} {problem}")


def _at(tensor: StoredTensor, file: str, start: int, data: bytes | None = None) -> StoredTensor:
    return StoredTensor(tensor.name, tensor.dtype, tensor.shape, file, start, tensor.size, data)
