//! A drive of the HTTP contract: steps in, observations out, and a report of the generator about itself.

use std::sync::atomic::AtomicBool;

use scenario::Step;

use crate::client::Client;
use crate::clock::Monotonic;
use crate::engine::Engine;
use crate::error::Error;
use crate::jar::CredentialJar;
use crate::observation::Observer;
use crate::options::Options;
use crate::report::DriveReport;
use crate::transport::Sockets;
use crate::transport::target::Target;
use crate::work::Work;

/// Drives `steps` (ascending by intended start) against `target` on the calling thread, and returns when the last
/// answer has come or its deadline has struck.
///
/// What is corrected: every step has its intended start from the schedule, also the later steps of a user whose login or
/// request before was slow. A step that must wait, for its predecessor's answer or for a free connection, keeps its
/// intended start, so that its response time contains the wait; its service time does not. What is not corrected: the
/// schedule itself does not react to answers, though a real user with a slow page starts to think later.
///
/// Steps of one subject and device keep their order around everything that changes the credential (login, refresh,
/// logout, log-out everywhere, password change); requests among themselves run at the same time. Steps of different
/// devices never wait for each other.
///
/// `stop` ends the drive within milliseconds; what was observed until then stands. Threads: the drive uses the calling
/// thread only; pin it with [`crate::cores::pin`] before.
///
/// # Errors
/// [`Error::Options`] and [`Error::System`]. Whatever the server does is an outcome, not an error.
pub fn drive(
    target: &Target,
    options: &Options,
    jar: &mut CredentialJar,
    steps: impl Iterator<Item = Step>,
    stop: &AtomicBool,
    observer: &mut impl Observer,
) -> Result<DriveReport, Error> {
    options.check()?;
    target.check()?;
    let transport = Sockets::new(target, options.connections, options.wait)?;
    let mut client = Client::new(target, jar);
    let engine = Engine::new((&mut client, Monotonic, transport), options, steps, stop, observer);
    run(engine.balanced(target.addresses.len(), options), options)
}

/// Runs an engine at the priority its options ask for.
pub(crate) fn run<W: Work, O: Observer, I: Iterator<Item = Step>>(
    engine: Engine<'_, W, Monotonic, Sockets, O, I>,
    options: &Options,
) -> Result<DriveReport, Error> {
    let priority = options.priority();
    let report = engine.run()?;
    Ok(DriveReport { real_time: priority.is_some(), ..report })
}
