#!/usr/bin/env bash
# Run: make example NAME=rest-calls. The service's REST calls through the gateway, with curl and with a few lines of
# Python.
set -euo pipefail
cd "$(dirname "$0")/../.."

target/debug/stage -- examples/rest-calls/both.sh

# You should see, last: rest-calls: curl and Python agree
