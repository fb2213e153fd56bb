import base64
from pathlib import Path
from typing import Any

import pytest

from ops.rehearsal.engine.secret_search import search, search_cloud, search_objects
from ops.rehearsal.google.cloud import Resource
from ops.rehearsal.google.operations import stored
from ops.rehearsal.google.wire import Secret
from policies import kinds

TOKEN = "hf_0123456789abcdef0123456789abcdef01"


@pytest.mark.parametrize(
    "content",
    [
        TOKEN.encode(),
        b"\x00binary " + TOKEN.encode() + b"\xff",
        base64.b64encode(TOKEN.encode()),
        base64.b64encode(b"HF_TOKEN=" + TOKEN.encode() + b"\n"),
        base64.b64encode(b"1" + TOKEN.encode()),
        base64.b64encode(b"22" + TOKEN.encode() + b"22"),
    ],
)
def test_a_secret_is_found_in_plain_and_in_base64(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "one.log").write_bytes(b"before " + content)
    (tmp_path / "other").write_text("nothing")
    found = search(tmp_path, ("another", TOKEN), ignored=tmp_path / "etcd")
    assert (found.files, found.found) == (2, (Path("logs/one.log"),))


def test_the_ignored_folder_is_not_searched(tmp_path: Path) -> None:
    (tmp_path / "etcd").mkdir()
    (tmp_path / "etcd" / "db").write_text(TOKEN)
    found = search(tmp_path, (TOKEN,), ignored=tmp_path / "etcd")
    assert (found.files, found.found) == (0, ())


def made(kind: str, name: str, **content: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": "dynamo"}, **content}


POD = {"containers": [{"env": [{"name": "HF_TOKEN", "value": TOKEN}]}]}
ENCODED = base64.b64encode(TOKEN.encode()).decode()


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (made("ConfigMap", "a", data={"token": TOKEN}), ["ConfigMap a in dynamo"]),
        (made("ConfigMap", "b", binaryData={"token": ENCODED}), ["ConfigMap b in dynamo"]),
        (made("Pod", "c", spec=POD), ["Pod c in dynamo"]),
        (made("Event", "d", message=f"cannot log in with {TOKEN}"), ["Event d in dynamo"]),
        ({"kind": "Node", "metadata": {"name": "e", "labels": {"token": TOKEN}}}, ["Node e"]),
        (made("Secret", "f", data={"token": ENCODED}), []),
        ({"kind": "Secret", "metadata": {"name": "g", "annotations": {"last": TOKEN}}}, ["Secret g"]),
        (made("ConfigMap", "h", data={"token": "another"}), []),
    ],
)
def test_a_secret_is_found_in_objects_but_not_in_the_data_of_secrets(given: dict[str, Any], found: list[str]) -> None:
    assert search_objects([made("ConfigMap", "other"), given], ("none", TOKEN)) == found


@pytest.mark.parametrize(
    ("type_", "inputs", "found"),
    [
        (kinds.GOOGLE_ACCOUNT, {"description": Secret(f"reads with {TOKEN}")}, ["description of Account nodes"]),
        (kinds.BUCKET, {"lifecycleRules": [{"a": Secret(TOKEN)}]}, ["lifecycleRules[0].a of Bucket nodes"]),
        (kinds.SECRET_VERSION, {"secretData": Secret(TOKEN), "secret": "hf"}, []),
        (kinds.SECRET_VERSION, {"secret": Secret(TOKEN)}, ["secret of SecretVersion nodes"]),
        (kinds.CLUSTER, {"pulumiLabels": Secret({"owner": "me"})}, []),
    ],
)
def test_a_secret_is_found_in_every_input_of_google_cloud_but_one(
    type_: str, inputs: dict[str, Any], found: list[str]
) -> None:
    urn = f"urn:pulumi:prod::dynamo-gke::{type_}::nodes"
    assert search_cloud([Resource(type=type_, id="1", urn=urn, state=stored(inputs))]) == found
