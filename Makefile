# Everything here sets itself up: a Python (3.11 or newer) and a C compiler are enough.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
READY = $(VENV)/.installed
# two files of tests at a time, in the order of tests/conftest.py; the tests of a file share what its fixtures make
TWO = -n 2 --dist loadfile --no-loadscope-reorder

.PHONY: check test demo demo-model docs bench install clean
.DELETE_ON_ERROR:

install: $(READY)

# torch comes first and alone: an index that offers a CPU build of it then wins over one with gigabytes of CUDA.
$(READY): setup.py bundle_info.xml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("FlexRec needs Python 3.11: make PYTHON=…" if sys.version_info < (3, 11) else 0)'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt torch
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[engine,panel,dev]'
	touch $@

# a thread each: threads that wait for one another across processes cost more than they bring
test check: export OMP_NUM_THREADS = 1
test check: export NUMBA_NUM_THREADS = 1
test: $(READY)
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest $(TWO) --durations=15

# while writing: the same without the test files that tests/conftest.py knows as slow
check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest $(TWO) --durations=15 -m "not slow"

demo: $(READY)
	rm -rf demo
	$(BIN)/python demo.py demo

# the trained example that ships in src/demo, anew: a quarter of an hour on one core
demo-model: $(READY)
	rm -rf bench/demo-model
	$(BIN)/python tools/make_demo_model.py bench/demo-model

docs: $(READY)
	$(BIN)/python -m chimerax.flexrec.actions.write_docs .

bench: $(READY)
	$(BIN)/python benchmarks/motion.py --work bench/motion --particles 4000 --box 64 --pixel-size 5 --snr 0.1
	for script in $(wildcard benchmarks/bench_*.py); do echo "== $$script"; $(BIN)/python $$script || exit 1; done

clean:
	rm -rf $(VENV) build dist demo bench
	find . -name __pycache__ -prune -exec rm -rf {} +
	rm -rf ./*.egg-info .pytest_cache .ruff_cache .mypy_cache
