"""Environments and processing steps: what ran, on what, in which world. No I/O."""

from __future__ import annotations

from typing import Literal

from provenance.manifest.base import (
    Count,
    Digests,
    Document,
    FreeObject,
    Id,
    Licenses,
    Many,
    Name,
    ShortText,
    Text,
    Timestamp,
)
from provenance.manifest.files import CodeReference, FileReference

__all__ = [
    "Accelerator",
    "Environment",
    "Framework",
    "Hardware",
    "Package",
    "ProcessingStep",
]


class Accelerator(Document):
    """Accelerators of one kind."""

    name: Name
    """The maker's name, e.g. `NVIDIA H100 80GB HBM3`."""

    count: Count | None = None
    """How many in each node."""

    memory_bytes: Count | None = None
    """Memory of one."""

    driver: ShortText | None = None
    """Version of its driver."""


class Hardware(Document):
    """The machine, or one of several equal ones."""

    machine: ShortText | None = None
    """Architecture, e.g. `x86_64`."""

    processor: ShortText | None = None
    """The processor's own name."""

    cores: Count | None = None
    """Logical processors that the process could use."""

    memory_bytes: Count | None = None
    """Main memory."""

    nodes: Count | None = None
    """How many machines."""

    accelerators: Many[Accelerator] = ()
    """Accelerators, by kind."""

    description: Text | None = None
    """What else there is to say, e.g. the interconnect."""


class Package(Document):
    """One installed distribution."""

    name: Name
    """Its normalised name."""

    version: ShortText
    """Its version."""

    record: Digests | None = None
    """Digests of its `RECORD` file, which lists the digests of its files."""

    content: Digests | None = None
    """Digest of the lines of `RECORD` that are equal wherever it is installed."""


class Framework(Document):
    """A framework that did the work."""

    name: Name
    """E.g. `torch`."""

    version: ShortText | None = None
    """Its version."""


class Environment(Document):
    """The software and hardware around a run (`spec/manifest.md`, section "Environments")."""

    id: Id
    """Its name inside the manifest."""

    description: Text | None = None
    """What else there is to say."""

    operating_system: ShortText | None = None
    """E.g. `Linux 6.1.0`."""

    language: ShortText | None = None
    """E.g. `CPython 3.11.7`."""

    packages: Many[Package] = ()
    """Every installed distribution, by name."""

    lockfile: FileReference | None = None
    """The lock file that was found beside the code, the most exact one."""

    lockfiles: Many[FileReference] = ()
    """Other lock files and requirements that were found there."""

    container: ShortText | None = None
    """The container image, by digest where that is known."""

    variables: FreeObject | None = None
    """Environment variables from an allow-list; never the whole environment."""

    threads: FreeObject | None = None
    """Numbers of threads, by library or variable."""

    determinism: FreeObject | None = None
    """Settings that decide whether a run can be repeated bit for bit."""

    hardware: Hardware | None = None
    """The machine."""

    environment_class: Digests | None = None
    """Digest of what in it can change bits: equal bits are claimed inside of one class only."""

    full_capture: Digests | None = None
    """Digest of all that was captured of it."""

    document: Id | None = None
    """A document that says more."""


class ProcessingStep(Document):
    """A run that made datasets from datasets (`spec/manifest.md`, section "Processing")."""

    id: Id
    """Its name inside the manifest."""

    name: Name | None = None
    """Its name for people."""

    description: Text | None = None
    """What it does, in words."""

    code: CodeReference | None = None
    """The code that ran."""

    command: Many[Text] = ()
    """The command line as a list of arguments, without secrets."""

    inputs: Many[Id] = ()
    """Ids of the datasets that it read."""

    outputs: Many[Id] = ()
    """Ids of the datasets that it made."""

    parameters: FreeObject | None = None
    """Its settings, after defaults were applied."""

    configuration: Id | None = None
    """The document that holds its settings, where they are long."""

    seeds: FreeObject | None = None
    """Its random seeds, by library or use."""

    environment: Id | None = None
    """The environment that it ran in."""

    run: ShortText | None = None
    """The recorded run that it was."""

    started_at: Timestamp | None = None
    """When it began."""

    ended_at: Timestamp | None = None
    """When it ended."""

    status: Literal["completed", "failed", "interrupted"] | None = None
    """How it ended."""

    removed_records: Count | None = None
    """How many records it dropped."""

    licenses: Licenses = ()
    """SPDX expressions of the step's own licences, where the code has none."""

    document: Id | None = None
    """A document that says more."""
