#!/usr/bin/env bash
# Runs all benchmarks, and writes target/bench/report.md and .json.
#
#   ./scripts/bench.sh           about half an hour on 2 cores
#   ./scripts/bench.sh --quick   about ten minutes, with wider scatter
#
# Run nothing else meanwhile. Linux; needs valgrind, and for the peers
# the programs that scripts/peers.sh installs.
set -euo pipefail
cd "$(dirname "$0")/.."
export BENCH_OUT=$PWD/target/bench
mkdir -p "$BENCH_OUT"
rm -f "$BENCH_OUT"/*

title() { printf '\n== %s\n' "$1"; }
program() { title "$1" && cargo run --locked --release -q -p benches --bin "$@"; }

title "peers"
./scripts/peers.sh
title "building"
cargo build --locked --release -q -p benches --all-targets
for name in http peers engine compile; do
    program "$name" -- "$@"
done
if command -v valgrind >/dev/null; then
    title "instructions"
    cargo bench --locked -q -p benches --bench instructions
else
    echo "Without valgrind no instructions can be counted." >&2
fi
title "allocations"
cargo test --locked --release -q -p benches --test allocations --test annotated -- --nocapture

reports=(http peers harm engine compile instructions)
{
    echo "# Measured"
    for name in "${reports[@]}"; do
        [ -f "$BENCH_OUT/$name.md" ] || continue
        printf '\n## %s\n\n' "$name"
        cat "$BENCH_OUT/$name.md"
    done
} >"$BENCH_OUT/report.md.new"
{
    separator='{'
    for name in "${reports[@]}"; do
        [ -f "$BENCH_OUT/$name.json" ] || continue
        printf '%s"%s": ' "$separator" "$name"
        cat "$BENCH_OUT/$name.json"
        separator=','
    done
    echo '}'
} >"$BENCH_OUT/report.json.new"
mv "$BENCH_OUT/report.md.new" "$BENCH_OUT/report.md"
mv "$BENCH_OUT/report.json.new" "$BENCH_OUT/report.json"
title "written to target/bench/report.md and target/bench/report.json"
