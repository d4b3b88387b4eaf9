"""Names of the types of a tensor's elements, and how many bytes elements take. No I/O.

Plain types have the names that safetensors gives them, whatever the container. Quantised types of
GGUF come in blocks, which only their own container knows, and are called `GGML_` and their name.
Source: `spec/digests.md`, section "Tensor digest".
"""

from __future__ import annotations

from math import prod
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["DTYPE_BITS", "GGML_BLOCKS", "element_bits"]

#: Bits of one element, by the name that safetensors gives to the type.
DTYPE_BITS: Final[Mapping[str, int]] = MappingProxyType(
    {
        "BF16": 16,
        "BOOL": 8,
        "C64": 64,
        "F16": 16,
        "F32": 32,
        "F4": 4,
        "F64": 64,
        "F6_E2M3": 6,
        "F6_E3M2": 6,
        "F8_E4M3": 8,
        "F8_E4M3FNUZ": 8,
        "F8_E5M2": 8,
        "F8_E5M2FNUZ": 8,
        "F8_E8M0": 8,
        "I16": 16,
        "I32": 32,
        "I64": 64,
        "I8": 8,
        "U16": 16,
        "U32": 32,
        "U64": 64,
        "U8": 8,
    }
)

#: Elements and bytes of one block of a quantised type of GGUF, by its name.
GGML_BLOCKS: Final[Mapping[str, tuple[int, int]]] = MappingProxyType(
    {
        "GGML_IQ1_M": (256, 56),
        "GGML_IQ1_S": (256, 50),
        "GGML_IQ2_S": (256, 82),
        "GGML_IQ2_XS": (256, 74),
        "GGML_IQ2_XXS": (256, 66),
        "GGML_IQ3_S": (256, 110),
        "GGML_IQ3_XXS": (256, 98),
        "GGML_IQ4_NL": (32, 18),
        "GGML_IQ4_XS": (256, 136),
        "GGML_MXFP4": (32, 17),
        "GGML_NVFP4": (64, 36),
        "GGML_Q1_0": (128, 18),
        "GGML_Q2_K": (256, 84),
        "GGML_Q3_K": (256, 110),
        "GGML_Q4_0": (32, 18),
        "GGML_Q4_1": (32, 20),
        "GGML_Q4_K": (256, 144),
        "GGML_Q5_0": (32, 22),
        "GGML_Q5_1": (32, 24),
        "GGML_Q5_K": (256, 176),
        "GGML_Q6_K": (256, 210),
        "GGML_Q8_0": (32, 34),
        "GGML_Q8_1": (32, 40),
        "GGML_Q8_K": (256, 292),
        "GGML_TQ1_0": (256, 54),
        "GGML_TQ2_0": (256, 66),
    }
)


def element_bits(dtype: str, shape: Sequence[int]) -> int | None:
    """Return how many bits the elements of a tensor take, or nothing if it cannot be.

    >>> element_bits("F32", (2, 3)), element_bits("GGML_Q4_0", (2, 64))
    (192, 576)

    Args:
        dtype: A key of `DTYPE_BITS` or `GGML_BLOCKS`.
        shape: Dimensions, outermost first. Blocks lie along the last one and are not split.
    """
    bits = DTYPE_BITS.get(dtype)
    if bits is not None:
        return prod(shape) * bits
    block = GGML_BLOCKS.get(dtype)
    if block is None or not shape or shape[-1] % block[0]:
        return None
    return prod(shape) // block[0] * block[1] * 8
