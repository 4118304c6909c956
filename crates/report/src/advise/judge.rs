//! Holds one design against a wish: what speaks against it, and what lies beyond the measurement.

use measure::Recording;
use measure::recording::RowRecord;

use super::declared::{self, measured as exposed};
use super::{Design, Wish};
use crate::comparison::Analysis;
use crate::controls::RunState;
use crate::cost::usage::{Measured, MeasuredRow, keeps_logins};
use crate::number;
use crate::prices::PriceSheet;

/// Fills in what speaks against a design and what is not known of it.
pub(super) fn judge(
    design: &mut Design,
    wish: Wish,
    measured: &Measured,
    row: &MeasuredRow,
    recording: &Recording,
    analysis: &Analysis,
    sheet: &PriceSheet,
) {
    let wrong: u64 = analysis.wrong.iter().filter(|w| w.row == row.name).map(|w| w.count).sum();
    if wrong > 0 {
        design
            .against
            .push(format!("it gave {} wrong answers that it does not declare", number::count(wrong)));
    }
    let Some(facts) = recording.run.rows.iter().find(|facts| facts.name == row.name) else { return };
    exposure(design, wish, facts, recording);
    replicas(design, wish, row, facts);
    servers(design, wish, measured, row, sheet);
    store(design, wish, measured, sheet);
    memory(design, wish, measured, row);
}

fn exposure(design: &mut Design, wish: Wish, facts: &RowRecord, recording: &Recording) {
    let tolerated = wish.tolerate_ns as f64;
    if design.exposure_bound_ns.is_none_or(|bound| bound > tolerated) {
        let tolerated = number::time(tolerated);
        design.against.push(format!(
            "a stolen credential goes on working after its login was ended: {} (declared), {tolerated} are tolerated",
            declared::words(facts)
        ));
        return;
    }
    match exposed(recording, &facts.name) {
        Some(seen) if seen.longest_ns > wish.tolerate_ns => design.against.push(format!(
            "a credential was accepted {} after its login was ended, against what it declares ({})",
            number::time(seen.longest_ns as f64),
            declared::words(facts)
        )),
        Some(_) => {}
        None => design.not_known.push(format!(
            "how long a stolen credential works is declared ({}) and was not tried in this recording",
            declared::words(facts)
        )),
    }
}

fn replicas(design: &mut Design, wish: Wish, row: &MeasuredRow, facts: &RowRecord) {
    if wish.replicas > 1 && keeps_logins(facts) {
        design.against.push(format!(
            "it keeps logins in the memory of one process: with {} replicas another one does not know them",
            wish.replicas
        ));
    } else if wish.replicas != row.replicas {
        design.not_known.push(format!(
            "it was measured with {}, and a request is taken to cost the same with {}",
            replicas_in_words(row.replicas),
            wish.replicas
        ));
    }
}

fn replicas_in_words(count: u32) -> String {
    if count == 1 { "1 replica".to_owned() } else { format!("{} replicas", number::count(count.into())) }
}

fn servers(design: &mut Design, wish: Wish, measured: &Measured, row: &MeasuredRow, sheet: &PriceSheet) {
    let have = f64::from(wish.replicas);
    let need = format!(
        "it needs {} vCPU at {}, and {} of one thread {} {}",
        number::short(design.vcpu.value),
        number::percent(sheet.utilisation),
        replicas_in_words(wish.replicas),
        if wish.replicas == 1 { "has" } else { "have" },
        wish.replicas
    );
    if design.vcpu.lower() > have {
        design.against.push(need);
    } else if design.vcpu.upper() > have {
        design.not_known.push(format!("{need}: the interval spans both"));
    }
    let (each, seen) = (wish.rate / have, measured.rate / f64::from(row.replicas));
    if each > seen {
        design.not_known.push(format!(
            "{} requests/s on each replica lie beyond the {} that were measured: CPU per request is taken to stay the same",
            number::short(each),
            number::short(seen)
        ));
    }
}

fn store(design: &mut Design, wish: Wish, measured: &Measured, sheet: &PriceSheet) {
    let Some(cores) = design.store_cores else { return };
    if cores.upper() > sheet.utilisation {
        design.not_known.push(format!(
            "the store would be busy {} of the time on one core: more than one Redis process was not measured",
            number::percent(cores.value)
        ));
    } else if wish.rate > measured.rate {
        design.not_known.push(format!(
            "{} requests/s at one store lie beyond the {} that were measured",
            number::short(wish.rate),
            number::short(measured.rate)
        ));
    }
}

fn memory(design: &mut Design, wish: Wish, measured: &Measured, row: &MeasuredRow) {
    let grows = row.usage.store_bytes_per_login > 0.0 || row.usage.app_bytes_per_login > 0.0;
    match measured.logins {
        Some(logins) if grows && wish.logins > logins => design.not_known.push(format!(
            "memory for {} logins is extended in proportion from the {} that were measured",
            number::grouped(wish.logins, 0),
            number::grouped(logins, 0)
        )),
        None if row.usage.has_store => design
            .not_known
            .push("memory of logins is not in the cost: this scenario does not count them".to_owned()),
        _ => {}
    }
}

/// What the recording does not know, whatever the design.
pub(super) fn not_known(
    wish: Wish,
    measured: &Measured,
    recording: &Recording,
    analysis: &Analysis,
) -> Vec<String> {
    let mut said = Vec::new();
    match analysis.state {
        RunState::Uncontrolled => said.push(
            "the run had no controls: nothing shows that its differences are more than noise".to_owned(),
        ),
        RunState::LowResolution => said.push(format!(
            "the run resolves little: {}",
            analysis.reasons.first().map_or("a control was inconclusive", String::as_str)
        )),
        RunState::Ok | RunState::Unreliable => {}
    }
    if !recording.is_complete() {
        said.push("the run was cut off: only its finished blocks are used".to_owned());
    }
    if wish.rate < measured.rate {
        said.push(format!(
            "CPU per request was measured at {} requests/s and may be higher at {}, where processes sleep more often",
            number::short(measured.rate),
            number::short(wish.rate)
        ));
    }
    said.push(
        "response time at this load was not measured: the answer is about exposure, capacity and money"
            .to_owned(),
    );
    let distances = recording.blocks.iter().any(|block| block.store_rtt_us > 0);
    if !distances {
        said.push("the store stood on the same machine as the servers: the distance of yours adds to every response that consults it".to_owned());
    }
    said
}
