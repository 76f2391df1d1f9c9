#!/usr/bin/env bash
# Tests that need root or system packages: the store on small disks that fill up or become read-only, the runner's containers, faults of disks and
# networks under load, and the whole paths again, in a network namespace that has nothing but loopback. What passes there
# needs no network: no key fetch, no update check, no name server.
set -euo pipefail
cd "$(dirname "$0")/.."

leave_out() {
  echo "test-host: left out the whole paths without a network: $1"
  [ "${CI:-}" != true ] || exit 1
  exit 0
}

[ "$(id -u)" -eq 0 ] || leave_out "making a network namespace needs root"
scripts/system-packages.sh
unshare --net true 2>/dev/null || leave_out "this root may not make a network namespace"

echo "test-host: alert rules"
(cd deploy/observability && promtool check rules --lint=all --lint-fatal alerts.yml && promtool test rules alerts.test.yml)

echo "test-host: small disks"
cargo test --package assistant-service --lib --no-run
# In a namespace of their own the disks are gone with the tests, however those end.
unshare --mount cargo test --package assistant-service --lib -- --ignored full_disk

echo "test-host: containers"
unshare --mount scripts/with-podman.sh cargo test --package assistant-service --lib -- --ignored real_podman
cargo test --package watchgate-tests --test runner_podman --no-run
unshare --mount scripts/with-podman.sh cargo test --package watchgate-tests --test runner_podman -- --ignored

# Built outside, so that inside nothing is left to fetch. The gateway's service is away for a minute there, not for three seconds, while a
# collector goes on.
cargo test --package watchgate-tests --no-run
echo "test-host: codes of sessions, read by zbar"
cargo test --package watchgate-tests --test sessions -- --ignored
echo "test-host: the pages, in a real browser"
cargo test --package watchgate-tests --test browser -- --ignored --test-threads 1
echo "test-host: the whole paths, with loopback as the only network"
WATCHGATE_OUTAGE_SECONDS=60 unshare --net bash -euc 'ip link set lo up; exec cargo test --offline --package watchgate-tests'

echo "test-host: faults that need root: a full disk, a read-only one, a network whose link is down"
cargo run --quiet --package faults -- run --length host
