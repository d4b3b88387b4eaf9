"""Which adapters can be imported here, and the variables that trainings of tests run under."""

from __future__ import annotations

import importlib
from types import MappingProxyType
from typing import Final

from provenance.errors import MissingExtraError

#: What every training of these tests runs under, also those in processes of their own.
QUIET: Final = MappingProxyType(
    {
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_OFFLINE": "1",
        "KERAS_BACKEND": "torch",
        "MKL_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "RAY_AUTH_MODE": "disabled",  # otherwise Ray keeps a token in the home folder
        "RAY_USAGE_STATS_ENABLED": "0",
        "TOKENIZERS_PARALLELISM": "false",
    }
)


def is_importable(module: str) -> bool:
    """Return whether a module of ours can be imported; an adapter cannot without its framework."""
    try:
        importlib.import_module(module)
    except MissingExtraError:
        if module.startswith("provenance.integrations."):
            return False
        raise
    return True
