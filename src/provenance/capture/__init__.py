"""The world as manifest parts: code, environment, configuration, command; never a secret.

- `git`: which commit the code is of, and whether the files on disk are that commit's
- `environment`, made of `packages`, `lockfiles`, `container`, `variables`, `determinism` and
  `hardware`
- `configuration`, `scalars`: settings and numbers of any library as JSON
- `command`, `compute`, `energy`: how the process was started, and what it used
- `redaction`, `paths`: taking secrets and private folders out of what becomes public

Every capture returns `Captured`: a part, and gaps for what could not be seen. Nothing here imports
a framework, reaches a network, or runs what it reads. Source: `docs/explanation/capture.md`.
"""

from __future__ import annotations

from provenance.capture.captured import Captured
from provenance.capture.command import capture_command, find_script
from provenance.capture.compute import (
    Stopwatch,
    Usage,
    describe_compute,
    peak_device_memory_bytes,
    peak_memory_bytes,
)
from provenance.capture.configuration import resolve_configuration
from provenance.capture.container import capture_container
from provenance.capture.determinism import Settings, capture_determinism
from provenance.capture.energy import EnergyMeter
from provenance.capture.environment import capture_again, capture_environment
from provenance.capture.git import capture_code
from provenance.capture.hardware import capture_hardware
from provenance.capture.lockfiles import capture_lockfiles
from provenance.capture.packages import capture_packages
from provenance.capture.paths import public_path, shorten_home
from provenance.capture.redaction import (
    REDACTED,
    Redacted,
    Redaction,
    redact_command,
    redact_mapping,
    redact_text,
    redact_url,
)
from provenance.capture.scalars import Scalar, to_scalar
from provenance.capture.variables import ALLOWED_VARIABLES, capture_variables

__all__ = [
    "ALLOWED_VARIABLES",
    "REDACTED",
    "Captured",
    "EnergyMeter",
    "Redacted",
    "Redaction",
    "Scalar",
    "Settings",
    "Stopwatch",
    "Usage",
    "capture_again",
    "capture_code",
    "capture_command",
    "capture_container",
    "capture_determinism",
    "capture_environment",
    "capture_hardware",
    "capture_lockfiles",
    "capture_packages",
    "capture_variables",
    "describe_compute",
    "find_script",
    "peak_device_memory_bytes",
    "peak_memory_bytes",
    "public_path",
    "redact_command",
    "redact_mapping",
    "redact_text",
    "redact_url",
    "resolve_configuration",
    "shorten_home",
    "to_scalar",
]
