# The two commands that matter: make run (the service on its embedded demo) and make test.

GO       ?= go
PKG      := ./...
BUF      := $(GO) tool -modfile=../tools/buf/go.mod buf
LINT     := $(GO) tool -modfile=tools/lint/go.mod golangci-lint
# Where speed does not matter, functions are not inlined: the binary has a limit of 50 MB.
SMALL    := github.com/go-git github.com/minio github.com/ProtonMail github.com/cloudflare github.com/jackc github.com/prometheus \
            github.com/grpc-ecosystem github.com/spf13 prediag/proto
DATA_DIR ?= data
EVAL_DATA ?= ../shared/data
# Debian's own Python finds the Debian packages of the peers.
PYTHON   ?= /usr/bin/python3
SETS     ?= banking77
COLLECTIONS ?= stackfaq-dev
# The race detector needs cgo and a C compiler; without one the tests run without it.
RACE     := $(shell command -v $${CC:-gcc} >/dev/null 2>&1 && echo -race)

.PHONY: help run build test test-faults lint generate check-generate bench bench-classifier bench-search fuzz eval clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 18

run: build ## build, and serve the embedded demo
	./bin/prediag serve --data-dir $(DATA_DIR)

build: ## the static binary, in bin/ (grpcnotrace leaves out a debugging page that nothing links to)
	CGO_ENABLED=0 $(GO) build -trimpath -tags grpcnotrace -ldflags='-s -w' $(SMALL:%=-gcflags='%/...=-l') -o bin/prediag ./cmd/prediag

test: ## vet, and all tests, with the race detector where there is a C compiler
	$(GO) vet $(PKG)
	CGO_ENABLED=$(if $(RACE),1,0) $(GO) test $(RACE) -timeout 14m $(PKG)

test-faults: ## break the binary on purpose (SEED=1 TRIALS=100; as root with strace for all of it) and print the table of docs/resilience.md
	$(GO) test -count=1 -timeout 3h ./internal/faulttest -args -seed $(or $(SEED),1) -trials $(or $(TRIALS),100)
	PREDIAG_REPLICA_ROUNDS=10 $(GO) test -count=1 -timeout 30m -run TestThreeReplicas -v ./cmd/prediag

lint: ## golangci-lint and buf lint
	$(LINT) run $(PKG)
	cd proto && $(BUF) lint

generate: ## the Go code, the gateway and the OpenAPI file from proto/
	cd proto && $(BUF) generate

check-generate: generate ## fails when generating changes a file
	@git diff --exit-code --stat -- proto || { echo "generated files are out of date: run make generate and commit"; exit 1; }

bench: ## benchmarks of all folders
	$(GO) test -run '^$$' -bench . -benchmem $(PKG)

bench-classifier: build ## the classifier beside fastText and scikit-learn, as ratios (SETS="banking77 …"; PEERS=install gets them, as root)
	@if [ "$(PEERS)" = install ]; then apt-get update -q && apt-get install -qy --no-install-recommends fasttext python3-sklearn; fi
	$(PYTHON) classifier/bench/bench.py --data $(EVAL_DATA)/classify --prediag bin/prediag $(SETS)

bench-search: build ## the search beside default Bleve, SQLite FTS5, Xapian and PostgreSQL, as ratios (COLLECTIONS="stackfaq-dev …"; PEERS=install gets them, as root)
	@if [ "$(PEERS)" = install ]; then apt-get update -q && apt-get install -qy --no-install-recommends python3-xapian postgresql python3-psycopg2; fi
	$(PYTHON) kb/bench/bench.py --data $(EVAL_DATA) --prediag bin/prediag $(COLLECTIONS)

fuzz: ## every fuzz target for FUZZTIME (default 10s)
	@for pkg in $$($(GO) list $(PKG)); do \
	  for target in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
	    echo "$$pkg $$target"; $(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $${FUZZTIME:-10s} $$pkg || exit 1; \
	  done; \
	done

eval: build ## train and measure every set of EVAL_DATA, write docs/results.md and docs/pictures (about half an hour)
	./bin/prediag eval suite --dir $(EVAL_DATA) --out docs/results.md --save --runs bin/runs
	@for set in banking77 clinc150; do \
	  ./bin/prediag eval report suite/$$set --runs bin/runs --svg docs/pictures/$$set >/dev/null || exit 1; \
	done

clean: ## what make made
	rm -rf bin
