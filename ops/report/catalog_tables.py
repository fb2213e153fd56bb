"""Machines and engines of the catalog as rows for JSON, and as tables."""

from datetime import date
from typing import Any

from rich.table import Table

from catalog import locations, versions
from catalog.engines import default_engine, engine
from catalog.machines import CHANGES_DAILY, CpuMachine, GpuMachine, cpu_machine, gpu_machine, gpu_machine_names
from ops.report import printing
from ops.report.format_uses import by_engine, by_use
from planning.surroundings import NOT_KNOWN


def machine_row(name: str, today: date) -> dict[str, Any]:
    """The JSON of a machine. Raises ConfigInvalid with every error of its file."""
    found: GpuMachine | CpuMachine = gpu_machine(name) if name in gpu_machine_names() else cpu_machine(name)
    return {
        "name": found.name,
        "gpus": _gpus(found) if isinstance(found, GpuMachine) else None,
        "formats": by_engine(found.gpus) if isinstance(found, GpuMachine) else None,
        "arch": found.arch,
        "vcpus": found.vcpus,
        "memoryGb": found.memory_gb,
        "capacityModes": list(found.sold if isinstance(found, GpuMachine) else found.prices),
        "zones": list(found.zones),
        "prices": {
            mode: {
                "usdPerHour": price.usd_per_hour,
                "region": price.region,
                "date": price.date,
                "ageDays": _age(price.date, today),
                "kind": price.kind,
                "covers": price.covers,
                "source": price.source,
            }
            for mode, price in found.prices.items()
        },
    }


def _age(day: str, today: date) -> int | None:
    """Days since a price was read; None for a price without a date."""
    try:
        return (today - date.fromisoformat(day)).days
    except ValueError:
        return None


def _gpus(found: GpuMachine) -> dict[str, Any]:
    return {
        "product": found.gpus.product,
        "type": found.gpus.type,
        "count": found.gpus.count,
        "memoryMib": found.gpus.memory_mib,
        "rdmaNics": found.rdma_nics,
        "rdmaNicGbps": found.rdma.gbps if found.rdma else None,
    }


def machine_table(rows: list[dict[str, Any]]) -> Table:
    prices_of = "modes: USD/hour (~ changes daily)"
    table = printing.table(
        "machine", "GPUs", "GPU GiB", "formats by engine", "memory GB", prices_of, "price age", "zones"
    )
    for row in rows:
        gpus, prices = row["gpus"], row["prices"]
        modes = [_priced(mode, prices.get(mode)) for mode in row["capacityModes"]]
        table.add_row(
            row["name"],
            f"{gpus['count']} × {gpus['product']}" if gpus else "none",
            f"{gpus['memoryMib'] / 1024:.1f}" if gpus else "–",
            _by_engine(row["formats"]) if gpus else "–",
            f"{row['memoryGb']:g}",
            ", ".join(modes),
            _ages([price["ageDays"] for price in prices.values()]),
            _by_region(row["zones"]) or "any",
        )
    return table


def _priced(mode: str, price: dict[str, Any] | None) -> str:
    if price is None:
        return f"{mode} {NOT_KNOWN}"
    return f"{mode} {'~' if price['kind'] == CHANGES_DAILY else ''}{price['usdPerHour']:.2f}"


def _by_engine(formats: dict[str, dict[str, str]]) -> str:
    """A line per engine, such as `NAME: bf16, fp8; weight-only: mxfp4`."""
    return "\n".join(f"{engine(name).title}: {by_use(each)}" for name, each in formats.items())


def _by_region(zones: list[str]) -> str:
    """`us-central1-a,b, us-east4-a`; a region whose zones are not known stands alone."""
    letters: dict[str, list[str]] = {}
    for zone in zones:
        region = zone if zone in locations.known().zones else locations.region_of(zone)
        letters.setdefault(region, []).append(zone.removeprefix(region))
    return ", ".join(region + ",".join(found).replace(",-", ",") for region, found in letters.items())


def _ages(days: list[int | None]) -> str:
    """The ages of prices, from the youngest to the oldest."""
    known = sorted({age for age in days if age is not None})
    if not known:
        return NOT_KNOWN if days else "–"
    return " to ".join(f"{age} days" for age in dict.fromkeys((known[0], known[-1])))


def engine_row(name: str) -> dict[str, Any]:
    """The JSON of an engine."""
    found = engine(name)
    return {
        "name": found.name,
        "title": found.title,
        "image": found.image,
        "runtime": versions.dynamo().runtime,
        "module": found.module,
        "simulated": found.simulated,
        "default": found is default_engine(),
        "flags": {"known": len(found.flags.flags), "of": dict(found.flags.runtime)} if found.flags else None,
    }


def engine_table(rows: list[dict[str, Any]]) -> Table:
    table = printing.table("engine", "image", "runtime", "module", "simulated", "flags known", right=["flags known"])
    for row in rows:
        flags = row["flags"]
        table.add_row(
            row["name"] + (" (default)" if row["default"] else ""),
            row["image"],
            row["runtime"],
            row["module"],
            "yes" if row["simulated"] else "no",
            f"{flags['known']} of {', '.join(f'{k} {v}' for k, v in flags['of'].items())}" if flags else "none",
        )
    return table
