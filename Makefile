# make demo · test · bench · evaluate · mutate · fuzz. Each target sets up what it needs.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

.PHONY: demo test check bench bench-course evaluate mutate fuzz docs lock clean

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("Lutetia needs Python 3.11 or newer") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --only-binary :all: -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	touch $@

demo: $(STAMP)  ## a synthetic patient and a made-up course, read; names the reports
	$(BIN)/lutetia make-phantom demo-output/patient --seed 7
	$(BIN)/lutetia read demo-output/patient/dicom --out demo-output/reading
	$(BIN)/lutetia make-phantom demo-output/captem --seed 7 --course captem
	$(BIN)/lutetia read demo-output/captem/dicom --case demo-output/captem/case.yaml --out demo-output/captem-reading
	@echo "reports: demo-output/reading/report.html and demo-output/captem-reading/report.html"

test: $(STAMP)  ## the whole test suite
	$(BIN)/python -m pytest -q -n 2 --dist worksteal

check: $(STAMP)  ## format, lint, types, floors, drifted docs
	$(BIN)/ruff format --check src tests bench docs/make_conformance.py
	$(BIN)/ruff check src tests bench docs/make_conformance.py
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m lutetia.rules.docs --check

docs: $(STAMP)  ## regenerate the generated pages
	$(BIN)/python -m lutetia.outputs.schema docs
	$(BIN)/python -m lutetia.rules.docs

bench: $(STAMP)  ## full-size study against the fair script (about ten minutes)
	$(BIN)/python bench/run.py

bench-course: $(STAMP)  ## two full-size PET/CTs of one patient, deformably aligned, DICOM to report
	$(BIN)/python bench/course.py

evaluate: $(STAMP)  ## read many simulated patients and judge them (needs the simulator beside the checkout; hours)
	$(BIN)/python bench/evaluate.py

mutate: $(STAMP)  ## mutate every rule file; each mutant must be killed
	$(BIN)/python -m lutetia.rules.mutate

fuzz: $(STAMP)  ## long run of the property tests
	$(BIN)/python -m pytest -q -n 2 tests -m "" -k "property or mutat or fuzz" --hypothesis-profile=fuzz

lock: $(STAMP)  ## re-resolve the locked versions
	$(BIN)/python -m pip install --quiet pip-tools
	$(BIN)/pip-compile -q --extra dev --upgrade --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
	  --no-annotate --no-header --strip-extras -o requirements.lock pyproject.toml

clean:
	rm -rf $(VENV) demo-output bench-output build dist
