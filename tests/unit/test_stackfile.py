"""Stack files and overrides, read as Pulumi reads them."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from ops.offline import stackfile
from reading.errors import ConfigInvalid
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
        ("labels.costCenter=1234", "dynamo-gke:labels", '{"costCenter": "1234"}'),
        ("labels.costCenter=true", "dynamo-gke:labels", '{"costCenter": "true"}'),
        ("versions.runtime=1.6", "dynamo-gke:versions", '{"runtime": "1.6"}'),
        ('models.chat.engine.extraArgs[0]={"a": 1}', "dynamo-gke:models",
         '{"chat": {"model": "m", "engine": {"extraArgs": ["{\\"a\\": 1}"]}}}'),
        ('models.chat.engine.extraArgs=["--a","1"]', "dynamo-gke:models",
         '{"chat": {"model": "m", "engine": {"extraArgs": ["--a", "1"]}}}'),
        ("models.chat.prefill={replicas: 2}", "dynamo-gke:models",
         '{"chat": {"model": "m", "prefill": {"replicas": 2}}}'),
        ('models.chat.autoscaling.decode={"min": 1, "max": 3}', "dynamo-gke:models",
         '{"chat": {"model": "m", "autoscaling": {"decode": {"min": 1, "max": 3}}}}'),
        ("endpoint.allowedCidrs=[203.0.113.0/24, 198.51.100.0/24]", "dynamo-gke:endpoint",
         '{"allowedCidrs": ["203.0.113.0/24", "198.51.100.0/24"]}'),
        ("gcp:project=12345", "gcp:project", "12345"),
        ("preflight=false", "dynamo-gke:preflight", "false"),
        ("dynamo-gke:labels.owner=1e3", "dynamo-gke:labels", '{"owner": "1e3"}'),
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


@pytest.mark.parametrize("value", ["{replicas: 2", "{replicas: 1, replicas: 2}", "[--a"])
def test_an_object_that_is_not_yaml_is_refused_with_its_path(root: Path, value: str) -> None:
    with pytest.raises(ConfigInvalid, match=r"--set: models.chat.prefill=.*: .*(not YAML|given twice)"):
        stackfile.read(root, "one", [f"models.chat.prefill={value}"])


def test_an_object_of_another_kind_is_reported_by_its_key(root: Path) -> None:
    from planning.load import load

    with pytest.raises(ConfigInvalid) as raised:
        load(stackfile.read(root, "one", ["labels=owner", "alerts=[a]", "models.chat.prefill=2"]))
    errors = {error.path: error.message for error in raised.value.errors}
    assert errors["labels"] == 'got "owner"; must be an object'
    assert "must be an object" in errors["alerts"]
    assert "must be an object" in errors["models.chat.prefill"]


@pytest.mark.parametrize(
    ("content", "errors"),
    [
        ("config:\n  gcp:project: a\n  gcp:project: b\n", {"config.gcp:project": "line 2 and line 3"}),
        ("config:\n  models: {chat: {model: a, model: b}}\n", {"config.models.chat.model": "line 2"}),
        ("config: {}\nconfig: {}\n", {"config": "line 1 and line 2"}),
        (
            "config:\n  dynamo-gke:labels: {a: b, a: c}\n  dynamo-gke:alerts:\n    emails: [x]\n    emails: [y]\n",
            {"labels.a": "line 2", "alerts.emails": "line 4 and line 5"},
        ),
        ("config:\n  models: {}\n  dynamo-gke:models: {}\n", {"models": "as models and as dynamo-gke:models"}),
        ("config:\n  models:\n  - a: 1\n    a: 2\n", {"config.models[0].a": "line 3 and line 4"}),
    ],
)
def test_a_key_that_is_given_twice_is_an_error(root: Path, content: str, errors: dict[str, str]) -> None:
    (root / "Pulumi.one.yaml").write_text(content)
    with pytest.raises(ConfigInvalid) as raised:
        stackfile.read(root, "one")
    reported = {
        str(error): where for error in raised.value.errors for path, where in errors.items() if path in str(error)
    }
    assert len(reported) == len(errors) == len(raised.value.errors)
    assert all("given twice" in error and where in error for error, where in reported.items())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("encriptionsalt: v1:abc\nconfig: {}\n", "encriptionsalt: is not a key here; did you mean encryptionsalt?"),
        ("confg: {gcp:project: p}\n", "confg: is not a key here; did you mean config?; allowed: config, secretsprov"),
        ("foo: 1\nconfig: {}\n", "foo: is not a key here; allowed: config, secretsprovider, encryptedkey, encryptions"),
        ("foo: 1\n", "Pulumi ignores the key, and deletes it with the next `pulumi config set`"),
        ("modles: {}\nconfig: {}\n", "modles: did you mean models? It must be in the block `config`"),
        ("models: {}\ngcp:project: p\n", "models, gcp:project: must be in the block `config`, indented below it"),
        ("apiVersion: v1\nkind: List\nitems: []\n", "kind: is not a key here"),
        (
            "name: other\nruntime: python\n",
            "is the project file, which has no settings of a stack; stack files in ",
        ),
    ],
)
def test_a_key_beside_config_that_pulumi_ignores_is_an_error(root: Path, content: str, message: str) -> None:
    (root / "Pulumi.one.yaml").write_text(content)
    with pytest.raises(ConfigInvalid, match=re.escape(message)):
        stackfile.read(root, "one")


def test_keys_that_pulumi_reads_beside_config_are_accepted(root: Path) -> None:
    path = root / "Pulumi.one.yaml"
    own = "secretsprovider: gcpkms://x\nencryptedkey: x\nencryptionsalt: v1:x\nenvironment: [a]\n"
    path.write_text(own + path.read_text())
    assert stackfile.read(root, "one").values["gcp:project"] == "p"


@pytest.mark.parametrize("content", ["config: &a {x: *a}\n", "config: {d: 2026-13-45}\n", "a: b\n---\nc: d\n"])
def test_a_file_that_is_no_plain_document_is_an_error(root: Path, content: str) -> None:
    (root / "Pulumi.one.yaml").write_text(content)
    with pytest.raises(ConfigInvalid, match=r"Pulumi.one.yaml: (config.x: )?is not"):
        stackfile.read(root, "one")


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("nothing", '"nothing" is not path=value, such as models.chat.layout=single-node'),
        ("=x", '"=x" is not path=value'),
        ("", '"" is not path=value'),
        ("a..b=1", '"a..b=1": the path has an empty part at "..b"; write keys joined by dots, [0] for an entry of a '
                   'list, ["a.b"] for a key with a dot, such as models.chat.layout=single-node'),
        (".a=1", 'the path has an empty part at ".a"; '),
        ("a.=1", 'the path has an empty part at "."; '),
        ("a.[0]=1", 'the path has an empty part at ".[0]"; '),
        ("a[]=1", 'the path has an empty part at "[]"; '),
        ("[0]=x", "the path begins with an index, not with a key; "),
        ("a[0=1", 'the path cannot be read from "[0" on; '),
        ("a['b.c'].d=1", "the path cannot be read from \"['b.c'].d\" on; "),
        ('a."b"=1', "the path cannot be read from "),
        ("a[1]=x", '"a[1]=x": the next index of the list is 0'),
    ],
)  # fmt: skip
def test_an_override_of_no_form_is_refused(root: Path, override: str, says: str) -> None:
    with pytest.raises(ConfigInvalid, match=r"^--set: .*" + re.escape(says)):
        stackfile.read(root, "one", [override])


@pytest.mark.parametrize(
    ("content", "says"),
    [("config: [", "is not YAML in line"), ("- a", "must be an object"), ("config: text", "`config` must be an object"),
     (b"\xff\xfe\x00", "is not YAML")],
)  # fmt: skip
def test_a_broken_file_is_an_error(root: Path, content: Any, says: str) -> None:
    (root / "Pulumi.one.yaml").write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ConfigInvalid, match=says):
        stackfile.read(root, "one")


def test_words_that_are_text_for_pulumi_are_text(root: Path) -> None:
    text = "config:\n  gcp:project: p\n  cluster: {deletionProtection: yes, maintenance: {start: 12:00}}\n"
    (root / "Pulumi.one.yaml").write_text(text)
    cluster = json.loads(stackfile.read(root, "one").values["dynamo-gke:cluster"])
    assert cluster == {"deletionProtection": "yes", "maintenance": {"start": "12:00"}}


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

    from settings.stack_config import PLAIN_KEYS, SECRET_KEYS

    declared = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]
    assert set(declared) == {f"dynamo-gke:{key}" for key in (*PLAIN_KEYS, *SECRET_KEYS)}
    assert all(entry["description"] for entry in declared.values())
    # The Pulumi CLI refuses a stack that leaves such a key out: "must be encrypted as it's secret".
    assert [key for key, entry in declared.items() if entry.get("secret") and "default" in entry] == []


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("acme/dynamo-gke/one", '"acme/dynamo-gke/one" is not the name of a stack alone; give its last part, one'),
        ("acme/one", "give its last part, one; stacks: one"),
        ("../one", "give its last part, one"),
        ("", "is empty; stacks: one"),
        ("acme/dynamo-gke/two", "is not 1 to 100 letters, digits, dashes, underscores and dots; stacks: one"),
        ("one/", "is not 1 to 100 letters"),
        ("one two", "is not 1 to 100 letters"),
        ("x" * 300, "is not 1 to 100 letters"),
    ],
)
def test_a_name_that_no_stack_has_is_refused_with_the_right_one(root: Path, name: str, said: str) -> None:
    with pytest.raises(ConfigInvalid) as refused:
        stackfile.read(root, name)
    (error,) = refused.value.errors
    assert error.path == "--stack"
    assert said in error.message
