#!/usr/bin/env bash
# Played by run.sh, which sets WATCHGATE_URL and the rest.
set -euo pipefail

folder=$(mktemp -d)
collector=
simulator=
end() {
  kill $collector $simulator 2>/dev/null || true
  wait
  rm -rf "$folder"
}
trap end EXIT
fail() {
  echo "FAIL $1" >&2
  cat "$folder"/*.log >&2
  exit 1
}

export WATCHGATE_GATEWAY=$WATCHGATE_URL WATCHGATE_TOKEN_FILE=$folder/token
watchgate() { "$WATCHGATE_BIN" "$@"; }
watchgate token mint --keys "$WATCHGATE_ISSUER_KEYS" --subject console-7 --scope 'events:write events:read' >"$folder/token"
echo 'tester:secret' >"$folder/portal.txt"

# A console: its portal, and its game, which has told eighteen minutes already when the collector comes.
target/debug/console-simulator --scenario bad-build --seed 10 --skip-minutes 18 --history 1080 --listen 127.0.0.1:0 \
  --credentials "$folder/portal.txt" --game "file:$folder/game.jsonl" 2>"$folder/console.log" &
simulator=$!
for _ in $(seq 100); do
  read -r _ portal _ device _ _ pin <"$folder/console.log" && break
  sleep 0.1
done
[ -n "${pin:-}" ] || fail "the console does not say where its portal is"
echo "  $device plays; its portal is $portal, with the pin $pin"

# Without a pin the collector says who answers there, and sends nothing.
seen=$(watchgate collect xbox --portal "$portal" 2>"$folder/first.log") && fail "the collector takes a portal that nobody has pinned"
[ "$seen" = "$pin" ] || fail "the collector saw the pin '$seen'"

watchgate collect xbox --portal "$portal" --portal-pin "$pin" --portal-credentials "$folder/portal.txt" \
  --game "$folder/game.jsonl" --from-start --spool "$folder/spool" 2>"$folder/collector.log" &
collector=$!
echo "  a collector sends what it and its game tell"

incident=
for _ in $(seq 120); do
  incident=$(watchgate incidents list --json |
    python3 -c 'import json, sys; print(next((one["incident"] for one in json.load(sys.stdin)["incidents"]), ""))')
  [ -z "$incident" ] || break
  sleep 0.5
done
[ -n "$incident" ] || fail "no incident after a minute"

mkdir -p .run
watchgate incidents show "$incident" --png .run/incident.png
[ -s .run/incident.png ] || fail "there is no picture"
echo "telemetry: one incident, its picture is .run/incident.png"
