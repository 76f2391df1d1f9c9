//! Watchgate core.
