"""What a script says of its compute stands beside what is measured; an estimate is called one."""

from __future__ import annotations

import types
from typing import TYPE_CHECKING, Any

import pytest

import provenance
from provenance.errors import InputError, UsageError
from provenance.manifest import Compute, Cost, Emissions, Energy, Invoice
from provenance.recording.computing import read_emissions, sum_compute

if TYPE_CHECKING:
    from pathlib import Path

    from provenance.recording.run import Run

EMISSIONS = {
    "energy_consumed": 1.5,
    "emissions": 0.25,
    "codecarbon_version": "3.0.1",
    "tracking_mode": "process",
    "region": "",
    "cloud_region": "",
    "country_iso_code": "FRA",
    "water_consumed": 0.0,
}
CSV = (
    "timestamp,emissions,energy_consumed,country_iso_code,codecarbon_version,tracking_mode\n"
    "2026-11-01,9,9,FRA,3.0.1,machine\n"
    "2026-11-02,0.25,1.5,FRA,3.0.1,machine\n"
)


def begin(folder: Path, name: str = "train", **options: Any) -> Run:  # noqa: ANN401 - as `start`
    return provenance.start(name, output=folder, strict=True, undeclared="ignore", **options)


@pytest.mark.parametrize(
    "source",
    [
        3.5,
        None,
        pytest.param(object(), id="object"),
        {},
        {"energy_consumed": ""},
        {"energy_consumed": "much"},
        {"energy_consumed": float("nan")},
        {"energy_consumed": float("inf")},
        {"energy_consumed": -1},
        {"energy_consumed": [1]},
        {"energy_consumed": 1, "emissions": "x"},
    ],
    ids=repr,
)
def test_what_codecarbon_did_not_measure_is_refused(source: object) -> None:
    with pytest.raises(UsageError):
        read_emissions(source)


@pytest.mark.parametrize("text", ["", "a,b\n", "a,b\n1,2\n", "\x00", '"'])
def test_other_files_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "emissions.csv").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError):
        read_emissions(tmp_path / "emissions.csv")


def test_missing_file_is_an_error_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        read_emissions(tmp_path / "emissions.csv")


@pytest.mark.parametrize("form", ["object", "mapping", "file"])
def test_emissions_of_codecarbon(tmp_path: Path, form: str) -> None:
    (tmp_path / "emissions.csv").write_text(CSV, encoding="utf-8")
    sources: dict[str, object] = {
        "object": types.SimpleNamespace(**EMISSIONS),
        "mapping": EMISSIONS,
        "file": str(tmp_path / "emissions.csv"),
    }
    mode = "machine" if form == "file" else "process"
    method = f"codecarbon 3.0.1, tracking the {mode}"
    assert read_emissions(sources[form]) == {
        "energy": {"kilowatt_hours": 1.5, "method": method},
        "emissions": {"grams_co2_equivalent": 250.0, "method": method, "region": "FRA"},
    }


def test_what_the_script_says_stands_beside_what_is_measured(tmp_path: Path) -> None:
    run = begin(tmp_path)
    run.compute(types.SimpleNamespace(**EMISSIONS), provider="own", region="FR")
    run.compute(cost={"amount": 12.5, "currency": "EUR", "invoices": [{"supplier": "Cloud"}]})
    kept = run.record.compute
    assert kept is not None  # a kill keeps what was said
    assert kept.energy is not None
    run.finish()
    found = run.record.compute
    assert found is not None
    assert found.wall_time_seconds is not None
    assert found.energy is not None
    assert float(found.energy.kilowatt_hours) == 1.5
    assert (found.provider, found.region) == ("own", "FR")
    assert found.cost is not None
    assert found.cost.invoices[0].supplier == "Cloud"


def test_estimate_is_made_on_request_only_and_called_one(tmp_path: Path) -> None:
    silent = begin(tmp_path, "silent")
    silent.finish()
    assert silent.record.compute is not None
    measured = silent.record.compute.energy
    asked = begin(tmp_path, "asked")
    asked.compute(watts=300)
    asked.finish()
    found = asked.record.compute
    assert found is not None
    assert found.energy is not None
    if measured is None:  # most machines let nobody read their counters
        assert found.energy.method == "estimated: 300 W on average times the wall time"
        assert float(found.energy.kilowatt_hours) == pytest.approx(
            300 * float(found.wall_time_seconds or 0) / 3.6e6, abs=1e-8
        )
    else:
        assert (found.energy.method or "").startswith("measured (")


@pytest.mark.parametrize(
    "fields",
    [
        {"device_hours": 1},
        {"hardware": ()},
        {"peak_memory_bytes": 1},
        {"watts": -1},
        {"watts": float("nan")},
        {"watts": "hot"},
        {"watts": 1e12},
    ],
    ids=repr,
)
def test_what_is_measured_cannot_be_stated(tmp_path: Path, fields: dict[str, Any]) -> None:
    run = begin(tmp_path)
    with pytest.raises(UsageError):
        run.compute(**fields)
    run.finish()


def test_what_cannot_be_read_is_a_gap_and_never_stops_the_script(tmp_path: Path) -> None:
    run = provenance.start("train", output=tmp_path, undeclared="ignore")
    with pytest.warns(UserWarning, match="energy_consumed"):
        run.compute(object())
    run.finish()
    assert run.record.status == "completed"
    assert "compute" in {gap.subject for gap in run.record.gaps}


def test_sums() -> None:
    one = Compute(
        device_hours=1.5,
        wall_time_seconds=10,
        peak_memory_bytes=5,
        peak_device_memory_bytes=7,
        energy=Energy(kilowatt_hours=1, method="measured (RAPL)"),
        emissions=Emissions(grams_co2_equivalent=5, region="FR"),
        water_litres=2,
        scope="all",
    )
    other = Compute(
        device_hours=0.5,
        wall_time_seconds=30,
        peak_memory_bytes=9,
        energy=Energy(kilowatt_hours=0.25, method="measured (RAPL)"),
        emissions=Emissions(grams_co2_equivalent=5, region="DE"),
        provider="own",
    )
    both = sum_compute([one, other])
    assert (both.device_hours, both.wall_time_seconds) == (2, 40)
    assert (both.peak_memory_bytes, both.peak_device_memory_bytes) == (9, 7)
    assert both.energy == Energy(kilowatt_hours=1.25, method="measured (RAPL)")
    assert both.emissions is not None
    assert (both.emissions.grams_co2_equivalent, both.emissions.region) == (10, "FR; DE")
    assert (both.water_litres, both.provider, both.scope) == (2, "own", "all")
    assert sum_compute([one]) == one


def test_sum_says_of_how_many_processes_it_is() -> None:
    energy = Energy(kilowatt_hours=1, method="m")
    found = sum_compute([Compute(energy=energy), Compute(device_hours=1)]).energy
    assert found is not None
    assert found.method == "m; of 1 of 2 processes; of the others it is not known"


def test_costs_are_added_up_in_one_currency_only() -> None:
    euros = Cost(amount=5, currency="EUR", invoices=(Invoice(supplier="A"),))
    dollars = Cost(amount=7, currency="USD", invoices=(Invoice(supplier="B"),))
    same = sum_compute([Compute(cost=euros), Compute(cost=euros), Compute()]).cost
    assert same is not None
    assert (same.amount, same.currency, len(same.invoices)) == (10, "EUR", 1)
    mixed = sum_compute([Compute(cost=euros), Compute(cost=dollars)]).cost
    assert mixed is not None
    assert (mixed.amount, mixed.currency) == (None, None)
    assert mixed.description == "5 EUR; 7 USD"
    assert [it.supplier for it in mixed.invoices] == ["A", "B"]


def test_resumed_run_adds_up(tmp_path: Path) -> None:
    run = begin(tmp_path)
    run.compute(energy={"kilowatt_hours": 1, "method": "meter"})
    run.log(1, loss=1.0)
    run.finish("interrupted")
    again = begin(tmp_path, resume="must")
    again.compute(energy={"kilowatt_hours": 2, "method": "meter"})
    again.finish()
    found = again.record.compute
    assert found is not None
    assert found.energy == Energy(kilowatt_hours=3, method="meter")
