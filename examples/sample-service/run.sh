#!/usr/bin/env bash
# Run: make example NAME=sample-service. A microservice takes a command through the gateway and carries it out: one
# person asks for a worker's restart, another approves, the service does it.
set -euo pipefail
cd "$(dirname "$0")/../.."

target/debug/stage -- examples/sample-service/calls.sh

# You should see, last: sample-service: the worker was restarted
