//! One file for each check. What they return in words is for people.

pub(super) mod ask;
pub(super) mod base;
pub(super) mod command;
pub(super) mod event;
pub(super) mod revocation;
pub(super) mod session;

#[cfg(test)]
mod tests;
