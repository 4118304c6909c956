//! The auth backends over HTTP: routes, provisioning, readiness, shutdown.
//!
//! Invariant: nothing here knows the generator or statistics.
