"""The pictures of README and docs: current, small, for light and dark pages, each on a page, and true."""

import json
import re
import struct
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest

from catalog.layouts import LayoutRule, layout_names, rules
from catalog.models import card_names
from manifests import dashboard as definition
from ops.diagnosis import diagnose
from ops.offline.dry_run import planned
from ops.report import findings
from tests import clusters, pages
from tests.stacks import ROOT
from tools.pictures import browser, dashboard, drawn, layouts, rehearsal, terminal

MAX_BYTES = 250_000
NAMES = tuple(json.loads(drawn.DIGESTS.read_text(encoding="utf-8")))
FILES = [drawn.FOLDER / f"{name}-{scheme}.png" for name in NAMES for scheme in browser.SCHEMES]


@cache
def html() -> Mapping[str, str]:
    return drawn.pictures(pages.shipped(drawn.STACK))


@cache
def content() -> layouts.Layouts:
    return layouts.layouts(drawn.STACK)


def test_the_pictures_are_current() -> None:
    kept = json.loads(drawn.DIGESTS.read_text(encoding="utf-8"))
    assert kept == drawn.digests(html()), "run `make pictures`, which needs Chromium"
    assert sorted(drawn.FOLDER.glob("*.png")) == sorted(FILES)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_picture_is_small_and_as_wide_as_the_others(path: Path) -> None:
    image = path.read_bytes()
    assert image.startswith(b"\x89PNG")
    assert struct.unpack(">I", image[16:20]) == (browser.WIDTH,)
    assert len(image) <= MAX_BYTES


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_is_shown_in_the_docs_in_light_and_dark_with_a_description(name: str) -> None:
    shown = re.compile(
        rf'<source media="\(prefers-color-scheme: dark\)" srcset="pictures/{name}-dark\.png">\n'
        rf'  <img alt="[^"]{{30,}}" src="pictures/{name}-light\.png">'
    )
    assert [page.name for page in (ROOT / "docs").glob("*.md") if shown.search(page.read_text(encoding="utf-8"))]


def test_the_readme_shows_the_architecture() -> None:
    assert "docs/pictures/architecture-light.png" in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_loads_nothing(name: str) -> None:
    assert re.findall(r"<script|<link|\bsrc=|url\(|@import", html()[name]) == []


def test_every_layout_is_one_leaf_of_the_tree() -> None:
    found = [leaf.name for leaf in leaves(content().tree)]
    assert sorted(found) == sorted(layout_names())


def leaves(tree: layouts.Tree) -> list[layouts.Leaf]:
    if isinstance(tree, layouts.Question):
        return [leaf for _, part in tree.answers for leaf in leaves(part)]
    return list(tree)


def test_layouts_with_the_same_answers_share_a_leaf_and_needless_questions_are_left_out() -> None:
    known = rules().layouts
    alike: dict[str, LayoutRule] = {"single-node": known["single-node"], "another": known["single-node"]}
    by_name = {leaf.name: leaf for leaf in leaves(content().tree)} | {"another": leaves(content().tree)[0]}
    assert layouts.tree(alike, by_name) == [by_name["single-node"], by_name["another"]]
    apart = layouts.tree({name: known[name] for name in ("single-node", "aggregated")}, by_name)
    assert isinstance(apart, layouts.Question)
    assert [answer for answer, _ in apart.answers] == ["yes: disaggregated", "no: aggregated"]


# Machine, model → the layouts that `models show` lists there.
POSSIBLE = {
    ("a3-ultragpu-8g", "llama-3.3-70b-instruct"): {
        "single-node", "multi-node", "aggregated", "multi-node-aggregated"
    },
    ("a2-highgpu-8g", "llama-3.3-70b-instruct"): {"multi-node", "aggregated", "multi-node-aggregated"},
    ("g2-standard-8", "qwen3-0.6b"): {"multi-node", "aggregated", "multi-node-aggregated"},
    ("g2-standard-8", "llama-3.3-70b-instruct"): set[str](),
}  # fmt: skip


@pytest.mark.parametrize(("machine", "model"), POSSIBLE)
def test_the_table_lists_what_fits(machine: str, model: str) -> None:
    numbers = {leaf.number: leaf.name for leaf in leaves(content().tree)}
    (row,) = (row for row in content().machines if machine in row.names)
    assert {numbers[n] for n in row.possible[card_names().index(model)]} == POSSIBLE[machine, model]


def test_the_dashboard_has_the_defined_tiles_with_a_line_for_each_query() -> None:
    plan = planned(drawn.STACK)
    defined = {tile.title: tile for section in definition.sections(plan) for tile in section.tiles}
    shown = {tile.title: tile for tile in dashboard.dashboard(plan).tiles if not tile.subtitle}
    assert list(shown) == list(defined)
    assert sorted(dashboard.examples()) == sorted(defined)
    assert [t for t in defined if shown[t].lines and len(shown[t].lines) < len(defined[t].queries)] == []
    assert "not measured" in html()["dashboard"]


def test_the_terminals_show_what_status_prints(capsys: pytest.CaptureFixture[str]) -> None:
    plan = planned(drawn.STACK)
    well, ill = terminal.terminals(plan)
    findings.show(plan, plan.cluster.context, diagnose(plan, plan.graphs, clusters.running(plan)))
    assert ["".join(text for text, _ in line).rstrip() for line in well.lines] == capsys.readouterr().out.splitlines()
    assert ("capacity", "red") in [part for line in ill.lines for part in line]
    assert "gcloud compute reservations describe my-h200" in str(ill.lines)


def test_what_the_timeline_shows_still_exists() -> None:
    created = {resource["urn"] for resource in golden()["resources"]}
    record = json.loads(rehearsal.RECORD.read_text(encoding="utf-8"))
    shown = rehearsal.shown(rehearsal.Timeline.from_wire(record["timeline"]))
    assert {urn for urn in shown if urn not in created} == set(), "run `make timeline`, then `make pictures`"
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", record["date"])


def golden() -> Mapping[str, list[dict[str, str]]]:
    return json.loads((ROOT / f"tests/golden/{drawn.STACK}.preview.json").read_text(encoding="utf-8"))
