# For the examples' scripts: one curl call, its status held against the expected one. The body is left in $answer.
command -v curl >/dev/null || { echo "this example calls with curl: install it with your package manager" >&2; exit 1; }
answer=$(mktemp)
trap 'rm -f "$answer"' EXIT
calls=0

fail() {
  echo "FAIL $1" >&2
  cat "$answer" >&2
  exit 1
}

# expect STATUS WHAT CURL-ARGUMENTS...
expect() {
  local wanted=$1 what=$2 status
  shift 2
  status=$(curl -sS --max-time 40 --cacert "$WATCHGATE_CA" -o "$answer" -w '%{http_code}' "$@")
  [ "$status" = "$wanted" ] || fail "$what: expected $wanted, got $status"
  calls=$((calls + 1))
  echo "  $status  $what"
}
