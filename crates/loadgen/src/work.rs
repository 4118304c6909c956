//! What is sent and what an answer means: the seam between dispatch, which knows only steps and times, and its users.

use scenario::Step;

use crate::observation::{Answer, CredentialFact};

/// Whether a step may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admission {
    /// Now.
    Send,
    /// After a predecessor: kept by the work until [`Work::released`] hands it out.
    Wait,
    /// There is nothing to do for it.
    Skip,
    /// It needs a credential, and none is held.
    NothingHeld,
}

/// What came of a request, before anyone looks at its meaning.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Outcome<'b> {
    /// A complete response.
    Response(Response<'b>),
    /// Anything else.
    Failed(Answer),
}

/// A complete response.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Response<'b> {
    /// Status code.
    pub(crate) status: u16,
    /// The head as it came, empty line included.
    pub(crate) head: &'b [u8],
    /// Whether the head sets a cookie.
    pub(crate) sets_cookie: bool,
    /// The decoded body, where the work keeps bodies.
    pub(crate) body: &'b [u8],
}

/// When and where one operation was answered. Times are nanoseconds from the start of the trace.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    /// When the first byte was handed to the kernel.
    pub(crate) sent_ns: u64,
    /// When the answer was complete.
    pub(crate) done_ns: u64,
    /// Which replica was asked; 0 where none was.
    pub(crate) replica: u8,
}

/// What is known of a finished operation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Facts {
    /// What came back.
    pub(crate) answer: Answer,
    /// What was known of the credential sent.
    pub(crate) credential: CredentialFact,
    /// The replica that issued it.
    pub(crate) issuer: Option<u8>,
}

impl Facts {
    /// Of something that was never sent, or sent without a credential.
    pub(crate) fn unsent(answer: Answer) -> Self {
        Self { answer, credential: CredentialFact::None, issuer: None }
    }
}

/// Requests and answers of one kind of drive.
pub(crate) trait Work {
    /// What must be remembered from sending to the answer.
    type Ticket: Copy + Default;
    /// Whether response bodies are looked at.
    const KEEPS_BODIES: bool;

    /// May this step go now?
    fn admit(&mut self, step: &Step) -> Admission;
    /// Appends the request of an admitted step.
    fn write(&mut self, step: &Step, out: &mut Vec<u8>) -> Self::Ticket;
    /// An admitted step is finished (also when it was never sent: then `ticket` is `None`).
    fn finish(
        &mut self,
        step: &Step,
        ticket: Option<Self::Ticket>,
        times: Times,
        outcome: Outcome<'_>,
    ) -> Facts;
    /// The next step that waited for one now finished, and its admission (never `Wait`).
    fn released(&mut self) -> Option<(Step, Admission)>;
}
