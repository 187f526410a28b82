#!/usr/bin/env bash
# Packs each crate that is published, unpacks it outside of this workspace and
# builds against it, in target/packages. Checks licences, duplicate versions and the
# foreign types in public, and builds with the least versions of the direct dependencies.
set -euo pipefail
cd "$(dirname "$0")/.."

crates=(health-macros health-core health-axum health-actix health-tonic health-opentelemetry health-probe health-indicators)
root=$PWD
target=$root/target/packages
outside=$(mktemp -d)
trap 'rm -rf "$outside"' EXIT
export CARGO_TARGET_DIR=$target CARGO_PROFILE_DEV_DEBUG=0

step() { printf '\n-- %s\n' "$*"; }

# The version, which all published crates share.
version() { sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1; }

pack() {
    local packages=() crate
    for crate in "${crates[@]}"; do
        packages+=(-p "$crate")
        rm -f "$target/package/$crate-"*.crate
    done
    cargo package --quiet --locked --allow-dirty --no-verify "${packages[@]}" 2>&1 |
        grep -v 'is not included in the published package' || true
    for crate in "${crates[@]}"; do
        # With -m, since cargo would otherwise see old file times and not rebuild.
        tar -xmzf "$target/package/$crate-$(version).crate" -C "$outside"
        mv "$outside/$crate-$(version)" "$outside/$crate"
    done
}

# Each package has the licenses and a README, without dead links.
check_contents() {
    local crate file
    for crate in "${crates[@]}"; do
        for file in LICENSE-MIT LICENSE-APACHE; do
            cmp "$file" "$outside/$crate/$file"
        done
        test -s "$outside/$crate/README.md"
        if grep -nE '\]\((\.|/|[a-z]+/)' "$outside/$crate/README.md"; then
            echo "$crate: a link of README.md is relative, and leads nowhere on crates.io" >&2
            return 1
        fi
        if find "$outside/$crate" -type l | grep .; then
            echo "$crate: a symbolic link was packed, not its file" >&2
            return 1
        fi
    done
}

# One application per adapter, with a normal dependency on it.
# The code is that of the adapter's README.
write_applications() {
    mkdir -p "$outside"/with-{axum,actix,tonic}/src
    application with-axum health-axum 'axum = "0.8"' \
        'tokio = { version = "1", features = ["macros", "net", "rt-multi-thread"] }'
    application with-actix health-actix \
        'actix-web = { version = "4", default-features = false, features = ["macros"] }'
    application with-tonic health-tonic \
        'tonic = { version = "0.14", default-features = false, features = ["router", "server"] }' \
        'tokio = { version = "1", features = ["macros", "rt-multi-thread"] }'
    {
        echo '[workspace]'
        echo 'resolver = "3"'
        echo 'members = ["health-*", "with-*"]'
        echo '[patch.crates-io]'
        for crate in "${crates[@]}"; do
            echo "$crate = { path = \"$crate\" }"
        done
    } >"$outside/Cargo.toml"
    # The versions of the lock file of the workspace.
    cp Cargo.lock "$outside/Cargo.lock"
}

application() {
    local name=$1 adapter=$2
    shift 2
    {
        printf '[package]\nname = "%s"\nversion = "0.0.0"\nedition = "2024"\n' "$name"
        printf '[dependencies]\n%s = "%s"\n' "$adapter" "$(version)"
        printf '%s\n' "$@"
    } >"$outside/$name/Cargo.toml"
    # The first block is the quick start.
    awk '/^```rust/ && !seen { code = 1; seen = 1; next } /^```/ { code = 0 } code' \
        "$outside/$adapter/README.md" >"$outside/$name/src/main.rs"
}

# A cargo command of the declared Rust version, where it is installed: `test.sh` does so.
with_declared_version() {
    local version=1.85.0 command=$1
    shift
    if rustup toolchain list 2>/dev/null | grep -q "^$version"; then
        # The dependencies of health-actix declare a newer one in their newest versions.
        cargo "+$version" "$command" --quiet --ignore-rust-version "$@"
    else
        cargo "$command" --quiet "$@"
    fi
}

# Builds with the least versions of the direct dependencies that the manifests allow,
# and the least version of Rust.
check_least_versions() {
    # The requirements of the applications are not those of the crates, nor are those
    # of the tests, which are not packed. The clients of health-indicators require newer
    # versions of what the others use.
    rm -r "$outside"/with-* "$outside/health-indicators" "$outside/Cargo.lock"
    sed -i '/^members/s/, "with-\*"//; /^health-indicators/d' "$outside/Cargo.toml"
    local manifest
    for manifest in "$outside"/*/Cargo.toml; do
        awk '/^\[/ { is_dev = /dev-dependencies/ } !is_dev' "$manifest" >"$manifest.new"
        mv "$manifest.new" "$manifest"
    done
    (
        cd "$outside"
        RUSTC_BOOTSTRAP=1 cargo -Z direct-minimal-versions generate-lockfile --quiet
        with_declared_version check --locked --workspace --all-features
    )
}

# Uses what `check_least_versions` has built.
check_foreign_types() {
    # For rustdoc alone, since build scripts would run again with this variable.
    printf '#!/bin/sh\nRUSTC_BOOTSTRAP=1 exec rustdoc "$@"\n' >"$outside/rustdoc"
    chmod +x "$outside/rustdoc"
    (
        cd "$outside"
        export RUSTDOC=$outside/rustdoc RUSTDOCFLAGS="-Zunstable-options --output-format json --cap-lints allow"
        with_declared_version doc --locked --no-deps --workspace --all-features
    )
    node "$root/scripts/foreign-types.mjs" "$target/doc"
}

step "pack and unpack"
pack
check_contents

step "the quick starts, outside of the workspace"
write_applications
(cd "$outside" && cargo check --quiet -p with-axum -p with-actix -p with-tonic -p health-probe)

step "licences and duplicate versions"
node "$root/scripts/dependencies.mjs" "$outside"

step "least versions of the direct dependencies and of Rust"
check_least_versions

step "foreign types in public"
check_foreign_types
