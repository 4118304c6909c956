//! The auth backends over HTTP: routes, provisioning, readiness, shutdown.
//!
//! One process is one replica: [`run`] binds the CPUs, opens the backend, answers on the measured address and on the
//! control address, and returns after SIGTERM or SIGINT once the requests in flight are answered.
//!
//! Invariant: nothing here knows the generator or statistics.

mod authority;
mod backend;
mod clock;
mod connections;
mod control;
mod error;
mod http;
mod key_file;
mod process;
mod run;
mod subjects;
mod sweep;
mod tls;
mod totals;
mod upkeep;
mod work;
mod workers;

pub use error::Error;
pub use run::{run, run_until};
