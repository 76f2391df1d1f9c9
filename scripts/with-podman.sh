#!/usr/bin/env bash
# Runs a command beside a rootless Podman of its own, with the images and containers that the tests of the runner work on. Needs root,
# to make a user and mounts, and a mount namespace that is thrown away afterwards:
#
#   unshare --mount scripts/with-podman.sh COMMAND...
#
# WATCHGATE_TEST_PODMAN holds the path of its socket, WATCHGATE_TEST_PODMAN_USER the user and group (UID:GID) that it belongs to, and
# WATCHGATE_TEST_PODMAN_RANGE the user that is 1 in its containers. Podman and all of its containers run as that user, which is made for this run and removed at its end.
#
# What was seen in a container that is itself not privileged, with Podman 4.3 of Debian:
# - the control groups that are there are the first kind's, and the second kind has no controller for memory or processes: containers
#   run without control groups, and bounds of memory and processors are not tried here;
# - /dev/net/tun and the own control group are closed to all but root: both are had in another way below;
# - images are stored as whole folders (vfs): they hold one program, and /dev/fuse, which the user may not open, is not needed;
# - bounds above this shell's own cannot be given to containers.
set -euo pipefail

user=watchgate-$$
work=$(mktemp -d)
group=/sys/fs/cgroup/$user
own=$work/own

# As the user, in the group, and with nothing of root's environment.
as_user() {
  bash -c 'echo $$ >"$0/cgroup.procs"; exec "$@"' "$group" \
    setpriv --reuid="$user" --regid="$user" --init-groups \
    env --ignore-environment --chdir="$own" PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME="$own" \
    XDG_RUNTIME_DIR="$own/run" TMPDIR="$own" CONTAINERS_CONF="$work/containers.conf" "$@"
}
podman() { as_user podman --root "$own/root" --runroot "$own/runroot" --storage-driver vfs "$@"; }

clean() {
  podman rm --all --force --time 0 >/dev/null 2>&1 || true
  podman pod rm --all --force >/dev/null 2>&1 || true
  # Whatever Podman has started is in the group, also the process that holds its user namespace.
  [ ! -e "$group/cgroup.kill" ] || echo 1 >"$group/cgroup.kill"
  for _ in $(seq 100); do
    rmdir "$group" 2>/dev/null || [ -d "$group" ] || break
    sleep 0.1
  done
  # Files in it belong to users of the range; root may remove them all.
  rm -rf "$work"
  ! id "$user" >/dev/null 2>&1 || userdel "$user" || true
}
trap clean EXIT

# Podman knows control groups of the second kind alone, and looks for them where they usually are.
mount --make-rprivate /
if [ "$(stat --file-system --format %T /sys/fs/cgroup)" != cgroup2fs ]; then
  umount --recursive /sys/fs/cgroup 2>/dev/null || umount --lazy /sys/fs/cgroup
  mount -t cgroup2 none /sys/fs/cgroup
fi
# Rootless Podman warns where its root is shared with nobody.
mount --make-rshared /
mkdir "$group"

echo "with-podman: makes the user $user with ranges of users and groups, removed at the end"
# Beyond every range that is given away already.
touch /etc/subuid /etc/subgid
first=$(awk -F: 'BEGIN { end = 100000 } $2 + $3 > end { end = $2 + $3 } END { print end }' /etc/subuid /etc/subgid)
useradd --system --user-group --no-create-home --home-dir "$own" --shell /usr/sbin/nologin "$user"
usermod --add-subuids "$first-$((first + 65535))" --add-subgids "$first-$((first + 65535))" "$user"
chmod 711 "$work"
install -d -m 700 -o "$user" -g "$user" "$own" "$own/run"

# A device of the same kind that the user may open, seen in this mount namespace alone.
mknod -m 666 "$work/tun" c 10 200
[ -e /dev/net/tun ] && mount --bind "$work/tun" /dev/net/tun

cat >"$work/containers.conf" <<CONF
[containers]
cgroups = "disabled"
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
# What holds a pod together; without it Podman makes one of catatonit.
infra_image = "localhost/watchgate-test:infra"
CONF

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
image 2 '["/program"]' 'LABEL version=2'
image ends '["/program", "e"]'
image infra '["/program"]'
image pod '["/program"]' "$say_yes"
image ill '["/program"]' 'HEALTHCHECK --interval=30s --timeout=5s CMD ["/program", "n"]'
for name in web desk hall; do
  podman run --detach --name "$name" --network none localhost/watchgate-test:1 >/dev/null
done
# With the network that a rootless container has unless something else is said, and a port of the host: two cannot be there at once.
podman run --detach --name door --publish 127.0.0.1::8080 localhost/watchgate-test:1 >/dev/null
podman pod create --name shop --network none >/dev/null
podman run --detach --name shop-one --pod shop localhost/watchgate-test:pod >/dev/null

podman system service --time=0 "unix://$own/run/podman.sock" >"$work/service.log" 2>&1 &
disown
for _ in $(seq 100); do
  [ -S "$own/run/podman.sock" ] && break
  sleep 0.1
done
[ -S "$own/run/podman.sock" ] || {
  echo "with-podman: Podman does not listen" >&2
  cat "$work/service.log" >&2
  exit 1
}
WATCHGATE_TEST_PODMAN=$own/run/podman.sock WATCHGATE_TEST_PODMAN_USER=$(id -u "$user"):$(id -g "$user") \
  WATCHGATE_TEST_PODMAN_RANGE=$first "$@" || {
  status=$?
  echo "with-podman: the end of what Podman has logged (without systemd it complains of health checks, which the runner asks for itself):" >&2
  tail --lines 20 "$work/service.log" >&2
  exit "$status"
}
