#!/usr/bin/env bash
# Makes a site's first secrets and writes them encrypted; nothing of them touches the disk in the clear but in a folder in memory that goes
# with this script.
#
#   deploy/ansible/new-secrets.sh inventory/mine/group_vars/all/vault.yml
#
#   WATCHGATE        the program: watchgate
#   ANSIBLE_VAULT    ansible-vault; asks for the password unless ANSIBLE_VAULT_PASSWORD_FILE or an option of ansible.cfg names a file
#   MEMORY           a folder in memory: /dev/shm
set -euo pipefail

out=${1:?say where to, such as: $0 inventory/mine/group_vars/all/vault.yml}
watchgate=${WATCHGATE:-watchgate}
vault=${ANSIBLE_VAULT:-ansible-vault}

fail() {
  echo "new-secrets: $*" >&2
  exit 1
}
[ ! -e "$out" ] || fail "$out is there already, and hosts may live by it: remove it yourself if it is to go"
for needed in "$watchgate" "$vault" openssl; do
  command -v "$needed" >/dev/null || fail "$needed is missing"
done

umask 077
memory=${MEMORY:-/dev/shm}
[ -d "$memory" ] && [ -w "$memory" ] || fail "$memory is no folder to write to: name one in memory as MEMORY, or secrets would touch the disk"
work=$(mktemp -d "$memory/watchgate.XXXXXX")
trap 'rm -rf "$work"' EXIT

# A line of YAML's block scalar for each line.
block() {
  echo "$1: |"
  sed -e "s/^/${2:-  }/" -e '$a\'
}

# NATS keeps a hash, so that whoever reads its file has no password yet.
bcrypt() {
  local password=$1 hash
  hash=$(PASSWORD=$password perl -e '
    my @set = (".", "/", "0".."9", "A".."Z", "a".."z");
    open my $random, "<", "/dev/urandom" or die;
    read $random, my $bytes, 21;
    print crypt($ENV{PASSWORD}, "\$2b\$11\$" . join("", map { $set[$_ % 64] } unpack("C*", $bytes)) . "O") // ""' 2>/dev/null) || hash=
  [[ "$hash" == '$2b$11$'* ]] || hash=$(htpasswd -niBC 11 x <<<"$password" 2>/dev/null | cut -d: -f2) || hash=
  [[ "$hash" == '$2'* ]] || fail "neither perl nor htpasswd can make a bcrypt hash here: install apache2-utils or httpd-tools"
  echo "$hash"
}

authority() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj "/CN=Watchgate $1" \
    -addext basicConstraints=critical,CA:true,pathlen:0 -addext keyUsage=critical,keyCertSign,cRLSign \
    -keyout "$work/$1.key" -out "$work/$1.pem" 2>/dev/null
  echo "  $1:"
  block "    certificate" "      " <"$work/$1.pem"
  block "    key" "      " <"$work/$1.key"
}

everything() {
  echo "# Secrets. Look at them with: ansible-vault view"
  "$watchgate" keys gate --trust "$work" >&2
  "$watchgate" keys transaction --trust "$work" --audience assistant-service --out "$work/transaction.keys" >&2
  block vault_watchgate_gate_key <"$work/gate.key"
  block vault_watchgate_transaction_keys <"$work/transaction.keys"
  local password hash
  for user in nats_password nats_audit_password; do
    password=$(openssl rand -hex 32)
    # By itself: what fails within an argument of `echo` ends nothing.
    hash=$(bcrypt "$password")
    echo "vault_watchgate_$user: $password"
    echo "vault_watchgate_${user}_hash: $hash"
  done
  echo "# \`service\` signs for Traefik and the service alone: whoever shows a certificate of it is taken for a gateway."
  echo "vault_watchgate_authorities:"
  for name in service nats public; do authority "$name"; done
  echo "# A token with the subject \`runner\`, where there is a runner."
  echo 'vault_watchgate_runner_token: ""'
  echo "# Secrets of providers of opaque tokens: {idp.secret: …}."
  echo "vault_watchgate_exchange_secrets: {}"
}

everything >"$work/vault.yml"
"$vault" encrypt --output "$out" "$work/vault.yml"
echo "new-secrets: $out is written; its password is all that is between a reader and every host, so keep them apart"
