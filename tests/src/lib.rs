//! The stage: the shipped Traefik configuration, the plugin and the service, started together on free ports.
