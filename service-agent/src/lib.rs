//! The part of a microservice that takes commands.
