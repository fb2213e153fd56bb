"""Stand-in for Dynamo's operator: a loop that brings every graph a step further, and its webhooks.

It works only while a pod of the chart's operator is ready, and then as that pod's service account, so that scaling the
operator's Deployment to zero stops it, as it stops the real one. It shows what the API server, the scheduler and Pulumi
make of an operator that behaves as NVIDIA's sources say (1.5), and not that NVIDIA's does.
"""

import time

from ops.rehearsal.kube import ApiError, Kube, NotFound
from ops.rehearsal.platform import names, webhook
from ops.rehearsal.platform.names import Object
from ops.rehearsal.platform.reconciler import Reconciler
from ops.rehearsal.platform.webhook import Identity
from ops.rehearsal.stand_in import StandIn
from ops.rehearsal.world import World

OPERATOR_PODS = "app.kubernetes.io/name=dynamo-operator,control-plane=controller-manager"
_TICK_SECONDS = 5.0
"""The longest time between two looks at the cluster; a change wakes the operator at once."""
_LOGIN_SECONDS = 1800
"""A token of a service account is valid for an hour."""
_WATCHED = (
    (names.GROUP, names.GRAPH_KIND, ""),
    (names.GROUP, names.ADAPTER_KIND, ""),
    ("apps/v1", "Deployment", names.GRAPH),
    ("v1", "Pod", names.GRAPH),
    ("v1", "Pod", OPERATOR_PODS),
)


def run(stand_in: StandIn, world: World) -> None:
    """Runs the operator and its webhooks until the stand-in is stopped, whose access shows whether it may run."""
    operator = Operator(stand_in.kube)
    with webhook.serving(world, operator.identity):
        stand_in.run(_WATCHED, operator.look)


class Operator:
    """The operator's access and its work on all graphs."""

    def __init__(self, admin: Kube) -> None:
        self._admin = admin
        self._identity: Identity | None = None
        self._reconciler: Reconciler | None = None
        self._logged_in = 0.0

    def identity(self) -> Identity | None:
        """The running operator; None while it is down."""
        return self._identity

    def look(self) -> float:
        """Brings every graph a step further. Returns the seconds until the next look.

        Raises ApiError if one of them could not be, after the others.
        """
        reconciler = self._log_in()
        errors: list[str] = []
        for graph in self._graphs() if reconciler else []:
            assert reconciler is not None
            try:
                reconciler.step(graph)
            except ApiError as error:
                errors.append(f"{graph['metadata']['namespace']}/{graph['metadata']['name']}: {error}")
        if errors:
            raise ApiError(0, "; ".join(errors))
        return _TICK_SECONDS

    def _graphs(self) -> list[Object]:
        try:
            return self._admin.list(names.GROUP, names.GRAPH_KIND)
        except NotFound:  # the kind has no definition yet
            return []

    def _log_in(self) -> Reconciler | None:
        """The operator at work with its own rights; None while none of its pods is ready."""
        pod = next(filter(_is_ready, self._admin.list("v1", "Pod", selector=OPERATOR_PODS)), None)
        if pod is None:
            self._identity = self._reconciler = None
            return None
        account, namespace = pod["spec"]["serviceAccountName"], pod["metadata"]["namespace"]
        image = pod["spec"]["containers"][0]["image"]
        identity = Identity(f"system:serviceaccount:{namespace}:{account}", image.rpartition(":")[2])
        expired = time.monotonic() > self._logged_in + _LOGIN_SECONDS
        if self._reconciler is None or identity != self._identity or expired:
            own = self._admin.as_owner_of(self._admin.token(account, namespace))
            self._reconciler, self._identity, self._logged_in = Reconciler(own), identity, time.monotonic()
        return self._reconciler


def _is_ready(pod: Object) -> bool:
    conditions = pod.get("status", {}).get("conditions", ())
    return not pod["metadata"].get("deletionTimestamp") and any(
        each["type"] == "Ready" and each["status"] == "True" for each in conditions
    )
