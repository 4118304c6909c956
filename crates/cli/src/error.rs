//! Every failure a user can see: converted once, here, into message, causes, next step and exit code.

use std::error::Error;
use std::fmt::Display;
use std::io::Write;

use anstyle::{AnsiColor, Style};

use crate::exit::Exit;
use measure::redact::redact;

/// Why a command did not do what it was asked to do.
#[derive(Debug)]
pub(crate) struct Failure {
    kind: Kind,
    message: String,
    causes: Vec<String>,
    hint: Option<String>,
}

/// Who has to act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The command line, or a file that the user wrote.
    Usage,
    /// The tool or the machine.
    Tool,
    /// Nobody: the measurement supports no statement.
    Void,
}

impl Failure {
    /// The command line or a file is wrong.
    pub(crate) fn usage(message: impl Display) -> Self {
        Self { kind: Kind::Usage, message: message.to_string(), causes: Vec::new(), hint: None }
    }

    /// The tool or the machine failed.
    pub(crate) fn tool(message: impl Display) -> Self {
        Self { kind: Kind::Tool, message: message.to_string(), causes: Vec::new(), hint: None }
    }

    /// The measurement supports no statement.
    pub(crate) fn void(message: impl Display) -> Self {
        Self { kind: Kind::Void, message: message.to_string(), causes: Vec::new(), hint: None }
    }

    /// Takes over an error that carries its next step in a `help:` line of its own text.
    fn split(kind: Kind, error: &dyn Error) -> Self {
        let text = error.to_string();
        let (message, hint) = match text.split_once("\n  help: ") {
            Some((message, hint)) => (message.to_owned(), Some(hint.to_owned())),
            None => (text, None),
        };
        let failure = Self { kind, message, causes: Vec::new(), hint };
        match error.source() {
            Some(source) => failure.because(source),
            None => failure,
        }
    }

    /// Adds the chain of causes.
    #[must_use]
    pub(crate) fn because(mut self, source: &dyn Error) -> Self {
        let mut cause = Some(source);
        while let Some(error) = cause {
            let text = error.to_string();
            // Some errors repeat their source in their own text: once is enough.
            if !self.message.contains(&text) && !self.causes.iter().any(|known| known.contains(&text)) {
                self.causes.push(text);
            }
            cause = error.source();
        }
        self
    }

    /// Adds what to do next.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Display) -> Self {
        self.hint = Some(hint.to_string());
        self
    }

    /// The exit code.
    pub(crate) fn exit(&self) -> Exit {
        match self.kind {
            Kind::Usage => Exit::Usage,
            Kind::Tool => Exit::Tool,
            Kind::Void => Exit::Void,
        }
    }

    /// Message, causes and next step in one line, credentials redacted.
    pub(crate) fn text(&self) -> String {
        let parts = std::iter::once(&self.message).chain(&self.causes).chain(&self.hint);
        redact(&parts.map(|part| part.replace('\n', " ")).collect::<Vec<_>>().join(": "))
    }

    /// Prints it on stderr, credentials redacted.
    pub(crate) fn render(&self) {
        let mut stderr = anstream::stderr().lock();
        let red = Style::new().bold().fg_color(Some(AnsiColor::Red.into()));
        let cyan = Style::new().fg_color(Some(AnsiColor::Cyan.into()));
        let mut text = format!("{red}error:{red:#} {}\n", redact(&self.message));
        for cause in &self.causes {
            text.push_str(&format!("  because: {}\n", redact(cause)));
        }
        if let Some(hint) = &self.hint {
            text.push_str(&format!("  {cyan}help:{cyan:#} {}\n", redact(hint)));
        }
        // With stderr gone there is nobody left to tell; the exit code still says it.
        let _ = stderr.write_all(text.as_bytes());
    }
}

impl From<scenario::FileError> for Failure {
    fn from(error: scenario::FileError) -> Self {
        Self::split(Kind::Usage, &error)
    }
}

impl From<measure::Error> for Failure {
    fn from(error: measure::Error) -> Self {
        let (kind, hint) = match &error {
            measure::Error::Recording { .. } => {
                (Kind::Usage, Some("name a folder that `authbench run` wrote, as it wrote it"))
            }
            measure::Error::Changed { .. } => {
                (Kind::Void, Some("get the folder as it was written, or measure again: authbench run"))
            }
            measure::Error::File(_) => (Kind::Usage, None),
            measure::Error::Io { source, .. } if is_full(source) => (Kind::Tool, Some(NO_ROOM)),
            measure::Error::Store { .. } => {
                (Kind::Tool, Some("check that Redis runs there, and that user and password are right"))
            }
            _ => (Kind::Tool, None),
        };
        let failure = Self::split(kind, &error);
        match (hint, &failure.hint) {
            (Some(hint), None) => failure.hint(hint),
            _ => failure,
        }
    }
}

/// What to do when nothing more can be written.
const NO_ROOM: &str = "make room, or name a folder elsewhere; `authbench report DIR` shows the blocks that were finished before";

/// No room is left, on the disk or in what this user may write.
fn is_full(source: &std::io::Error) -> bool {
    use std::io::ErrorKind;
    matches!(source.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge)
}

impl From<report::advise::NoAdvice> for Failure {
    fn from(error: report::advise::NoAdvice) -> Self {
        let kind = match &error {
            report::advise::NoAdvice::Void(_) => Kind::Void,
            report::advise::NoAdvice::NoScenario { .. } => Kind::Usage,
        };
        Self::split(kind, &error)
    }
}

impl From<report::claims::ClaimError> for Failure {
    fn from(error: report::claims::ClaimError) -> Self {
        Self::split(Kind::Usage, &error)
    }
}

impl From<report::ExportError> for Failure {
    fn from(error: report::ExportError) -> Self {
        Self::split(Kind::Tool, &error)
    }
}

impl From<loadgen::Error> for Failure {
    fn from(error: loadgen::Error) -> Self {
        let kind = match &error {
            loadgen::Error::Target { .. } | loadgen::Error::Options { .. } | loadgen::Error::Tls { .. } => {
                Kind::Usage
            }
            _ => Kind::Tool,
        };
        Self::split(kind, &error)
    }
}

impl From<server::Error> for Failure {
    fn from(error: server::Error) -> Self {
        let kind = match &error {
            server::Error::Mechanism(_)
            | server::Error::NeedsRedis { .. }
            | server::Error::NeedsPostgres { .. }
            | server::Error::Affinity { .. } => Kind::Usage,
            _ => Kind::Tool,
        };
        Self::split(kind, &error)
    }
}
