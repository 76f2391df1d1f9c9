#!/usr/bin/env bash
# Brings the service to so many containers, each with a data folder of its own, all on one NATS (docs/OPERATIONS.md), and Traefik finds
# them by their labels (docs/DEPLOY.md). Run it as the user to whom they belong:
#
#   deploy/container/replicas.sh 4
#
# New ones are waited for until they are healthy; of too many the newest go, one after the other, each when it has ended in order.
#
#   WATCHGATE_CONTAINER_CONFIG   folder that is /etc/watchgate in the containers, read-only, with `service.env`: what `watchgate serve` is
#                                told, as WATCHGATE_… in the environment. Its files belong to the containers' user:
#                                podman unshare chown -R 65532:65532 FOLDER
#   WATCHGATE_IMAGE              localhost/watchgate:latest
#   WATCHGATE_PODMAN_OPTIONS     further options of `podman run`, such as those of the network
#   PODMAN                       podman
set -euo pipefail

wanted=${1:?say how many, such as: $0 4}
[[ "$wanted" =~ ^([0-9]|[12][0-9]|3[0-2])$ ]] || {
  echo "replicas: from 0 to 32, not $wanted" >&2
  exit 1
}
config=${WATCHGATE_CONTAINER_CONFIG:-/etc/watchgate/container}
image=${WATCHGATE_IMAGE:-localhost/watchgate:latest}
read -ra podman <<<"${PODMAN:-podman}"
read -ra further <<<"${WATCHGATE_PODMAN_OPTIONS:-}"

# Where Traefik finds the container, and how it asks whether it is ready. The same at each of them, or Traefik takes none.
service=traefik.http.services.watchgate.loadbalancer
labels=(
  traefik.enable=true
  "$service.server.port=8085"
  "$service.serverstransport=assistant-service@file"
  "$service.healthcheck.path=/readyz"
  "$service.healthcheck.interval=1s"
  "$service.healthcheck.timeout=900ms"
)

start() {
  local name=watchgate-$1
  echo "replicas: starts $name"
  # What a run that was cut off has left of it.
  "${podman[@]}" rm --force --ignore "$name" >/dev/null
  # The drain of 5 s, 5 s for what is under way, 5 s for its leases, and as much again for a busy host.
  "${podman[@]}" run --detach --name "$name" "${labels[@]/#/--label=}" --publish 127.0.0.1::8085 \
    --read-only --cap-drop=all --security-opt=no-new-privileges --user 65532:65532 \
    --restart on-failure --stop-timeout 30 --env-file "$config/service.env" \
    --volume "$config:/etc/watchgate:ro" --volume "watchgate-data-$1:/data" \
    ${further[@]+"${further[@]}"} "$image" serve >/dev/null
  # Asked here as well as by systemd's timer: until it is healthy Traefik does not see it.
  for _ in $(seq 120); do
    if "${podman[@]}" healthcheck run "$name" >/dev/null 2>&1; then
      # Podman tells of a check before it has written down what came of it. With this one Traefik is told of the one before, and
      # has taken it in (it waits for 2 s after each change) before the next container comes.
      "${podman[@]}" healthcheck run "$name" >/dev/null
      sleep 2
      return
    fi
    sleep 0.5
  done
  echo "replicas: $name does not become healthy; it said:" >&2
  "${podman[@]}" logs --tail 20 "$name" >&2
  exit 1
}

stop() {
  echo "replicas: stops watchgate-$1"
  "${podman[@]}" stop "watchgate-$1" >/dev/null
  "${podman[@]}" rm "watchgate-$1" >/dev/null
}

# All that run, by their numbers.
running=$("${podman[@]}" ps --format '{{.Names}}' | sed -n 's/^watchgate-\([0-9]\{1,2\}\)$/\1/p' | sort -n)

for number in $(seq 1 "$wanted"); do
  grep -qx "$number" <<<"$running" || start "$number"
done
for number in $(tac <<<"$running"); do
  [ "$number" -le "$wanted" ] || stop "$number"
done
