//! How long stolen credentials went on working in drills, where one lies beside the recording.

use schemars::JsonSchema;
use serde::Serialize;

/// A drill.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Drill {
    /// Its plan's name.
    pub plan: String,
    /// Server processes of each design.
    pub replicas: u32,
    /// Stolen credentials of each cell.
    pub trials: u64,
    /// Uses of each at each replica, per second.
    pub replays_per_s: f64,
    /// Life that longer ones of access credentials were shortened to, ns.
    pub lifetime_ns: f64,
    /// Grace windows, poll intervals, cache lifetimes and declared lags were divided by this.
    pub divided_by: u32,
    /// Was it carried out to its end?
    pub complete: bool,
    /// One for each event × thief × design.
    pub cells: Vec<DrillCell>,
}

/// One event × thief × design.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct DrillCell {
    /// Design.
    pub row: String,
    /// What ended the credential, as drill plans write it.
    pub event: String,
    /// What the thief had copied.
    pub stolen: String,
    /// Drilled with every time as its file has it.
    pub unscaled: bool,
    /// Trials whose credential was ended.
    pub ended: u64,
    /// Trials in which the design answered that it cannot do this; the owner had been told, so the clock ran.
    pub cannot: u64,
    /// Uses sent after the acknowledged end.
    pub sent_after: u64,
    /// Of these, accepted.
    pub accepted_after: u64,
    /// From the acknowledged end to the last accepted use, median over trials, ns.
    pub p50_ns: f64,
    /// 99th percentile.
    pub p99_ns: f64,
    /// Longest.
    pub longest_ns: f64,
    /// Were some still accepted when their trial ended? Then the times are lower bounds.
    pub open: bool,
    /// Between two uses: no time is known more finely, ns.
    pub resolution_ns: f64,
    /// The longest that the design declares, as it was drilled, ns; absent where it promises no end.
    pub bound_ns: Option<f64>,
    /// Was nothing accepted beyond that?
    pub within: bool,
    /// Trials in which the design noticed two holders.
    pub alarms: u64,
    /// Why nothing can be concluded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub void: Option<String>,
    /// Uses around the acknowledged end, by replica.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeline: Option<DrillTimeline>,
}

/// Uses around the acknowledged end, over all trials, in steps.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct DrillTimeline {
    /// Where the first step begins, ns from the acknowledgement: negative.
    pub from_ns: f64,
    /// Length of a step, ns.
    pub step_ns: f64,
    /// By replica.
    pub replicas: Vec<DrillSteps>,
}

/// Uses at one replica, by step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DrillSteps {
    /// Sent.
    pub sent: Vec<u64>,
    /// Of these, accepted.
    pub accepted: Vec<u64>,
}

impl DrillCell {
    /// Was everything refused from the end on, as far as it could be seen?
    #[must_use]
    pub const fn refused(&self) -> bool {
        self.accepted_after == 0
    }
}

impl Drill {
    /// What was found for one event: for each design the thief that it withstood least, times as shortened.
    #[must_use]
    pub fn worst(&self, event: &str) -> Vec<&DrillCell> {
        let mut worst: Vec<&DrillCell> = Vec::new();
        for cell in
            self.cells.iter().filter(|cell| cell.event == event && !cell.unscaled && cell.void.is_none())
        {
            match worst.iter_mut().find(|other| other.row == cell.row) {
                Some(other) if cell.longest_ns > other.longest_ns => *other = cell,
                Some(_) => {}
                None => worst.push(cell),
            }
        }
        worst.sort_by(|a, b| a.longest_ns.total_cmp(&b.longest_ns));
        worst
    }

    /// Events in their order, each once.
    #[must_use]
    pub fn events(&self) -> Vec<&str> {
        let mut events: Vec<&str> = Vec::new();
        for cell in &self.cells {
            if !events.contains(&cell.event.as_str()) {
                events.push(&cell.event);
            }
        }
        events
    }
}
