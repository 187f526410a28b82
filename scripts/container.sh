#!/usr/bin/env bash
# Runs the order service like its image: one static file, on a read-only file
# system, without capabilities, not as root. With Docker if a daemon runs,
# otherwise in a bare chroot.
#
#   ./scripts/container.sh            needs root for the chroot
set -euo pipefail
cd "$(dirname "$0")/.."

target=x86_64-unknown-linux-gnu
folder=$(mktemp -d)
container=
trap 'cleanup' EXIT

cleanup() {
    if [ -n "$container" ]; then docker rm -f "$container" >/dev/null; fi
    if [ -n "${pid:-}" ]; then kill "$pid" 2>/dev/null || true; fi
    rm -rf "$folder"
}

fail() {
    echo "container: $*" >&2
    exit 1
}

# Runs a command until it succeeds, for at most a minute.
eventually() {
    for _ in $(seq 300); do
        if "$@"; then return 0; fi
        sleep 0.2
    done
    fail "never: $*"
}

build() {
    RUSTFLAGS="-C target-feature=+crt-static" \
        cargo build --locked -p orders --bin orders --target "$target"
    cp "target/$target/debug/orders" "$folder/orders"
    strip "$folder/orders"
    if ldd "$folder/orders" >/dev/null 2>&1 && ! ldd "$folder/orders" | grep -q 'statically linked'; then
        fail "the binary is not static"
    fi
}

# The last stage of the Dockerfile, with the binary that was built here.
image() {
    sed -n '/^FROM scratch/,$p' examples/Dockerfile | sed 's/--from=build \/orders/orders/' \
        >"$folder/Dockerfile"
    docker build -q -t orders-test "$folder" >/dev/null
}

state() { docker inspect -f '{{.State.Health.Status}}' "$container"; }
is_state() { [ "$(state)" = "$1" ]; }

with_docker() {
    image
    container=$(docker run -d --read-only --cap-drop ALL --security-opt no-new-privileges \
        --network none --health-interval 1s orders-test)
    eventually is_state healthy
    docker exec "$container" /orders probe
    docker exec "$container" /orders probe http://localhost:3000/livez
    [ "$(docker inspect -f '{{.Config.User}}' "$container")" = 65534:65534 ] || fail "it runs as root"
    # The drain takes 7 s, long enough for a few probes.
    docker kill -s TERM "$container" >/dev/null
    eventually fails_in_docker
    docker wait "$container" | grep -qx 0 || fail "it did not end with 0"
    with_compose
    echo "container: healthy and drained, with Docker"
}

# The client starts once the service is healthy, sends one request and exits.
with_compose() {
    command -v docker-compose >/dev/null || return 0
    docker tag orders-test orders:0.1.0
    docker-compose -f examples/compose.yaml up --no-build --exit-code-from client \
        >"$folder/compose" 2>&1 || fail "the client did not end with 0: $(cat "$folder/compose")"
    docker-compose -f examples/compose.yaml down >/dev/null 2>&1
    echo "container: the client of compose.yaml found the service healthy"
}

fails_in_docker() {
    local code=0
    docker exec "$container" /orders probe 2>"$folder/reason" || code=$?
    [ "$code" -eq 1 ] && grep -q '^unhealthy: 503' "$folder/reason"
}

in_chroot() {
    mkdir "$folder/root"
    mv "$folder/orders" "$folder/root/orders"
    chmod 0555 "$folder/root" "$folder/root/orders"
    chmod 0711 "$folder"
    run=(env -i PORT=3765 DATABASE_URL=sqlite::memory:
        "$(command -v chroot)" --userspec=65534:65534 "$folder/root" /orders)
    "${run[@]}" >/dev/null 2>"$folder/log" &
    pid=$!
    eventually is_healthy_in_chroot
    "${run[@]}" probe http://localhost:3765/livez
    kill -TERM "$pid"
    eventually fails_in_chroot
    wait "$pid" || fail "it did not end with 0"
    pid=
    echo "container: healthy and drained, in a chroot"
}

is_healthy_in_chroot() { "${run[@]}" probe 2>"$folder/reason"; }

fails_in_chroot() {
    local code=0
    "${run[@]}" probe 2>"$folder/reason" || code=$?
    [ "$code" -eq 1 ] && grep -q '^unhealthy: 503' "$folder/reason"
}

build
if docker version >/dev/null 2>&1; then
    with_docker
else
    in_chroot
fi
