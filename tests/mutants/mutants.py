"""The mistakes that the tests of the rehearsals must find, and by what."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Edit:
    """A text in a file, and what stands there instead."""

    file: str
    before: str
    after: str


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """One mistake."""

    name: str
    edits: Sequence[Edit]
    tests: Sequence[str]
    """Arguments of pytest that choose the test which must fail."""
    because: str
    """Pattern of what the failed test must say."""


_DEPLOYED = ("tests/rehearsal/test_replaced_cluster.py", "-k", "alone")
"""Deploys dev with Pulumi's engine."""
_PLATFORM = "tests/rehearsal/test_platform.py"
_COPY = 'k8s.core.v1.ConfigMap("copy", data={"token": args.hf_token}, opts=pulumi.ResourceOptions(parent=self))'

MUTANTS = (
    Mutant(
        name="the graph does not wait for the platform",
        edits=(Edit("workloads/serving.py", "        *setup.platform,\n", ""),),
        # An update tries the graph again until the platform is ready; the order of a teardown shows the mistake.
        tests=("tests/rehearsal/test_rehearse.py", "-k", "dev_runs"),
        because=r"platform platform-release may be deleted before graph chat-graph, which does not depend on it",
    ),
    Mutant(
        name="a binding names a role that does not exist",
        edits=(Edit("workloads/runtime_identity.py", "name=names.discovery_role(args.graph)", "name=account"),),
        tests=("tests/rehearsal/test_rehearse.py", "-k", "dev_runs"),
        because=r"RoleBinding chat-runtime names Role chat-runtime in dynamo, which does not exist",
    ),
    Mutant(
        name="a field of the graph is misspelt",
        edits=(
            Edit(
                "manifests/dgd.py",
                "    replicas: int | None = None\n",
                '    replicas: Annotated[int | None, Field(alias="replica")] = None\n',
            ),
            # The program refuses the field itself; here the API server has to.
            Edit(
                "workloads/custom_object.py",
                "    errors = list(manifest_schema.errors(manifest, unknown=pulumi.Output))\n",
                "    errors = []\n",
            ),
        ),
        tests=(_PLATFORM, "-k", "every_object and dev"),
        because=r"\.replica: field not declared in schema",
    ),
    Mutant(
        name="a toleration is missing",
        edits=(
            Edit("manifests/graph.py", "tolerations=placement.tolerations(node) if node else None", "tolerations=None"),
        ),
        tests=(_PLATFORM, "-k", "on_the_nodes_of_their_role"),
        because=r"untolerated taint",
    ),
    Mutant(
        name="the token is also in a ConfigMap",
        edits=(
            Edit(
                "workloads/namespace.py",
                "            k8s.core.v1.Secret(\n",
                f"            {_COPY}\n            k8s.core.v1.Secret(\n",
            ),
        ),
        tests=("tests/rehearsal/test_preview_json.py", "-k", "prod"),
        because=r"a secret is in an object that is no Secret",
    ),
    Mutant(
        name="a verb is missing in a Role",
        edits=(
            Edit(
                "workloads/verification.py", 'resources=["pods"], verbs=["list"]', 'resources=["pods"], verbs=["get"]'
            ),
        ),
        tests=_DEPLOYED,
        because=r"workers found: the Kubernetes API answered HTTP 403",
    ),
    Mutant(
        name="the selector of a NetworkPolicy is misspelt",
        edits=(
            Edit("workloads/network_policies.py", "    own = {GRAPH: graph}\n", '    own = {f"{GRAPH}s": graph}\n'),
        ),
        tests=_DEPLOYED,
        because=r"assert \['chat-[^]]*\] == \[\]",
    ),
)
