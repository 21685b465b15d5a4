# pack-cache: `make demo` shows the main job, `make test` runs every test.

GO      ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
export CGO_ENABLED ?= 0

.PHONY: help build release takeover-image demo test unit acceptance lint vulnerabilities portable fuzz-short fuzz faults soak bench bench-curve bench-report clean test-servers compatibility containerd-store

# The program, in bin/.
build: bin/pack-cache

bin/pack-cache: $(shell find . -name '*.go' -not -name '*_test.go' -not -path './internal/test/*' -not -path './benchmarks/*') go.mod go.sum
	$(GO) build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o $@ ./cmd/pack-cache

BUILD := $(GO) build -trimpath -ldflags '-s -w -X main.version=$(VERSION)'

# Programs for every system, in dist/. Those for other systems than Linux need one
# of the Linux programs beside them, for the containers of their daemon.
PLATFORMS := linux-amd64 linux-arm64 darwin-amd64 darwin-arm64 windows-amd64 windows-arm64
release: $(PLATFORMS:%=dist/pack-cache-%)

.PHONY: $(PLATFORMS:%=dist/pack-cache-%)
$(PLATFORMS:%=dist/pack-cache-%): dist/pack-cache-%:
	GOOS=$(word 1,$(subst -, ,$*)) GOARCH=$(word 2,$(subst -, ,$*)) $(BUILD) -o $@$(if $(filter windows-%,$*),.exe) ./cmd/pack-cache

# The image of the engine takeover, as an archive for `docker load` and as an OCI
# layout. CERTIFICATES are the authorities that pack-cache believes there.
ARCH         ?= $(shell $(GO) env GOARCH)
CERTIFICATES ?= /etc/ssl/certs/ca-certificates.crt
takeover-image: dist/pack-cache-linux-$(ARCH)
	$(GO) run ./cmd/takeover-image -program $< -version $(VERSION) -certificates $(CERTIFICATES) \
	  -archive dist/takeover-$(ARCH).tar -layout dist/takeover-$(ARCH) -tag pack-cache/takeover:$(VERSION)

# The main job, end to end: a registry on loopback, a Java builder assembled
# from Debian packages, a cold build, a warm build on a "second machine", and
# the app image running.
demo: bin/pack-cache
	$(GO) run ./internal/test/samples/cmd/demo -pack-cache bin/pack-cache

# Every test that CI runs.
test: lint vulnerabilities portable test-servers unit fuzz-short acceptance

# The servers of other projects that tests run: built once, and kept in the
# user's cache directory. Those that are written for Node need npm; without it
# they and their tests are left out, but not in CI.
test-servers:
	$(GO) run ./internal/test/testservers/cmd/test-servers

# Formatting, and what .golangci.yml lists. golangci-lint is pinned in the module
# internal/tools.
lint:
	@unformatted=$$(gofmt -l cmd platform lifecycle layers builder trust internal acceptance benchmarks examples); \
	  if [ -n "$$unformatted" ]; then echo "not formatted: $$unformatted"; exit 1; fi
	@mkdir -p bin
	$(GO) -C internal/tools build -o $(CURDIR)/bin/golangci-lint github.com/golangci/golangci-lint/v2/cmd/golangci-lint
	./bin/golangci-lint run ./...

# Known vulnerabilities that the program's code reaches.
vulnerabilities:
	$(GO) run ./internal/test/cmd/vulnerabilities ./cmd/pack-cache

# Other systems are not tested, but what they get has to compile.
portable:
	GOOS=darwin GOARCH=arm64 $(GO) build -o /dev/null ./cmd/pack-cache
	GOOS=windows GOARCH=amd64 $(GO) build -o /dev/null ./cmd/pack-cache

# The race detector needs a C compiler. CI has one, or fails.
# Without the option, every program with it waits for a second before it ends.
RACE := $(if $(or $(CI),$(shell command -v gcc)),CGO_ENABLED=1 GORACE=atexit_sleep_ms=0 $(GO) test -race,$(GO) test)

# Unit tests, with the race detector.
unit:
	$(RACE) -shuffle=on -timeout 30m $$($(GO) list ./... | grep -v /acceptance)

# Builds through the program, as a user runs it.
acceptance: bin/pack-cache
	PACK_CACHE_BIN=$(CURDIR)/bin/pack-cache $(GO) test -shuffle=on -timeout 60m -v ./acceptance/...

# Every fuzz target, one after the other. FUZZTIME is for each of them; FUZZ is a
# regular expression for PACKAGE/TARGET.
FUZZTIME ?= 10m
fuzz-short: FUZZTIME := 2s
fuzz-short fuzz:
	$(GO) run ./internal/test/cmd/fuzz -time $(FUZZTIME) -run '$(FUZZ)'

# The whole table of faults: every fault with every kind of request of every
# store. CI runs a choice of it.
faults: bin/pack-cache test-servers
	PACK_CACHE_FAULTS=all PACK_CACHE_BIN=$(CURDIR)/bin/pack-cache $(GO) test -timeout 12h -v -run '^TestFaults' ./acceptance

# The table of faults, and builds that are killed at random moments for
# SOAKTIME.
SOAKTIME ?= 1h
soak: faults
	PACK_CACHE_SOAK=$(SOAKTIME) PACK_CACHE_BIN=$(CURDIR)/bin/pack-cache $(GO) test -timeout 0 -v -run '^TestKilledAtRandom$$' ./acceptance

# Runs the tests that say what they run against, all or TESTS="DIRECTORY.TEST …",
# and writes docs/compatibility.md.
compatibility: bin/pack-cache test-servers
	PACK_CACHE_BIN=$(CURDIR)/bin/pack-cache $(GO) run ./internal/test/cmd/compatibility $(TESTS)

# Leaves app images in a Docker that keeps them as containerd does. It is compiled
# for that, which takes minutes.
containerd-store: bin/pack-cache
	$(GO) run ./internal/test/testservers/cmd/test-servers dockerd
	PACK_CACHE_CONTAINERD_STORE=1 $(MAKE) compatibility TESTS=acceptance.TestContainerdStore

# Compares with the stock lifecycle; see docs/performance.md. BENCH has flags of
# ./benchmarks.
bench: bin/pack-cache
	$(GO) build -o bin/benchmarks ./benchmarks
	./bin/benchmarks $(BENCH)

# Time and memory by size of the cache.
bench-curve:
	$(GO) run ./benchmarks curve

# docs/performance.md from the figures.
bench-report:
	$(GO) run ./benchmarks report

# Removes what was built.
clean:
	rm -rf bin dist

# Lists the targets, with what is written above each, up to the first full stop.
help:
	@awk '/^# / { text = text substr($$0, 2) } /^$$/ { text = "" } \
	  /^[a-z][a-z -]*:/ && text { split($$0, name, ":"); sub(/[.;:] .*|\.$$/, "", text); printf "%-16s%s\n", name[1], text; text = "" }' \
	  $(firstword $(MAKEFILE_LIST))
