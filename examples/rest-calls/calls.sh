#!/usr/bin/env bash
# The service's REST calls with curl.
set -euo pipefail
source "$(dirname "$0")/../expect.sh"

mint() { "$WATCHGATE_BIN" token mint --keys "$WATCHGATE_ISSUER_KEYS" --subject "$1" --scope "$2"; }
ada=(-H "Authorization: Bearer $(mint ada 'events:write events:read assistant:ask runbooks:read commands:request')")
ben=(-H "Authorization: Bearer $(mint ben 'commands:approve')")
json=(-H 'Content-Type: application/json')

expect 202 "an event, as plain JSON"  "${ada[@]}" "${json[@]}" -d '{"fps": 59.7}' "$WATCHGATE_URL/v1/events"
expect 200 "the newest events"        "${ada[@]}" "$WATCHGATE_URL/v1/events?order=desc&limit=5"
expect 200 "a question"               "${ada[@]}" "${json[@]}" -d '{"question": "How do I restart a worker?"}' "$WATCHGATE_URL/v1/ask"
expect 200 "the runbooks"             "${ada[@]}" "$WATCHGATE_URL/v1/runbooks"
expect 201 "a command is asked for"   "${ada[@]}" "${json[@]}" \
  -d '{"runbook": "restart-worker", "parameters": {"worker": "mailer"}, "reason": "mails are late"}' "$WATCHGATE_URL/v1/commands"
read -r id digest < <(python3 -c 'import json,sys; c = json.load(open(sys.argv[1])); print(c["id"], c["digest"])' "$answer")
expect 403 "nobody approves their own" "${ada[@]}" "${json[@]}" -d "{\"decision\": \"approve\", \"digest\": \"$digest\"}" "$WATCHGATE_URL/v1/commands/$id/approval"
expect 200 "somebody else does"       "${ben[@]}" "${json[@]}" -d "{\"decision\": \"approve\", \"digest\": \"$digest\"}" "$WATCHGATE_URL/v1/commands/$id/approval"
expect 400 "a malformed event"        "${ada[@]}" -H 'Content-Type: application/cloudevents+json' -d '{"specversion": "1.0"}' "$WATCHGATE_URL/v1/events"

echo "rest-calls: $calls calls with curl as expected"
