# Two commands are enough on a new machine with Python 3.11 and make: `make demo` and `make test`.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test coverage check docs bench soak wheel clean

$(READY): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $(READY)

# The main job, end to end, against a registry, a listing page and a mail server on this machine.
demo: $(READY)
	$(BIN)/registry-sync demo

# All tests; warnings are errors. One process more than there are cores: many a test waits for a process, or for a server that hangs.
WORKERS := $(shell expr $$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2) + 1)
test: $(READY)
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --maxprocesses 5 --dist loadfile

# Branch coverage. Tests of real data, processes, a browser and much text are left out: traced, they are twice as slow.
UNTRACED := tests/real tests/docs tests/deploy tests/browser tests/edits tests/web/test_hostile_fields.py tests/web/test_schemathesis.py
coverage: $(READY)
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile $(addprefix --ignore ,$(UNTRACED))
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --fail-under 90

# Style, types, and who may import whom.
check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# The documentation as a site, in build/docs; what Sphinx would only warn of is an error.
docs: $(READY)
	$(BIN)/python -m sphinx --fail-on-warning --keep-going --quiet --builder html docs build/docs

# Figures, as ratios against something named, in one run.
bench: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[bench]'
	$(BIN)/python -m benchmarks.peers
	$(BIN)/python -m benchmarks.start
	$(BIN)/python -m benchmarks.sync
	$(BIN)/python -m benchmarks.growth
	$(BIN)/python -m benchmarks.compare
	$(BIN)/python -m benchmarks.pages
	$(BIN)/python -m benchmarks.fanout
	$(BIN)/python -m benchmarks.web

# What takes longer than a test may, seeded: branch coverage, 200 kills, half at random instants and half at named steps, 50 kills while a
# backup is made, 100 runs of wishes by chance, 50 each of restores and of deadlines, 200 damaged histories,
# 20,000 labelled edits of real records, and three times as many of these in the layouts of sites.
soak: $(READY) coverage
	KILLS=200 SEED=1 $(BIN)/python -m pytest -q tests/cli/test_kills.py
	BACKUP_KILLS=50 SEED=1 $(BIN)/python -m pytest -q tests/cli/test_keeping.py
	WISHES=100 SEED=100 $(BIN)/python -m pytest -q tests/jobs/test_wishes_by_chance.py
	RESTORES=50 SEED=100 $(BIN)/python -m pytest -q tests/jobs/test_restore_by_chance.py
	DEADLINES=50 SEED=100 $(BIN)/python -m pytest -q tests/jobs/test_deadlines_by_chance.py
	DAMAGES=200 $(BIN)/python -m pytest -q tests/cli/test_damage_by_chance.py
	EDITS=20000 $(BIN)/python -m pytest -q tests/real/test_edits.py
	REAL=3 $(BIN)/python -m pytest -q tests/real

# The wheel, built and put into dist/.
wheel: $(READY)
	rm -rf dist
	$(BIN)/python -m build --wheel --outdir dist

clean:
	rm -rf $(VENV) .venv-peers dist build .coverage* .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
