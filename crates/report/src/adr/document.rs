//! The record itself: what people write around what the data say.

use measure::recording::RowRecord;

use super::Evidence;
use super::options::{amount, place, times, weigh};
use super::part::{Mark, PARTS};
use crate::comparison::Scope;
use crate::controls::{ControlResult, FLOOR, Role};
use crate::metric::Metric;
use crate::model::Figure;
use crate::number;
use crate::verdict::Verdict;

/// A whole record. `date` is the day it is written, `YYYY-MM-DD`; `file` the name it is saved under, for the command
/// that confirms it.
#[must_use]
pub fn document(evidence: &Evidence<'_>, date: &str, file: &str) -> String {
    let part = |name: &str| {
        let mark = mark(name, evidence);
        let lines: String = part_lines(name, evidence).iter().map(|line| format!("{line}\n")).collect();
        format!("{}\n{lines}{}\n", mark.begin(), mark.end())
    };
    let [drivers, options] = PARTS.map(part);
    let place = evidence.place;
    format!(
        "---\nstatus: proposed\ndate: {date}\ndecision-makers:\nconsulted:\ninformed:\n---\n\n\
         # How requests are authenticated\n\n\
         ## Context and Problem Statement\n\n\
         Which way of authenticating requests do we choose, given what each one costs and how long a stolen credential\n\
         keeps working in it? (Describe your service here: who logs in, how often, what is at stake.)\n\n\
         {drivers}\n\
         ## Decision Outcome\n\n\
         Chosen option: \n\n\
         (For the people named above: which option, and because of which drivers. The tool that wrote this record does\n\
         not choose.)\n\n\
         ### Consequences\n\n\
         * Good, because \n\
         * Bad, because \n\n\
         ### Confirmation\n\n\
         `authbench adr verify {file} --max-age-days 365` derives every number between the evidence marks again from\n\
         the recording and fails when one has changed or the data are older than that.\n\
         `authbench reproduce {place}` measures the same plan again, here and now.\n\n\
         {options}"
    )
}

fn mark(name: &str, evidence: &Evidence<'_>) -> Mark {
    Mark {
        name: name.to_owned(),
        plan: evidence.recording.plan_sha256.clone(),
        data: evidence.recording.sha256.clone().unwrap_or_default(),
        recording: evidence.place.to_owned(),
        prices: evidence.prices.to_owned(),
        prices_sha256: evidence.cost.sheet_sha256.clone(),
    }
}

/// The lines of a part as the evidence gives them.
pub(super) fn part_lines(name: &str, evidence: &Evidence<'_>) -> Vec<String> {
    let text = if name == PARTS[0] { drivers(evidence) } else { options(evidence) };
    text.lines().map(str::to_owned).collect()
}

/// Rows a reader could choose, in the recording's order.
fn choices<'a>(evidence: &Evidence<'a>) -> Vec<&'a RowRecord> {
    let baseline = &evidence.analysis.baseline;
    let rows = evidence.recording.run.rows.iter();
    rows.filter(|row| row.name != FLOOR && Role::of(&row.name, baseline).is_choice()).collect()
}

fn drivers(evidence: &Evidence<'_>) -> String {
    let plan = &evidence.recording.plan;
    let margin = number::percent(plan.statistics.margin);
    let mut out = String::from("## Decision Drivers\n\n");
    for metric in Metric::PRIMARY {
        out.push_str(&format!(
            "* {}; differences within {margin} do not matter (registered before the data)\n",
            metric.label()
        ));
    }
    out.push_str("* how long a stolen credential works after its login was ended\n");
    out.push_str("* what a request gets while the store is down\n");
    out.push_str(&format!(
        "* money: prices `{}`, the oldest of {}\n\n## Considered Options\n\n",
        evidence.cost.sheet, evidence.cost.oldest_price
    ));
    for row in choices(evidence) {
        out.push_str(&format!("* {}: {}\n", row.name, plain(&row.header.summary)));
    }
    out
}

fn options(evidence: &Evidence<'_>) -> String {
    let mut out = String::from("## Pros and Cons of the Options\n");
    for row in choices(evidence) {
        let role = if row.name == evidence.analysis.baseline { " (baseline)" } else { "" };
        out.push_str(&format!("\n### {}{role}\n\n", row.name));
        let weighed = weigh(row, evidence);
        for (word, sentences) in [("Good", weighed.good), ("Neutral", weighed.neutral), ("Bad", weighed.bad)]
        {
            for sentence in sentences {
                out.push_str(&format!("* {word}, because {sentence}\n"));
            }
        }
    }
    out.push_str("\n## More Information\n\n");
    more(&mut out, evidence);
    out
}

/// What was left open, and what the numbers rest on.
fn more(out: &mut String, evidence: &Evidence<'_>) {
    let (analysis, recording) = (evidence.analysis, evidence.recording);
    for scenario in &analysis.scenarios {
        for row in choices(evidence) {
            for metric in Metric::PRIMARY {
                let compared = scenario.comparison(&analysis.baseline, &row.name, metric, Scope::Whole);
                let Some(found) = compared.filter(|found| open(found.verdict)) else { continue };
                let ratio =
                    found.ratio.map_or_else(|| "no ratio".to_owned(), |ratio| times(Figure::from(ratio)));
                let why = found.unranked.map_or_else(String::new, |why| format!(" ({})", why.label()));
                let need = found
                    .rounds_needed
                    .map_or_else(String::new, |need| format!("; a conclusion may need {need} rounds"));
                out.push_str(&format!(
                    "* Open: {} of {} against {} {}: {ratio}, {}{why}{need}\n",
                    metric.label(),
                    row.name,
                    analysis.baseline,
                    place(scenario),
                    found.verdict.label_on(metric)
                ));
            }
        }
    }
    for control in &analysis.controls {
        let ratio = control.ratio.map_or_else(|| "too few rounds".to_owned(), |r| times(Figure::from(r)));
        let result = match control.result {
            ControlResult::Passed => "as it must be",
            ControlResult::NotResolved => "not resolved",
            ControlResult::Failed => "wrong",
        };
        out.push_str(&format!(
            "* Control {} in `{}`, {}: {ratio}, expected {}: {result}\n",
            control.row,
            control.scenario,
            control.metric.label(),
            number::ratio(control.expected)
        ));
    }
    for scenario in &analysis.scenarios {
        if let Some(floor) = analysis.floor.as_deref().and_then(|floor| scenario.metric(floor, Metric::Cpu)) {
            out.push_str(&format!(
                "* Without authentication a request costs {} of CPU {}\n",
                amount(Figure::from(floor.centre), Metric::Cpu),
                place(scenario)
            ));
        }
        out.push_str(&format!(
            "* Measured {}: {} rounds, {}\n",
            place(scenario),
            scenario.rounds,
            match scenario.restarts {
                1 => "started once".to_owned(),
                times => format!("started {times} times"),
            }
        ));
    }
    for caution in &analysis.cautions {
        out.push_str(&format!("* Caution: {}\n", plain(caution)));
    }
    for assumption in &evidence.cost.assumptions {
        out.push_str(&format!("* Cost assumes: {assumption}\n"));
    }
    let cpu = recording.environment.cpu.model.as_deref().unwrap_or("unknown processor");
    out.push_str(&format!(
        "* Machine: {}, {} logical CPUs; tool {}, {}\n",
        plain(cpu),
        recording.environment.cpu.online,
        plain(&recording.run.tool.version),
        plain(&recording.run.tool.profile)
    ));
    out.push_str(&format!(
        "* Plan `{}`, seed {}, family-wise error rate {}\n",
        plain(&recording.plan.name),
        recording.plan.seed,
        number::percent(recording.plan.statistics.alpha)
    ));
}

const fn open(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Inconclusive | Verdict::Unranked)
}

/// Text of a file or a machine on one line, where it can start no markup.
fn plain(text: &str) -> String {
    let one_line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut out = String::new();
    for c in one_line.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '`' | '*' | '_' | '[' | ']' | '|' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            _ => out.push(c),
        }
    }
    out
}
