//! The validity certificate: whether a drive may be believed, as pure functions over its report.
//!
//! Thresholds and what they void:
//! - outcomes: nothing answered, or less than 99 % of what was offered; void.
//! - achieved over offered below 0.99: void. Achieved is what was answered in the measured time; where that falls short
//!   only because answers are slow (the number in flight does not grow), nothing is void.
//! - generator busy (CPU less final spin) 80 % of the time or more: void.
//! - rate above half of the generator's ceiling against the null responder: void.
//! - cores shared with the server although a second one exists: void.
//! - more than 2 % of CPU time stolen: void.
//! - arrivals: |dispersion − target| > 0.05 + 3·√(2/bins), target being the schedule's own dispersion; void. (√(2/bins) is
//!   the standard error of the index of dispersion of a Poisson process.)
//! - Little's law: |sampled − stamped| mean in flight > 5 % + 3 standard errors of the sampling; void.
//! - send lag that the generator caused: p50 above 5 % of the response time's p50, or p99 above the larger of 100 µs and
//!   10 % of the response time's p99: response times are withheld, CPU figures stand.
//!
//! In closed loop only outcomes and steal apply.

use serde::{Deserialize, Serialize};

use crate::report::{DriveReport, ratio};

/// What the drive's report cannot know. `None`: not measured, so the check is not made, and says so.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Surroundings {
    /// Requests per second that the generator could send at most ([`crate::ceiling`]).
    pub ceiling_rate: Option<f64>,
    /// Whether the generator shares a core with the server although it need not.
    pub cores_shared: Option<bool>,
    /// Share of CPU time stolen, 0 to 1.
    pub steal: Option<f64>,
}

/// Whether a drive may be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// All of it.
    Valid,
    /// All but the response times.
    ResponseTimesWithheld,
    /// None of it.
    Void,
}

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// Within its bound.
    Passed,
    /// Outside: this status at best.
    Failed,
    /// Has no meaning here.
    NotApplicable,
    /// Not measured.
    NotMeasured,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// Short name.
    pub name: String,
    /// How it ended.
    pub finding: Finding,
    /// The figure and its bound, in words.
    pub detail: String,
}

/// The certificate of a drive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// The verdict.
    pub status: Status,
    /// Why not valid; empty when it is.
    pub reasons: Vec<String>,
    /// Every check.
    pub checks: Vec<Check>,
}

impl Certificate {
    /// Whether CPU figures may be used.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        self.status != Status::Void
    }
}

/// Certifies a drive.
#[must_use]
pub fn certify(report: &DriveReport, surroundings: &Surroundings) -> Certificate {
    let mut checks = Checks::default();
    checks.outcomes(report);
    checks.steal(surroundings.steal);
    if report.open_loop {
        checks.rate(report);
        checks.busy(report);
        checks.ceiling(report, surroundings.ceiling_rate);
        checks.cores(surroundings.cores_shared);
        checks.arrivals(report);
        checks.little(report);
        checks.lag(report);
    } else {
        let names =
            ["achieved rate", "generator busy", "ceiling", "cores", "arrivals", "little's law", "send lag"];
        for name in names {
            checks.add(name, Finding::NotApplicable, "closed loop".to_owned());
        }
    }
    checks.finish()
}

#[derive(Debug, Default)]
struct Checks {
    checks: Vec<Check>,
    void: bool,
    withheld: bool,
}

impl Checks {
    fn add(&mut self, name: &str, finding: Finding, detail: String) {
        self.checks.push(Check { name: name.to_owned(), finding, detail });
    }

    /// A check whose failure voids the drive.
    fn bound(&mut self, name: &str, passed: bool, detail: String) {
        self.void |= !passed;
        self.add(name, if passed { Finding::Passed } else { Finding::Failed }, detail);
    }

    fn outcomes(&mut self, report: &DriveReport) {
        let share = ratio(report.answered as f64, report.offered as f64);
        let detail = format!(
            "{} of {} operations were answered, at least 99 % must be",
            report.answered, report.offered
        );
        self.bound("outcomes", report.offered > 0 && share >= 0.99, detail);
    }

    fn steal(&mut self, steal: Option<f64>) {
        match steal {
            Some(steal) => {
                let detail = format!("{:.1} % of CPU time was stolen, at most 2 % may be", steal * 100.0);
                self.bound("steal", steal <= 0.02, detail);
            }
            None => self.add("steal", Finding::NotMeasured, "not measured".to_owned()),
        }
    }

    fn rate(&mut self, report: &DriveReport) {
        let plain = ratio(report.achieved_rate(), report.offered_rate());
        // Answers that are merely slow move a whole block to the right; only a backlog that grows is a lack of rate. The
        // second and the last quarter lie half of the measured time apart.
        let growth = (report.in_flight.last_quarter - report.in_flight.second_quarter).max(0.0);
        let grown = ratio(growth, 0.5 * report.offered as f64);
        let achieved = plain.max(1.0 - grown);
        let detail = format!("achieved {:.1} % of the offered rate, at least 99 % must be", achieved * 100.0);
        self.bound("achieved rate", achieved >= 0.99, detail);
    }

    fn busy(&mut self, report: &DriveReport) {
        let busy = report.busy_share();
        let spin = ratio(report.spin_ns as f64, report.measured_ns as f64);
        let detail = format!(
            "the generator was busy {:.0} % of the time (and spun {:.0} %), less than 80 % must be",
            busy * 100.0,
            spin * 100.0
        );
        self.bound("generator busy", busy < 0.8, detail);
    }

    fn ceiling(&mut self, report: &DriveReport, ceiling: Option<f64>) {
        match ceiling {
            Some(ceiling) => {
                let rate = report.offered_rate();
                let detail =
                    format!("{rate:.0}/s of a ceiling of {ceiling:.0}/s, at most half may be asked for");
                self.bound("ceiling", rate <= 0.5 * ceiling, detail);
            }
            None => self.add("ceiling", Finding::NotMeasured, "not measured".to_owned()),
        }
    }

    fn cores(&mut self, shared: Option<bool>) {
        match shared {
            Some(shared) => {
                let detail = if shared { "shared with the server" } else { "apart from the server's" };
                self.bound("cores", !shared, format!("the generator's cores are {detail}"));
            }
            None => self.add("cores", Finding::NotMeasured, "not known".to_owned()),
        }
    }

    fn arrivals(&mut self, report: &DriveReport) {
        let Some(arrivals) = report.arrivals.filter(|arrivals| arrivals.bins >= 100) else {
            return self.add("arrivals", Finding::NotMeasured, "too short to tell".to_owned());
        };
        let bound = 0.05 + 3.0 * (2.0 / arrivals.bins as f64).sqrt();
        let detail = format!(
            "dispersion {:.3}, the schedule's {:.3}, at most {bound:.3} apart",
            arrivals.sent, arrivals.intended
        );
        self.bound("arrivals", (arrivals.sent - arrivals.intended).abs() <= bound, detail);
    }

    fn little(&mut self, report: &DriveReport) {
        let in_flight = report.in_flight;
        if in_flight.samples < 100 {
            return self.add("little's law", Finding::NotMeasured, "too short to tell".to_owned());
        }
        let bound = 0.05 * in_flight.stamped_mean + 3.0 * in_flight.standard_error;
        let detail = format!(
            "{:.3} in flight by samples, {:.3} by stamps, at most {bound:.3} apart",
            in_flight.sampled_mean, in_flight.stamped_mean
        );
        let apart = (in_flight.sampled_mean - in_flight.stamped_mean).abs();
        self.bound("little's law", apart <= bound, detail);
    }

    fn lag(&mut self, report: &DriveReport) {
        if report.own_lag.is_empty() || report.response.is_empty() {
            return self.add("send lag", Finding::NotMeasured, "nothing was sent and answered".to_owned());
        }
        let at = |quantile| {
            (report.own_lag.value_at_quantile(quantile), report.response.value_at_quantile(quantile))
        };
        let ((lag_50, response_50), (lag_99, response_99)) = (at(0.5), at(0.99));
        let bound_50 = response_50 as f64 * 0.05;
        let bound_99 = (response_99 as f64 * 0.1).max(100_000.0);
        let passed = lag_50 as f64 <= bound_50 && lag_99 as f64 <= bound_99;
        let us = |ns: f64| ns / 1000.0;
        let detail = format!(
            "sends were late by {:.1} us at p50 (at most {:.1}) and {:.1} us at p99 (at most {:.1})",
            us(lag_50 as f64),
            us(bound_50),
            us(lag_99 as f64),
            us(bound_99)
        );
        self.withheld |= !passed;
        self.add("send lag", if passed { Finding::Passed } else { Finding::Failed }, detail);
    }

    fn finish(self) -> Certificate {
        let status = match (self.void, self.withheld) {
            (true, _) => Status::Void,
            (false, true) => Status::ResponseTimesWithheld,
            (false, false) => Status::Valid,
        };
        let failed = self.checks.iter().filter(|check| check.finding == Finding::Failed);
        let reasons = failed.map(|check| format!("{}: {}", check.name, check.detail)).collect();
        Certificate { status, reasons, checks: self.checks }
    }
}
