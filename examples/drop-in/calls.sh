#!/usr/bin/env bash
# What callers of the guarded back end meet. Played by run.sh, which sets WATCHGATE_URL, WATCHGATE_CA and the rest.
set -euo pipefail
source "$(dirname "$0")/../expect.sh"

token=$("$WATCHGATE_BIN" token mint --keys "$WATCHGATE_ISSUER_KEYS" --subject ada --scope notes:read)

expect 200 "a public page needs no token"         "$WATCHGATE_URL/about"
expect 401 "a note needs one"                     "$WATCHGATE_URL/notes/1"
expect 200 "with a token it is read"              -H "Authorization: Bearer $token" "$WATCHGATE_URL/notes/1"
grep -qi '"x-auth-subject": "ada"' "$answer" || fail "the back end was not told who asks"
expect 200 "a forged identity does not arrive"    -H "X-Auth-Subject: root" -H "X_Auth_Subject: root" "$WATCHGATE_URL/about"
if grep -qi root "$answer"; then fail "the forged identity arrived"; fi
expect 403 "this token may read, but not write"   -X PUT -H "Authorization: Bearer $token" "$WATCHGATE_URL/notes/1"

echo "drop-in: $calls calls as expected"
