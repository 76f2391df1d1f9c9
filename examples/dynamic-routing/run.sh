#!/usr/bin/env bash
# Run: make example NAME=dynamic-routing. A file appears, a route appears; the file goes, the route goes. No restart.
set -euo pipefail
cd "$(dirname "$0")/../.."

target/debug/stage -- examples/dynamic-routing/calls.sh

# You should see, last: dynamic-routing: 5 calls as expected
