#!/usr/bin/env bash
# Installs the peers of `cargo run -p benches --bin peers`, in the
# versions that are pinned in benches/peers, into target/peers.
# A peer that cannot be installed is reported, and its rows of the table are empty.
set -uo pipefail
cd "$(dirname "$0")/.."
sources=$PWD/benches/peers installed=$PWD/target/peers
mkdir -p "$installed/node"

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi
}

rust() {
    cargo build --release --locked --manifest-path "$sources/rust/Cargo.toml" --target-dir "$installed/rust"
}

go_() {
    if ! command -v go >/dev/null || [ ! -d /usr/share/gocode/src/github.com/alexliesenfeld/health ]; then
        as_root apt-get update -qq
        DEBIAN_FRONTEND=noninteractive as_root apt-get install -y -qq --no-install-recommends \
            golang-go golang-github-alexliesenfeld-health-dev
    fi
    cd "$sources/go" && GO111MODULE=off GOPATH=/usr/share/gocode go build -o "$installed/go/peer" .
}

python() {
    python3 -m venv "$installed/python" &&
        "$installed/python/bin/pip" install -q -r "$sources/python/requirements.txt"
}

node() {
    cp "$sources/node/package.json" "$installed/node/" &&
        npm install --prefix "$installed/node" --no-package-lock --no-audit --no-fund --silent
}

for peer in rust go_ python node; do
    printf '== peers: %s\n' "${peer%_}"
    ("$peer") || echo "The peers in ${peer%_} cannot be installed here." >&2
done
