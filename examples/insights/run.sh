#!/usr/bin/env bash
# Run: make example NAME=insights. Reports of a stuck worker become one insight: with evidence, a quote and a runbook.
#
# examples/company/watches/stuck-worker.yaml is the watch. A person sends what it proposes; the watch sends nothing.
set -euo pipefail
cd "$(dirname "$0")/../.."

target/debug/stage -- examples/insights/story.sh

# You should see, last: insights: 40 reports, 1 insight, restart-worker was proposed and asked for
