#!/usr/bin/env bash
# Lets libFuzzer look for bytes that break one of trust_core::fuzzing::TARGETS.
#
#   scripts/fuzz.sh SECONDS [JOBS] [TARGET…]    each target for so long, so many at a time; all of them unless some are named
#
# What it has found so far stays in target/fuzzing/<target>/corpus and is where the next run goes on; what breaks something
# is kept in target/fuzzing/<target>/crashes. Rust's stable compiler can count the edges that an input takes; only sanitizers
# need a nightly one, and in a crate without unsafe code there is nothing for them to find.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=$1
jobs=${2:-1}
shift $(($# < 2 ? $# : 2))
targets=("$@")
[ ${#targets[@]} -gt 0 ] || mapfile -t targets < <(ls tests/fuzz/seeds)

command -v c++ >/dev/null || {
  echo "fuzz: a C++ compiler is missing, libFuzzer is built with it (Debian and Ubuntu: apt-get install g++)" >&2
  exit 1
}
host=$(rustc -vV | sed -n 's/^host: //p')
target_dir=${CARGO_TARGET_DIR:-$PWD/target}
coverage="-C passes=sancov-module -C llvm-args=-sanitizer-coverage-level=4 \
  -C llvm-args=-sanitizer-coverage-inline-8bit-counters -C llvm-args=-sanitizer-coverage-pc-table \
  -C llvm-args=-sanitizer-coverage-trace-compares"
# With a target of its own the flags are kept from build scripts and procedural macros.
env -u CARGO_ENCODED_RUSTFLAGS RUSTFLAGS="--cfg fuzzing $coverage -C codegen-units=1" CARGO_TARGET_DIR="$target_dir" \
  cargo build --quiet --locked -p fuzz --profile fuzz --target "$host"
binary=$target_dir/$host/fuzz/fuzz
work=$target_dir/fuzzing

# The last status that libFuzzer has written of a target.
last() { grep -a -o 'cov: .*' "$work/$1/log" | tail -n 1 | cut -d' ' -f1-6; }

fuzz() {
  local target=$1 began=$SECONDS fuzzer
  local dictionary=tests/fuzz/dictionaries/$target.dict options=()
  [ ! -f "$dictionary" ] || options=("-dict=$dictionary")
  mkdir -p "$work/$target/corpus" "$work/$target/crashes"
  touch "$work/$target/began"
  echo "fuzz: $target, for $seconds s"
  FUZZ_TARGET=$target "$binary" -max_total_time="$seconds" -timeout=10 -max_len=20000 -print_final_stats=1 \
    -artifact_prefix="$work/$target/crashes/" ${options[@]+"${options[@]}"} \
    "$work/$target/corpus" "tests/fuzz/seeds/$target" >"$work/$target/log" 2>&1 &
  fuzzer=$!
  # shellcheck disable=SC2064  # of this fuzzer, whichever comes after it
  trap "kill $fuzzer 2>/dev/null" EXIT
  while kill -0 "$fuzzer" 2>/dev/null; do
    sleep 1
    [ $(((SECONDS - began) % 60)) -ne 59 ] || echo "fuzz: $target, $((SECONDS - began)) s: $(last "$target")"
  done
  trap - EXIT
  wait "$fuzzer"
}

failed=()
declare -A running=()
collect() {
  local ended status=0
  wait -n -p ended || status=$?
  [ $status -eq 0 ] || failed+=("${running[$ended]}")
  unset "running[$ended]"
}
trap 'kill $(jobs -p) 2>/dev/null || true' EXIT
for target in "${targets[@]}"; do
  [ ${#running[@]} -lt "$jobs" ] || collect
  fuzz "$target" &
  running[$!]=$target
done
while [ ${#running[@]} -gt 0 ]; do collect; done

stat() { sed -n "s/^stat::$2: *//p" "$work/$1/log" | tail -n 1; }
printf '\n%-8s %14s %9s  %s\n' target executions per/s "edges, features and corpus"
for target in "${targets[@]}"; do
  printf '%-8s %14s %9s  %s, %s crashes\n' "$target" "$(stat "$target" number_of_executed_units)" \
    "$(stat "$target" average_exec_per_sec)" "$(last "$target")" "$(find "$work/$target/crashes" -type f -newer "$work/$target/began" | wc -l)"
done
for target in ${failed[@]+"${failed[@]}"}; do
  grep -a -A 3 -m 1 -E 'panicked at|ERROR: libFuzzer' "$work/$target/log" >&2 || tail -n 5 "$work/$target/log" >&2
  ls -t -d "$work/$target/crashes/"* 2>/dev/null | head -n 1 | sed "s|.*|fuzz: again with  FUZZ_TARGET=$target $binary &|" >&2
done
[ ${#failed[@]} -eq 0 ] || {
  echo "fuzz: FAILED: ${failed[*]}" >&2
  exit 1
}
echo "fuzz: all held"
