#!/usr/bin/env bash
# Simulates whole services and compares every answer with an oracle, in a release
# build: see health-core/tests/simulation/README.md.
#
#   ./scripts/simulate.sh 1000000            so many seeds
#   ./scripts/simulate.sh 1000 --from 5000   so many seeds, from this one on
#   ./scripts/simulate.sh --seed 17          one seed, and what it is made of
#
# --jobs N runs N processes; the default is 2.
set -euo pipefail
cd "$(dirname "$0")/.."

case "${1:-}" in
    '' | --*) ;;
    *) set -- --seeds "$@" ;;
esac
exec cargo test --locked --release -p health-core --features systemd --test simulation -- "$@"
