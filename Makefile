# `make help` lists what there is. Every target sets up what it needs, once.
SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup test test-engine test-host test-e2e test-real demo real networks training bench lint format package reference workflows screenshots lock clean

ENV := build/env
VERSION := $(shell sed -n 's/^version=//p' metadata.txt)
PACKAGE := build/geoseg-$(VERSION).zip
QGIS_PYTHON := QT_QPA_PLATFORM=offscreen $(ENV)/qgis/bin/python
PYTEST := -m pytest -p no:cacheprovider

help: ## List the targets.
	@sed -n 's/^\([a-z0-9-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | awk -F '\t' '{ printf "make %-12s %s\n", $$1, $$2 }'

setup: ## Install QGIS, the engine and the tools for tests, where they are missing.
	@python3 scripts/setup.py

test: setup ## Run all tests.
	@status=0; \
	for part in test-engine test-host test-e2e; do $(MAKE) --no-print-directory $$part || status=1; done; \
	exit $$status

test-engine: setup ## Run the tests of the engine, with its Python.
	OMP_NUM_THREADS=1 $(ENV)/engine-tests/bin/python $(PYTEST) --numprocesses=auto --dist=worksteal tests/engine $(ARGS)

test-host: setup ## Run the tests of the QGIS side, inside QGIS's Python.
	$(QGIS_PYTHON) $(PYTEST) tests/host $(ARGS)

test-e2e: setup ## Run the tests of the whole, through the real qgis_process.
	OMP_NUM_THREADS=1 $(QGIS_PYTHON) $(PYTEST) --numprocesses=auto --dist=loadscope tests/e2e $(ARGS)

test-real: setup ## Run the tests that take long, on real imagery too (GEOSEG_DATA); make test leaves them out.
	$(ENV)/engine-tests/bin/python $(PYTEST) tests/real $(ARGS)

demo: setup ## Go from a synthetic scene to a map, and leave a QGIS project and a picture in build/demo.
	@$(QGIS_PYTHON) scripts/demo.py

real: setup ## Train and measure on real imagery (GEOSEG_DATA), in 15 minutes; EPOCHS=1 for a quick look.
	@$(QGIS_PYTHON) scripts/real.py

networks: setup ## Compare networks on real imagery (GEOSEG_DATA) in equal time; BUDGET=minutes for each, NETWORKS=names.
	@$(QGIS_PYTHON) scripts/real_networks.py

training: setup ## Train on real imagery of six kinds (GEOSEG_DATA); BUDGET=minutes for each, CASES=names.
	@$(QGIS_PYTHON) scripts/real_training.py

bench: setup ## Measure GeoSeg beside GDAL commands and plain loops, into build/bench.json; PARTS=names.
	@PYTHONPATH=build/src $(ENV)/engine/bin/python scripts/bench.py

lint: setup ## Check style, types, spelling and what the plugin site scans for.
	@scripts/lint

format: setup ## Format the code.
	@$(ENV)/lint/bin/ruff check --fix --quiet .
	@$(ENV)/lint/bin/ruff format .

package: ## Make the plugin's zip from the last commit.
	@mkdir -p build
	@git archive --format=zip --prefix=geoseg/ --output=$(PACKAGE) HEAD
	@echo $(PACKAGE)

reference: setup ## Write docs/reference.md anew from the declarations.
	@python3 geoseg_plugin describe --json | python3 scripts/make_reference.py > build/reference.md
	@mv build/reference.md docs/reference.md

workflows: setup ## Write resources/workflows anew.
	@QT_HASH_SEED=0 $(QGIS_PYTHON) scripts/make_workflow.py

screenshots: setup ## Take pictures of the dialogs for docs/images.
	@scripts/screenshots

lock: setup ## Pin all packages anew from requirements/*.in.
	@for name in engine test-engine test-qgis lint; do \
		$(ENV)/lint/bin/uv pip compile --quiet --universal --python-version 3.11 --no-annotate --no-header \
			requirements/$$name.in --output-file requirements/$$name.txt || exit 1; \
	done

clean: ## Remove what was built here; what setup installed stays.
	rm -rf build
