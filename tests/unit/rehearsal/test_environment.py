from pathlib import Path

from ops.rehearsal.engine.environment import environment
from ops.rehearsal.world import World

WORLD = World(Path("/folder"))
CALLER = {
    "PATH": "/home/me/bin",
    "HOME": "/home/me",
    "KUBECONFIG": "/home/me/.kube/config",
    "GOOGLE_APPLICATION_CREDENTIALS": "/home/me/key.json",
    "GOOGLE_OAUTH_ACCESS_TOKEN": "ya29.token",
    "CLOUDSDK_CONFIG": "/home/me/gcloud",
    "PULUMI_ACCESS_TOKEN": "pul-token",
    "PULUMI_CONFIG_PASSPHRASE_FILE": "/home/me/passphrase",
    "HTTPS_PROXY": "http://proxy:3128",
    "no_proxy": "localhost",
    "HF_TOKEN": "hf_token",
    "SSH_AUTH_SOCK": "/run/agent",
    "PYTHONPATH": "/home/me/python",
    "LD_PRELOAD": "/home/me/evil.so",
    "XDG_CONFIG_HOME": "/home/me/.config",
    "TERM": "xterm",
}


def test_nothing_of_the_callers_is_passed_on() -> None:
    env = environment(WORLD, [Path("/tools")], CALLER)
    theirs = {name: value for name, value in env.items() if CALLER.get(name) == value}
    assert theirs == {"TERM": "xterm"}
    assert not [value for value in env.values() if "/home/me" in value]


def test_the_backends_address_is_escaped() -> None:
    """Pulumi would take what follows # for a fragment, and %20 for a space."""
    env = environment(World(Path("/my #1 %20")), [], {})
    assert env["PULUMI_BACKEND_URL"] == "file:///my%20%231%20%2520/state"


def test_the_environment_is_whole() -> None:
    env = environment(WORLD, [Path("/tools"), Path("/tools"), Path("/other")], {})
    assert env.pop("PATH").startswith("/folder/bin:/tools:/other:/usr/local/sbin:")
    assert env == {
        "HOME": "/folder",
        "TMPDIR": "/folder/tmp",
        "LANG": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
        "GRPC_ENABLE_FORK_SUPPORT": "false",
        "DYNAMO_GKE_REHEARSAL": "/folder",
        "GOGC": "400",
        "SSL_CERT_FILE": "/folder/ca.pem",
        "PULUMI_HOME": "/folder/pulumi",
        "PULUMI_BACKEND_URL": "file:///folder/state",
        "PULUMI_CONFIG_PASSPHRASE": "rehearsal",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
    }
