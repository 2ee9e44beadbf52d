# Apus. `make` lists the targets.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup build demo test check format bench bench-peers install clean

# Swift's tarballs are often unpacked here without being on the PATH.
export PATH := $(PATH):/opt/swift/usr/bin
PREFIX ?= /usr/local
DESTDIR ?=
SOURCES := Package.swift Sources Tests

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install the libraries that are missing (Debian; root or sudo) and check Swift
	@tools/setup.sh

build: setup ## build .build/release/apus
	swift build -c release --product apus

demo: build ## forecast, score and report real weather with the models that come along
	.build/release/apus demo

test: setup ## build and run all tests
	swift build -c release --build-tests
	swift test -c release --skip-build

check: setup ## lint the format, then run all tests
	swift format lint --strict --recursive $(SOURCES)
	$(MAKE) test

format: ## format all sources in place
	swift format --in-place --recursive $(SOURCES)

bench: build ## time the kernels against the machine's limits
	.build/release/apus bench all

# PEERS_PYTHON=... uses an interpreter that has torch and torch-harmonics already.
ifndef PEERS_PYTHON
PEERS_PYTHON := .venv-peers/bin/python
PEERS_READY := .venv-peers/complete
endif
bench-peers: build $(PEERS_READY) ## time Apus and PyTorch in turns (installs PyTorch in .venv-peers)
	$(PEERS_PYTHON) tools/bench_peers.py --apus .build/release/apus --threads 2 $(PEERS_FLAGS)

.venv-peers/complete: tools/peers-requirements.txt
	python3 -m venv .venv-peers
	.venv-peers/bin/python -m pip install --quiet -r tools/peers-requirements.txt
	touch $@

# The Swift libraries go into the program, so that it runs where no Swift is; a scratch path of its own
# keeps the ordinary build.
install: setup ## install apus in PREFIX (/usr/local)
	swift build -c release --product apus --static-swift-stdlib --scratch-path .build-install
	install -D -m 755 .build-install/release/apus "$(DESTDIR)$(PREFIX)/bin/apus"
	mkdir -p "$(DESTDIR)$(PREFIX)/share/apus"
	cp -r pipelines grids diagnostics demo "$(DESTDIR)$(PREFIX)/share/apus/"
	install -D -m 644 -t "$(DESTDIR)$(PREFIX)/share/apus/models" models/*.safetensors models/*.md models/*.nc

clean: ## remove everything that was built
	rm -rf .build .build-install .venv-peers
