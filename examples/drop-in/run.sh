#!/usr/bin/env bash
# Run: make example NAME=drop-in. The gate before somebody's own back end, without any Watchgate service.
#
# back_end.py is that back end: it knows nothing of tokens and answers with the headers it was given. gate.yml is all
# the configuration that the gate needs.
set -euo pipefail
cd "$(dirname "$0")/../.."

port_file=$(mktemp)
python3 examples/drop-in/back_end.py >"$port_file" &
back_end=$!
trap 'kill "$back_end" 2>/dev/null || true; rm -f "$port_file"' EXIT
until [ -s "$port_file" ]; do
  kill -0 "$back_end" 2>/dev/null || { echo "drop-in: the back end did not start" >&2; exit 1; }
  sleep 0.05
done

target/debug/stage \
  --drop-in "http://127.0.0.1:$(cat "$port_file")" --gate examples/drop-in/gate.yml -- examples/drop-in/calls.sh

# You should see, last: drop-in: 5 calls as expected
