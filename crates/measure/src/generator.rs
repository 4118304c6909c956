//! The generator as this crate uses it: a seam, so that the run itself can be tested without a network.

use std::sync::atomic::AtomicBool;

use loadgen::{CredentialJar, DriveReport, Observer, Options, StealMeter, Target};
use scenario::Trace;

/// One drive.
pub(crate) struct Job<'a> {
    pub(crate) target: &'a Target,
    pub(crate) options: &'a Options,
    pub(crate) jar: &'a mut CredentialJar,
    pub(crate) steps: &'a mut Trace,
    pub(crate) stop: &'a AtomicBool,
}

/// Drives traces.
pub(crate) trait Generator {
    /// Drives one trace on the calling thread.
    fn drive<O: Observer>(&mut self, job: Job<'_>, observer: &mut O) -> Result<DriveReport, loadgen::Error>;

    /// Operations per second it can do at most here, measured against the built-in responder on these CPUs.
    fn ceiling(&mut self, connections: u32, responder: &[u32]) -> Result<f64, loadgen::Error>;

    /// Begins to read the CPU time that is stolen while it drives; none where it uses no machine.
    fn steal_meter(&self) -> fn() -> Option<StealMeter> {
        || Some(StealMeter::start())
    }
}

/// The real one.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Loadgen;

impl Generator for Loadgen {
    fn drive<O: Observer>(&mut self, job: Job<'_>, observer: &mut O) -> Result<DriveReport, loadgen::Error> {
        loadgen::drive(job.target, job.options, job.jar, job.steps, job.stop, observer)
    }

    fn ceiling(&mut self, connections: u32, responder: &[u32]) -> Result<f64, loadgen::Error> {
        let length_ns = crate::plan::CEILING_MS * 3 / 4 * 1_000_000;
        let responder: Vec<usize> = responder.iter().map(|&cpu| cpu as usize).collect();
        Ok(loadgen::ceiling(connections, length_ns, &responder)?.rate)
    }
}
