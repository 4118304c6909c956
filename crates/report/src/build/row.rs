//! Rows: the four choices and the promises, in words, from the backend's header and what its server said of itself.

use std::collections::BTreeMap;

use measure::recording::{RowFailure, RowRecord};
use measure::{Lag, Recording, StoreDown};
use serde_json::Value;

use super::environment::flatten;
use crate::comparison::Analysis;
use crate::controls::Role;
use crate::model::Row;
use crate::number;

/// Every row that ran, in the analysis's order.
pub(super) fn rows(recording: &Recording, analysis: &Analysis) -> Vec<Row> {
    let record = |name: &str| recording.run.rows.iter().find(|row| row.name == name);
    analysis.rows.iter().map(|(name, role)| row(name, *role, record(name))).collect()
}

fn row(name: &str, role: Role, record: Option<&RowRecord>) -> Row {
    let describe = record.map_or(Value::Null, |row| row.describe.clone());
    let promises = record.map(|row| &row.header.promises);
    let lifetime_s = describe["access_lifetime_s"].as_f64();
    let (revocation, bound) =
        promises.map_or((String::new(), None), |promises| revocation(promises.revocation_lag, lifetime_s));
    let (checks, view) = checks(&describe);
    let mut facts = BTreeMap::new();
    flatten("", &describe, &mut facts);
    if let Some(row) = record {
        facts.insert("replicas".to_owned(), row.header.replicas.to_string());
        facts.insert("backend file sha256".to_owned(), row.backend_sha256.clone());
        if let Some(store) = &row.store {
            facts.insert("store version".to_owned(), store.version.clone());
            let whose = if store.private { "private to this row" } else { "shared with others" };
            facts.insert("store server".to_owned(), whose.to_owned());
            facts.extend(store.settings.iter().map(|(key, value)| (format!("store {key}"), value.clone())));
        }
        for (scenario, calibration) in &row.calibration {
            facts.insert(format!("extra work in {scenario}"), number::time(calibration.extra_work_ns as f64));
        }
    }
    Row {
        name: name.to_owned(),
        role,
        summary: record.map(|row| row.header.summary.clone()).unwrap_or_default(),
        credential: credential(&describe),
        checks,
        view,
        renewal: renewal(&describe["renewal"]),
        revocation,
        revocation_bound_ns: bound,
        survival_ns: None,
        logout_all: promises.map(|promises| super::word(&promises.logout_all)).unwrap_or_default(),
        store_down: promises.map_or("", |promises| store_down(promises.store_down)).to_owned(),
        failure: record.and_then(|row| row.failure.as_ref()).map(failure),
        facts,
    }
}

/// What died, when and where.
pub(super) fn failure(failure: &RowFailure) -> String {
    let message = failure.message.lines().next().unwrap_or_default();
    let address = match failure.address.as_str() {
        "" => String::new(),
        address => format!(", its server at {address}"),
    };
    format!("{message} (in {}, {}{address})", failure.scenario, super::environment::utc(failure.at_unix_ns))
}

/// The bound in words and in nanoseconds.
fn revocation(lag: Lag, lifetime_s: Option<f64>) -> (String, Option<f64>) {
    match lag {
        Lag::None => ("at once".to_owned(), Some(0.0)),
        Lag::Millis(millis) => {
            let ns = millis as f64 * 1e6;
            (format!("at most {}", number::time_tick(ns)), Some(ns))
        }
        Lag::Lifetime => match lifetime_s {
            Some(s) => (format!("until it expires, {}", number::time_tick(s * 1e9)), Some(s * 1e9)),
            None => ("until it expires".to_owned(), None),
        },
        Lag::Never => ("never ends".to_owned(), None),
    }
}

fn store_down(promise: StoreDown) -> &'static str {
    match promise {
        StoreDown::Open => "let in unchecked",
        StoreDown::Closed => "refused (503)",
        StoreDown::WritesClosed => "reads unaffected, writes refused (503)",
        StoreDown::Unaffected => "unaffected",
    }
}

fn credential(describe: &Value) -> String {
    match (describe["credential"].as_str(), describe["algorithm"].as_str()) {
        (Some("bare-subject"), _) => "bare subject".to_owned(),
        (Some("opaque"), _) => "opaque random id".to_owned(),
        (Some("signed-cookie"), _) => "signed cookie (HMAC-SHA-256)".to_owned(),
        (Some("jwt"), Some(algorithm)) => format!("signed JWT ({algorithm})"),
        (Some("jwt"), None) => "signed JWT".to_owned(),
        (other, _) => other.unwrap_or_default().replace('-', " "),
    }
}

/// The list of checks, and where they are read if all are read in one place.
fn checks(describe: &Value) -> (Vec<String>, String) {
    let none = Vec::new();
    let listed: Vec<(String, String)> = describe["checks"]
        .as_array()
        .unwrap_or(&none)
        .iter()
        .map(|check| (text(&check["kind"]), view(&check["view"])))
        .chain(writes(describe))
        .collect();
    let first = listed.first().map(|(_, view)| view.clone()).unwrap_or_default();
    if listed.iter().all(|(_, view)| *view == first) {
        return (listed.into_iter().map(|(kind, _)| kind).collect(), first);
    }
    (listed.into_iter().map(|(kind, view)| format!("{kind} ({view})")).collect(), String::new())
}

/// What only writes check.
fn writes(describe: &Value) -> impl Iterator<Item = (String, String)> {
    let checks = describe["write_checks"].as_array().into_iter().flatten();
    checks
        .filter(|check| !describe["checks"].as_array().is_some_and(|all| all.contains(check)))
        .map(|check| (format!("{}, writes only", text(&check["kind"])), view(&check["view"])))
}

fn view(view: &Value) -> String {
    match view.as_str() {
        Some("store") => "shared store".to_owned(),
        Some("local") => "node-local memory".to_owned(),
        _ => text(view),
    }
}

fn renewal(renewal: &Value) -> String {
    match (renewal["kind"].as_str(), renewal["rotates"].as_bool()) {
        (Some("refresh"), Some(true)) if renewal["retry"] == "answer" => {
            "rotating refresh token, retries answered".to_owned()
        }
        (Some("refresh"), Some(true)) => "rotating refresh token".to_owned(),
        (Some("refresh"), _) => "refresh token".to_owned(),
        (Some("minted"), _) => "minted from a session cookie".to_owned(),
        (Some("sliding"), _) => "sliding: by every request".to_owned(),
        (other, _) => other.unwrap_or("none").replace('-', " "),
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().replace('-', " ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn promises_in_words() {
        assert_eq!(revocation(Lag::None, None), ("at once".to_owned(), Some(0.0)));
        let (words, bound) = revocation(Lag::Lifetime, Some(900.0));
        assert_eq!((words.as_str(), bound), ("until it expires, 15 min", Some(900e9)));
        assert_eq!(revocation(Lag::Lifetime, None).1, None);
        assert_eq!(revocation(Lag::Millis(2_000), None).0, "at most 2 s");
        assert_eq!(revocation(Lag::Never, None).1, None);
    }

    #[test]
    fn checks_read_in_two_places_say_so() {
        let one = json!({ "checks": [{ "kind": "deny-list", "view": "store" }, { "kind": "epoch", "view": "store" }] });
        assert_eq!(
            checks(&one),
            (vec!["deny list".to_owned(), "epoch".to_owned()], "shared store".to_owned())
        );
        let two = json!({ "checks": [{ "kind": "deny-list", "view": "local" }, { "kind": "epoch", "view": "store" }] });
        assert_eq!(checks(&two).0, ["deny list (node-local memory)", "epoch (shared store)"]);
        assert_eq!(checks(&json!({})), (vec![], String::new()));
        let writes = json!({ "checks": [], "write_checks": [{ "kind": "live-list", "view": "store" }] });
        assert_eq!(checks(&writes).0, ["live list, writes only"]);
    }
}
