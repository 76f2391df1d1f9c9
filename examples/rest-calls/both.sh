#!/usr/bin/env bash
# Played by run.sh, which sets WATCHGATE_URL and the rest.
set -euo pipefail
here=$(dirname "$0")
"$here/calls.sh"
python3 "$here/calls.py"
echo "rest-calls: curl and Python agree"
