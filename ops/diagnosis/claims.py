"""Claims for RDMA NICs that were never created, are held by others, or are left over from a deleted pod."""

from collections.abc import Iterator

from ops.diagnosis.findings import Cause, Finding
from ops.diagnosis.snapshot import Object, label, name, part, parts, unended
from ops.diagnosis.view import View, component, reference

FINALIZER = "resource.kubernetes.io/delete-protection"


def never_created(view: View, pod: Object) -> Iterator[Finding]:
    """Claims that do not exist because their template is missing or their creation failed."""
    templates = {name(template) for template in view.snapshot.claim_templates}
    created = {status.get("name") for status in parts(pod, "status", "resourceClaimStatuses")}
    failures = view.snapshot.events_of("Pod", name(pod), "FailedResourceClaimCreation")
    for claim in parts(pod, "spec", "resourceClaims"):
        template = claim.get("resourceClaimTemplateName")
        waits = f"{component(pod)} waits for its NIC claim {claim.get('name')}"
        if template and template not in templates:
            yield view.finding(
                Cause.CLAIM,
                f"{waits}, whose ResourceClaimTemplate {template} is not in namespace {view.namespace}; `pulumi up "
                "--refresh` creates it; then delete the pod to avoid a wait of up to 17 min",
                reference(pod),
            )
        elif claim.get("name") not in created and failures:
            yield view.finding(
                Cause.CLAIM, f"{waits}, which could not be created: {failures[-1].get('message')}", reference(pod)
            )


def claims_of(pod: Object) -> list[str]:
    return [
        str(s["resourceClaimName"]) for s in parts(pod, "status", "resourceClaimStatuses") if "resourceClaimName" in s
    ]


def stuck(view: View) -> Iterator[Finding]:
    """Claims that hold devices although every pod they are reserved for is gone or has ended."""
    for claim in _left_over(view):
        deleted = part(claim, "metadata", "deletionTimestamp")
        users = parts(claim, "status", "reservedFor")
        finalizers = ", ".join(part(claim, "metadata", "finalizers") or [FINALIZER])
        state = f"has been terminating for {view.snapshot.age(deleted)} and holds" if deleted else "still holds"
        reserved = (
            f"it is still reserved for {' and '.join(_fate(view, user) for user in users)}"
            if users
            else "it has no reservation and keeps its allocation"
        )
        dropped, field = ("such a reservation", "reservedFor") if users else ("such an allocation", "allocation")
        yield view.finding(
            Cause.CLAIM,
            f"ResourceClaim {name(claim)} {state} its devices: {reserved}, so finalizer {finalizers} stays; Kubernetes "
            f"drops {dropped} within seconds, and where it does not, `{view.kubectl} patch resourceclaim {name(claim)} "
            f"""--subresource=status --type=merge -p '{{"status":{{"{field}":null}}}}'` does""",
            f"resourceclaim/{name(claim)}",
        )


def _left_over(view: View) -> Iterator[Object]:
    """Claims without a live user that are allocated, or whose reservation blocks their deletion."""
    for claim in view.snapshot.claims:
        users = parts(claim, "status", "reservedFor")
        reserved_while_deleted = users and part(claim, "metadata", "deletionTimestamp")
        held = part(claim, "status", "allocation") or reserved_while_deleted
        if held and not any(_lives(view, user) for user in users):
            yield claim


def _fate(view: View, user: Object) -> str:
    """An ended pod, and whether its object still exists."""
    ended = next((pod for pod in view.snapshot.pods if _is(pod, user)), None)
    fate = f"has {str(part(ended, 'status', 'phase')).lower()} and is not deleted" if ended else "is gone"
    return f"pod {user.get('name')}, which {fate}"


def why_none_is_free(view: View, nodes: list[Object]) -> str:
    """Why none of these nodes can allocate a claim, judged by the claims of the namespace."""
    for key, value in view.plan.rdma.node_labels.items():
        if nodes and all(label(node, key) != value for node in nodes):
            return f"none has the label {key}={value}, without which GKE offers no NIC; the pool sets it"
    holders = sorted({holder for claim in view.snapshot.claims for holder in _holders(view, claim, nodes)})
    if holders:
        return f"they are held by {', '.join(holders)} and become free when it ends"
    if left := [name(claim) for claim in _left_over(view) if _may_hold(view, claim, {name(node) for node in nodes})]:
        return f"they are held by ResourceClaim {', '.join(left)}, which no pod uses"
    return (
        f"nothing in namespace {view.namespace} holds them; see the nodes' devices with `kubectl get "
        "resourceslices`, and claims of other namespaces with `kubectl get resourceclaims -A`"
    )


def _holders(view: View, claim: Object, nodes: list[Object]) -> Iterator[str]:
    """Names of pods that hold devices of these nodes by a claim; other users with their kind."""
    there = {name(node) for node in nodes}
    for user in parts(claim, "status", "reservedFor"):
        if not _lives(view, user):
            continue
        if not _is_pod(user):
            if _may_hold(view, claim, there):
                yield f"{_kind(user)} {user.get('name')}"
        elif any(part(pod, "spec", "nodeName") in there for pod in view.snapshot.pods if name(pod) == user.get("name")):
            yield str(user.get("name"))


def _may_hold(view: View, claim: Object, there: set[str]) -> bool:
    """Whether a claim's devices may belong to these nodes."""
    # Drivers usually name their device pool after the node; with another name the claim counts, to be safe.
    pools = {str(result.get("pool")) for result in parts(claim, "status", "allocation", "devices", "results")}
    return not pools or bool(pools & there) or not pools & {name(node) for node in view.snapshot.nodes}


def _lives(view: View, user: Object) -> bool:
    """Whether a user of a claim is alive. Users other than pods cannot be checked here and count as alive."""
    if not _is_pod(user):
        return True
    return any(_is(pod, user) and unended(pod) for pod in view.snapshot.pods)


def _is(pod: Object, user: Object) -> bool:
    """Whether a pod is that user of a claim, not another pod with the same name."""
    uid = user.get("uid")
    return name(pod) == user.get("name") and (not uid or part(pod, "metadata", "uid") in (None, uid))


def _is_pod(user: Object) -> bool:
    return user.get("resource", "pods") == "pods" and not user.get("apiGroup")


def _kind(user: Object) -> str:
    """`pods` → pod, `virtualmachines.kubevirt.io` with its group."""
    if _is_pod(user):
        return "pod"
    return f"{user.get('resource')}" + (f".{user['apiGroup']}" if user.get("apiGroup") else "")
