//! Figures by name: `ratio(cpu, jwt-allowlist, session-redis, steady)`.
//!
//! A function and its arguments, nothing nested. Functions, metrics, outcomes, endings and figures are closed sets:
//! an unknown one is refused with the nearest known. Rows and scenarios are open: a name that a recording does not hold
//! makes the claim not yet measurable.

use std::fmt;

use measure::{Ending, Outcome};

use super::error::suggestion;
use crate::metric::Metric;

/// A figure of a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expression {
    /// What is computed.
    pub function: Function,
    /// Of what.
    pub subject: Subject,
    /// Row.
    pub row: String,
    /// Row compared with, where the function has one.
    pub baseline: Option<String>,
    /// Scenario.
    pub scenario: String,
}

/// What is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    /// `ratio(METRIC, ROW, BASELINE, SCENARIO)`: row over baseline, with the verdict.
    Ratio,
    /// `added_ratio(METRIC, ROW, BASELINE, SCENARIO)`: the same of what both add over the floor.
    AddedRatio,
    /// `difference(METRIC, ROW, BASELINE, SCENARIO)`: row minus baseline, in the metric's unit.
    Difference,
    /// `value(METRIC, ROW, SCENARIO)`: the row's own figure.
    Value,
    /// `added(METRIC, ROW, SCENARIO)`: the row minus the floor.
    Added,
    /// `memory_per_login(ROW, SCENARIO)`: memory of server and store over the floor's, per provisioned login, bytes.
    MemoryPerLogin,
    /// `accepted(ENDING, ROW, SCENARIO)`: requests let in after the acknowledged end of their credential.
    Accepted,
    /// `exposure(ENDING, ROW, SCENARIO)`: longest time from that acknowledgement to an accepted request, nanoseconds.
    Exposure,
    /// `share(OUTCOME, ROW, SCENARIO)`: of all operations.
    Share,
    /// `figure(FIGURE, ROW, SCENARIO)`: a figure that a special measurement supplies.
    Figure,
}

/// Of what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// A metric.
    Metric(Metric),
    /// A judged outcome.
    Outcome(Outcome),
    /// What ended a credential.
    Ending(Ending),
    /// A figure of a special measurement.
    Figure(Special),
    /// The function says it all.
    Nothing,
}

/// A figure that a special measurement supplies; recordings without one do not have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Special {
    /// Bytes of the credential that could be read between client and server.
    CredentialOnWire,
    /// Logins that honest users had to repeat, per 1,000 refreshes of theirs: of a drill, by habit and grace window.
    ForcedLogouts,
    /// Longest time a stolen credential worked after its acknowledged end, at the design's own settings, nanoseconds: of a
    /// drill, by event and thief.
    Survival,
    /// Share of thefts that the design noticed by itself: of a drill, by event and thief.
    Noticed,
    /// Logins that a user who is always active has to repeat because they expire, per day.
    Relogins,
    /// Share of the settings of request rate, logins, replicas and tolerated exposure in which a row is cheapest.
    CheapestShare,
}

impl Special {
    /// All.
    pub const ALL: [Self; 6] = [
        Self::CredentialOnWire,
        Self::ForcedLogouts,
        Self::Survival,
        Self::Noticed,
        Self::Relogins,
        Self::CheapestShare,
    ];

    /// Name in files.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::CredentialOnWire => "credential-on-wire",
            Self::ForcedLogouts => "forced-logouts",
            Self::Survival => "survival",
            Self::Noticed => "noticed",
            Self::Relogins => "relogins",
            Self::CheapestShare => "cheapest-share",
        }
    }
}

impl Function {
    const ALL: [Self; 10] = [
        Self::Ratio,
        Self::AddedRatio,
        Self::Difference,
        Self::Value,
        Self::Added,
        Self::MemoryPerLogin,
        Self::Accepted,
        Self::Exposure,
        Self::Share,
        Self::Figure,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Ratio => "ratio",
            Self::AddedRatio => "added_ratio",
            Self::Difference => "difference",
            Self::Value => "value",
            Self::Added => "added",
            Self::MemoryPerLogin => "memory_per_login",
            Self::Accepted => "accepted",
            Self::Exposure => "exposure",
            Self::Share => "share",
            Self::Figure => "figure",
        }
    }

    /// Does it have a verdict?
    pub(crate) const fn has_verdict(self) -> bool {
        matches!(self, Self::Ratio | Self::AddedRatio)
    }

    const fn has_baseline(self) -> bool {
        matches!(self, Self::Ratio | Self::AddedRatio | Self::Difference)
    }

    const fn subject(self) -> &'static str {
        match self {
            Self::Ratio | Self::AddedRatio | Self::Difference | Self::Value | Self::Added => "METRIC",
            Self::Accepted | Self::Exposure => "ENDING",
            Self::Share => "OUTCOME",
            Self::Figure => "FIGURE",
            Self::MemoryPerLogin => "",
        }
    }

    /// How it is written, e.g. `ratio(METRIC, ROW, BASELINE, SCENARIO)`.
    fn usage(self) -> String {
        let subject = Some(self.subject()).filter(|subject| !subject.is_empty());
        let baseline = self.has_baseline().then_some("BASELINE");
        let arguments: Vec<&str> =
            subject.into_iter().chain(["ROW"]).chain(baseline).chain(["SCENARIO"]).collect();
        format!("{}({})", self.name(), arguments.join(", "))
    }
}

/// Why a text is no expression: message and hint.
pub(crate) type Refusal = (String, String);

impl Expression {
    /// Reads one.
    pub(crate) fn parse(text: &str) -> Result<Self, Refusal> {
        let shape = || {
            let usages: Vec<String> = Function::ALL.into_iter().map(Function::usage).collect();
            (format!("`{text}` is not a figure"), format!("write one of {}", usages.join(", ")))
        };
        let (name, rest) = text.trim().split_once('(').ok_or_else(shape)?;
        let inside = rest.strip_suffix(')').ok_or_else(shape)?;
        let name = name.trim();
        let function =
            Function::ALL.into_iter().find(|function| function.name() == name).ok_or_else(|| {
                let hint = suggestion(name, Function::ALL.map(Function::name));
                (format!("unknown function `{name}`"), hint)
            })?;
        let mut arguments: Vec<&str> = inside.split(',').map(str::trim).collect();
        let wanted = 2 + usize::from(function.has_baseline()) + usize::from(!function.subject().is_empty());
        if arguments.len() != wanted || !arguments.iter().all(|argument| is_name(argument)) {
            return Err((format!("`{text}` needs {wanted} names"), format!("write {}", function.usage())));
        }
        let subject = match function.subject() {
            "" => Subject::Nothing,
            kind => subject(kind, arguments.remove(0))?,
        };
        let row = arguments.remove(0).to_owned();
        let baseline = function.has_baseline().then(|| arguments.remove(0).to_owned());
        Ok(Self { function, subject, row, baseline, scenario: arguments.remove(0).to_owned() })
    }

    /// Names of rows it speaks about.
    pub fn rows(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.row.as_str()).chain(self.baseline.as_deref())
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}

fn subject(kind: &str, name: &str) -> Result<Subject, Refusal> {
    let found = match kind {
        "METRIC" => Metric::ALL.into_iter().find(|metric| metric.key() == name).map(Subject::Metric),
        "OUTCOME" => {
            Outcome::ALL.into_iter().find(|outcome| outcome_key(*outcome) == name).map(Subject::Outcome)
        }
        "ENDING" => ENDINGS.into_iter().find(|ending| ending_key(*ending) == name).map(Subject::Ending),
        _ => Special::ALL.into_iter().find(|figure| figure.key() == name).map(Subject::Figure),
    };
    let known: Vec<&str> = match kind {
        "METRIC" => Metric::ALL.iter().map(|metric| metric.key()).collect(),
        "OUTCOME" => Outcome::ALL.into_iter().map(outcome_key).collect(),
        "ENDING" => ENDINGS.into_iter().map(ending_key).collect(),
        _ => Special::ALL.iter().map(|figure| figure.key()).collect(),
    };
    found.ok_or_else(|| (format!("unknown {} `{name}`", kind.to_lowercase()), suggestion(name, known)))
}

const ENDINGS: [Ending; 4] = [Ending::Logout, Ending::LogoutAll, Ending::PasswordChange, Ending::Replaced];

/// Name in files, as in recordings.
pub(crate) const fn ending_key(ending: Ending) -> &'static str {
    match ending {
        Ending::Logout => "logout",
        Ending::LogoutAll => "logout-all",
        Ending::PasswordChange => "password-change",
        Ending::Replaced => "replaced",
    }
}

/// Name in files, as in recordings.
pub(crate) const fn outcome_key(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Ok => "ok",
        Outcome::RejectedAsExpected => "rejected-as-expected",
        Outcome::AcceptedAsDeclared => "accepted-as-declared",
        Outcome::RejectedAsDeclared => "rejected-as-declared",
        Outcome::WronglyAccepted => "wrongly-accepted",
        Outcome::WronglyRejected => "wrongly-rejected",
        Outcome::WrongSubject => "wrong-subject",
        Outcome::Unavailable => "unavailable",
        Outcome::ServerError => "server-error",
        Outcome::Unexpected => "unexpected",
        Outcome::TimedOut => "timed-out",
        Outcome::ConnectionFailed => "connection-failed",
        Outcome::Malformed => "malformed",
        Outcome::NothingHeld => "nothing-held",
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}(", self.function.name())?;
        match self.subject {
            Subject::Metric(metric) => write!(f, "{}, ", metric.key())?,
            Subject::Outcome(outcome) => write!(f, "{}, ", outcome_key(outcome))?,
            Subject::Ending(ending) => write!(f, "{}, ", ending_key(ending))?,
            Subject::Figure(figure) => write!(f, "{}, ", figure.key())?,
            Subject::Nothing => {}
        }
        write!(f, "{}, ", self.row)?;
        if let Some(baseline) = &self.baseline {
            write!(f, "{baseline}, ")?;
        }
        write!(f, "{})", self.scenario)
    }
}
