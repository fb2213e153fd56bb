"""Stack files and overrides, read as Pulumi reads them."""

import json
from pathlib import Path
from typing import Any

import pytest

from ops import stackfile
from spec.faults import ConfigInvalid
from tests.stacks import ROOT, SHIPPED


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "Pulumi.yaml").write_text((ROOT / "Pulumi.yaml").read_text())
    (tmp_path / "Pulumi.one.yaml").write_text(
        "config:\n  gcp:project: p\n  models: {chat: {model: m}}\n  dynamo-gke:hfToken: {secure: v1:x}\n"
    )
    return tmp_path


def test_values_are_text_and_secrets_only_names(root: Path) -> None:
    config = stackfile.read(root, "one")
    assert config.secrets == {"dynamo-gke:hfToken"}
    assert config.values["gcp:project"] == "p"
    assert config.values["dynamo-gke:models"] == '{"chat": {"model": "m"}}'
    assert "v1:x" not in "".join(config.values.values())


def test_project_defaults_are_laid_under(root: Path) -> None:
    assert stackfile.read(root, "one").values["dynamo-gke:network"] == "{}"


@pytest.mark.parametrize(
    ("override", "key", "text"),
    [
        ("models.chat.prefill.replicas=2", "dynamo-gke:models", '{"chat": {"model": "m", "prefill": {"replicas": 2}}}'),
        ("models.chat.model=a=b", "dynamo-gke:models", '{"chat": {"model": "a=b"}}'),
        ('models["a.b"].model=x', "dynamo-gke:models", '{"chat": {"model": "m"}, "a.b": {"model": "x"}}'),
        ("cluster.deletionProtection=false", "dynamo-gke:cluster", '{"deletionProtection": false}'),
        ("labels.costCenter=0123", "dynamo-gke:labels", '{"costCenter": "0123"}'),
        ("models.chat.engine.gpuMemoryUtilization=0.9", "dynamo-gke:models",
         '{"chat": {"model": "m", "engine": {"gpuMemoryUtilization": 0.9}}}'),
        ("gcp:project=q", "gcp:project", "q"),
        ("models.chat.model=", "dynamo-gke:models", '{"chat": {}}'),
        ("models.chat.layout=", "dynamo-gke:models", '{"chat": {"model": "m"}}'),
        ("endpoint.allowedCidrs[0]=203.0.113.0/24", "dynamo-gke:endpoint", '{"allowedCidrs": ["203.0.113.0/24"]}'),
    ],
)  # fmt: skip
def test_overrides(root: Path, override: str, key: str, text: str) -> None:
    assert stackfile.read(root, "one", [override]).values[key] == text


@pytest.mark.parametrize("override", ["nothing", "=x", "a..b=1", "a[0=1", "", "a[1]=x", "[0]=x"])
def test_an_override_of_no_form_is_refused(root: Path, override: str) -> None:
    with pytest.raises(ConfigInvalid, match="--set"):
        stackfile.read(root, "one", [override])


@pytest.mark.parametrize(
    ("content", "says"),
    [("config: [", "is not YAML in line"), ("- a", "must be an object"), ("config: text", "`config` must be an object"),
     (b"\xff\xfe\x00", "is not YAML")],
)  # fmt: skip
def test_a_broken_file_is_a_fault(root: Path, content: Any, says: str) -> None:
    (root / "Pulumi.one.yaml").write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ConfigInvalid, match=says):
        stackfile.read(root, "one")


BY_PASSPHRASE = "v1:TTlXcPNGN+kBzoVm:Kvhm0cJVhQf4vqT7VqvI4U8bQvvUhw=="
BY_PULUMI_CLOUD = "AAABAGtWfIxOyjUlyBpuYxjXpcqPCTXzu1v8gZiYwGJzv3cM"


@pytest.mark.parametrize(
    ("value", "readable"),
    [
        (BY_PASSPHRASE, True), (BY_PULUMI_CLOUD, True), ("replace-me", False), ("REPLACE_ME_WITH_YOUR_TOKEN", False),
        ("hf_AbCdEfGhIjKlMnOpQrStUvWxYz", False), ("v1:x", False), ("v1:AAAA", False), ("", False), (1, False),
    ],
)  # fmt: skip
@pytest.mark.parametrize("key", ["hfToken: {}", "secrets: {{hfToken: {}}}", "alerts: {{emails: [{}]}}"])
def test_a_secret_that_pulumi_did_not_encrypt_is_found(root: Path, key: str, value: Any, readable: bool) -> None:
    """The Pulumi CLI refuses a whole stack file for one."""
    secure = f"{{secure: {json.dumps(value)}}}"
    (root / "Pulumi.one.yaml").write_text(f"config:\n  gcp:project: p\n  {key.format(secure)}\n")
    name = f"dynamo-gke:{key.partition(':')[0]}"
    assert stackfile.undecryptable(root, "one") == ([] if readable else [name])
    assert stackfile.read(root, "one").secrets == {name}


@pytest.mark.parametrize("stack", SHIPPED)
def test_no_shipped_stack_has_a_secret(stack: str) -> None:
    """One that is encrypted needs its key, one that is not is refused by the Pulumi CLI."""
    assert "secure" not in (ROOT / f"Pulumi.{stack}.yaml").read_text()
    assert stackfile.read(ROOT, stack).secrets == frozenset()


def test_every_setting_is_declared_with_a_description() -> None:
    import yaml

    from spec.load import PLAIN_KEYS, SECRET_KEYS

    declared = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]
    assert set(declared) == {f"dynamo-gke:{key}" for key in (*PLAIN_KEYS, *SECRET_KEYS)}
    assert all(entry["description"] for entry in declared.values())
    # The Pulumi CLI refuses a stack that leaves such a key out: "must be encrypted as it's secret".
    assert [key for key, entry in declared.items() if entry.get("secret") and "default" in entry] == []
