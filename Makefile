# Everything one does with Centralita. `make help` lists it.

VENV ?= .venv
# The first Python that is new enough and can make environments; `make PYTHON=/path/to/python3.12` to choose.
PYTHON ?= $(shell scripts/find-python)
PORT ?= 8000
PYTEST_WORKERS ?= 2
PYTEST ?= $(VENV)/bin/pytest
RUN = $(VENV)/bin/python -m

.DEFAULT_GOAL := help
.PHONY: help demo demo-reset test lint format fuzz soak model bench bench-routing migrate messages pin clean

help:  ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# Two stamps: what runs the demo, and what else the tests and linters need. Installed again when either file changes.
# `pip` takes torch from wherever it is configured to look. Where that offers both builds, the CPU one is the smaller:
# set PIP_EXTRA_INDEX_URL to torch's own index of CPU builds before the first `make`.
$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Centralita needs Python 3.11 or newer with the venv module."; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.local: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(VENV)/bin/python -m pip install --quiet -c constraints.txt -e '.[local]'
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(VENV)/bin/python -m pip install --quiet -c constraints.txt -e '.[dev]'
	@touch $@ $(VENV)/.local

demo: $(VENV)/.local  ## Run the whole system on this machine; Ctrl-C stops it
	@exec $(RUN) local demo --port $(PORT) $(DEMO)

demo-reset: $(VENV)/.local  ## Throw the demo's data away and start over
	@$(RUN) local reset
	@exec $(RUN) local demo --port $(PORT) $(DEMO)

# loadfile: the tests of one module share its running house. The long ones begin first, see tests/conftest.py.
test: $(VENV)/.dev  ## Set up, lint, run every test
	@scripts/system-packages
	@$(MAKE) --no-print-directory lint
	$(PYTEST) -n $(PYTEST_WORKERS) --dist loadfile --no-loadscope-reorder

lint: $(VENV)/.dev  ## ruff, mypy --strict, import contracts
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

format: $(VENV)/.dev  ## Put the code in shape
	$(VENV)/bin/ruff check --fix
	$(VENV)/bin/ruff format

# Coverage-guided; needs the `fuzz` extra, which exists for the Pythons that atheris is built for.
FUZZ_S ?= 600
fuzz: $(VENV)/.dev  ## Look for mail that breaks the parser, for FUZZ_S seconds
	$(VENV)/bin/python -m pip install --quiet -c constraints.txt -e '.[fuzz]'
	@mkdir -p .fuzz
	$(RUN) tests.fuzz.parse_mail -max_total_time=$(FUZZ_S) -timeout=8 -rss_limit_mb=1500 -max_len=20000 \
	  -dict=tests/fuzz/mail.dict -artifact_prefix=.fuzz/found- .fuzz tests/inbox/mail

# Which mails and which faults is the seed's; SOAK_PAUSE: seconds from one fault to the next.
SOAK_MAILS ?= 10000
SOAK_SEED ?= 1
SOAK_PAUSE ?= 2
soak: $(VENV)/.dev  ## SOAK_MAILS mails while everything is killed, cut off and full; compared with a calm run
	$(RUN) tests.soak --size $(SOAK_MAILS) --seed $(SOAK_SEED) --pause $(SOAK_PAUSE)

# Refuses to write a model that is worse than the present one on writers it never met.
# CORRECTIONS: a folder with what `python -m services.tickets export-corrections` wrote; OUT: a file for the setting
# CENTRALITA_TRIAGE_MODEL, in place of the one that is part of the software.
model: $(VENV)/.dev  ## Learn languages, topics and emergencies from training/corpus (and CORRECTIONS=folder, into OUT=file)
	$(if $(OUT),,$(RUN) training.language)
	$(RUN) training.model $(if $(CORRECTIONS),--corrections $(CORRECTIONS)) $(if $(OUT),--out $(OUT))

bench: $(VENV)/.dev  ## Measure; results in bench/RESULTS.md
	$(RUN) bench

bench-routing: $(VENV)/.dev  ## Measure routing in a simulated center; results and picture
	$(RUN) bench routing balance --write

migrate: $(VENV)/.local  ## Bring the database of CENTRALITA_DATABASE_URL up to date
	$(RUN) shared.migrations

messages: $(VENV)/.dev  ## Collect the sentences of the screens into both catalogs
	$(RUN) shared.web.messages

pin: $(VENV)/.dev  ## Write constraints.txt from what is installed
	$(VENV)/bin/python scripts/pin

clean:  ## Remove caches and the environment; the demo's data stays (make demo-reset)
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .fuzz .import_linter_cache
	find . -name __pycache__ -prune -exec rm -rf {} +
