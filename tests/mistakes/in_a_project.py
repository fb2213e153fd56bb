"""Mistakes with a project of Google Cloud: the first try, and production."""

from tests.google_answers import DENIED, LOGGED_OUT, MACHINE_TYPES, NOT_FOUND, QUOTA, RESERVATION, holds, limits
from tests.mistakes.mistake import Cli, Mistake, Ours, Program, Step

TRY = Step(
    title="Try",
    page="[A first try on two L4 GPUs](try.md)",
    mistakes=(
        Mistake(
            what="I left a placeholder in the stack file",
            run=Ours(command="preview --stack try", file="Pulumi.try.yaml", old="my-project", new="YOUR-PROJECT"),
            code=2,
            says="gcp:project: YOUR-PROJECT is a placeholder of the docs; write your own value in its place",
            do="`pulumi config set gcp:project PROJECT`; `gcloud projects list` shows the ids.",
        ),
        Mistake(
            what="I gave the project's number or display name",
            run=Ours(command="preview --stack try", file="Pulumi.try.yaml", old="my-project", new='"123456789012"'),
            code=2,
            says='gcp:project: "123456789012" is not a project\'s id (not its name or number; `gcloud projects list` '
            "shows it): 6 to 30 lower-case letters, …",
            do="The id is in the first column of `gcloud projects list`.",
        ),
        Mistake(
            what="The project is still that of the shipped file, or I may not read mine",
            run=Program(stack="try", answers={MACHINE_TYPES: DENIED}),
            code=0,
            says="preflight: could not find out whether zone us-central1-a offers g2-standard-8: "
            "roles/compute.viewer is missing; `gcloud projects add-iam-policy-binding my-project "
            "--role=roles/compute.viewer --member=YOURS`; or is my-project the placeholder of the shipped stack "
            "file? `pulumi config set gcp:project PROJECT`",
            do="A warning, because a check that cannot be made must not stop you; what is created next then fails "
            "with a 403. `pulumi config get gcp:project` shows the project.",
        ),
        Mistake(
            what="I am not logged in, or the login has expired",
            run=Program(stack="try", answers={MACHINE_TYPES: LOGGED_OUT}),
            code=0,
            says="preflight: could not find out whether zone us-central1-a offers g2-standard-8: could not find "
            "default credentials of Google Cloud, or they have expired; `gcloud auth application-default login`",
            do="`gcloud auth login` is another login: it is for `gcloud` itself, and Pulumi's providers do not use "
            "it. Pulumi's provider may stop before this warning, with `No credentials loaded` in its message: the "
            "same command helps.",
        ),
        Mistake(
            what="Quota was not granted",
            run=Program(stack="try", answers={QUOTA: limits("0", "us-central1")}),
            code=1,
            says="quota PREEMPTIBLE-NVIDIA-L4-GPUS-per-project-region in us-central1 is 0, but the plan has up to 2 "
            "GPUs, … request more at …",
            do="[Request quota](try.md#1-request-quota), and wait until `gcloud beta quotas preferences list` shows "
            "the granted value.",
        ),
        Mistake(
            what="I gave the region in place of the zone",
            run=Ours(
                command="preview --stack try",
                file="Pulumi.try.yaml",
                old="zone: us-central1-a",
                new="zone: us-central1",
            ),
            code=2,
            says="location.zone: us-central1 is a region; use one of its zones: us-central1-a, us-central1-b, …",
            do="`./dynamo-gke machines` lists the zones of each machine.",
        ),
        Mistake(
            what="The zone does not have the machine",
            run=Ours(command="preview --stack prod --set location.zone=europe-west1-c"),
            code=2,
            says="location.zone: a3-ultragpu-8g was not listed in europe-west1-c when last looked up, but in "
            "europe-west1-b, … use europe-west1-b, or use europe-west4-a",
            do="Take one of the zones that it names. `location.allowUnlisted: true` is for places newer than the "
            "list; the preflight then checks.",
        ),
        Mistake(
            what="Pulumi finds no passphrase",
            run=Cli(command="stack init try", passphrase=""),
            code=1,
            says="error: could not create secrets manager for new stack: passphrase must be set with "
            "PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE environment variables",
            do="On a terminal Pulumi asks for it, at each command. [Once is enough](production.md#the-passphrase).",
        ),
        Mistake(
            what="The passphrase is another one",
            run=Cli(command="preview --stack try", before=("stack init try",), passphrase="wrong"),
            code=1,
            says="error: getting stack configuration: get stack secrets manager: incorrect passphrase",
            do="Without the right one nobody can read the stack's secrets. If nothing was created yet, delete the "
            "stack (`pulumi stack rm STACK --preserve-config`) and the line `encryptionsalt` in its file, and start "
            "again.",
        ),
        Mistake(
            what="I ran config set without --path",
            run=Ours(
                command="preview --stack try",
                file="Pulumi.try.yaml",
                old="  dynamo-gke:endpoint:",
                new="  dynamo-gke:location.zone: us-central1-b\n  dynamo-gke:endpoint:",
            ),
            code=2,
            says="location.zone: is one key with this whole name, not a key in a block: `pulumi config set` was run "
            "without --path. Remove it with `pulumi config rm dynamo-gke:location.zone`, then `pulumi config set "
            "--path 'dynamo-gke:location.zone' VALUE`",
            do="A key with a dot needs `--path`; `gcp:project` and `dynamo-gke:hfToken` do not.",
        ),
    ),
)

PRODUCTION = Step(
    title="Production",
    page="[From a stack file to production](production.md)",
    mistakes=(
        Mistake(
            what="init finds a file of that name",
            run=Ours(command="init prod --yes"),
            code=1,
            says="error: Pulumi.prod.yaml already exists, and init replaces no file; edit it, or choose another name",
            do="To begin again, delete `Pulumi.STACK.yaml` and `policies/config.STACK.json`.",
        ),
        Mistake(
            what="init has no terminal to ask on",
            run=Ours(command="init eu"),
            code=1,
            says="error: init asks questions, and there is no terminal; give the answers as options, with --yes",
            do="[Environments](environments.md#create-one) has the options.",
        ),
        Mistake(
            what="A tab in the YAML",
            run=Ours(
                command="preview --stack prod",
                file="Pulumi.prod.yaml",
                old="    chat: {model",
                new="\tchat: {model",
            ),
            code=2,
            says="Pulumi.prod.yaml: is not YAML in line 8: a tab indents it; indent with spaces",
            do="[An editor that knows the schema](environments.md#the-stack-file-in-an-editor) shows it at once.",
        ),
        Mistake(
            what="A brace is not closed",
            run=Ours(
                command="preview --stack prod", file="Pulumi.prod.yaml", old="europe-west1-b}", new="europe-west1-b"
            ),
            code=2,
            says="Pulumi.prod.yaml: is not YAML in line 6: did not find expected ',' or '}'; close the `{`, or add "
            "the missing comma, in this line or one before",
            do="The line is where the parser gave up, so look above it, too.",
        ),
        Mistake(
            what="A key is given twice",
            run=Ours(
                command="preview --stack prod",
                file="Pulumi.prod.yaml",
                old="  dynamo-gke:endpoint:",
                new="  dynamo-gke:endpoint: {exposure: none}\n  dynamo-gke:endpoint:",
            ),
            code=2,
            says="endpoint: Pulumi.prod.yaml: is given twice (line 9 and line 10); only the last would count. Remove "
            "one",
            do="Other tools take the last one and say nothing.",
        ),
        Mistake(
            what="The keys are not below config",
            run=Ours(command="preview --stack prod", file="Pulumi.prod.yaml", old="config:\n", new=""),
            code=2,
            says="Pulumi.prod.yaml: gcp:project, dynamo-gke:location, … must be in the block `config`, indented "
            "below it",
            do="Pulumi itself ignores keys outside of `config`.",
        ),
        Mistake(
            what="A key is misspelled",
            run=Ours(
                command="preview --stack prod",
                file="Pulumi.prod.yaml",
                old="layout: multi-node",
                new="layuot: multi-node",
            ),
            code=2,
            says="models.chat.layuot: is not a key here; allowed: model, layout, … did you mean layout?",
            do="All errors of a file are reported together; correct them in one go.",
        ),
        Mistake(
            what="The token is in the file as plain text",
            run=Ours(
                command="preview --stack prod",
                file="Pulumi.prod.yaml",
                old="  dynamo-gke:endpoint:",
                new="  dynamo-gke:hfToken: hf_…\n  dynamo-gke:endpoint:",
            ),
            code=2,
            says="hfToken: is in plain text; set it with `pulumi config set --secret dynamo-gke:hfToken`, and revoke "
            "it",
            do="Revoke it first, at the hub: what was in a file may be in git, a backup or a log.",
        ),
        Mistake(
            what="The reservation is in another zone",
            run=Program(stack="prod", answers={RESERVATION: NOT_FOUND}),
            code=1,
            says="capacity.reservation: my-h200 is not in zone europe-west1-b of project my-project; to find it: "
            "`gcloud compute reservations list --project=my-project --filter=name=my-h200`",
            do="Set `location.zone` to the reservation's zone. One of another project is named "
            "`projects/OWNER/reservations/NAME`.",
        ),
        Mistake(
            what="Others use the reservation's machines",
            run=Program(stack="prod", answers={RESERVATION: holds(2, 2)}),
            code=1,
            says="my-h200 has 2 machines, 2 in use, but 1 are needed; free some or choose another: `gcloud compute "
            "reservations list …`",
            do="`gcloud compute reservations describe NAME --zone ZONE` shows the counts; lower `replicas`, or take "
            "another reservation or block ([capacity](capacity.md#choose-a-mode)).",
        ),
        Mistake(
            what="I changed the mode and left the reservation",
            run=Ours(
                command="preview --stack prod", file="Pulumi.prod.yaml", old="mode: reservation", new="mode: spot"
            ),
            code=2,
            says="capacity.reservation: mode spot would leave reservation my-h200 unused but paid; remove it, …",
            do="`pulumi config rm --path 'dynamo-gke:capacity.reservation'` removes it from the file.",
        ),
        Mistake(
            what="I gave init a reservation, and another mode",
            run=Ours(
                command="init eu --yes --project ours-1 --zone europe-west1-b --model qwen3-32b --capacity spot "
                "--reservation my-h200"
            ),
            code=2,
            says="--reservation: has no effect with --capacity spot; leave it out, or use --capacity reservation",
            do="No file was written.",
        ),
        Mistake(
            what="The model does not fit the machine",
            run=Ours(
                command="init eu --yes --project ours-1 --zone us-central1-a --machine g2-standard-8 --capacity spot "
                "--model llama-3.3-70b-instruct"
            ),
            code=2,
            says="--model: … llama-3.3-70b-instruct does not fit one g2-standard-8: … use a machine with more "
            "memory, … on g2-standard-8 fit the models qwen3-0.6b; the model fits the machines …",
            do="`./dynamo-gke models show NAME --machine MACHINE` shows the memory that a model needs.",
        ),
        Mistake(
            what="My VPC's subnet lacks a secondary range",
            run=Program(
                stack="prod",
                sets=(
                    "network.existing.vpc=my-vpc",
                    "network.existing.subnet=gke",
                    "network.existing.podsRange=pods",
                    "network.existing.servicesRange=services",
                ),
                answers={
                    "gcp:compute/getSubnetwork:getSubnetwork": {
                        "network": "https://www.googleapis.com/compute/v1/projects/my-project/global/networks/my-vpc",
                        "ipCidrRange": "10.20.0.0/20",
                        "privateIpGoogleAccess": True,
                        "secondaryIpRanges": [],
                    }
                },
            ),
            code=1,
            says="subnet gke has no secondary range pods (it has none); `gcloud compute networks subnets update gke "
            "… --add-secondary-ranges=pods=RANGE`",
            do="Create both ranges, or name those that exist: [an existing VPC](adopt.md#a-vpc).",
        ),
        Mistake(
            what="config set wrote a value of the wrong type",
            run=Cli(command="preview --stack try", before=("stack init try", "config set dynamo-gke:models chat")),
            code=1,
            says="error: validating stack config: Stack 'try' with configuration key 'dynamo-gke:models' must be of "
            "type 'object'",
            do="`pulumi config rm KEY`, then set the key below it: `pulumi config set --path "
            "'dynamo-gke:models.chat.model' NAME`. `./dynamo-gke preview` says more of wrong types, all at once.",
        ),
        Mistake(
            what="Pulumi does not know the stack",
            run=Cli(command="stack select prod"),
            code=6,
            says="error: no stack named 'prod' found",
            do="The file alone is no stack: `pulumi stack init prod`. If it exists for others, you are logged in to "
            "another state: `pulumi whoami -v` shows which, `pulumi login gs://YOUR-STATE-STACK` changes it.",
        ),
        Mistake(
            what="The state is in a bucket, and I am not logged in to Google Cloud",
            run=Cli(command="stack ls", env={"PULUMI_BACKEND_URL": "gs://our-state"}),
            code=1,
            says="error: … could not find default credentials…",
            do="`gcloud auth application-default login`.",
        ),
        Mistake(
            what="I gave the gateway to everyone",
            run=Ours(
                command="preview --stack prod",
                file="Pulumi.prod.yaml",
                old="{exposure: internal}",
                new="{exposure: gateway, domain: llm.example.com, allowedCidrs: [0.0.0.0/0]}",
            ),
            code=2,
            says="endpoint.allowedCidrs[0]: 0.0.0.0/0 opens the model to everyone; … Give the ranges of your "
            "clients, such as 203.0.113.0/24",
            do="The frontend has no authentication: [access](access.md).",
        ),
    ),
)
