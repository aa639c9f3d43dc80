# rebridge: build, check, test, demonstrate. `make help` lists the targets.

SHELL := /bin/bash
.DEFAULT_GOAL := help

# Releases are static: musl, linked by the linker that comes with Rust, so you need no cross toolchain.
HOST := $(shell rustc -vV | sed -n 's/^host: //p')
ARCH := $(firstword $(subst -, ,$(HOST)))
DIST := target/dist
ARCHES := x86_64 aarch64
BINARIES := $(ARCHES:%=$(DIST)/rebridge-linux-%)
BINARY := $(DIST)/rebridge-linux-$(ARCH)
VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
DEBIAN_x86_64 := amd64
DEBIAN_aarch64 := arm64
DEB := $(foreach arch,$(ARCHES),$(DIST)/rebridge_$(VERSION)-1_$(DEBIAN_$(arch)).deb)
OWN_DEB := $(DIST)/rebridge_$(VERSION)-1_$(DEBIAN_$(ARCH)).deb
RPM := $(ARCHES:%=$(DIST)/rebridge-$(VERSION)-1.%.rpm)
SHARE := target/share
PACKAGING := $(shell find packaging cloud-init -type f) $(wildcard docs/*.md) README.md CHANGELOG.md
# Packages carry the time of the commit, so that the same commit gives the same bytes.
export SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct)
SOURCES := $(shell find src -name '*.rs') Cargo.toml Cargo.lock
LAB := tests/lab/lab
PREFIX ?= /usr/local

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-20s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: $(BINARY) ## build the static release binary for this machine

.PHONY: binaries
binaries: $(BINARIES) ## build the release binaries for x86_64 and aarch64

# The build folder must not show in the binary, nor change its bytes.
REMAP := --remap-path-prefix=$(CURDIR)=/rebridge --remap-path-prefix=$(or $(CARGO_HOME),$(HOME)/.cargo)=/cargo

# If rustup cannot install musl, link this machine's C library statically; the binary grows by a megabyte.
$(DIST)/rebridge-linux-%: $(SOURCES)
	@mkdir -p $(DIST)
	@target=$*-unknown-linux-musl; upper=$$(echo $* | tr a-z A-Z); \
	if rustup target list --installed | grep -qx $$target || rustup target add $$target; then \
		export CARGO_TARGET_$${upper}_UNKNOWN_LINUX_MUSL_LINKER=rust-lld; \
		export CARGO_TARGET_$${upper}_UNKNOWN_LINUX_MUSL_RUSTFLAGS="$(REMAP)"; \
	elif [ $* = $(ARCH) ]; then \
		target=$(HOST); export CARGO_TARGET_$${upper}_UNKNOWN_LINUX_GNU_RUSTFLAGS="-C target-feature=+crt-static $(REMAP)"; \
	else exit 1; fi; \
	cargo build --release --locked --target $$target && cp target/$$target/release/rebridge $@
	@if grep -qa 'ld-musl-\|ld-linux' $@; then echo "$@ is not static"; rm $@; exit 1; fi
	@echo "$@: static, $$(stat -c %s $@) bytes"

COLLECTION := $(DIST)/rebridge-docker-$(VERSION).tar.gz

.PHONY: collection
collection: $(COLLECTION) ## build the Ansible collection with both binaries, and its checksum

$(COLLECTION): $(BINARIES) CHANGELOG.md $(shell find ansible -type f -not -path '*/__pycache__/*')
	@python=$$(ansible/venv.sh target/ansible/core-2.19 'ansible-core~=2.19.0') && \
		PATH=$$(realpath -s $$(dirname $$python)):$$PATH ansible/build.sh $(VERSION) $(DIST) $(DIST)

# Generated from the source: manual pages and shell completions.
$(SHARE)/made: $(SOURCES) packaging/generate.rs
	cargo build --quiet --locked --features schema --example generate
	target/debug/examples/generate man $(SHARE)/man
	target/debug/examples/generate completions $(SHARE)/completions
	@touch $@

.PHONY: deb rpm
deb: $(OWN_DEB) ## build the Debian package for this machine, into target/dist
rpm: $(DIST)/rebridge-$(VERSION)-1.$(ARCH).rpm ## build the RPM package for this machine, into target/dist

define package
$(DIST)/rebridge_$(VERSION)-1_$(DEBIAN_$(1)).deb: $(DIST)/rebridge-linux-$(1) $(SHARE)/made $(PACKAGING)
	packaging/deb.sh $$< $(DEBIAN_$(1)) $(SHARE) $(DIST)
$(DIST)/rebridge-$(VERSION)-1.$(1).rpm: $(DIST)/rebridge_$(VERSION)-1_$(DEBIAN_$(1)).deb | dist-tools
	packaging/rpm.sh $$< $(1) $(DIST)
endef
$(foreach arch,$(ARCHES),$(eval $(call package,$(arch))))

.PHONY: dist
dist: dist-tools $(BINARIES) $(DEB) $(RPM) ## build a release: binaries, packages, schemas, SBOM, checksums
	packaging/dist.sh $(DIST) $(VERSION) $(ARCHES)

.PHONY: reproducible
reproducible: dist-tools ## run `make dist` in two folders and compare the results
	packaging/reproducible.sh

.PHONY: schema
schema: ## write the JSON Schemas of the results again
	cargo run --quiet --locked --features schema --example generate -- schema packaging/schema

.PHONY: supply-chain
supply-chain: ## check licences, duplicates and sources of the dependencies (cargo-deny)
	packaging/supply-chain.sh

.PHONY: install
install: $(BINARY) ## install the binary into PREFIX/bin
	install -D -m 755 $(BINARY) $(DESTDIR)$(PREFIX)/bin/rebridge

.PHONY: check
check: tools ## run format, lints and the quick tiers, in a minute
	cargo fmt --check
	cargo clippy --locked --all-targets --quiet -- -D warnings
	shellcheck -x $$(git grep -lE '^#!.*sh$$' -- . ':!*.rs' ':!*.md' ':!cloud-init')
	LAWS=sampled tests/tiers.sh unit golden cli netns

.PHONY: test
test: tools recipe-tools lab $(BINARY) $(COLLECTION) $(OWN_DEB) ## run every tier, on real hosts too, and count the tests
	REBRIDGE_BIN=$(CURDIR)/$(BINARY) REBRIDGE_COLLECTION=$(CURDIR)/$(COLLECTION) \
		tests/tiers.sh unit golden cli netns kernel recipes page docs engines ansible boot

.PHONY: torture
torture: tools lab $(BINARY) ## kill apply, rollback and recovery at every step, pull the plug, move a hundred networks, fix sixty random hosts, ask the kernel a million questions
	REBRIDGE_BIN=$(CURDIR)/$(BINARY) cargo test --quiet --locked --test engines whole_ -- --nocapture
	cargo test --quiet --locked --test netns whole_ -- --nocapture --test-threads=1

.PHONY: test-ansible-matrix
test-ansible-matrix: tools lab $(COLLECTION) ## test with ansible-core 2.16 to the newest, and Ansible's own checks
	REBRIDGE_BIN=$(CURDIR)/$(BINARY) tests/ansible/matrix.sh $(COLLECTION) $(PART)

.PHONY: bench-ansible
bench-ansible: tools lab $(COLLECTION) ## compare rebridge with stock modules, and play against a fleet of 1,000 hosts
	REBRIDGE_BIN=$(CURDIR)/$(BINARY) REBRIDGE_COLLECTION=$(CURDIR)/$(COLLECTION) \
		cargo test --quiet --locked --test ansible whole_bench -- --nocapture --test-threads=1

.PHONY: golden
golden: ## accept the output of the golden cases as expected
	BLESS=1 cargo test --quiet --locked --test golden --test words

.PHONY: lab
lab: tools ## build the file systems of the lab's hosts and unpack its kernels, once
	$(LAB) bases
	$(LAB) kernels

.PHONY: demo
demo: tools $(BINARY) ## show the outage and the fix, on a throw-away host
	$(LAB) bases trixie
	tests/demo.sh $(BINARY)

.PHONY: pictures
pictures: tools $(BINARY) ## draw the pictures of the documents, from real runs
	$(LAB) bases trixie
	tests/pictures/make.sh $(BINARY)

.PHONY: bench
bench: tools $(BINARY) ## measure speed, beside the least such a program must do
	$(LAB) bases trixie
	REBRIDGE_BIN=$(CURDIR)/$(BINARY) cargo bench --quiet --locked --bench bench -- $(PART)

.PHONY: fuzz
fuzz: ## feed random input to the parsers, SECONDS=600 each
	tests/fuzz/run.sh $(or $(SECONDS),600)

.PHONY: tools
tools:
	@$(LAB) tools

.PHONY: recipe-tools
recipe-tools:
	@tests/recipes/tool.sh unpack

.PHONY: dist-tools
dist-tools:
	@packaging/tools.sh

.PHONY: clean
clean: ## remove everything built, the lab's file systems included
	cargo clean
	$(LAB) clean
