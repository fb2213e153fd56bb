# Every target sets up what it needs, once. `make` alone lists them.
STACK ?= dev
VENV  := .venv
BIN   := $(VENV)/bin
PY    := $(BIN)/python

.DEFAULT_GOAL := help
.PHONY: help dev local local-vllm setup preview preview-bootstrap render test check format goldens verify bench lock engine-flags replacement-table contract

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 20

dev: preview ## preview STACK, run its graph on this machine, answer one request
	@echo
	@$(PY) -m ops local --once --stack $(STACK)

local: $(VENV)/.run ## run the graph of STACK on this machine until Ctrl-C
	@$(PY) -m ops local --stack $(STACK)

local-vllm: $(VENV)/.run ## real vLLM on the CPU: KV blocks moved between two processes (minutes, 6 GB)
	@$(PY) -m ops local --engine vllm --stack $(STACK)

preview: $(VENV)/.run ## what `pulumi up` would create for STACK (dev unless given), without a cloud
	@$(PY) -m ops preview --stack $(STACK)

preview-bootstrap: $(VENV)/.run ## what the bootstrap stack would create: state, secrets key, GitHub identities
	@$(PY) -m bootstrap.preview

render: $(VENV)/.run ## the Kubernetes objects of STACK as YAML
	@$(PY) -m ops render --stack $(STACK)

test: $(VENV)/.test ## every test that can run here; says what it skipped and why
	$(PY) -m pytest -n auto --dist worksteal

check: $(VENV)/.test ## lint, format, types, which room may import which, dead code, dependencies
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports
	$(BIN)/vulture
	$(BIN)/deptry .

format: $(VENV)/.test ## format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

goldens: $(VENV)/.test ## render every stack into tests/golden
	$(PY) -m tests.goldens

verify: goldens ## regenerate the goldens and fail on a difference
	git diff --exit-code tests/golden

contract: $(VENV)/.test ## the contracts with others' software; first makes vLLM's environment, minutes and GBs, once
	$(PY) -m tools.engine_flags --environment-only vllm
	$(PY) -m pytest tests/contract

engine-flags: $(VENV)/.test ## write the tables of flags again from the runtime's own parsers, of ENGINE or of all; makes what they need, 6 GB each
	$(PY) -m tools.engine_flags $(ENGINE)

replacement-table: $(VENV)/.test ## write ops/changes/gcp_inputs.json from SCHEMA, the schema of Google's provider as JSON
	$(PY) -m tools.replacement_table $(SCHEMA)

bench: $(VENV)/.test ## time the preview against its floor, and the cost of many graphs
	$(PY) -m benchmarks.preview

setup: $(VENV)/.run ## what `pulumi up` needs: the virtual environment that Pulumi.yaml names

lock: ## resolve every lock file again (needs uv)
	$(COMPILE) pyproject.toml --universal -o requirements.txt
	$(COMPILE) pyproject.toml --universal --group dev -c requirements.txt -o requirements/dev.txt
	$(COMPILE) $(LINUX) requirements/dynamo.in --override requirements/dynamo.overrides -o requirements/dynamo.txt
	$(COMPILE) $(LINUX) requirements/vllm.in --override requirements/vllm.overrides -o requirements/vllm.txt
	$(COMPILE) $(SGLANG_LINUX) requirements/sglang.in --no-deps -o requirements/sglang.txt
	$(COMPILE) $(LINUX) requirements/bench.in -o requirements/bench.txt
	$(COMPILE) $(LINUX) requirements/timing.in --no-deps -o requirements/timing.txt

COMPILE := uv pip compile --python-version 3.11 --generate-hashes --no-annotate --no-emit-index-url --quiet \
           --custom-compile-command "make lock"
LINUX   := --python-platform linux
# SGLang's wheels are for glibc 2.34 or newer.
SGLANG_LINUX := --python-platform x86_64-manylinux_2_36

$(VENV)/.run: requirements.txt tools/setup.sh
	@sh tools/setup.sh $(VENV) requirements.txt && touch $@

# The tests' environment holds all of the other, so neither is ever set up again for the other's sake.
$(VENV)/.test: requirements/dev.txt tools/setup.sh
	@sh tools/setup.sh $(VENV) requirements/dev.txt && touch $(VENV)/.run $@
