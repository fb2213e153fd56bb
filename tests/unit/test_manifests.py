"""The YAML of `render`: every YAML reader gets the same text, and nothing in it overwrites existing objects."""

import io
from typing import Any

import pytest
import ruamel.yaml
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ops.offline.recorded import SECRET, UNKNOWN, Recording, Resource
from ops.report import objects as manifests

# Text that YAML 1.1 or 1.2, as some reader implements it, takes for something else or cannot hold without quotes.
AMBIGUOUS = (
    *("y", "Y", "n", "N", "yes", "Yes", "no", "NO", "on", "On", "off", "OFF", "true", "True", "false", "FALSE"),
    *("~", "null", "Null", "NULL", "", "=", "<<", "-", "?", ":", "--", "---", "...", "|", ">", "{}", "[]"),
    *("1", "+1", "-1", "012", "0o7", "0x1f", "0b1", "1_000", "1e3", "1E3", "+1e3", "1.", ".5", "1.0", "1.6", "1_0.5"),
    *(".inf", "-.Inf", ".nan", ".NaN", "inf", "Infinity", "nan", "12:30", "1:2:3", "190:20:30.15", "-1:30"),
    *("2026-01-01", "2026-1-1", "2026-01-01T00:00:00Z", "2026-01-01 00:00:00 +1", "12:30:45", "1.2.3", "1d"),
    *(" leading", "trailing ", "\tleading", "trailing\t", " ", "\t", "a\tb", "a  b"),
    *("\n", "\n\n", " \n", "\na", " a\nb"),
    *("a\n", "a\nb", "a\nb\n", "a\n\nb\n\n", "a \nb", "a\n b", "a\n\tb", "a\r\nb", "a\rb", "\u0085", "a\u2028b\u2029c"),
    *("!x", "&x", "*x", "@x", "`x`", "%x", "#x", "a #b", "a: b", "a:", "- a", "? a"),
    *("'", '"', "it's", 'say "a"', "\\n"),
    *(",", "a, b", "]", "}", "{{ x }}", "[secret]x"),
    *("\x00", "\x07", "\x1b[0m", "\x7f", "\u00a0", "\ufeff", "é", "日本"),
    *("🚀", '{"kv_connector":"NixlConnector"}', "nvcr.io/nvidia/runtime:1.6.1", "--flag", "/models"),
    *("x" * 5000, "word " * 1000),
)  # fmt: skip


def recording(*resources: Resource) -> Recording:
    return Recording(resources=resources, outputs={})


def resource(kind: str, name: str, inputs: dict[str, Any], secret_paths: tuple[str, ...] = ()) -> Resource:
    head = {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": "dynamo"}}
    return Resource(
        urn=f"urn:pulumi:test::dynamo-gke::kubernetes:core/v1:{kind}::{name}",
        type=f"kubernetes:core/v1:{kind}",
        name=name,
        parent=None,
        provider=None,
        inputs={**head, **inputs},
        depends_on=(),
        options={},
        secret_paths=secret_paths,
    )


def with_texts(texts: dict[str, str]) -> dict[str, Any]:
    """An object with texts where this program has them: values and keys of a ConfigMap, environment, arguments."""
    pairs = [{"name": name, "value": value} for name, value in texts.items()]
    return {"data": texts, "spec": {"containers": [{"args": list(texts.values()), "env": pairs}]}}


def ruamel_read(text: str, version: str) -> list[Any]:
    reader = ruamel.yaml.YAML(typ="safe", pure=True)
    reader.version = version
    return list(reader.load_all(io.StringIO(text)))


def read_by_all(text: str) -> list[Any]:
    """What the YAML holds, which has to be the same to readers of YAML 1.1, such as kubectl's, and of YAML 1.2."""
    # YAML 1.1 as it is specified: `y` is a boolean, 12:30 a number to base 60. PyYAML leaves `y` as text.
    first = ruamel_read(text, "1.1")
    assert ruamel_read(text, "1.2") == first
    assert list(yaml.safe_load_all(text)) == first
    return first


@pytest.mark.parametrize("text", AMBIGUOUS, ids=repr)
def test_a_text_stays_text_to_every_reader(text: str) -> None:
    inputs = with_texts({"value": text, text: "as a key"})
    (read,) = read_by_all(manifests.to_yaml(recording(resource("ConfigMap", "c", inputs))))
    assert {key: read[key] for key in inputs} == inputs


# All but half of a surrogate pair, which is no text.
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
TRICKY = st.lists(st.sampled_from([*AMBIGUOUS[:-6], " ", "\n", ":", "#", "0", "e", "_", "-", "."]), max_size=4).map(
    "".join
)


@given(texts=st.dictionaries(TEXT | TRICKY, TEXT | TRICKY, max_size=4))
def test_whatever_the_texts_are_they_come_back(texts: dict[str, str]) -> None:
    inputs = with_texts(texts)
    (read,) = read_by_all(manifests.to_yaml(recording(resource("ConfigMap", "c", inputs))))
    assert {key: read[key] for key in inputs} == inputs


def test_numbers_and_booleans_stay_what_they_are() -> None:
    inputs = {"spec": {"replicas": 2, "share": 0.5, "suspend": False, "none": None, "empty": {}, "list": []}}
    (read,) = read_by_all(manifests.to_yaml(recording(resource("Job", "j", inputs))))
    assert read["spec"] == inputs["spec"]


def test_a_secret_is_left_out_and_the_comment_says_how_to_create_it() -> None:
    secret = resource("Secret", "hf-token", {"stringData": {"HF_TOKEN": SECRET}}, ("stringData",))
    text = manifests.to_yaml(recording(secret, resource("ConfigMap", "c", {"data": {"a": "b"}})))
    assert [manifest["kind"] for manifest in read_by_all(text)] == ["ConfigMap"]
    assert SECRET not in text
    assert (
        "# LEFT OUT: Secret/hf-token: contains a secret. Create it with: kubectl create secret generic hf-token "
        "--namespace dynamo --from-literal=HF_TOKEN=VALUE\n" in text
    )


def test_what_only_the_cloud_knows_is_left_out_too() -> None:
    unknown = resource("Service", "s", {"spec": {"ports": [{"port": 8000}], "addresses": ["10.0.0.1", UNKNOWN]}})
    text = manifests.to_yaml(recording(unknown))
    assert read_by_all(text) == []
    reason = "contains values that Google Cloud computes and only `pulumi up` knows: spec.addresses[1]"
    assert f"# LEFT OUT: Service/s: {reason}\n" in text


def test_namespaces_come_before_what_is_in_them() -> None:
    rules = ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding")
    assert ordered("Namespace", *reversed(rules)) == [*rules, "Namespace"]
    kinds = ("ConfigMap", "DynamoGraphDeployment", "Job", "Namespace", "ServiceAccount")
    assert ordered(*kinds) == ["Namespace", "ServiceAccount", "ConfigMap", "DynamoGraphDeployment", "Job"]


def test_a_route_comes_after_the_policies_that_guard_it() -> None:
    kinds = ("HTTPRoute", "HealthCheckPolicy", "GCPBackendPolicy", "Gateway")
    assert ordered(*kinds)[-1] == "HTTPRoute"


def ordered(*kinds: str) -> list[str]:
    return [m["kind"] for m in manifests.objects(recording(*(resource(kind, "x", {}) for kind in kinds)))]
