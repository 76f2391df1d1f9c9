#!/usr/bin/env bash
# Installs the system packages that `make test-host` needs, or with `browser` only those that play the pages, with `container` only those
# that build the image. Needs root; does nothing when all are there.
set -euo pipefail

missing=()
part=${1:-all}
if [ "$part" != container ]; then
  # Reads the codes that sessions show.
  command -v zbarimg >/dev/null 2>&1 || missing+=(zbar-tools)
  # Plays the pages, with letters to draw.
  command -v chromium >/dev/null 2>&1 || missing+=(chromium)
  [ -e /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf ] || missing+=(fonts-dejavu-core)
fi
if [ "$part" != browser ]; then
  # Compiles C for programs without a library beside them.
  command -v musl-gcc >/dev/null 2>&1 || missing+=(musl-tools)
  for package in podman crun conmon; do
    command -v "$package" >/dev/null 2>&1 || missing+=("$package")
  done
fi
if [ "$part" = all ]; then
  command -v ip >/dev/null 2>&1 || missing+=(iproute2)
  command -v unshare >/dev/null 2>&1 || missing+=(util-linux)
  # Tests the rules of alerts; its service is not wanted.
  command -v promtool >/dev/null 2>&1 || missing+=(prometheus)
  # What Podman needs to work for a user who is not root.
  command -v newuidmap >/dev/null 2>&1 || missing+=(uidmap)
  command -v slirp4netns >/dev/null 2>&1 || missing+=(slirp4netns)
  # What hosts of the tests are made of (scripts/with-hosts.sh); nothing of it needs to run on this machine.
  [ -x /lib/systemd/systemd ] || missing+=(systemd)
  [ -x /usr/sbin/sshd ] || missing+=(openssh-server)
  command -v ssh >/dev/null 2>&1 || missing+=(openssh-client)
  # What the hosts' roles ask for; hosts have no way to a mirror.
  [ -x /usr/bin/catatonit ] || [ -x /usr/libexec/podman/catatonit ] || missing+=(catatonit)
  command -v curl >/dev/null 2>&1 || missing+=(curl)
  command -v openssl >/dev/null 2>&1 || missing+=(openssl)
  command -v dbus-daemon >/dev/null 2>&1 || missing+=(dbus)
  [ -e "/lib/$(uname -m)-linux-gnu/security/pam_systemd.so" ] || missing+=(libpam-systemd)
  dpkg -s dbus-user-session >/dev/null 2>&1 || missing+=(dbus-user-session)
fi
if [ ${#missing[@]} -eq 0 ]; then
  echo "system-packages: all there"
  exit 0
fi
if ! command -v apt-get >/dev/null 2>&1; then
  echo "system-packages: install with your package manager: ${missing[*]}" >&2
  exit 1
fi
echo "system-packages: installing ${missing[*]} with apt-get"
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
