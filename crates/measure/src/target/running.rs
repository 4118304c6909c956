//! A server that somebody else started: not ended by us, and its processes are not ours to read.

use scenario::wire::{Counters, Provision};

use super::control::Control;
use super::{Ready, Target};
use crate::error::Error;
use crate::run::ExistingServer;

/// A server at a known address.
#[derive(Debug)]
pub(crate) struct RunningServer {
    server: ExistingServer,
    control: Control,
}

impl RunningServer {
    pub(crate) fn new(row: &str, server: ExistingServer) -> Self {
        Self { server, control: Control { row: row.to_owned(), address: server.control } }
    }
}

impl Target for RunningServer {
    fn launch(&mut self) -> Result<(), Error> {
        Ok(())
    }

    fn ready(&mut self) -> Result<Ready, Error> {
        // It must answer now: later it would look like a failed measurement.
        self.counters()?;
        Ok(Ready {
            addresses: vec![self.server.address],
            controls: vec![self.server.control],
            describe: serde_json::Value::Null,
        })
    }

    fn pids(&self) -> Vec<u32> {
        Vec::new()
    }

    fn provision(
        &mut self,
        wanted: &Provision,
        line: &mut dyn FnMut(&str) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.control.provision(wanted, line)
    }

    fn counters(&mut self) -> Result<Counters, Error> {
        self.control.counters()
    }

    fn has_ended(&mut self) -> Option<Error> {
        None
    }

    fn stop(&mut self) {}
}
