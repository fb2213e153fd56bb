"""`machines` and `engines`: what the catalog has, as a table and as JSON; an invalid file hides no other."""

import io
import json
import re
from datetime import date
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from catalog import machines
from catalog.engines import all_engines
from catalog.machines import cpu_machine_names, gpu_machine, gpu_machine_names
from ops.__main__ import app
from ops.report.catalog_tables import machine_row, machine_table
from tests import catalog_folder


def test_every_machine_is_listed() -> None:
    done = CliRunner().invoke(app, ["machines", "--json"])
    listed = {row["name"]: row for row in json.loads(done.stdout)["machines"]}
    assert done.exit_code == 0
    assert set(listed) == {*gpu_machine_names(), *cpu_machine_names()}
    for name in gpu_machine_names():
        machine = gpu_machine(name)
        assert listed[name]["gpus"]["count"] == machine.gpus.count
        rdma = (machine.rdma.count, machine.rdma.gbps) if machine.rdma else (0, None)
        assert (listed[name]["gpus"]["rdmaNics"], listed[name]["gpus"]["rdmaNicGbps"]) == rdma
        assert listed[name]["capacityModes"] == list(machine.sold)
        assert listed[name]["zones"] == list(machine.zones)
        assert {engine: uses["bf16"] for engine, uses in listed[name]["formats"].items()} == {
            "vllm": "native", "sglang": "native", "trtllm": "native",
        }  # fmt: skip
    assert all(listed[name]["gpus"] is None for name in cpu_machine_names())


def test_a_price_says_how_old_it_is() -> None:
    name = gpu_machine_names()[0]
    day = date.fromisoformat(gpu_machine(name).prices["onDemand"].date)
    later = date.fromordinal(day.toordinal() + 40)
    assert machine_row(name, later)["prices"]["onDemand"]["ageDays"] == 40


def test_the_table_of_machines_is_for_people() -> None:
    console = Console(width=600, record=True, file=io.StringIO())
    names = ("g2-standard-8", "a3-ultragpu-8g", "g4-standard-96")
    console.print(machine_table([machine_row(name, date(2026, 11, 28)) for name in names]))
    rows = {line.split()[0]: line for line in console.export_text().splitlines() if line.strip()}
    l4, h200, rtx = rows["g2-standard-8"], rows["a3-ultragpu-8g"], rows["g4-standard-96"]
    assert "vLLM: bf16, fp8; weight-only: " in l4
    assert {"SGLang:", "TensorRT-LLM:"} <= rows.keys(), "a line for each engine"
    assert "TensorRT-LLM: bf16, fp8, mxfp4, nvfp4 " in rows["TensorRT-LLM:"]  # of the last machine
    assert "us-central1-a,b,c, us-east1-b,c,d" in l4
    assert "spot ~0.51" in l4  # the price of its date
    assert "flexStart 59.40" in h200
    assert "europe-west10, europe-west2" in rtx  # regions whose zones are not known
    assert "flexStart" not in rtx


def test_a_price_or_an_age_that_is_missing_is_not_known() -> None:
    console = Console(width=600, record=True, file=io.StringIO())
    names = ("a3-ultragpu-8g", "a4x-highgpu-4g", "e2-standard-8")
    console.print(machine_table([machine_row(name, date(2026, 11, 28)) for name in names]))
    rows = {line.split()[0]: line for line in console.export_text().splitlines() if line.strip()}
    assert "spot not known" in rows["a3-ultragpu-8g"]
    assert "reservation not known  –" in re.sub(" {2,}", "  ", rows["a4x-highgpu-4g"])
    assert "onDemand 0.27" in rows["e2-standard-8"]
    assert "not known" in rows["e2-standard-8"]


def test_every_engine_is_listed_with_the_flags_that_are_known_of_it() -> None:
    listed = {row["name"]: row for row in json.loads(CliRunner().invoke(app, ["engines", "--json"]).stdout)["engines"]}
    assert set(listed) == set(all_engines())
    for name, engine in all_engines().items():
        row = listed[name]
        assert (row["image"], row["module"], row["simulated"]) == (engine.image, engine.module, engine.simulated)
        assert (row["flags"] or {}).get("known") == (len(engine.flags.flags) if engine.flags else None)


@pytest.mark.parametrize(("command", "names"), [("machines", gpu_machine_names()), ("engines", tuple(all_engines()))])
def test_a_table_names_each(command: str, names: tuple[str, ...]) -> None:
    done = CliRunner().invoke(app, [command])
    assert done.exit_code == 0
    assert all(name in done.stdout for name in names)


def test_an_invalid_machine_hides_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = catalog_folder.copied(machines, tmp_path, monkeypatch)
    (folder / "broken.yaml").write_text("gpus: {count: many}\n", encoding="utf-8")
    done = CliRunner().invoke(app, ["machines", "--json"])
    assert done.exit_code == 2
    listed = json.loads(done.stdout)
    assert {row["name"] for row in listed["machines"]} == {*gpu_machine_names(), *cpu_machine_names()} - {"broken"}
    assert any(error["path"] == "catalog/machines/broken.yaml: gpus.count" for error in listed["faults"])
    assert "error: catalog/machines/broken.yaml: gpus.count: " in done.stderr
