#!/usr/bin/env bash
# Played by run.sh, which sets WATCHGATE_URL and the rest.
set -euo pipefail
source "$(dirname "$0")/../expect.sh"

mint() { "$WATCHGATE_BIN" token mint --keys "$WATCHGATE_ISSUER_KEYS" --subject "$1" --scope "$2"; }
console=(-H "Authorization: Bearer $(mint console-7 'events:write events:read')")
ana=(-H "Authorization: Bearer $(mint ana 'commands:request')")

reports() {
  python3 - "$1" "$2" <<'PYTHON'
import json, sys
first, last = map(int, sys.argv[1:])
print(json.dumps([{
    "specversion": "1.0", "id": f"report-{number}", "source": "https://issuer.watchgate.test#console-7",
    "type": "com.example.telemetry.worker", "data": {"worker": "mailer", "state": "stuck"},
} for number in range(first, last)]))
PYTHON
}
send() {
  expect 202 "$3" "${console[@]}" -H 'Content-Type: application/cloudevents-batch+json' -d "$(reports "$1" "$2")" "$WATCHGATE_URL/v1/events"
}
# The insights there are, with their number first.
insights() {
  curl -sS --max-time 40 --cacert "$WATCHGATE_CA" "${console[@]}" -o "$answer" "$WATCHGATE_URL/v1/events?type=dev.watchgate.insight.created"
  python3 -c 'import json, sys; print(len(json.load(open(sys.argv[1]))["events"]))' "$answer"
}

send 0 2 "two reports: not enough for the watch"
send 2 40 "thirty-eight more"
for _ in $(seq 100); do
  [ "$(insights)" = 0 ] || break
  sleep 0.1
done
[ "$(insights)" = 1 ] || fail "expected one insight"

call=$(python3 - "$answer" <<'PYTHON'
import json, sys
insight = json.load(open(sys.argv[1]))["events"][0]["event"]["data"]
print(f"  {insight['watch']}, {insight['key']}, {insight['judgement']}: {insight['short']}", file=sys.stderr)
for citation in insight["citations"]:
    print(f"  from {citation['file']}, {citation['heading']}", file=sys.stderr)
print(f"  evidence: {', '.join(one['id'] for one in insight['evidence'][:3])}, …", file=sys.stderr)
print(json.dumps({**{name: insight["proposal"][name] for name in ("runbook", "parameters")}, "reason": "it is stuck"}))
PYTHON
)
expect 201 "a person asks for what was proposed" "${ana[@]}" -H 'Content-Type: application/json' -d "$call" "$WATCHGATE_URL/v1/commands"
runbook=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["runbook"])' "$answer")

echo "insights: 40 reports, 1 insight, $runbook was proposed and asked for"
