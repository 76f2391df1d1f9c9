#!/usr/bin/env bash
# Runs trust-core's property tests again and again, with new cases each time, for so many seconds.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=$1
cases=2000
# As fast as a release, with every check of a debug build.
tests=(cargo test --quiet --locked -p trust-core --lib --profile fuzz)
properties=(properties:: everything_holds_for_any everything_holds_for_spoilt)
"${tests[@]}" --no-run
began=$SECONDS
total=0
until [ $((SECONDS - began)) -ge "$seconds" ]; do
  said=$(PROPTEST_CASES=$cases "${tests[@]}" -- "${properties[@]}" 2>&1) || {
    printf '%s\n' "$said" >&2
    echo "properties: FAILED after $total cases in $((SECONDS - began)) s" >&2
    exit 1
  }
  held=$(sed -n 's/^test result: ok. \([0-9]*\) passed.*/\1/p' <<<"$said")
  total=$((total + held * cases))
  echo "properties: $held properties, $total cases in $((SECONDS - began)) s"
done
