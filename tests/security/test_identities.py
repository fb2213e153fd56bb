"""What each account of a stack may do, and what its pods report to third parties."""

from ops.offline.recorded import Recording
from tests.program.test_security import named, with_secret_manager
from tests.program.test_stacks import every_stack, of_type
from tests.stacks import recorded


def grants(recording: Recording) -> dict[str, set[tuple[str, str]]]:
    """Type of grant → members and roles, for all grants of a stack in Google Cloud."""
    found: dict[str, set[tuple[str, str]]] = {}
    for resource in recording.resources:
        if resource.type.startswith("gcp:") and "member" in resource.inputs:
            kind = resource.type.rpartition(":")[2]
            found.setdefault(kind, set()).add((resource.inputs["member"], resource.inputs["role"]))
    return found


@every_stack
def test_nodes_have_the_roles_of_a_node_and_no_other(stack: str) -> None:
    account = f"serviceAccount:dynamo-{stack}-nodes@my-project.iam.gserviceaccount.com"
    granted = {role for kind in grants(recorded(stack, preview=False)).values() for who, role in kind if who == account}
    assert granted == {"roles/container.defaultNodeServiceAccount", "roles/artifactregistry.reader"}


def test_only_graphs_and_the_fetching_job_reach_the_bucket() -> None:
    of_bucket = grants(recorded("prod", preview=False))["BucketIAMMember"]
    pods = "principal://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/"
    assert of_bucket == {
        (f"{pods}my-project.svc.id.goog/subject/ns/dynamo/sa/chat-runtime", "roles/storage.objectViewer"),
        (f"{pods}my-project.svc.id.goog/subject/ns/dynamo/sa/weights-writer", "roles/storage.objectUser"),
    }


def test_the_fetching_job_has_no_token_of_kubernetes() -> None:
    recording = recorded("prod")
    (account,) = [r for r in of_type(recording, ":ServiceAccount") if r.inputs["metadata"]["name"] == "weights-writer"]
    assert account.inputs["automountServiceAccountToken"] is False
    (job,) = [r for r in of_type(recording, ":Job") if r.name.startswith("model-weights-")]
    assert job.inputs["spec"]["template"]["spec"]["serviceAccountName"] == "weights-writer"


@every_stack
def test_the_verification_lists_pods_and_reads_logs_and_nothing_else(stack: str) -> None:
    recording = recorded(stack)
    account = named(recording, "chat-proof-account").inputs["metadata"]["name"]
    bound = [b for b in of_type(recording, ":RoleBinding") if account in [s["name"] for s in b.inputs["subjects"]]]
    assert [b.inputs["roleRef"] for b in bound] == [
        {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": account}
    ]
    role = named(recording, "chat-proof-role").inputs
    assert role["metadata"]["name"] == account
    assert role["rules"] == [
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]},
        {"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get"]},
    ]


@every_stack
def test_no_service_account_has_a_key(stack: str) -> None:
    kinds = {resource.type.rpartition(":")[2] for resource in recorded(stack).resources}
    assert "Account" in kinds
    assert kinds & {"Key", "HmacKey"} == set()


@every_stack
def test_no_container_of_a_graph_reports_its_use(stack: str) -> None:
    (graph,) = of_type(recorded(stack), ":DynamoGraphDeployment")
    for component in graph.inputs["spec"]["components"]:
        for container in component["podTemplate"]["spec"]["containers"]:
            given = {variable["name"]: variable.get("value") for variable in container["env"]}
            assert (given["VLLM_NO_USAGE_STATS"], given["DO_NOT_TRACK"]) == ("1", "1")


def test_up_waits_for_the_copy_of_the_token() -> None:
    annotations = named(with_secret_manager("theirs"), "token-sync").inputs["metadata"]["annotations"]
    assert annotations["pulumi.com/waitFor"] == "jsonpath={.status.lastSuccessfulSyncTime}"
    assert annotations["pulumi.com/timeoutSeconds"] == str(15 * 60)
