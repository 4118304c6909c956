//! The work of `load`: the same request every time, any complete answer is an answer.

use scenario::Step;

use crate::observation::{Answer, Identity};
use crate::work::{Admission, Facts, Outcome, Times, Work};

/// One fixed request.
#[derive(Debug)]
pub(crate) struct Fixed {
    request: Vec<u8>,
}

impl Fixed {
    /// `request` is sent as it is.
    pub(crate) fn new(request: Vec<u8>) -> Self {
        Self { request }
    }
}

impl Work for Fixed {
    type Ticket = ();
    const KEEPS_BODIES: bool = false;

    #[inline]
    fn admit(&mut self, _step: &Step) -> Admission {
        Admission::Send
    }

    #[inline]
    fn write(&mut self, _step: &Step, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.request);
    }

    #[inline]
    fn finish(&mut self, _step: &Step, _ticket: Option<()>, _times: Times, outcome: Outcome<'_>) -> Facts {
        let answer = match outcome {
            Outcome::Response(response) => {
                Answer::Response { status: response.status, identity: Identity::Absent }
            }
            Outcome::Failed(answer) => answer,
        };
        Facts::unsent(answer)
    }

    #[inline]
    fn released(&mut self) -> Option<(Step, Admission)> {
        None
    }
}
