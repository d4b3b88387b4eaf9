"""Compute, energy and cost; the journal; gaps. No I/O."""

from __future__ import annotations

from typing import Literal

from provenance.manifest.base import (
    Count,
    Document,
    Id,
    Many,
    Name,
    Number,
    ShortText,
    Step,
    Text,
    Timestamp,
)
from provenance.manifest.processing import Hardware

__all__ = ["Compute", "Cost", "Emissions", "Energy", "Gap", "Invoice", "JournalEntry"]


class Energy(Document):
    """Energy used."""

    kilowatt_hours: Number
    """The amount."""

    method: ShortText | None = None
    """How it was found: `measured (RAPL)`, `estimated from device hours`, …"""


class Emissions(Document):
    """Greenhouse gases emitted."""

    grams_co2_equivalent: Number
    """The amount, in grams of CO2 equivalent."""

    method: ShortText | None = None
    """How it was found."""

    region: ShortText | None = None
    """The grid or region that it was computed for."""


class Invoice(Document):
    """One invoice of a supplier."""

    supplier: Name
    """Who sent it."""

    period_start: Timestamp | None = None
    """Beginning of what it covers."""

    period_end: Timestamp | None = None
    """End of what it covers."""

    amount: Number | None = None
    """The amount, in `currency`."""

    currency: ShortText | None = None
    """ISO 4217 code."""

    document: Id | None = None
    """The invoice itself."""


class Cost(Document):
    """What it cost."""

    amount: Number | None = None
    """The amount, in `currency`."""

    currency: ShortText | None = None
    """ISO 4217 code."""

    description: Text | None = None
    """What it covers."""

    invoices: Many[Invoice] = ()
    """Invoices of suppliers."""

    calculation: Id | None = None
    """The document with the calculation."""


class Compute(Document):
    """What the training used (`spec/manifest.md`, section "Compute")."""

    scope: Text | None = None
    """What is counted: the released run alone, or failed runs and research too."""

    provider: ShortText | None = None
    """Who ran the machines."""

    region: ShortText | None = None
    """Where they stand."""

    hardware: Many[Hardware] = ()
    """The machines, by kind."""

    device_hours: Number | None = None
    """Hours of accelerators, or of processors where there were none."""

    wall_time_seconds: Number | None = None
    """Wall time of all recorded runs, added up."""

    peak_memory_bytes: Count | None = None
    """Largest resident memory of any recorded process."""

    peak_device_memory_bytes: Count | None = None
    """Largest memory that any recorded process had allocated on one accelerator."""

    floating_point_operations: Number | None = None
    """Estimated number of operations."""

    method: Text | None = None
    """How these were found."""

    energy: Energy | None = None
    """Energy used."""

    emissions: Emissions | None = None
    """Greenhouse gases emitted."""

    water_litres: Number | None = None
    """Water used, in litres."""

    cost: Cost | None = None
    """What it cost."""


class JournalEntry(Document):
    """One dated entry of the construction log that people write."""

    date: Timestamp
    """When it was written."""

    text: Text
    """What happened, and why."""

    author: ShortText | None = None
    """Who wrote it."""

    segment: Id | None = None
    """The segment that it is about."""

    step: Step | None = None
    """The step that it is about."""

    documents: Many[Id] = ()
    """Documents that belong to it."""


class Gap(Document):
    """Something that the recorder could not see, and says so."""

    subject: ShortText
    """What is missing, e.g. `git`."""

    kind: Literal["absent", "failed", "redacted", "crashed"]
    """Nothing there; could not be read; left out on purpose; the run broke off."""

    description: Text
    """What happened."""

    run: ShortText | None = None
    """The recorded run that it belongs to."""

    at: Timestamp | None = None
    """When."""
