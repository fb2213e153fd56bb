"""Mistakes on one's own machine: the first answer, a preview, one's own model."""

from tests.mistakes.mistake import Mistake, Ours, Program, Shell, Step

FIRST_ANSWER = Step(
    title="First answer",
    page="[Run a graph on this machine](local.md)",
    mistakes=(
        Mistake(
            what="Python is missing or too old",
            run=Shell(command="make setup VENV={folder}/venv", typed="make setup", path="{folder}"),
            code=2,
            says="error: Python 3.11 or newer is needed and was not found on PATH; install it, or install uv, …",
            do="Install one of the two and run it again, or `make dev`. Nothing was created.",
        ),
        Mistake(
            what="Python cannot create a virtual environment",
            run=Shell(
                command="make setup VENV={folder}/venv",
                typed="make setup",
                path="{folder}",
                programs={"python3": '[ "$2" != venv ]'},
            ),
            code=2,
            says="error: `python3 -m venv` failed; on Debian and Ubuntu run `sudo apt install python3-venv`, or "
            "install uv; then run this again",
            do="Debian and Ubuntu have `venv` in a package of its own. What the failed set-up left is replaced.",
        ),
        Mistake(
            what="Another program uses port 8000",
            run=Ours(command="local --stack dev --port {port}"),
            code=2,
            says="port {port} is in use; choose another with --port, or a free one with --port 0",
            do="`make local` takes no options: run `./dynamo-gke local --port 0`, which prints the address that it "
            "took.",
        ),
        Mistake(
            what="I named the stack without an option",
            run=Ours(command="preview prod"),
            code=2,
            says="Got unexpected extra argument(s) (prod). Name a stack with --stack.",
            do="`./dynamo-gke preview --stack prod`. Only `init` takes the name alone, because there is no stack yet.",
        ),
        Mistake(
            what="I gave an option before the command",
            run=Ours(command="--stack prod preview"),
            code=2,
            says="No such option: --stack. Give it after the command: `./dynamo-gke preview --stack prod`",
            do="Only `--debug`, which shows tracebacks, comes before the command.",
        ),
        Mistake(
            what="I named the new stack with an option",
            run=Ours(command="init --stack eu"),
            code=2,
            says="No such option: --stack. Give the name alone: `./dynamo-gke init STACK`",
            do="`./dynamo-gke init eu`. All other commands that are about a stack take `--stack`.",
        ),
        Mistake(
            what="I misspelled a command",
            run=Ours(command="previw --stack prod"),
            code=2,
            says="No such command 'previw'. Did you mean 'preview'?",
            do="`./dynamo-gke --help` lists them; [commands](commands.md) has all with their options.",
        ),
    ),
)

LOOK = Step(
    title="Look before you pay",
    page="[What a preview shows](preview.md)",
    mistakes=(
        Mistake(
            what="The stack does not exist",
            run=Ours(command="preview --stack prd"),
            code=2,
            says="Pulumi.prd.yaml: there is no such stack; did you mean prod?; stacks: dev, prod, staging, try",
            do="A stack is a file `Pulumi.STACK.yaml` beside `Pulumi.yaml`; `./dynamo-gke init STACK` writes one.",
        ),
        Mistake(
            what="I gave --set a path without a value",
            run=Ours(command="preview --stack prod --set models.chat.model"),
            code=2,
            says='--set: "models.chat.model" is not path=value, such as models.chat.layout=single-node',
            do="`--set PATH=` with nothing behind it removes the key.",
        ),
        Mistake(
            what="I left a comma in the policy configuration",
            run=Ours(
                command="preview --stack prod",
                file="policies/config.prod.json",
                old='"dollarsPerHour": 350}',
                new='"dollarsPerHour": 350,}',
            ),
            code=2,
            says="policies/config.prod.json: is not JSON in line 2, column 51: remove the comma before }",
            do="JSON has no comments either: "
            "[configure an environment](policies.md#configure-an-environment) has an example.",
        ),
        Mistake(
            what="I misspelled a value in the policy configuration",
            run=Ours(
                command="preview --stack prod",
                file="policies/config.prod.json",
                old='["reservation"]',
                new='["Reserved"]',
            ),
            code=2,
            says='policies/config.prod.json: capacity-mode.allowed[0]: "Reserved" is not one of reservation, spot, '
            "flexStart, onDemand; did you mean reservation?",
            do="The table of [policies](policies.md) has every setting with its kind and default.",
        ),
        Mistake(
            what="I want the picture as PNG",
            run=Ours(command="preview --stack prod --diagram prod.png"),
            code=1,
            says="error: --diagram prod.png: must end in .html or .mmd",
            do="Write the page, and print or photograph it in a browser: [pictures](pictures.md).",
        ),
    ),
)

OWN_MODEL = Step(
    title="Own model",
    page="[Your own model](models.md)",
    mistakes=(
        Mistake(
            what="I gave the name on the Hugging Face Hub",
            run=Ours(
                command="preview --stack prod",
                file="Pulumi.prod.yaml",
                old="model: llama-3.3-70b-instruct,",
                new="model: meta-llama/Llama-3.3-70B-Instruct,",
            ),
            code=2,
            says='models.chat.model: "meta-llama/Llama-3.3-70B-Instruct" is not one of … qwen3-32b; did you mean '
            "llama-3.3-70b-instruct?",
            do="A stack names a card: one of the catalog, which `./dynamo-gke models` lists, or [a file of your "
            "own](models.md), which names the repository.",
        ),
        Mistake(
            what="The file of my card is not found",
            run=Ours(command="models show ./cards/ours.yaml"),
            code=2,
            says='there is no file "./cards/ours.yaml"; paths begin at the folder of Pulumi.yaml',
            do="The card must be in the repository's folder, and committed: CI reads it from the checkout.",
        ),
        Mistake(
            what="The model is too large for the machine",
            run=Ours(command="preview --stack try --set models.chat.model=llama-3.3-70b-instruct"),
            code=2,
            says="models.chat.layout: multi-node is not possible: llama-3.3-70b-instruct does not fit one "
            "g2-standard-8: weights of 131.4 GiB … use a machine with more memory, which `./dynamo-gke machines` "
            "lists, or a smaller model",
            do="`./dynamo-gke models show NAME --machine MACHINE` shows what fits, layout by layout. Another machine "
            "also needs a zone that has it.",
        ),
        Mistake(
            what="The tensor-parallel size does not divide the model",
            run=Ours(command="preview --stack prod --set models.chat.prefill.tensorParallel=3"),
            code=2,
            says="models.chat.prefill.tensorParallel: 3 cannot divide llama-3.3-70b-instruct (64 heads, 8 KV heads) "
            "over the 8 GPUs of a node; one of 1, 2, 4, 8; use 2, or use 4",
            do="Or leave it out: the layout then chooses the smallest size that fits.",
        ),
        Mistake(
            what="A gated model has no token",
            run=Program(stack="prod", up=True),
            code=1,
            says="hfToken: missing, and models.chat serves meta-llama/Llama-3.3-70B-Instruct, which only approved "
            "accounts can fetch, so `pulumi up` stops; set it with `pulumi config set --secret dynamo-gke:hfToken`, …",
            do="Ask for access on the model's page at the hub, with the account of the token. A preview only warns; "
            "`pulumi up` stops before it creates anything. [Secrets](secrets.md) has the other way, Secret Manager.",
        ),
        Mistake(
            what="I passed a flag that this program sets itself",
            run=Ours(command='preview --stack prod --set models.chat.engine.extraArgs=["--tensor-parallel-size","4"]'),
            code=2,
            says="models.chat.engine.extraArgs[0]: --tensor-parallel-size is not set here: use `tensorParallel` of a "
            "role",
            do="Which flags a stack may set: [engine flags](engine-flags.md).",
        ),
    ),
)
