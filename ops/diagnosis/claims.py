"""Claims for RDMA NICs: never made, held by others, or left over by a pod that is gone."""

from collections.abc import Iterator

from ops.diagnosis.findings import Cause, Finding
from ops.diagnosis.snapshot import Object, label, name, part, parts, unended
from ops.diagnosis.view import View, component, reference

# GKE's driver offers the NICs of a node to pods only under this label.
NIC_DRIVER_LABEL = "cloud.google.com/gke-networking-dra-driver"
FINALIZER = "resource.kubernetes.io/delete-protection"


def never_made(view: View, pod: Object) -> Iterator[Finding]:
    """Claims that do not exist because their template does not, or because making them failed."""
    templates = {name(template) for template in view.snapshot.claim_templates}
    made = {status.get("name") for status in parts(pod, "status", "resourceClaimStatuses")}
    failures = view.snapshot.events_of("Pod", name(pod), "FailedResourceClaimCreation")
    for claim in parts(pod, "spec", "resourceClaims"):
        template = claim.get("resourceClaimTemplateName")
        waits = f"{component(pod)} waits for its NIC claim {claim.get('name')}"
        if template and template not in templates:
            yield view.finding(
                Cause.CLAIM,
                f"{waits}, whose ResourceClaimTemplate {template} is not in namespace {view.namespace}; `pulumi up "
                "--refresh` makes it, after which deleting the pod spares it a wait of up to 17 min",
                reference(pod),
            )
        elif claim.get("name") not in made and failures:
            yield view.finding(
                Cause.CLAIM, f"{waits}, which could not be made: {failures[-1].get('message')}", reference(pod)
            )


def claims_of(pod: Object) -> list[str]:
    return [
        str(s["resourceClaimName"]) for s in parts(pod, "status", "resourceClaimStatuses") if "resourceClaimName" in s
    ]


def stuck(view: View) -> Iterator[Finding]:
    """Claims that are being deleted and still hold their devices, because those they are reserved for are gone."""
    for claim in view.snapshot.claims:
        deleted = part(claim, "metadata", "deletionTimestamp")
        users = parts(claim, "status", "reservedFor")
        if not deleted or not users or any(_lives(view, user) for user in users):
            continue
        finalizers = ", ".join(part(claim, "metadata", "finalizers") or [FINALIZER])
        gone = " and ".join(f"{_kind(user)} {user.get('name')}" for user in users)
        yield view.finding(
            Cause.CLAIM,
            f"ResourceClaim {name(claim)} is being deleted since {view.snapshot.age(deleted)} and holds its devices: "
            f"it is still reserved for {gone}, which {'is' if len(users) == 1 else 'are'} gone, so finalizer "
            f"{finalizers} stays; Kubernetes drops such a reservation within seconds, and where it does not, "
            f"`{view.kubectl} patch resourceclaim {name(claim)} --subresource=status --type=merge -p "
            """'{"status":{"reservedFor":null}}'` does""",
            f"resourceclaim/{name(claim)}",
        )


def why_none_is_free(view: View, nodes: list[Object]) -> str:
    """Why none of these nodes can allocate a claim, as far as the namespace's claims tell."""
    unlabelled = [name(node) for node in nodes if label(node, NIC_DRIVER_LABEL) != "true"]
    if nodes and len(unlabelled) == len(nodes):
        return f"none has the label {NIC_DRIVER_LABEL}=true, without which GKE offers no NIC; the pool sets it"
    holders = sorted({holder for claim in view.snapshot.claims for holder in _holders(view, claim, nodes)})
    if holders:
        return f"they are held by {', '.join(holders)}, and are free once it has ended"
    if any(stuck(view)):
        return "a claim that is being deleted holds them"
    return (
        f"nothing in namespace {view.namespace} holds them; look at what the nodes offer with `kubectl get "
        "resourceslices`, and at claims of other namespaces with `kubectl get resourceclaims -A`"
    )


def _holders(view: View, claim: Object, nodes: list[Object]) -> Iterator[str]:
    """Who holds devices of these nodes by a claim: pods by their name, others with their kind."""
    there = {name(node) for node in nodes}
    pools = {str(result.get("pool")) for result in parts(claim, "status", "allocation", "devices", "results")}
    for user in parts(claim, "status", "reservedFor"):
        if not _lives(view, user):
            continue
        if not _is_pod(user):
            # A driver calls its pool of devices by the node's name, by custom; where it does not, better told than not.
            if not pools or pools & there or not pools & {name(node) for node in view.snapshot.nodes}:
                yield f"{_kind(user)} {user.get('name')}"
        elif any(part(pod, "spec", "nodeName") in there for pod in view.snapshot.pods if name(pod) == user.get("name")):
            yield str(user.get("name"))


def _lives(view: View, user: Object) -> bool:
    """Whether a user of a claim is there; of a kind other than pods nothing here can tell, so it is taken to be."""
    if not _is_pod(user):
        return True
    uid = user.get("uid")
    return any(
        name(pod) == user.get("name") and unended(pod) and (not uid or part(pod, "metadata", "uid") in (None, uid))
        for pod in view.snapshot.pods
    )


def _is_pod(user: Object) -> bool:
    return user.get("resource", "pods") == "pods" and not user.get("apiGroup")


def _kind(user: Object) -> str:
    """`pods` → pod, `virtualmachines.kubevirt.io` with its group."""
    if _is_pod(user):
        return "pod"
    return f"{user.get('resource')}" + (f".{user['apiGroup']}" if user.get("apiGroup") else "")
