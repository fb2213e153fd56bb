"""The Dynamo platform that every graph needs: its Helm release and its operator."""

from collections.abc import Iterator

from ops.diagnosis.findings import Cause, Finding
from ops.diagnosis.snapshot import Object, condition, label, name, part, when
from ops.diagnosis.view import View
from planning import names
from planning.platform import OperatorInstall

# Helm's timeout in this stack is 15 minutes; an older pending operation was interrupted.
RELEASE_SECONDS = 20 * 60


def platform(view: View) -> Iterator[Finding]:
    """A release that is not deployed, and an operator that is not available."""
    release = _newest(view.snapshot.releases)
    status = label(release, "status") or "" if release else ""
    if release and status != "deployed":
        yield _unfinished(view, release, status)
    if not view.snapshot.operators:
        if not status.startswith("pending-"):
            yield _missing(view, deployed=status == "deployed")
        return
    for deployment in view.snapshot.operators:
        if not part(deployment, "status", "availableReplicas"):
            yield _unavailable(view, deployment)


def _unavailable(view: View, deployment: Object) -> Finding:
    """An operator without an available replica. One that is scaled to zero counts as available for Kubernetes."""
    kubectl = f"kubectl -n {view.plan.platform_namespace or part(deployment, 'metadata', 'namespace')}"
    if part(deployment, "spec", "replicas") == 0:
        back = f"{kubectl} scale deployment {name(deployment)} --replicas {OperatorInstall().replicas}"
        why, fix = "somebody scaled it to 0", f"`{back}` starts it"
    else:
        available = condition(deployment, "Available")
        says = available.get("message") if available.get("status") == "False" else None
        why, fix = says or "it has no available replica", f"see `{kubectl} get pods`"
    return view.finding(
        Cause.OPERATOR,
        f"the Dynamo operator is not available ({why}), so graphs cannot be changed, deleted or reconciled; {fix}",
        f"deployment/{name(deployment)}",
    )


def _missing(view: View, *, deployed: bool) -> Finding:
    own = view.plan.platform_namespace
    if own is None:
        message = (
            "the cluster has no Dynamo operator, and cluster.existing.platform is shared; install one, or set it to "
            "install"
        )
    elif deployed:
        message = (
            f"the Dynamo operator is not in namespace {own}; Helm's record says deployed, so `pulumi up` changes "
            f"nothing: `{_helm(view)} rollback {names.PLATFORM_RELEASE}` creates it again"
        )
    else:
        message = f"the Dynamo operator is not in namespace {own}; `pulumi up` installs it"
    return view.finding(Cause.OPERATOR, message)


def _unfinished(view: View, release: Object, status: str) -> Finding:
    """A release with a running or interrupted operation; Helm then refuses every later one."""
    what, where = f"the Helm release {names.PLATFORM_RELEASE}", f"secret/{name(release)}"
    began = when(part(release, "metadata", "creationTimestamp"))
    since = view.snapshot.age(began)
    if not status.startswith("pending-"):
        return view.finding(
            Cause.RELEASE,
            f"{what} has been {status or 'in an unknown state'} for {since}; see `{_helm(view)} history "
            f"{names.PLATFORM_RELEASE}`, then run `pulumi up --refresh`",
            where,
        )
    if began and (view.snapshot.taken - began).total_seconds() < RELEASE_SECONDS:
        return view.finding(Cause.RELEASE, f"{what} has been {status} for {since}: Helm is working; wait", where)
    good = [r for r in view.snapshot.releases if label(r, "status") in ("deployed", "superseded")]
    back = (
        f"rollback {names.PLATFORM_RELEASE} {_revision(max(good, key=_revision))}"
        if good
        else f"uninstall {names.PLATFORM_RELEASE}"
    )
    return view.finding(
        Cause.RELEASE,
        f"{what} has been {status} for {since}: the operation was interrupted, and Helm refuses others (`another "
        f"operation (install/upgrade/rollback) is in progress`); run `{_helm(view)} {back}`, then `pulumi refresh` and "
        "`pulumi up`",
        where,
    )


def _helm(view: View) -> str:
    return f"helm -n {view.plan.platform_namespace}"


def _newest(releases: tuple[Object, ...]) -> Object | None:
    return max(releases, key=_revision, default=None)


def _revision(release: Object) -> int:
    """Helm numbers the records of a release: `sh.helm.release.v1.<release>.v<revision>`."""
    digits = label(release, "version") or name(release).rpartition(".v")[2]
    return int(digits) if digits.isdecimal() else 0
