"""The objects that download weights into the bucket and mount it, as plain data."""

import json
import re
from typing import Any

import pytest

from catalog.models import Card, WeightsFile, card, card_names
from catalog.sizing import GIB, MIB, weights_bytes
from catalog.weights import BESIDE_WEIGHTS, SCRATCH, path, scratch_bytes
from planning import names
from planning.weights import WeightsDelivery
from tests import strict
from workloads.jobs.fetch_weights.__main__ import arguments
from workloads.jobs.fetch_weights.listing import read_list
from workloads.weights import PROGRAM, config_map_data, fetch_job, modules, read_claim, read_volume

LABELS = {"stack": "prod"}
DELIVERY = WeightsDelivery()
VOLUME = read_volume("dynamo", "the-bucket", DELIVERY.read_options, LABELS)


def job(chosen: Card) -> dict[str, Any]:
    return fetch_job(
        chosen,
        DELIVERY,
        namespace="dynamo",
        bucket="the-bucket",
        token_secret="hf-token",
        system_pool="system",
        labels=LABELS,
    )


def pod(chosen: Card) -> dict[str, Any]:
    return job(chosen)["spec"]["template"]["spec"]


def with_files(chosen: Card, *sizes: int) -> Card:
    files = {f"{i}.safetensors": WeightsFile(size=size, sha256="a" * 64) for i, size in enumerate(sizes)}
    files["config.json"] = WeightsFile(size=0, git_sha1="b" * 40)
    return chosen.model_copy(update={"files": files})


LISTED = with_files(card("qwen3-0.6b"), 5 * MIB)


@pytest.mark.parametrize("chosen", [*map(card, card_names()), LISTED], ids=lambda c: c.name)
def test_kubernetes_takes_the_job(chosen: Card) -> None:
    assert strict.errors([job(chosen)]) == []


def test_kubernetes_takes_volume_and_claim() -> None:
    assert strict.errors([VOLUME, read_claim("dynamo", LABELS)]) == []


@pytest.mark.parametrize("chosen", [*map(card, card_names()), LISTED], ids=lambda c: c.name)
def test_the_script_takes_the_jobs_command_line(chosen: Card) -> None:
    (container,) = pod(chosen)["containers"]
    given = arguments(container["args"])
    mounts = {m["name"]: m["mountPath"] for m in container["volumeMounts"]}
    assert f"{given.target}/{given.repository}/{given.revision}" == path(chosen)
    assert (str(given.target), str(given.scratch)) == (mounts["weights"], mounts["scratch"])
    assert container["command"] == ["python3", "-m", PROGRAM]
    assert container["workingDir"] == mounts["script"]
    assert given.timeout < job(chosen)["spec"]["activeDeadlineSeconds"]


def test_another_revision_is_another_job() -> None:
    one = card("qwen3-32b")
    other = one.model_copy(update={"revision": "f" * 40})
    assert job(one)["metadata"]["name"] == "weights-qwen3-32b-9216db5781bf"
    assert job(other)["metadata"]["name"] == "weights-qwen3-32b-ffffffffffff"
    assert job(one) == job(one)


def test_a_jobs_name_fits_a_label() -> None:
    name = names.weights_job(f"owner/{'A_very.Long-' * 9}", "f" * 40)
    assert len(name) <= 63
    assert name.startswith("weights-a-very-long-a-very")
    assert "--" not in name


def test_the_job_waits_for_itself_longer_than_the_script() -> None:
    manifest = job(card("qwen3-32b"))
    wait = int(manifest["metadata"]["annotations"]["pulumi.com/timeoutSeconds"])
    assert wait > manifest["spec"]["activeDeadlineSeconds"]
    assert "ttlSecondsAfterFinished" not in manifest["spec"]


def test_only_a_gated_model_gets_the_token() -> None:
    assert pod(card("llama-3.3-70b-instruct"))["containers"][0]["envFrom"] == [{"secretRef": {"name": "hf-token"}}]
    assert "envFrom" not in pod(card("qwen3-32b"))["containers"][0]


def test_the_job_runs_on_the_cpu_pool_as_the_writer() -> None:
    spec = pod(card("qwen3-32b"))
    assert spec["nodeSelector"] == {"cloud.google.com/gke-nodepool": "system"}
    assert spec["serviceAccountName"] == "weights-writer"
    assert spec["securityContext"]["runAsNonRoot"]
    annotations = job(card("qwen3-32b"))["spec"]["template"]["metadata"]["annotations"]
    assert annotations["gke-gcsfuse/volumes"] == "true"
    (bucket,) = [volume["csi"] for volume in spec["volumes"] if "csi" in volume]
    assert bucket["volumeAttributes"]["bucketName"] == "the-bucket"
    assert "readOnly" not in bucket
    # The script's user must be the mount's user, so that it may write.
    user = spec["securityContext"]["runAsUser"]
    assert f"uid={user},gid={user}" in bucket["volumeAttributes"]["mountOptions"]


@pytest.mark.parametrize("name", card_names())
def test_scratch_is_for_what_is_under_way(name: str) -> None:
    chosen = card(name)
    room = scratch_bytes(chosen)
    assert min(weights_bytes(chosen), SCRATCH) <= room <= SCRATCH
    (container,) = pod(chosen)["containers"]
    assert int(container["resources"]["requests"]["ephemeral-storage"]) == room
    (limit,) = [v["emptyDir"]["sizeLimit"] for v in pod(chosen)["volumes"] if "emptyDir" in v]
    assert int(limit) > room


@pytest.mark.parametrize(
    ("sizes", "room"),
    [((5 * MIB,), 5 * MIB), ((5 * GIB,) * 30, SCRATCH), ((30 * GIB, GIB), 30 * GIB), ((9 * GIB, GIB), 10 * GIB)],
)
def test_scratch_of_a_card_that_lists_its_files(sizes: tuple[int, ...], room: int) -> None:
    assert scratch_bytes(with_files(card("qwen3-32b"), *sizes)) == room


def test_a_small_model_has_room_beside_its_weights() -> None:
    assert scratch_bytes(card("qwen3-0.6b")) > weights_bytes(card("qwen3-0.6b")) + BESIDE_WEIGHTS


def test_a_listed_card_gives_the_script_its_hashes(tmp_path: Any) -> None:
    data = config_map_data([LISTED, card("qwen3-32b")])
    (volume,) = [v["configMap"] for v in pod(LISTED)["volumes"] if "configMap" in v]
    assert {item["path"] for item in volume["items"]} == {*modules(), "qwen3-0.6b.json"}
    (given,) = [arguments(container["args"]).files for container in pod(LISTED)["containers"]]
    (key,) = [item["key"] for item in volume["items"] if str(given) == f"/script/{item['path']}"]
    listed = tmp_path / "files.json"
    listed.write_text(data[key])
    first, second = read_list(listed)
    assert (first.path, first.size, first.sha256) == ("0.safetensors", 5 * MIB, "a" * 64)
    assert second.path == "config.json"


@pytest.mark.parametrize("chosen", [*map(card, card_names()), LISTED], ids=lambda c: c.name)
def test_the_job_mounts_the_program_out_of_its_config_map(chosen: Card) -> None:
    data = config_map_data([LISTED, chosen])
    (volume,) = [v["configMap"] for v in pod(chosen)["volumes"] if "configMap" in v]
    mounted = {item["path"]: data[item["key"]] for item in volume["items"]}
    assert modules().items() <= mounted.items()
    assert all(re.fullmatch(r"[-._a-zA-Z0-9]+", key) for key in data)
    (container,) = pod(LISTED)["containers"]
    assert container["args"][-2:] == ["--files", "/script/qwen3-0.6b.json"]
    assert "--files" not in pod(card("qwen3-32b"))["containers"][0]["args"]


def test_a_config_map_holds_the_script_and_long_lists() -> None:
    """A ConfigMap holds at most 1 MiB; a model with 700B parameters has about 160 files."""
    files = config_map_data([with_files(card("qwen3-32b"), *[GIB] * 500)])
    assert sum(map(len, files.values())) < 2**19
    assert json.loads(files["qwen3-32b.json"])["0.safetensors"] == {"size": GIB, "sha256": "a" * 64}


def test_volume_and_claim_are_for_each_other_and_read_only() -> None:
    volume, claim = (
        VOLUME,
        read_claim("dynamo", LABELS),
    )
    assert volume["spec"]["claimRef"] == {
        "name": claim["metadata"]["name"],
        "namespace": claim["metadata"]["namespace"],
    }
    assert claim["spec"]["volumeName"] == volume["metadata"]["name"]
    assert volume["spec"]["accessModes"] == claim["spec"]["accessModes"] == ["ReadOnlyMany"]
    assert volume["spec"]["capacity"] == claim["spec"]["resources"]["requests"]
    assert volume["spec"]["csi"]["readOnly"] is True
    assert volume["spec"]["csi"]["volumeHandle"] == "the-bucket"
    assert volume["spec"]["storageClassName"] == claim["spec"]["storageClassName"] == ""
