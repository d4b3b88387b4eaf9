"""What a script says of its compute, beside what is measured: energy, emissions, cost, invoices."""

from __future__ import annotations

import csv
import io
import math
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from provenance.digest import read_file
from provenance.errors import UsageError, shown
from provenance.manifest.compute import Compute, Cost, Emissions, Energy
from provenance.recording.facts import without_nothing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provenance.recording.state import RunState

__all__ = ["finished_compute", "read_emissions", "state_compute", "sum_compute"]

#: What a script may say; everything else is measured.
STATED_FIELDS: Final = (
    *("cost", "emissions", "energy", "floating_point_operations", "provider", "region", "scope"),
    "water_litres",
)

#: Largest file of emissions that is read, in bytes.
MAX_EMISSIONS_BYTES: Final = 16 * 1024 * 1024

#: What may be said to be drawn on average, in watts: a data centre's worth.
MAX_AVERAGE_WATTS: Final = 1e9

_JOULES_A_KILOWATT_HOUR: Final = 3.6e6
_GRAMS_A_KILOGRAM: Final = 1_000
# Names of a codecarbon result, as its object and its CSV file have them.
_EMISSIONS_NAMES: Final = (
    *("cloud_region", "codecarbon_version", "country_iso_code", "emissions", "energy_consumed"),
    *("region", "tracking_mode", "water_consumed"),
)


def state_compute(
    state: RunState, measured: object, *, watts: float | None, authored: Mapping[str, Any]
) -> None:
    """Keep what the script says of its compute; see `Run.compute` for the arguments."""
    unknown = sorted(authored.keys() - set(STATED_FIELDS))
    if unknown:
        raise UsageError(
            problem=f"compute takes no {shown(unknown[0])}",
            remedy=f"it takes {', '.join(STATED_FIELDS)}; the rest is measured",
        )
    found = {} if measured is None else read_emissions(measured)
    average = None if watts is None else _number("watts", watts, most=MAX_AVERAGE_WATTS)
    said = state.made(Compute, {}, {**found, **without_nothing(authored)})
    with state.lock:
        if average is not None:
            state.average_watts = average
        changes = {name: value for name, value in dict(said).items() if value not in (None, ())}
        state.stated_compute = state.stated_compute.updated(**changes)
        earlier = [] if state.earlier_compute is None else [state.earlier_compute]
        state.change(compute=sum_compute([*earlier, state.stated_compute]))


def finished_compute(state: RunState, measured: Compute) -> Compute:
    """Return what a process used: what was measured, and over it what its script said."""
    if measured.energy is None and state.average_watts is not None:
        seconds = float(measured.wall_time_seconds or 0)
        watts = state.average_watts
        energy = Energy(
            kilowatt_hours=round(watts * seconds / _JOULES_A_KILOWATT_HOUR, 9),
            method=f"estimated: {watts:g} W on average times the wall time",
        )
        measured = measured.updated(energy=energy)
    said = state.stated_compute
    changes = {name: getattr(said, name) for name in STATED_FIELDS if getattr(said, name)}
    return measured.updated(**changes)


def read_emissions(source: object) -> dict[str, Any]:
    """Return energy and emissions from what codecarbon measured; it is not imported.

    Args:
        source: Its `EmissionsData`, a mapping of the same names, or the path of its CSV file, whose
            last row counts.

    Raises:
        UsageError: It is none of these, or has no `energy_consumed`.
        InputError: The file cannot be read.
    """
    row = _emissions_row(source)
    if row.get("energy_consumed") in (None, ""):
        raise UsageError(
            problem=f"{type(source).__name__} has no energy_consumed",
            remedy="give codecarbon's EmissionsData (tracker.final_emissions_data) or its CSV file",
        )
    version, mode = row.get("codecarbon_version"), row.get("tracking_mode")
    method = f"codecarbon {version or ''}".strip() + (f", tracking the {mode}" if mode else "")
    kilowatt_hours = _number("energy_consumed", row["energy_consumed"])
    found: dict[str, Any] = {"energy": {"kilowatt_hours": kilowatt_hours, "method": method}}
    if row.get("emissions") not in (None, ""):
        place = row.get("cloud_region") or row.get("region") or row.get("country_iso_code")
        grams = _number("emissions", row["emissions"]) * _GRAMS_A_KILOGRAM
        found["emissions"] = without_nothing(
            {
                "grams_co2_equivalent": round(grams, 9),
                "method": method,
                "region": str(place) if place else None,
            }
        )
    if row.get("water_consumed") not in (None, ""):
        litres = _number("water_consumed", row["water_consumed"])
        found |= {"water_litres": litres} if litres else {}
    return found


def sum_compute(parts: Sequence[Compute]) -> Compute:
    """Return what several processes used together.

    Hours, energy, emissions, water and operations are added up, the largest peak counts, and costs
    are added up where they are in one currency.
    """
    if len(parts) == 1:
        return parts[0]
    totals: dict[str, Any] = {
        name: _total([getattr(it, name) for it in parts])
        for name in ("device_hours", "floating_point_operations", "wall_time_seconds")
    }
    peaks: dict[str, Any] = {
        name: max((n for it in parts if (n := getattr(it, name)) is not None), default=None)
        for name in ("peak_device_memory_bytes", "peak_memory_bytes")
    }
    words: dict[str, Any] = {
        name: "; ".join(dict.fromkeys(text for it in parts if (text := getattr(it, name)))) or None
        for name in ("method", "provider", "region", "scope")
    }
    return Compute(
        hardware=tuple(dict.fromkeys(machine for it in parts for machine in it.hardware)),
        energy=_energy([it.energy for it in parts]),
        emissions=_emissions([it.emissions for it in parts]),
        water_litres=_total([it.water_litres for it in parts]),
        cost=_cost([it.cost for it in parts if it.cost is not None]),
        **totals,
        **peaks,
        **words,
    )


def _emissions_row(source: object) -> Mapping[str, Any]:
    if isinstance(source, Mapping):
        return source
    if not isinstance(source, str | os.PathLike):
        return {name: getattr(source, name, None) for name in _EMISSIONS_NAMES}
    data = read_file(source, max_bytes=MAX_EMISSIONS_BYTES)
    try:
        rows = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig")), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise UsageError(path=os.fspath(source), problem="is no CSV file of codecarbon") from error
    return rows[-1] if rows else {}


def _number(name: str, value: object, *, most: float = math.inf) -> float:
    """Return an amount that is finite and not negative."""
    try:
        number = float(value)  # type: ignore[arg-type]  # what is no number is refused below
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not (math.isfinite(number) and 0 <= number <= most):
        raise UsageError(problem=f"{name} is {shown(value)}, and no amount")
    return number


def _total(values: Sequence[Any]) -> float | None:
    known = [float(it) for it in values if it is not None]
    return round(sum(known), 9) if known else None


def _joined_method(methods: Sequence[str | None], known: int, all_parts: int) -> str | None:
    words = list(dict.fromkeys(it for it in methods if it))
    if known < all_parts:
        words.append(f"of {known} of {all_parts} processes; of the others it is not known")
    return "; ".join(words) or None


def _energy(parts: Sequence[Energy | None]) -> Energy | None:
    known = [it for it in parts if it is not None]
    if not known:
        return None
    method = _joined_method([it.method for it in known], len(known), len(parts))
    total = _total([it.kilowatt_hours for it in known])
    return Energy(kilowatt_hours=total or 0, method=method)


def _emissions(parts: Sequence[Emissions | None]) -> Emissions | None:
    known = [it for it in parts if it is not None]
    if not known:
        return None
    regions = "; ".join(dict.fromkeys(it.region for it in known if it.region))
    return Emissions(
        grams_co2_equivalent=_total([it.grams_co2_equivalent for it in known]) or 0,
        method=_joined_method([it.method for it in known], len(known), len(parts)),
        region=regions or None,
    )


def _cost(parts: Sequence[Cost]) -> Cost | None:
    """Return costs as one; amounts of several currencies stand in the description only."""
    if len(parts) < 2:  # noqa: PLR2004 - nothing to add up
        return parts[0] if parts else None
    amounts = [it for it in parts if it.amount is not None]
    one_currency = len({it.currency for it in amounts}) == 1
    words = [it.description for it in parts if it.description]
    if not one_currency:
        words += [f"{it.amount} {it.currency or ''}".strip() for it in amounts]
    calculations = {it.calculation for it in parts if it.calculation}
    return Cost(
        amount=_total([it.amount for it in amounts]) if one_currency else None,
        currency=amounts[0].currency if amounts and one_currency else None,
        description="; ".join(dict.fromkeys(words)) or None,
        invoices=tuple(dict.fromkeys(it for part in parts for it in part.invoices)),
        calculation=calculations.pop() if len(calculations) == 1 else None,
    )
