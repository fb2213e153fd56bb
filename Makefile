# Every target installs what it needs, once. `make` alone lists them.
STACK ?= dev
VENV  := .venv
BIN   := $(VENV)/bin
PY    := $(BIN)/python

.DEFAULT_GOAL := help
.PHONY: help dev local local-vllm setup preview preview-bootstrap render tools rehearse rehearse-all test test-rehearsal judge mutants check format pictures timeline goldens verify bench lock engine-flags replacement-table contract docs

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 20

dev: preview ## preview STACK, run its graph on this machine, answer one request
	@echo
	@$(PY) -m ops local --once --stack $(STACK)

local: $(VENV)/.run ## run the graph of STACK on this machine until Ctrl-C
	@$(PY) -m ops local --stack $(STACK)

local-vllm: $(VENV)/.run ## run real vLLM on the CPU: moves KV blocks between two processes (minutes, 6 GB)
	@$(PY) -m ops local --engine vllm --stack $(STACK)

preview: $(VENV)/.run ## show what `pulumi up` would create for STACK (default: dev), without a cloud
	@$(PY) -m ops preview --stack $(STACK)

preview-bootstrap: $(VENV)/.run ## show what the bootstrap stack would create: state, secrets key, GitHub identities
	@$(PY) -m bootstrap.preview

render: $(VENV)/.run ## print the Kubernetes objects of STACK as YAML
	@$(PY) -m ops render --stack $(STACK)

tools: $(VENV)/.run ## build the programs of a rehearsal that are not on PATH; Linux and Go; once, half an hour
	@$(PY) -m tools.rehearsal_programs

rehearse: tools ## run STACK's life with the real Pulumi engine in a simulated cloud; first builds what `make tools` would
	@$(PY) -m ops rehearse --stack $(STACK)

rehearse-all: tools ## let each resource of staging and prod fail once in a rehearsal, and write docs/rehearsed.md
	@$(PY) -m tools.rehearsed_faults

test: $(VENV)/.test ## run every test that can run here but rehearsals; says what it skipped and why
	$(PY) -m pytest -n auto --dist worksteal --ignore tests/rehearsal

test-rehearsal: $(VENV)/.test ## run the tests with the real engine and a real control plane; skipped without `make tools`
	$(PY) -m pytest tests/rehearsal -n 3 --dist loadfile

judge: tools $(VENV)/.test ## compare `diff` and `preview --json` with Pulumi's own engine, for every value of every setting; an hour
	JUDGE_EVERYTHING=1 $(PY) -m pytest tests/rehearsal/test_forecasts_prod.py tests/rehearsal/test_forecasts_full.py -n 2 --dist loadfile

mutants: tools $(VENV)/.test ## test the rehearsals' tests: each of seven mistakes in a copy of the checkout must make one fail
	@$(PY) -m tests.mutants

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

pictures: $(VENV)/.test ## draw the pictures of README and docs again; needs Chromium
	@$(PY) -m tools.pictures

timeline: tools ## rehearse prod and record what `make pictures` then draws of it, minutes
	@$(PY) -m tools.pictures.rehearsal

goldens: $(VENV)/.test ## render every stack into tests/golden, docs/support.md, docs/troubleshooting.md and the stack files' schema
	$(PY) -m tests.goldens

verify: goldens ## regenerate the goldens and fail on a difference
	git diff --exit-code tests/golden

contract: $(VENV)/.test ## run the contract tests; first installs vLLM's environment, once (minutes, GBs)
	$(PY) -m tools.engine_flags --environment-only vllm
	$(PY) -m pytest tests/contract

engine-flags: $(VENV)/.test ## regenerate the flag tables of ENGINE, or of all, from the runtimes' own parsers; installs what they need, 6 GB each
	$(PY) -m tools.engine_flags $(ENGINE)

replacement-table: $(VENV)/.test ## regenerate ops/changes/gcp_inputs.json from SCHEMA, the JSON schema of Google's provider
	$(PY) -m tools.replacement_table $(SCHEMA)

docs: $(VENV)/.test ## build the pages of docs/ as a site, in site/, and print how to look at it
	$(BIN)/zensical build --strict --clean
	@echo 'Look at it: `$(PY) -m http.server --bind 127.0.0.1 --directory site 8001`, then http://127.0.0.1:8001. Opened as files, its pages cannot be searched.'

bench: $(VENV)/.test ## time the preview against an earlier commit, its floor, and with many graphs
	$(PY) -m benchmarks.preview

setup: $(VENV)/.run ## create the virtual environment that `pulumi up` needs

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

# The tests' environment contains the other one, so neither makes the other out of date.
$(VENV)/.test: requirements/dev.txt tools/setup.sh
	@sh tools/setup.sh $(VENV) requirements/dev.txt && touch $(VENV)/.run $@
