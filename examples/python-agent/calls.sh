#!/usr/bin/env bash
# Played by run.sh, which sets WATCHGATE_URL and the rest.
set -euo pipefail
source "$(dirname "$0")/../expect.sh"

mint() { "$WATCHGATE_BIN" token mint --keys "$WATCHGATE_ISSUER_KEYS" --subject "$1" --scope "$2"; }
field() { python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$answer" "$1"; }
ada=(-H "Authorization: Bearer $(mint ada commands:request)" -H 'Content-Type: application/json')
ben=(-H "Authorization: Bearer $(mint ben commands:approve)" -H 'Content-Type: application/json')

WATCHGATE_TOKEN=$(mint sample-service commands:lease) python3 "$(dirname "$0")/agent.py" &
service=$!
trap 'kill "$service" 2>/dev/null || true; wait "$service" || true; rm -f "$answer"' EXIT

expect 201 "ada asks for a restart" "${ada[@]}" -d '{"runbook": "restart-worker", "parameters": {"worker": "mailer"}, "reason": "mails are late"}' "$WATCHGATE_URL/v1/commands"
id=$(field id)
expect 200 "ben approves exactly that" "${ben[@]}" -d "{\"decision\": \"approve\", \"digest\": \"$(field digest)\"}" "$WATCHGATE_URL/v1/commands/$id/approval"

for _ in $(seq 300); do
  expect 200 "how far is it?" "${ada[@]}" "$WATCHGATE_URL/v1/commands/$id" >/dev/null
  state=$(field state)
  case "$state" in succeeded) break ;; failed | timeout | abandoned | canceled) fail "it ended as $state" ;; esac
  sleep 0.1
done
[ "$state" = succeeded ] || fail "it is still $state"
echo "  result: $(field result)"
echo "python-agent: the worker was restarted"
