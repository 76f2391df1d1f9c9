#!/usr/bin/env bash
# Runs a command beside a Podman of its own, with the images and containers that the tests of the runner work on. Needs root and a mount
# namespace that is thrown away afterwards:
#
#   unshare --mount scripts/with-podman.sh COMMAND...
#
# WATCHGATE_TEST_PODMAN holds the path of its socket.
set -euo pipefail

work=$(mktemp -d)
podman() { command podman --root "$work/root" --runroot "$work/run" --storage-driver vfs "$@"; }
service=
clean() {
  podman rm --all --force --time 0 >/dev/null 2>&1 || true
  podman pod rm --all --force >/dev/null 2>&1 || true
  [ -z "$service" ] || kill "$service" 2>/dev/null || true
  rm -rf "$work"
}
trap clean EXIT

# Podman knows control groups of the second kind alone, and looks for them where they usually are.
mount --make-rprivate /
if [ "$(stat --file-system --format %T /sys/fs/cgroup)" != cgroup2fs ]; then
  umount --recursive /sys/fs/cgroup 2>/dev/null || umount --lazy /sys/fs/cgroup
  mount -t cgroup2 none /sys/fs/cgroup
fi
# No bound above this shell's own, and no control group: both need more rights than a container of the tests' may have.
cat >"$work/containers.conf" <<CONF
[containers]
cgroups = "disabled"
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
CONF
export CONTAINERS_CONF=$work/containers.conf

# A program that says hello and waits; that ends at once (e); and a health check that says yes (y) or no.
mkdir "$work/context"
cat >"$work/program.c" <<'C'
#include <signal.h>
#include <stdio.h>
#include <unistd.h>
static void end(int signal) { (void)signal; _exit(0); }
int main(int count, char **words) {
  signal(SIGTERM, end);
  if (count > 1) return words[1][0] == 'y' ? 0 : 3;
  puts("hello");
  fflush(stdout);
  for (;;) pause();
}
C
cc -static -o "$work/context/program" "$work/program.c"
image() {
  printf '%s\n' 'FROM scratch' 'COPY program /program' "CMD $2" "${@:3}" >"$work/context/Containerfile"
  podman build --quiet --format docker --isolation chroot --tag "localhost/watchgate-test:$1" "$work/context" >/dev/null
}
say_yes='HEALTHCHECK --interval=30s --timeout=5s CMD ["/program", "y"]'
image 1 '["/program"]'
image 2 '["/program"]'
image ends '["/program", "e"]'
image infra '["/program"]'
image pod '["/program"]' "$say_yes"
image ill '["/program"]' 'HEALTHCHECK --interval=30s --timeout=5s CMD ["/program", "n"]'
podman run --detach --name web --network none localhost/watchgate-test:1 >/dev/null
podman pod create --name shop --network none --infra-image localhost/watchgate-test:infra >/dev/null
podman run --detach --name shop-one --pod shop localhost/watchgate-test:pod >/dev/null

command podman --root "$work/root" --runroot "$work/run" --storage-driver vfs system service --time=0 "unix://$work/podman.sock" &
service=$!
for _ in $(seq 100); do
  [ -S "$work/podman.sock" ] && break
  sleep 0.1
done
[ -S "$work/podman.sock" ] || {
  echo "with-podman: Podman does not listen" >&2
  exit 1
}
WATCHGATE_TEST_PODMAN=$work/podman.sock "$@"
