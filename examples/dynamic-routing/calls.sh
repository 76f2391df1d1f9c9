#!/usr/bin/env bash
# Adds a second service to a running gateway, and takes it away. Played by run.sh, which sets WATCHGATE_URL and the rest.
set -euo pipefail
here=$(dirname "$0")
source "$here/../expect.sh"

token=$("$WATCHGATE_BIN" token mint --keys "$WATCHGATE_ISSUER_KEYS" --subject ada --scope notes:read)
authorized=(-H "Authorization: Bearer $token")

port_file=$(mktemp)
python3 "$here/../drop-in/back_end.py" >"$port_file" &
back_end=$!
trap 'kill "$back_end" 2>/dev/null || true; rm -f "$port_file" "$answer"' EXIT
until [ -s "$port_file" ]; do sleep 0.05; done

# wait_for STATUS CURL-ARGUMENTS...: Traefik takes a file within about two seconds.
wait_for() {
  local wanted=$1
  shift
  for _ in $(seq 100); do
    [ "$(curl -sS --max-time 5 --cacert "$WATCHGATE_CA" -o /dev/null -w '%{http_code}' "$@")" = "$wanted" ] && return
    sleep 0.1
  done
}

expect 403 "no such route yet"                "${authorized[@]}" "$WATCHGATE_URL/notes/1"

# Written beside the directory and renamed into it, so that Traefik never reads half a file.
sed "s|http://127.0.0.1:9000|http://127.0.0.1:$(cat "$port_file")|" "$here/notes.yml" >"$WATCHGATE_DYNAMIC_DIR/../notes.yml"
mv "$WATCHGATE_DYNAMIC_DIR/../notes.yml" "$WATCHGATE_DYNAMIC_DIR/notes.yml"
wait_for 200 "${authorized[@]}" "$WATCHGATE_URL/notes/1"
expect 200 "the file appeared, so did the route"  "${authorized[@]}" "$WATCHGATE_URL/notes/1"
expect 401 "it stands behind the gate"            "$WATCHGATE_URL/notes/1"
expect 200 "the first service goes on"            "$WATCHGATE_URL/healthz"

rm "$WATCHGATE_DYNAMIC_DIR/notes.yml"
wait_for 403 "${authorized[@]}" "$WATCHGATE_URL/notes/1"
expect 403 "the file went, so did the route"      "${authorized[@]}" "$WATCHGATE_URL/notes/1"

echo "dynamic-routing: $calls calls as expected"
