//! Which designs meet a wish, what each costs, and what a recording does not know.
//!
//! Invariant: nothing is said about a load beyond the measured one without saying that it lies beyond it.

pub(crate) mod declared;
mod judge;

use measure::Recording;
use schemars::JsonSchema;
use serde::Serialize;

use crate::comparison::Analysis;
use crate::controls::{FLOOR, Role, RunState};
use crate::cost::usage::{Measured, MeasuredRow};
use crate::cost::{Load, figure, formula};
use crate::model::Figure;
use crate::prices::PriceSheet;

/// Hours of a month of bills: 365 · 24 / 12.
const MONTH_HOURS: f64 = 730.0;

/// What somebody needs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Wish {
    /// Live logins at once.
    pub logins: f64,
    /// Requests per second, mean.
    pub rate: f64,
    /// Server processes.
    pub replicas: u32,
    /// How long a stolen credential may go on working after its login was ended, nanoseconds.
    pub tolerate_ns: u64,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Advice {
    /// What was asked for.
    pub wish: Wish,
    /// Scenario the answer rests on.
    pub scenario: String,
    /// Request rate that was measured, per second.
    pub measured_rate: f64,
    /// Live logins that were measured.
    pub measured_logins: Option<f64>,
    /// Name of the price sheet.
    pub prices: String,
    /// Date of its oldest price.
    pub oldest_price: String,
    /// ISO 4217 code of every amount.
    pub currency: String,
    /// Every design that was measured: those that meet the wish first, cheapest first.
    pub designs: Vec<Design>,
    /// What the recording does not know, whatever the design.
    pub not_known: Vec<String>,
}

/// What came out for one design.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Design {
    /// Row.
    pub row: String,
    /// What it is, as its file says.
    pub summary: String,
    /// Does it meet the wish?
    pub meets: Meets,
    /// Why not, one sentence each.
    pub against: Vec<String>,
    /// What would have to be measured, or is extended beyond what was.
    pub not_known: Vec<String>,
    /// Declared: longest time a stolen credential works, nanoseconds; absent = without end.
    pub exposure_bound_ns: Option<f64>,
    /// vCPU of the servers at the utilisation planned with.
    pub vcpu: Figure,
    /// Cores of the store, busy all the time; absent without a store.
    pub store_cores: Option<Figure>,
    /// Data in the store, bytes; absent where nothing is kept there.
    pub store_bytes: Option<Figure>,
    /// Cost of a million requests.
    pub per_million: Figure,
    /// Cost of a month.
    pub per_month: Figure,
    /// Over the cheapest design that meets the wish, a month, paired by rounds; absent for that one itself.
    pub over_cheapest_per_month: Option<Figure>,
}

/// Does a design meet a wish?
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Meets {
    /// Yes, as far as was measured.
    Yes,
    /// Nothing speaks against it, but not all of it was measured.
    Open,
    /// No.
    No,
}

/// Why a recording gives no advice.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoAdvice {
    /// Its controls failed, or nothing was measured.
    #[error("the recording is void: {0}")]
    Void(String),
    /// The scenario asked for was not measured in paired rounds.
    #[error("scenario `{name}` was not measured in paired rounds\n  help: measured: {measured}")]
    NoScenario {
        /// As asked.
        name: String,
        /// What there is.
        measured: String,
    },
}

/// Answers a wish from a recording.
///
/// # Errors
///
/// [`NoAdvice`] when the recording supports none.
pub fn advise(
    wish: Wish,
    scenario: Option<&str>,
    recording: &Recording,
    analysis: &Analysis,
    sheet: &PriceSheet,
) -> Result<Advice, NoAdvice> {
    if analysis.state == RunState::Unreliable {
        return Err(NoAdvice::Void(analysis.reasons.join("; ")));
    }
    let measured = Measured::of(recording);
    let names = || measured.iter().map(|measured| measured.scenario.as_str());
    let chosen = match scenario {
        Some(name) => measured.iter().find(|measured| measured.scenario == name).ok_or_else(|| {
            let measured = names().collect::<Vec<_>>().join(", ");
            NoAdvice::NoScenario { name: name.to_owned(), measured }
        })?,
        None => measured.first().ok_or_else(|| NoAdvice::Void("no paired scenario was measured".into()))?,
    };
    let baseline = &recording.plan.baseline;
    let choices: Vec<&MeasuredRow> = chosen
        .rows
        .iter()
        .filter(|row| row.name != FLOOR && Role::of(&row.name, baseline).is_choice())
        .collect();
    if choices.is_empty() {
        return Err(NoAdvice::Void("no backend has a usable block with process figures".into()));
    }
    let mut designs: Vec<(Design, &MeasuredRow)> =
        choices.into_iter().map(|row| (design(wish, chosen, row, recording, analysis, sheet), row)).collect();
    designs.sort_by(|(a, _), (b, _)| {
        (a.meets == Meets::No)
            .cmp(&(b.meets == Meets::No))
            .then(a.per_million.value.total_cmp(&b.per_million.value))
    });
    if let Some((_, cheapest)) = designs.first().filter(|(design, _)| design.meets != Meets::No).cloned() {
        for (design, row) in designs.iter_mut().skip(1).filter(|(design, _)| design.meets != Meets::No) {
            let month =
                |usage: &formula::Usage| monthly(wish, formula::per_million(usage, load(wish), sheet));
            let over = figure(chosen, [row, cheapest], |[own, other]| month(own) - month(other));
            design.over_cheapest_per_month = Some(over);
        }
    }
    Ok(Advice {
        wish,
        scenario: chosen.scenario.clone(),
        measured_rate: chosen.rate,
        measured_logins: chosen.logins,
        prices: sheet.name.clone(),
        oldest_price: sheet.oldest().to_owned(),
        currency: sheet.currency().to_owned(),
        designs: designs.into_iter().map(|(design, _)| design).collect(),
        not_known: judge::not_known(wish, chosen, recording, analysis),
    })
}

const fn load(wish: Wish) -> Load {
    Load { rate: wish.rate, logins: wish.logins, replicas: wish.replicas }
}

fn monthly(wish: Wish, per_million: f64) -> f64 {
    per_million * wish.rate * 3_600.0 * MONTH_HOURS / 1e6
}

fn design(
    wish: Wish,
    measured: &Measured,
    row: &MeasuredRow,
    recording: &Recording,
    analysis: &Analysis,
    sheet: &PriceSheet,
) -> Design {
    let per_million = |usage: &formula::Usage| formula::per_million(usage, load(wish), sheet);
    let positive = |figure: Figure| (figure.value > 0.0).then_some(figure);
    let facts = recording.run.rows.iter().find(|facts| facts.name == row.name);
    let mut design = Design {
        row: row.name.clone(),
        summary: facts.map(|facts| facts.header.summary.clone()).unwrap_or_default(),
        meets: Meets::Yes,
        against: Vec::new(),
        not_known: Vec::new(),
        exposure_bound_ns: facts.and_then(declared::bound_ns),
        vcpu: figure(measured, [row], |[usage]| wish.rate * usage.app_cpu_s / sheet.utilisation),
        store_cores: positive(figure(measured, [row], |[usage]| wish.rate * usage.store_cpu_s)),
        store_bytes: positive(figure(measured, [row], |[usage]| usage.store_bytes_per_login * wish.logins)),
        per_million: figure(measured, [row], |[usage]| per_million(usage)),
        per_month: figure(measured, [row], |[usage]| monthly(wish, per_million(usage))),
        over_cheapest_per_month: None,
    };
    judge::judge(&mut design, wish, measured, row, recording, analysis, sheet);
    design.meets = match (design.against.is_empty(), design.not_known.is_empty()) {
        (false, _) => Meets::No,
        (true, false) => Meets::Open,
        (true, true) => Meets::Yes,
    };
    design
}

impl Meets {
    /// In words.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Yes => "meets it",
            Self::Open => "meets it as far as is known",
            Self::No => "does not meet it",
        }
    }

    /// A mark beside the word.
    #[must_use]
    pub const fn glyph(self) -> &'static str {
        match self {
            Self::Yes => "✓",
            Self::Open => "?",
            Self::No => "✗",
        }
    }
}
