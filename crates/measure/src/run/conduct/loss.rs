//! A row whose server or store dies does not end the run: it is marked, and the others go on.

use super::Conductor;
use crate::error::Error;
use crate::event::Event;
use crate::generator::Generator;
use crate::recording::{Entered, RowFailure};
use crate::redact::redact;
use crate::run::fleet::{LiveRow, Parts};

impl<P: Parts, G: Generator> Conductor<'_, P, G> {
    /// What a step of one row came to; none where the row is lost by its error. Until something is on disk, an error
    /// ends the run: what cannot even be started is better said at once.
    pub(super) fn survive<T>(
        &mut self,
        row: &mut LiveRow,
        scenario: &str,
        result: Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        let error = match result {
            Ok(value) => return Ok(Some(value)),
            Err(error) => error,
        };
        // A process that died says more than the connection it broke off.
        let ended = row.has_ended();
        if self.writer.blocks_written() == 0 || !(ended.is_some() || is_of_a_row(&error)) {
            return Err(error);
        }
        let addresses: Vec<String> = row.address.addresses.iter().map(ToString::to_string).collect();
        row.lose();
        self.lost(&row.name.clone(), scenario, &addresses.join(", "), &ended.unwrap_or(error))?;
        Ok(None)
    }

    /// Marks a row as failed, on disk and in the summary.
    pub(super) fn lost(
        &mut self,
        row: &str,
        scenario: &str,
        address: &str,
        error: &Error,
    ) -> Result<(), Error> {
        let failure = RowFailure {
            scenario: scenario.to_owned(),
            at_unix_ns: crate::clock::unix_ns(),
            message: redact(&error.to_string()),
            address: address.to_owned(),
        };
        self.writer.event(Entered::RowFailed {
            row: row.to_owned(),
            scenario: failure.scenario.clone(),
            message: failure.message.clone(),
            address: failure.address.clone(),
        })?;
        (self.events)(Event::RowFailed { row: row.to_owned(), message: failure.message.clone() });
        self.summary.failed.insert(row.to_owned(), failure.message.clone());
        if let Some(known) = self.record.rows.iter_mut().find(|known| known.name == row) {
            known.failure = Some(failure);
        }
        self.writer.run(&self.record)
    }

    /// Is this row still measured? Controls of a baseline that is gone control nothing.
    pub(super) fn goes_on(&self, row: &crate::run::rows::Row) -> bool {
        let gone = |name: &str| self.summary.failed.contains_key(name);
        !gone(&row.name) && (row.control.is_none() || !gone(&self.setting.plan.baseline))
    }
}

/// Errors of one server or store. A full disk or a generator without sockets is everybody's.
fn is_of_a_row(error: &Error) -> bool {
    matches!(error, Error::Process { .. } | Error::Store { .. } | Error::Control { .. })
}
