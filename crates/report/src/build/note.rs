//! What the numbers do and do not mean: honest words, each only where the run gives reason for it.

use measure::Recording;
use toml::Value;

use crate::model::{Note, Report};
use crate::number;

pub(super) fn notes(recording: &Recording, report: &Report) -> Vec<Note> {
    let mut notes = Vec::new();
    let mut note = |title: &str, text: String| notes.push(Note { title: title.to_owned(), text });
    note(
        "Response time and service time",
        "Response time runs from the moment a request was due, service time from the moment it was sent. A server that \
         stalls delays requests that are due meanwhile; only response time counts that wait, as users do."
            .to_owned(),
    );
    if report.run.floor.is_some() {
        note(
            "Added over none",
            "Every request pays for HTTP, whatever the design. The row none does the same work without authentication; \
             subtracting it, round by round, leaves what the design itself costs. A ratio of whole requests looks smaller."
                .to_owned(),
        );
    }
    if !report.scenarios.is_empty() {
        note(
            "Faster, equivalent, inconclusive",
            format!(
                "The replicate is the round, not the request: each round measures every row once, in random order, and only \
                 values of one round are compared. Equivalent means the whole interval lies within ±{}; inconclusive means \
                 this run could not tell, which is not the same.",
                number::percent(report.run.margin)
            ),
        );
        note(
            "Tails are described",
            "p99 and above come from few requests per round. They are shown with wide intervals and never ranked."
                .to_owned(),
        );
    }
    if report.memory.is_some() {
        note(
            "Memory of a login",
            "A straight line through the sizes: its slope is what one login takes, and ± the distance of the size farthest from \
             it, because tables double as they fill. Server: proportional set size of the process, with what its allocator \
             keeps. Store: used_memory, which is what a limit counts, or the file of an embedded database. No growth is said \
             where the line does not rise by more than comes and goes anyway."
                .to_owned(),
        );
    }
    if !report.episodes.is_empty() {
        note(
            "Unranked episodes",
            "Episodes ran once per backend, whole. They show what happens and for how long; they do not rank.".to_owned(),
        );
    }
    if report.episodes.iter().any(|episode| episode.rows.iter().any(|row| !row.exposure.is_empty())) {
        note(
            "How long a stolen credential works",
            "Time from the acknowledged end of the login to the last request with the old credential that was still let in. \
             “At least” means that it was let in until the trial ended; the declared bound says how long it could have gone on. \
             A lag the backend declares is its price, not a fault; an undeclared one denies it a rank."
                .to_owned(),
        );
    }
    hosts(report, &mut note);
    settings(recording, report, &mut note);
    notes
}

/// Where the store was, and what a browser would have done.
fn hosts(report: &Report, note: &mut impl FnMut(&str, String)) {
    let store = report.scenarios.iter().any(|scenario| {
        scenario.rows.iter().any(|row| row.figures.contains_key(&crate::metric::Metric::CpuStore))
    });
    if store && report.scenarios.iter().any(|scenario| scenario.store_distance_ns == 0.0) {
        note(
            "Store on the same host",
            "The store answered over loopback. Across a network every check in a shared store takes a round trip longer; \
             the CPU it costs stays about the same."
                .to_owned(),
        );
    }
    if store && report.scenarios.iter().any(|scenario| scenario.store_distance_ns > 0.0) {
        note(
            "Modelled distance",
            "Where a distance to the store is given, each round trip was delayed by a timer: a model of a network, not one."
                .to_owned(),
        );
    }
    let local: Vec<&str> =
        report.rows.iter().filter(|row| row.is_node_local()).map(|row| row.name.as_str()).collect();
    if !local.is_empty() {
        note(
            "One replica only",
            format!(
                "The state of {} lies in the memory of one process: no other replica knows it. It is measured to show what a \
                 check costs without a way to the store.",
                local.join(", ")
            ),
        );
    }
    if report.rows.iter().any(|row| row.credential.contains("opaque") || row.credential.contains("cookie")) {
        note(
            "Cookies over plain HTTP",
            "Cookies named __Host- travel here over plain HTTP on loopback because the generator sends them. A browser would \
             not send __Host- cookies over plain HTTP: it needs TLS, whose cost is not in these figures."
                .to_owned(),
        );
    }
}

fn settings(recording: &Recording, report: &Report, note: &mut impl FnMut(&str, String)) {
    let cheap: Vec<&str> = recording
        .run
        .scenarios
        .iter()
        .filter(|scenario| {
            let file: Option<toml::Table> = scenario.text.parse().ok();
            let hash = file.as_ref().and_then(|file| file.get("population")?.get("password_hash"));
            hash.and_then(Value::as_str) == Some("cheap")
        })
        .map(|scenario| scenario.name.as_str())
        .collect();
    if !cheap.is_empty() {
        note(
            "Cheap password hashing",
            format!(
                "In {} passwords were checked by a cheap verifier, so that hashing does not drown what is measured. Real \
                 logins cost what a login storm with Argon2id shows.",
                cheap.join(", ")
            ),
        );
    }
    let leeway: Vec<String> = report
        .rows
        .iter()
        .filter(|row| !row.role.is_control())
        .filter_map(|row| Some((row, row.facts.get("leeway s")?)))
        .filter(|(_, leeway)| leeway.as_str() != "0")
        .map(|(row, leeway)| format!("{} {leeway} s", row.name))
        .collect();
    let text = if leeway.is_empty() {
        "No token is accepted after its expiry: leeway is 0 s in every backend.".to_owned()
    } else {
        format!("Tokens are accepted for a while after their expiry: {}.", leeway.join(", "))
    };
    note("Leeway", text);
    let sized: Vec<String> = recording
        .run
        .scenarios
        .iter()
        .filter(|scenario| scenario.paired && scenario.provisioned > 0)
        .map(|scenario| {
            format!(
                "{}: {} live logins per row, {} revoked credentials known to those that keep a list",
                scenario.name,
                number::count(scenario.provisioned),
                number::count(scenario.revoked)
            )
        })
        .collect();
    if !sized.is_empty() {
        note(
            "State before the start",
            format!(
                "{}. Memory per login is what server and store hold above the row without authentication, divided by the live \
                 logins.",
                sized.join("; ")
            ),
        );
    }
    note(
        "Test subjects",
        "The backends are built alike to be compared, not to be deployed. The same design in another language or library \
         costs another amount; which design costs more is likelier to carry over than how much."
            .to_owned(),
    );
}
