# make demo and make test need git, make and Python 3.11 to 3.13, nothing else.
BIN := .venv/bin

.NOTPARALLEL:
.PHONY: help environment demo test lint types rooms tests soak mutants bench fidelity lock clean

help:
	@echo "make demo         the main job on Online Boutique, one to two minutes"
	@echo "make test         everything that must hold, about ten minutes"
	@echo "make lint         ruff;  make types: mypy;  make rooms: who may import whom"
	@echo "make tests        pytest alone;  make soak: long random tests, by hand"
	@echo "make mutants      plants what easy versions get wrong; a test must go red each time"
	@echo "make bench        the figures of this machine"
	@echo "make fidelity     published results, run anew: docs/fidelity.md"
	@echo "make environment  .venv alone;  make lock: renew requirements/;  make clean"

environment:
	@sh scripts/environment.sh

demo: environment
	$(BIN)/hms run experiments/library/online-boutique.yaml --budget small

test: lint types rooms tests

lint: environment
	$(BIN)/ruff check .

types: environment
	$(BIN)/mypy

rooms: environment
	$(BIN)/lint-imports --no-logo

# the quick ones side by side; the slow ones alone, as they use both cores themselves
tests: environment
	$(BIN)/pytest -m "not slow and not soak" -n 2
	$(BIN)/pytest -m "slow and not soak"

soak: environment
	HMS_HYPOTHESIS=soak $(BIN)/pytest -m "soak or hypothesis"

mutants: environment
	$(BIN)/python tests/mutants/mutant_run.py

bench: environment
	$(BIN)/python -m hms.experiments.bench

fidelity: environment
	$(BIN)/python -m hms.experiments.fidelity --write docs/fidelity.md

lock:
	sh scripts/lock.sh

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.egg-info
