#!/usr/bin/env bash
# Runs a command beside hosts of its own: five machines with systemd, sshd and Podman, on a network of their own, thrown away afterwards.
# Needs root and the packages of scripts/system-packages.sh; leaves nothing behind, however it ends.
#
#   scripts/with-hosts.sh COMMAND...
#
# WATCHGATE_TEST_HOSTS holds a folder with `key` (opens root's account on each by SSH), `known_hosts`, `ssh_config` (both of them
# together: `ssh -F $WATCHGATE_TEST_HOSTS/ssh_config edge-1`) and `hosts` (a name and an address in each line).
#
# A host is this machine's own root under an overlay in memory, with namespaces of every kind but the user's, and systemd as its process 1.
# The command runs in the network's namespace as 10.99.0.1 and has nothing else but loopback; it and all hosts live in one process
# namespace that ends with this script. What was seen where they were first tried:
# - control groups of the second kind have no controllers: containers run without bounds of memory and processes;
# - /dev/net/tun is closed to all but root: a host has a device node of its own;
# - images are stored as whole folders (vfs), because an overlay cannot lie on another one.
set -euo pipefail

hosts=${WATCHGATE_TEST_HOST_LIST:-"edge-1=10.99.0.11 edge-2=10.99.0.12 app-1=10.99.0.21 app-2=10.99.0.22 nats-1=10.99.0.31"}
self=$(realpath "$0")

fail() {
  echo "with-hosts: $*" >&2
  exit 1
}

# The control groups are the one thing that a killed namespace leaves behind, so somebody outside sees to it that they go.
outside() {
  [ "$(id -u)" -eq 0 ] || fail "making hosts needs root"
  [ $# -gt 0 ] || fail "say what to run beside the hosts"
  mount --make-rprivate /
  if [ "$(stat --file-system --format %T /sys/fs/cgroup)" != cgroup2fs ]; then
    umount --recursive /sys/fs/cgroup 2>/dev/null || umount --lazy /sys/fs/cgroup
    mount -t cgroup2 none /sys/fs/cgroup
  fi
  group=/sys/fs/cgroup/watchgate-hosts-$$
  mkdir "$group" "$group/command"
  # Its input ends when this script does, by SIGKILL too.
  exec {alive}> >(
    trap '' INT TERM HUP
    exec >/dev/null 2>&1
    setsid bash -c '
      cat
      for _ in $(seq 200); do
        [ -d "$0" ] || exit 0
        echo 1 >"$0/cgroup.kill"
        find "$0" -depth -type d -exec rmdir {} \;
        sleep 0.05
      done' "$group"
  )
  guardian=$!
  (
    exec {alive}>&-
    echo "$BASHPID" >"$group/command/cgroup.procs"
    exec unshare --mount --net --pid --fork --kill-child --mount-proc "$self" --inside "$group" "$@"
  ) && status=0 || status=$?
  exec {alive}>&-
  wait "$guardian" || true
  return "$status"
}

inside() {
  group=$1
  shift
  # Hides nothing that anybody needs, and is seen here alone.
  work=/mnt
  mount -t tmpfs -o mode=755 hosts "$work"
  ssh-keygen -q -t ed25519 -N '' -C watchgate-test -f "$work/key"
  ip link set lo up
  ip link add wg-hosts type bridge
  ip addr add 10.99.0.1/24 dev wg-hosts
  ip link set wg-hosts up
  {
    echo "127.0.0.1 localhost"
    for host in $hosts; do echo "${host#*=} ${host%%=*}"; done
    # What stands in front of the gateways is the command's own.
    echo "10.99.0.1 gw.watchgate.test"
  } >"$work/etc-hosts"
  # The command knows the hosts by name as well.
  mount --bind "$work/etc-hosts" /etc/hosts
  : >"$work/known_hosts"
  : >"$work/hosts"
  for host in $hosts; do
    start "${host%%=*}" "${host#*=}"
  done
  printf '%s\n' "Host *" "  User root" "  IdentityFile $work/key" "  IdentitiesOnly yes" "  UserKnownHostsFile $work/known_hosts" \
    "  GlobalKnownHostsFile none" "  StrictHostKeyChecking yes" "  BatchMode yes" "  LogLevel ERROR" >"$work/ssh_config"
  for host in $hosts; do
    ready "${host%%=*}"
  done
  echo "with-hosts: up after $SECONDS s: ${hosts//=/ }"
  # Not replaced by the command: whoever is process 1 here ends all the others with itself, and has to take in their orphans.
  WATCHGATE_TEST_HOSTS=$work "$@" || {
    status=$?
    return "$status"
  }
}

start() {
  local name=$1 address=$2 pid
  mkdir -p "$group/$name" "$work/$name"
  ssh-keygen -q -t ed25519 -N '' -C "$name" -f "$work/$name/host-key"
  echo "$name,$address $(cut -d' ' -f1,2 "$work/$name/host-key.pub")" >>"$work/known_hosts"
  echo "$name $address" >>"$work/hosts"
  (
    echo "$BASHPID" >"$group/$name/cgroup.procs"
    exec unshare --mount --net --pid --uts --ipc --cgroup --fork --kill-child "$self" --host "$name" "$address" </dev/null >"$work/$name/console" 2>&1
  ) &
  pid=$!
  until [ "$(readlink /proc/$pid/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.01; done
  ip link add "wg-$name" type veth peer name eth0 netns "$pid"
  ip link set "wg-$name" master wg-hosts up
}

# The inside of one host, until systemd takes over.
host() {
  local name=$1 address=$2 place=/mnt/$1 device unit
  until ip link show eth0 >/dev/null 2>&1; do sleep 0.01; done
  ip link set lo up
  ip addr add "$address/24" dev eth0
  ip link set eth0 up
  ip route add default via 10.99.0.1
  hostname "$name"

  mkdir "$place/upper" "$place/scratch" "$place/root"
  mount -t overlay overlay -o "lowerdir=/,upperdir=$place/upper,workdir=$place/scratch" "$place/root"
  cd "$place/root"
  mount -t proc proc proc
  # Most of what stands there is the whole machine's, and systemd sets some of it. Podman's users may have a /proc of their own only
  # where a whole one is seen: it lies aside.
  mount --bind proc/sys proc/sys
  mount -o remount,bind,ro proc/sys
  mount -t sysfs -o ro sysfs sys
  mount -t cgroup2 cgroup2 sys/fs/cgroup
  mount -t tmpfs -o mode=755 tmpfs run
  mount -t tmpfs tmpfs tmp
  mount -t tmpfs -o mode=755 tmpfs dev
  for device in null zero full random urandom tty; do
    touch "dev/$device"
    mount --bind "/dev/$device" "dev/$device"
  done
  mkdir dev/net dev/pts dev/shm dev/whole-proc
  mount -t proc proc dev/whole-proc
  mount --bind dev/whole-proc/sys/net proc/sys/net
  mknod -m 666 dev/net/tun c 10 200
  mknod -m 666 dev/fuse c 10 229
  mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
  mount -t tmpfs tmpfs dev/shm
  ln -s /proc/self/fd dev/fd
  ln -s pts/ptmx dev/ptmx
  for device in stdin:0 stdout:1 stderr:2; do ln -s "/proc/self/fd/${device#*:}" "dev/${device%:*}"; done

  settle "$name"
  mkdir old
  pivot_root . old
  umount --lazy /old
  rmdir /old
  mount --make-rshared /
  # The clock and the kernel's modules are the machine's too.
  exec setpriv --bounding-set=-sys_time,-sys_module --inh-caps=-sys_time,-sys_module \
    env -i container=watchgate-test PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    /lib/systemd/systemd --system --log-target=console --show-status=no
}

# What makes a copy of this machine a fresh one. Paths are below the host's root.
settle() {
  local name=$1 place=/mnt/$1
  echo "$name" >etc/hostname
  cat /mnt/etc-hosts >etc/hosts
  # Nobody to ask: names that are not in the file are unknown at once.
  rm -f etc/resolv.conf etc/machine-id
  : >etc/resolv.conf
  : >etc/machine-id
  # What this machine starts is its own affair.
  rm -f etc/systemd/system/*.wants/* etc/systemd/system/*.requires/* etc/systemd/user/*.wants/*
  # Set for whoever builds images: nothing of a host would be started by its packages.
  rm -f usr/sbin/policy-rc.d
  ln -s /lib/systemd/system/ssh.service etc/systemd/system/multi-user.target.wants/ssh.service
  rm -rf etc/traefik etc/watchgate etc/nats var/lib/watchgate var/lib/traefik var/lib/nats var/log/journal
  # Whatever this machine's people have there, above all other programs in root's path.
  : >etc/environment
  mount -t tmpfs -o mode=700 tmpfs root
  mount -t tmpfs -o mode=755 tmpfs home
  mount -t tmpfs -o mode=755 tmpfs opt
  rm -f etc/ssh/ssh_host_* run/nologin
  install -m 600 "$place/host-key" etc/ssh/ssh_host_ed25519_key
  install -m 644 "$place/host-key.pub" etc/ssh/ssh_host_ed25519_key.pub
  printf '%s\n' 'HostKey /etc/ssh/ssh_host_ed25519_key' 'UseDNS no' 'MaxStartups 50' 'PermitRootLogin prohibit-password' >etc/ssh/sshd_config.d/watchgate-test.conf
  install -d -m 700 root/.ssh
  install -m 600 /mnt/key.pub root/.ssh/authorized_keys
  cat >etc/containers/containers.conf <<'CONF'
[containers]
pids_limit = 0
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
CONF
  printf '%s\n' '[storage]' 'driver = "vfs"' 'runroot = "/run/containers/storage"' 'graphroot = "/var/lib/containers/storage"' >etc/containers/storage.conf
}

# Up is whoever lets root in by SSH and has started all that it wants to start.
ready() {
  local name=$1 said=
  for _ in $(seq 300); do
    said=$(ssh -F "$work/ssh_config" -o ConnectTimeout=2 "$name" systemctl is-system-running 2>&1) || true
    case "$said" in running | degraded) break ;; esac
    sleep 0.1
  done
  [ "$said" = running ] || {
    echo "with-hosts: $name is not up: $said" >&2
    ssh -F "$work/ssh_config" "$name" systemctl --failed --no-legend >&2 || true
    tail --lines 20 "$work/$name/console" >&2
    exit 1
  }
}

case "${1:-}" in
--outside) shift && outside "$@" ;;
--inside) shift && inside "$@" ;;
--host) shift && host "$@" ;;
*) exec unshare --mount "$self" --outside "$@" ;;
esac
