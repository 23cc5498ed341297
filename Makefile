# `make run` shows a simulated farm and the gateway; `make test` proves the whole house. Both make their own
# environment in .venv from nothing but Python 3.11 to 3.13 and the package registry.

PYTHON ?= $(firstword $(foreach p,python3 python3.13 python3.12 python3.11,$(shell $(p) -c 'import sys; sys.exit(not (3,11) <= sys.version_info < (3,14))' 2>/dev/null && command -v $(p))))
VENV := .venv
BIN := $(VENV)/bin

.PHONY: run test services soak lies fuzz bench bench-wear bench-outage bench-ingest bench-anomalies bench-wire bench-alarms bench-start bench-leak sbom wheels deb home-assistant lint lock clean

run: $(VENV)/.run
	@$(BIN)/python -m simulators.demo

test: $(VENV)/.dev
	@.ci/debian-packages mosquitto strace debhelper:dh dpkg-dev:dpkg-buildpackage systemd:systemd-analyze systemd-sysv:init iproute2:ip fiu-utils:fiu-run maven:mvn postgresql:pg_ctlcluster nodejs:node npm
	@$(BIN)/python -m tests.services.downloads
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/pytest

services: $(VENV)/.dev  # Kafka, schema registry, databases, MQTT broker, for a developer; Ctrl-C stops them
	@.ci/debian-packages mosquitto maven:mvn postgresql:pg_ctlcluster nodejs:node npm
	@$(BIN)/python -m tests.services

bench: $(VENV)/.dev
	$(BIN)/python -m tests.bench

bench-wear: $(VENV)/.dev  # bytes on the card a reading, by commit_s
	$(BIN)/python -m tests.bench.wear --real-time

bench-outage: $(VENV)/.dev  # a week's backlog drained; READINGS=1000000 for less
	@.ci/debian-packages postgresql:pg_ctlcluster
	$(BIN)/python -m tests.bench.outage $(READINGS)

bench-ingest: $(VENV)/.dev  # from Kafka into PostgreSQL, against COPY
	$(BIN)/python -m tests.bench.ingest $(READINGS)

bench-wire: $(VENV)/.dev  # how much of a serial line's time is used, and what a dead probe takes
	$(BIN)/python -m tests.bench.wire

bench-alarms: $(VENV)/.dev  # from the water to the alarm on MQTT while all else is wrong; ALARMS=100 for less
	@.ci/debian-packages mosquitto
	$(BIN)/python -m tests.bench.alarm_latency $(ALARMS)

bench-anomalies: $(VENV)/.dev  # how good the checks are, by labelled water; DATA=folder for other water
	$(BIN)/python -m tests.bench.anomalies $(if $(DATA),--data $(DATA))

soak: $(VENV)/.dev  # from the twins to the table while all is killed and cut; READINGS=30000 for less
	@.ci/debian-packages maven:mvn postgresql:pg_ctlcluster
	$(BIN)/python -m tests.soak $(READINGS)

LOCK := uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-annotate pyproject.toml
lock:  # needs uv on the PATH: a Pi's packages, those of the simulated farm, those of the tests
	$(LOCK) --extra http -o requirements.lock
	$(LOCK) --extra http --extra simulate -o requirements-simulate.lock
	$(LOCK) --extra dev -o requirements-dev.lock

lies: $(VENV)/.dev  # 100,000 questions a kind of line, half of the answers tampered with; TRANSACTIONS=10000 for less
	$(BIN)/python -m tests.lies $(TRANSACTIONS)

FUZZER := atheris==3.0.0  # not for every machine, so not among the packages of the tests
fuzz: $(VENV)/.dev  # a million inputs a parser, led by coverage; RUNS=10000 for less
	@$(BIN)/python -c "import atheris" 2>/dev/null || $(BIN)/pip install -q --disable-pip-version-check $(FUZZER)
	$(BIN)/python -m tests.fuzz $(RUNS)

SBOM := cyclonedx-bom==7.5.0
sbom:  # what a Pi installs, with versions and licences, as CycloneDX: build/sbom.cdx.json
	@rm -rf build/sbom && mkdir -p build/sbom
	@$(PYTHON) -m venv build/sbom/gateway && $(PYTHON) -m venv build/sbom/tool
	@build/sbom/gateway/bin/pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	@build/sbom/gateway/bin/pip install -q --disable-pip-version-check --no-deps .
	@build/sbom/tool/bin/pip install -q --disable-pip-version-check $(SBOM)
	@build/sbom/tool/bin/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible -o build/sbom.cdx.json build/sbom/gateway/bin/python
	@$(PYTHON) -m tests.licences build/sbom.cdx.json
	@rm -rf build/sbom

wheels: $(VENV)/.dev  # whether a Pi can install without a compiler: a wheel of every package for aarch64
	$(BIN)/python -m tests.wheels

ARCHITECTURES := arm64 amd64
deb:  # the Debian packages, for a Pi and for a PC, on a machine of either kind: dist/*.deb
	@.ci/debian-packages debhelper:dh dpkg-dev:dpkg-buildpackage
	@for architecture in $(ARCHITECTURES); do systemd/package.sh $$architecture dist || exit 1; done
	@! command -v lintian >/dev/null || lintian --fail-on error dist/*.deb

home-assistant: $(VENV)/.dev  # the real Home Assistant at a real broker; needs Python 3.13 and 820 MB in build/
	@.ci/debian-packages mosquitto
	$(BIN)/python -m tests.home_assistant $(or $(PYTHON313),python3.13)

bench-start: $(VENV)/.dev  # from the start of the process to the first reading on the disk
	$(BIN)/python -m tests.bench.start

bench-leak: $(VENV)/.dev  # ten million readings: does memory grow? READINGS=1000000 for less
	$(BIN)/python -m tests.bench.leak $(READINGS)

clean:
	rm -rf $(VENV) var build dist *.egg-info

$(VENV)/.run: requirements-simulate.lock pyproject.toml
	$(call environment,requirements-simulate.lock)
	@touch $@

$(VENV)/.dev: requirements-dev.lock pyproject.toml
	$(call environment,requirements-dev.lock)
	@touch $(VENV)/.run $@

define environment
	@test -n "$(PYTHON)" || { echo "AquaControl needs Python 3.11, 3.12 or 3.13 (64-bit); none was found. Debian: apt install python3 python3-venv"; exit 1; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV) || { echo "Python cannot make a virtual environment. Debian: apt install python3-venv"; rm -rf $(VENV); exit 1; }
	@echo "Installing what $(1) lists into $(VENV) …"
	@$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r $(1)
	@$(BIN)/pip install -q --disable-pip-version-check --no-deps -e .
endef
