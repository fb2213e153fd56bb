"""Mistakes with a graph that runs: calls, more engines, day 2, pull requests."""

from tests.mistakes.mistake import Cli, Mistake, Ours, Request, Shell, Step

CALL = Step(
    title="Call the endpoint",
    page="[Call the endpoint](call.md)",
    mistakes=(
        Mistake(
            what="The request names another model",
            run=Request(
                path="/v1/chat/completions",
                body='{"model": "gpt-4", "messages": [{"role": "user", "content": "Why is the sky blue?"}]}',
            ),
            code=404,
            says='{"message":"Model not found","type":"Not Found","code":404}',
            do="`curl -s http://127.0.0.1:8000/v1/models` lists what is served: the card's name, or `servedName`.",
        ),
        Mistake(
            what="The path lacks /v1",
            run=Request(path="/chat/completions", body="{}"),
            code=404,
            says='{"message":"Route not found: POST /chat/completions","type":"Not Found","code":404}',
            do="The base URL of a client ends in `/v1`.",
        ),
        Mistake(
            what="The request has no messages",
            run=Request(path="/v1/chat/completions", body='{"model": "qwen3-0.6b", "prompt": "Why is the sky blue?"}'),
            code=400,
            says='{"message":"Failed to deserialize the JSON body into the target type: missing field `messages` at '
            '…","type":"Bad Request","code":400}',
            do="`/v1/chat/completions` takes `messages`; `prompt` belongs to `/v1/completions`.",
        ),
        Mistake(
            what="Nothing forwards the port",
            run=Shell(
                command="curl -sS http://127.0.0.1:{port}/v1/models", typed="curl -sS http://127.0.0.1:8000/v1/models"
            ),
            code=7,
            says="curl: (7) Failed to connect to 127.0.0.1 port …",
            do="Start [`kubectl port-forward`](call.md#by-port-forward), or `make local`, in another terminal, and "
            "leave it running. From outside of the VPC an internal address never answers: [the "
            "addresses](call.md#the-address).",
        ),
        Mistake(
            what="kubectl does not know the cluster",
            run=Shell(command="kubectl -n dynamo port-forward service/chat-frontend 8000:8000"),
            code=1,
            says="The connection to the server localhost:8080 was refused - did you specify the right host or port?",
            do="There is no kubeconfig: run the `gcloud container clusters get-credentials` that `pulumi stack "
            "output kubeconfigCommand` prints.",
        ),
    ),
)

SCALE = Step(
    title="Scale",
    page="[Capacity](capacity.md)",
    mistakes=(
        Mistake(
            what="More engines than a node has GPUs",
            run=Ours(command="preview --stack staging --set models.chat.decode.replicas=2"),
            code=2,
            says="models.chat: layout single-node keeps its roles on one node of 8 GPUs, but prefill 4 × 1 + decode "
            "2 × 4 = 12; set decode.replicas to 1, or set decode.tensorParallel to 2",
            do="Or choose the layout `multi-node`, where each engine has its node.",
        ),
        Mistake(
            what="More nodes than maxNodes",
            run=Ours(command="preview --stack try --set models.chat.decode.replicas=2"),
            code=2,
            says="capacity.maxNodes: 2 is less than the 3 GPU nodes that the graphs may request (decode 2 + prefill "
            "1); set capacity.maxNodes to 3, or lower replicas or autoscaling",
            do="`maxNodes` is there so that a typing error cannot order nodes. Quota must allow them, too.",
        ),
        Mistake(
            what="More nodes than the policies allow",
            run=Ours(command="preview --stack prod --set models.chat.decode.replicas=9"),
            code=3,
            says="mandatory gpu-budget: 10 GPU nodes exceed the max of 4; lower replicas or autoscaling in the stack "
            "file, or set gpu-budget.nodes to 10 in policies/config.prod.json, in a separate change (the whole "
            "stack)",
            do="The configuration of the policies is a file of its own, so that a pull request cannot raise a limit "
            "unseen: [policies](policies.md).",
        ),
        Mistake(
            what="I set a number that the autoscaler sets",
            run=Ours(
                command="preview --stack prod",
                file="Pulumi.prod.yaml",
                old="layout: multi-node}",
                new="layout: multi-node, decode: {replicas: 2}, autoscaling: {decode: {min: 1, max: 2}}}",
            ),
            code=2,
            says="models.chat.decode.replicas: is set by the autoscaler while autoscaling.decode is set; remove one "
            "of the two",
            do="[From a fixed number to an autoscaler, and "
            "back](upgrades.md#from-a-fixed-number-to-an-autoscaler-and-back).",
        ),
        Mistake(
            what="The stack's policies do not allow the capacity mode",
            run=Ours(
                command="preview --stack prod --set capacity.mode=spot --set capacity.reservation=",
            ),
            code=3,
            says="mandatory capacity-mode: uses capacity mode spot, allowed: reservation; set capacity.mode, or "
            "allow it in policies/config.prod.json, in a separate change (decode-pool, prefill-pool)",
            do="What each mode is for: [capacity](capacity.md#choose-a-mode). `init` writes policies that allow the "
            "mode of the stack.",
        ),
    ),
)

DAY_2 = Step(
    title="Day 2",
    page="[Day 2](day-2.md)",
    mistakes=(
        Mistake(
            what="status finds no cluster",
            run=Ours(command="status --stack prod"),
            code=1,
            says="error: there is no kubeconfig with a current context; create it with `gcloud container clusters "
            "get-credentials dynamo-prod --location europe-west1 --project my-project --dns-endpoint`",
            do="Run the command that it prints; it needs `gke-gcloud-auth-plugin`.",
        ),
        Mistake(
            what="rollout has nothing to compare",
            run=Ours(command="rollout --stack prod"),
            code=2,
            says="--set: is missing; give a change, such as --set versions.runtime=1.6.2",
            do="What a commit changes instead: [`./dynamo-gke diff`](diff.md).",
        ),
        Mistake(
            what="The version is too new",
            run=Ours(command="preview --stack prod --set versions.runtime=1.9.0"),
            code=2,
            says="versions.runtime: 1.9.0 is newer than 1.7.0, the newest release in catalog/dynamo.yaml; what it "
            "changes is unknown; use 1.7.0",
            do="[Upgrade this repository](day-2.md#upgrade-this-repository) first.",
        ),
        Mistake(
            what="destroy meets a protection",
            run=Cli(command="destroy --stack try --yes", before=("stack init try",), state="protected"),
            code=1,
            says="…cannot be deleted because it is protected. To unprotect the resource, either remove the `protect` "
            "flag from the resource in your Pulumi program and run `pulumi up`, …",
            do="Nothing was deleted. Follow [destroy an "
            "environment](upgrade-and-teardown.md#destroy-an-environment): `cluster.deletionProtection: false`, then "
            "`pulumi up`, which removes GKE's own protection as well. What Pulumi proposes, `pulumi state "
            "unprotect`, removes only its own.",
        ),
        Mistake(
            what="I removed the stack before its resources",
            run=Cli(command="stack rm try --yes --preserve-config", before=("stack init try",), state="protected"),
            code=1,
            says="error: 'try' still has resources; removal rejected. Possible actions: …",
            do="`pulumi destroy` first. `--force` only forgets them: they stay, and are paid.",
        ),
        Mistake(
            what="I closed the laptop during an update",
            run=Cli(command="destroy --stack try --yes", before=("stack init try",), state="locked"),
            code=1,
            says="error: the stack is currently locked by 1 lock(s). Either wait for the other process(es) to end or "
            "delete the lock file with `pulumi cancel`. …",
            do="Make sure that no update runs, on any machine, before `pulumi cancel`: [Pulumi was "
            "killed](failed-update.md#pulumi-was-killed).",
        ),
    ),
)

PULL_REQUESTS = Step(
    title="Pull requests and CI",
    page="[Pull requests](pull-requests.md)",
    mistakes=(
        Mistake(
            what="diff does not know what is deployed",
            run=Ours(command="diff --stack prod"),
            code=2,
            says="Missing option '--base'. Deployed branch, tag or commit, such as origin/main.",
            do="`./dynamo-gke diff --stack prod --base origin/main`.",
        ),
        Mistake(
            what="The base was not fetched",
            run=Ours(command="diff --stack prod --base origin/mian"),
            code=1,
            says="error: --base 'origin/mian' is no commit of this repository; fetch it first, or give a branch or "
            "hash",
            do="In GitHub Actions, `actions/checkout` fetches one commit unless `fetch-depth: 0` is set.",
        ),
        Mistake(
            what="A rule of the policies is misspelled",
            run=Ours(
                command="preview --stack prod",
                file="policies/config.prod.json",
                old='"gpu-budget"',
                new='"gpu-bugdet"',
            ),
            code=2,
            says="gpu-bugdet: is not a rule of the pack; did you mean gpu-budget?",
            do="[Policies](policies.md) lists the rules and their settings.",
        ),
        Mistake(
            what="An encrypted value was made up",
            run=Cli(command="preview --stack try", before=("stack init try",), state="secret"),
            code=1,
            says="error: validating stack config: bad value",
            do="`./dynamo-gke preview` warns of it. Delete the line with `secure`, then `pulumi config set --secret "
            "dynamo-gke:hfToken`: a value is encrypted for one stack.",
        ),
    ),
)
