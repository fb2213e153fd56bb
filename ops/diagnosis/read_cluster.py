"""Reads the snapshot for `ops status`: some lists, and one model list per graph, each with a timeout."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import urllib3
import yaml
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from kubernetes.config.config_exception import ConfigException

from manifests import dgd
from ops.diagnosis.snapshot import Object, Snapshot, label, name
from ops.report.plain import plain
from planning import names
from planning.types import Plan
from reading.errors import nearest

# Seconds for each call; an API server answers these short lists in well under one.
TIMEOUT = 10.0

METADATA_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"

DISCOVERY_VERSION = "v1alpha1"
"""The only version of DynamoWorkerMetadata."""


class ClusterUnreadable(Exception):
    """No cluster, no permission to read it, or no answer; the message is one sentence with the fix."""

    def __init__(self, sentence: str) -> None:
        super().__init__(plain(sentence))


class Cluster:
    """A cluster reached by a context of a kubeconfig, by default $KUBECONFIG or ~/.kube/config."""

    def __init__(self, plan: Plan, context: str, kubeconfig: Path | None = None) -> None:
        """Raises ClusterUnreadable when the kubeconfig has no such context."""
        self.context = context
        self._plan = plan
        self._api = _client(context, plan, str(kubeconfig) if kubeconfig else None)

    def snapshot(self, graphs: Iterable[str]) -> Snapshot:
        """The current state of the cluster, with the model lists of these graphs. Raises ClusterUnreadable."""
        workloads = f"namespaces/{self._plan.namespace}"
        core = f"/api/v1/{workloads}"
        self._get(core)  # a list in a missing namespace is empty, so check the namespace itself
        deployed = self._list(f"/apis/{dgd.API_VERSION}/{workloads}/dynamographdeployments")
        there = {name(graph) for graph in deployed}
        return Snapshot(
            taken=datetime.now(UTC),
            graphs=deployed,
            pods=self._list(f"{core}/pods"),
            events=self._list(f"{core}/events"),
            nodes=self._list("/api/v1/nodes"),
            claims=self._list(f"/apis/resource.k8s.io/v1/{workloads}/resourceclaims"),
            claim_templates=self._list(f"/apis/resource.k8s.io/v1/{workloads}/resourceclaimtemplates"),
            endpoint_slices=self._list(f"/apis/discovery.k8s.io/v1/{workloads}/endpointslices"),
            worker_metadata=self._list(f"/apis/nvidia.com/{DISCOVERY_VERSION}/{workloads}/dynamoworkermetadatas"),
            jobs=self._list(f"/apis/batch/v1/{workloads}/jobs"),
            services=self._list(f"{core}/services"),
            components=self._list(f"/apis/{dgd.API_VERSION}/{workloads}/dynamocomponentdeployments"),
            operators=self._operators(),
            releases=self._releases(self._plan.platform_namespace) if self._plan.platform_namespace else (),
            models={graph: self._models(graph) if graph in there else "it is not deployed" for graph in graphs},
        )

    def _operators(self) -> tuple[Object, ...]:
        """Deployments of the Dynamo operator: the stack's own, or with a shared platform any in the cluster."""
        own = self._plan.platform_namespace
        where = f"namespaces/{own}/" if own else ""
        deployments = self._list(f"/apis/apps/v1/{where}deployments")
        return tuple(deployment for deployment in deployments if "dynamo-operator" in name(deployment))

    def _releases(self, namespace: str) -> tuple[Object, ...]:
        """Helm's records of the platform: names and labels of its Secrets, never their content.

        Empty if the caller may not read Secrets, as with roles/container.viewer; the other findings remain.
        """
        try:
            records = self._call(f"/api/v1/namespaces/{namespace}/secrets", METADATA_ONLY).get("items") or ()
        except ApiException as error:
            if error.status in (403, 404):
                return ()
            raise ClusterUnreadable(self._refusal(error)) from None
        except urllib3.exceptions.HTTPError as error:
            raise ClusterUnreadable(self._unreached(error)) from None
        except ValueError:
            raise ClusterUnreadable(self._no_api()) from None
        return tuple(
            record
            for record in records
            if label(record, "owner") == "helm" and label(record, "name") == names.PLATFORM_RELEASE
        )

    def _models(self, graph: str) -> tuple[str, ...] | str:
        """The frontend's model list, read through the API server's proxy; a sentence if that fails.

        An error of one frontend must not hide the other findings.
        """
        service = f"{names.frontend_service(graph)}:http"
        try:
            listed = self._call(f"/api/v1/namespaces/{self._plan.namespace}/services/{service}/proxy/v1/models")
            return tuple(str(model["id"]) for model in listed["data"])
        except ApiException as error:
            return f"the API server answered {error.status} for it"
        except (urllib3.exceptions.HTTPError, ValueError, KeyError, TypeError) as error:
            return f"the answer was no model list: {type(error).__name__}"

    def _list(self, path: str) -> tuple[Object, ...]:
        """The items of a list; empty for a kind that the cluster does not have."""
        return tuple(self._get(path, absent={}).get("items") or ())

    def _get(self, path: str, absent: dict[str, Any] | None = None) -> dict[str, Any]:
        """The object at a path, or `absent`, if given, for a 404."""
        try:
            return self._call(path)
        except ApiException as error:
            if error.status == 404 and absent is not None:
                return absent
            raise ClusterUnreadable(self._refusal(error)) from None
        except urllib3.exceptions.HTTPError as error:
            raise ClusterUnreadable(self._unreached(error)) from None
        except ValueError:
            raise ClusterUnreadable(self._no_api()) from None

    def _call(self, path: str, accept: str = "application/json") -> dict[str, Any]:
        headers = {"Accept": accept, **self._api.default_headers}
        self._api.update_params_for_auth(headers, None, ["BearerToken"])
        # Typed lists would rename the fields, and `call_api` fails on TLS errors.
        url = self._api.configuration.host + path
        answer = json.loads(self._api.rest_client.GET(url, headers=headers, _request_timeout=TIMEOUT).data)
        if not isinstance(answer, dict):
            raise ValueError("not an object")
        return answer

    def _no_api(self) -> str:
        return f"the server of context {self.context} is no Kubernetes API: its answer is not JSON"

    def _unreached(self, error: urllib3.exceptions.HTTPError) -> str:
        cluster = f"the cluster of context {self.context}"
        refused = isinstance(error, urllib3.exceptions.NewConnectionError)  # a timeout too, to urllib3
        if isinstance(error, urllib3.exceptions.TimeoutError) and not refused:
            return f"{cluster} gave no answer within {TIMEOUT:g} s; is it up, and may this machine reach it?"
        return f"{cluster} cannot be reached: {' '.join(str(error).split())}"

    def _refusal(self, error: ApiException) -> str:
        cluster = f"the cluster of context {self.context}"
        if error.status == 401:
            return (
                f"{cluster} does not accept your credentials; sign in with `gcloud auth login`, and check that "
                "gke-gcloud-auth-plugin is on PATH"
            )
        if error.status == 403:
            return (
                f"{cluster} denies read access ({_message(error)}); grant roles/container.viewer, or a Role with get "
                "and list"
            )
        if error.status == 404:
            return (
                f"{cluster} has no namespace {self._plan.namespace}: the stack is not deployed yet, or this is another "
                "cluster"
            )
        if error.status == 0:
            return f"{cluster} cannot be reached over TLS: {_message(error)}"
        return f"{cluster} answered {error.status}: {_message(error)}"


def _client(context: str, plan: Plan, file: str | None) -> client.ApiClient:
    try:
        contexts, _ = config.list_kube_config_contexts(file)
    except ConfigException:
        raise ClusterUnreadable(f"there is no kubeconfig with a current context; {_make_one(plan)}") from None
    except yaml.YAMLError:
        raise ClusterUnreadable(f"the kubeconfig is not YAML; {_make_one(plan)}") from None
    known = [str(entry["name"]) for entry in cast(list[dict[str, Any]], contexts)]
    if context not in known:
        raise ClusterUnreadable(
            f"the kubeconfig has no context {context}{nearest(context, known)}; {_make_one(plan)}, or name one with "
            "--context"
        )
    settings = client.Configuration()
    # The user retries; urllib3 would retry three times, each with the whole timeout.
    settings.retries = cast(Any, False)
    try:
        config.load_kube_config(file, context=context, client_configuration=settings)
    except (ConfigException, ValueError) as error:
        raise ClusterUnreadable(f"the kubeconfig's context {context} is not usable: {error}") from None
    return client.ApiClient(settings)


def _make_one(plan: Plan) -> str:
    if plan.cluster.given_context:
        return "add the context of cluster.existing.context to the kubeconfig"
    return f"create it with `{plan.cluster.login}`"


def _message(error: ApiException) -> str:
    """The message of the API's Status object, else the HTTP reason phrase."""
    try:
        return str(json.loads(error.body or "")["message"])
    except (ValueError, KeyError, TypeError):
        return " ".join(str(error.reason).split())
