#!/usr/bin/env bash
# Run: make example NAME=python-agent. A service in 60 lines of plain Python takes commands through the gateway: one person
# asks for a worker's restart, another approves, the service does it.
set -euo pipefail
cd "$(dirname "$0")/../.."

target/debug/stage -- examples/python-agent/calls.sh

# You should see, last: python-agent: the worker was restarted
