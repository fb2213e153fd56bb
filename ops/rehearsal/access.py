"""Access of the administrator to the simulated cluster: a kubeconfig, and the login helper that the program calls.

GKE grants callers with the role container.admin what members of system:masters may do, so the token's user is one.
"""

import json

import yaml

from ops.rehearsal.files import write_private
from ops.rehearsal.world import API_SERVER, World

LOGIN_HELPER = "gke-gcloud-auth-plugin"
CONTEXT = "rehearsal"
"""The kubeconfig's context."""


def tokens_file(token: str) -> str:
    """The file from which the API server knows the administrator's token."""
    return f"{token},administrator,administrator,system:masters\n"


def write(world: World, token: str) -> None:
    """Writes World.kubeconfig, and the login helper into World.commands."""
    write_private(world.kubeconfig, yaml.safe_dump(_kubeconfig(world, token)))
    world.commands.mkdir(parents=True, exist_ok=True)
    helper = world.commands / LOGIN_HELPER
    write_private(helper, f"#!/bin/sh\ncat <<'END'\n{json.dumps(_credential(token))}\nEND\n")
    helper.chmod(0o700)


def _kubeconfig(world: World, token: str) -> dict[str, object]:
    name = CONTEXT
    cluster = {"server": f"https://{API_SERVER}", "certificate-authority": str(world.ca)}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": cluster}],
        "users": [{"name": name, "user": {"token": token}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "current-context": name,
    }


def _credential(token: str) -> dict[str, object]:
    return {"apiVersion": "client.authentication.k8s.io/v1beta1", "kind": "ExecCredential", "status": {"token": token}}
