//! One observation for the tests of whoever judges or counts them.

use loadgen::{Answer, CredentialFact, Observation};
use scenario::Operation;

/// When the end of a credential was acknowledged, in these tests.
pub(crate) const ACKNOWLEDGED_NS: u64 = 1_000;

/// An operation sent so long after [`ACKNOWLEDGED_NS`], intended then, and done a nanosecond later.
pub(crate) fn observed(
    operation: Operation,
    answer: Answer,
    credential: CredentialFact,
    overrun_ns: u64,
) -> Observation {
    let sent_ns = ACKNOWLEDGED_NS + overrun_ns;
    Observation {
        operation,
        subject: 0,
        device: 0,
        intended_ns: sent_ns,
        sent_ns,
        done_ns: sent_ns + 1,
        answer,
        credential,
        replica: Some(0),
        issuer: Some(0),
        bytes_sent: 10,
        bytes_received: 20,
    }
}
