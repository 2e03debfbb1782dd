# Everything a contributor or an operator's laptop does. `make help` lists it.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
SOURCES := $(wildcard libs/*/src services/*/src tools/*/src examples/*/src benchmarks protos/*.py docs/reference/examples/*.py)
TESTS := $(wildcard protos/tests libs/*/tests services/*/tests tools/*/tests examples/*/tests tests)
.DEFAULT_GOAL := help
.PHONY: help setup up down reset logs doctor gen lint format type test test-quick shape check chromium jars lock \
	images wheelhouse image-bundle verify-charts verify-cluster new-service remove-service fuzz planted soak pictures \
	bench bench-webhook bench-pipeline bench-consent bench-footprint

help: ## list these targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  \1\t\2/' | expand -t 20

setup: ## install everything into .venv (nothing to do: under a second)
	@$(PYTHON) tools/machi/bootstrap.py

up: setup ## start the whole city on this machine
	@$(BIN)/machi up

down: ## stop what `make up` started, and only that
	@test ! -x $(BIN)/machi || $(BIN)/machi down

reset: ## stop, then empty the city's data; asks first where somebody can answer
	@test ! -x $(BIN)/machi || $(BIN)/machi reset $$(test -t 0 || echo --yes)

logs: setup ## show what the pods say
	@$(BIN)/machi logs

doctor: setup ## say what is wrong and the cure
	@$(BIN)/machi doctor

gen: setup ## Python, AsyncAPI and reference pages from protos/ and manifests
	@$(BIN)/python protos/generate.py

lint: setup ## ruff, buf, import contracts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@cd protos && ../$(BIN)/buf lint && ../$(BIN)/buf format --diff --exit-code >/dev/null
	@$(BIN)/python -m tests.architecture.import_contracts

format: setup ## let ruff and buf rewrite the layout
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format .
	@cd protos && ../$(BIN)/buf format -w

type: setup ## mypy, strict, sources then each folder of tests
	@$(BIN)/mypy $(SOURCES) conftest.py
	@$(BIN)/mypy --no-error-summary deploy/docker
	@for folder in $(TESTS); do $(BIN)/mypy --no-error-summary $$folder || exit 1; done

shape: setup ## sizes of functions and files, names, addresses in lock files
	@$(BIN)/pytest -q -p no:randomly protos/tests tests/architecture

check: lint type shape ## everything that needs no server

test: check chromium jars ## all tests, as CI runs them: two stacks with their tests, and the others beside them
	@$(BIN)/pytest -n 3 --dist loadscope --no-loadscope-reorder

test-quick: setup ## tests that need no server, no browser
	@$(BIN)/pytest -q -n 2 -m "not integration and not stack and not faults and not browser"

jars: setup ## Kafka's jars, fetched once for every checkout: tests reach nothing outside this machine
	@$(BIN)/python -m machi_tools.embedded.kafka_jars

chromium: ## the browser of the browser tests
	@$(PYTHON) tools/machi/chromium.py

new-service: setup ## a whole pod from the living example: NAME=lost-umbrellas
	@$(BIN)/machi new service "$(NAME)"
	@$(MAKE) --no-print-directory setup

remove-service: setup ## take a pod out again: NAME=lost-umbrellas
	@$(BIN)/machi remove service "$(NAME)"
	@$(MAKE) --no-print-directory setup

images: setup ## container images into .machi/images, with docker, podman, or buildah: IMAGES="reports identity" for some
	@$(BIN)/python -m machi_tools.images build $(IMAGES)

wheelhouse: setup ## all that a build of images fetches, into .machi/wheelhouse: PYTHON_VERSION=3.13 for another base
	@$(BIN)/python -m machi_tools.images fetch $(if $(PYTHON_VERSION),--python $(PYTHON_VERSION))

image-bundle: setup ## the built images in one archive, to carry to a place without network
	@$(BIN)/python -m machi_tools.images bundle

lock: setup ## compile the lock files anew from requirements/*.in
	@$(BIN)/python tools/machi/lock.py

pictures: up chromium ## take the pictures of the README anew, of the running city
	@$(BIN)/python -m tests.browser.pictures

verify-charts: setup ## charts against schemas, manifests, and wrong values: needs no cluster
	@$(BIN)/pytest -q -n 2 tests/charts

verify-cluster: setup ## the charts on the cluster of KUBECONFIG, through an upgrade, kills, and a rollback under load
	@$(BIN)/python -m tests.cluster --out docs/evidence/cluster.md

planted: setup ## plant each bug of tests/planted and see its test turn red
	@$(BIN)/python -m tests.planted

soak: setup ## 100,000 reports and a million records with a fault every few seconds (hours; SOAK="--reports 2000" or "--minutes 30" is shorter)
	@$(BIN)/python -m tests.endurance $(SOAK)

bench: bench-webhook bench-pipeline bench-consent bench-footprint ## all measurements

bench-webhook: setup ## webhook rate against fair baselines
	@$(BIN)/python -m benchmarks.webhook

bench-pipeline: setup ## outbox → Kafka → inbox and effect against fair baselines
	@$(BIN)/python -m benchmarks.pipeline

bench-consent: setup ## one check of a consent by rpc against bare grpc.aio
	@$(BIN)/python -m benchmarks.consent

bench-footprint: setup ## memory and start time against fair baselines
	@$(BIN)/python -m benchmarks.footprint

SECONDS ?= 60
fuzz: setup ## every parser of strangers' bytes, guided by coverage: SECONDS=60 each, TARGETS=photo
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements/fuzz.lock
	@$(BIN)/python -m tests.fuzz --seconds $(SECONDS) $(TARGETS)
