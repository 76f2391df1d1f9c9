# syntax=docker/dockerfile:1.7
# The image of the checkout service. Built by the pipeline `full`, never on somebody's own machine.

ARG RUST_VERSION=1.86
ARG DEBIAN=bookworm

# The dependencies in a layer of their own: it changes only with Cargo.lock.
FROM rust:${RUST_VERSION}-slim-${DEBIAN} AS dependencies
WORKDIR /build
RUN apt-get update \
    && apt-get install --yes --no-install-recommends pkg-config libssl-dev \
    && rm -rf /var/lib/apt/lists/*
COPY Cargo.toml Cargo.lock ./
COPY crates/checkout/Cargo.toml crates/checkout/Cargo.toml
RUN mkdir -p crates/checkout/src \
    && echo 'fn main() {}' > crates/checkout/src/main.rs \
    && cargo build --release --locked --package checkout \
    && rm -r crates/checkout/src

FROM dependencies AS build
COPY crates crates
# Cargo looks at times, not contents: without this the empty main.rs of the layer above would stay.
RUN touch crates/checkout/src/main.rs \
    && cargo build --release --locked --package checkout

FROM debian:${DEBIAN}-slim AS run
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates libssl3 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10042 --no-create-home checkout
COPY --from=build /build/target/release/checkout /usr/local/bin/checkout
COPY crates/checkout/config/default.yaml /etc/checkout/config.yaml

USER 10042:10042
ENV RUST_LOG=info,checkout=info
# 8080 for callers, 9090 for metrics; the second one is not reachable through the gateway.
EXPOSE 8080 9090
# The service takes 25 seconds at most to end the requests under way.
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/checkout"]
CMD ["serve", "--config", "/etc/checkout/config.yaml"]
