#!/usr/bin/env bash
# Run: make example NAME=telemetry. A console gets a build that is too slow; a collector beside it sends what console and game tell, and it becomes
# one incident, with a picture.
set -euo pipefail
cd "$(dirname "$0")/../.."

cargo build --quiet --package console-simulator
target/debug/stage -- examples/telemetry/story.sh

# You should see, last: telemetry: one incident, its picture is .run/incident.png
