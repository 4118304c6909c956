//! A server to be measured: launched from this binary, or already running.

mod control;
mod launched;
mod running;

use std::net::SocketAddr;

use scenario::wire::{Counters, Provision};

pub(crate) use launched::LaunchedServer;
pub(crate) use running::RunningServer;

use crate::error::Error;

/// What a server says once it answers.
#[derive(Debug, Clone, PartialEq)]
pub struct Ready {
    /// Measured addresses, one per replica.
    pub addresses: Vec<SocketAddr>,
    /// Control addresses, one per replica.
    pub controls: Vec<SocketAddr>,
    /// The four choices, algorithm, sizes.
    pub describe: serde_json::Value,
}

/// One backend's server, replicas included. Dropping it ends what it launched.
pub trait Target: std::fmt::Debug {
    /// Starts it; does not wait for it.
    ///
    /// # Errors
    ///
    /// When a process cannot be made.
    fn launch(&mut self) -> Result<(), Error>;

    /// Waits until it answers.
    ///
    /// # Errors
    ///
    /// When it ends, or says nothing in time.
    fn ready(&mut self) -> Result<Ready, Error>;

    /// Its processes; empty where they are not ours to read.
    fn pids(&self) -> Vec<u32>;

    /// Creates live logins, unmeasured. `line` gets each credential in the format of
    /// [`scenario::wire::provision_line`], without its end.
    ///
    /// # Errors
    ///
    /// When the server refuses, or breaks off.
    fn provision(
        &mut self,
        wanted: &Provision,
        line: &mut dyn FnMut(&str) -> Result<(), Error>,
    ) -> Result<(), Error>;

    /// Totals since its start, summed over replicas.
    ///
    /// # Errors
    ///
    /// When the control address does not answer.
    fn counters(&mut self) -> Result<Counters, Error>;

    /// Did it end by itself? With how, and what it said last.
    fn has_ended(&mut self) -> Option<Error>;

    /// Ends it.
    fn stop(&mut self);
}

/// Sums counters over replicas that share a store.
pub(crate) fn sum(all: impl IntoIterator<Item = Counters>) -> Counters {
    let most = |a: Option<u64>, b: Option<u64>| a.into_iter().chain(b).max();
    all.into_iter().fold(Counters::default(), |sum, one| Counters {
        requests: sum.requests + one.requests,
        failures: sum.failures + one.failures,
        store_round_trips: sum.store_round_trips + one.store_round_trips,
        store_commands: sum.store_commands + one.store_commands,
        live_entries: most(sum.live_entries, one.live_entries),
        revoked_entries: most(sum.revoked_entries, one.revoked_entries),
        logins_shed: sum.logins_shed + one.logins_shed,
    })
}
