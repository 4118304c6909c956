//! Machine, build and settings as plain text by group: what somebody needs to judge a figure or to repeat the run.

use std::collections::BTreeMap;

use measure::Recording;
use serde_json::Value;

use crate::number;

pub(super) fn environment(recording: &Recording) -> BTreeMap<String, BTreeMap<String, String>> {
    let mut groups = BTreeMap::new();
    let mut add = |group: &str, value: &Value| {
        let facts: &mut BTreeMap<String, String> = groups.entry(group.to_owned()).or_default();
        flatten("", value, facts);
    };
    let machine = serde_json::to_value(&recording.environment).unwrap_or_default();
    let mut rest = serde_json::Map::new();
    for (group, value) in machine.as_object().into_iter().flatten() {
        if value.is_object() {
            add(group, value);
        } else {
            rest.insert(group.clone(), value.clone());
        }
    }
    add("system", &Value::Object(rest));
    let run = &recording.run;
    add("build", &serde_json::to_value(&run.tool).unwrap_or_default());
    add("placement", &serde_json::to_value(&run.placement).unwrap_or_default());
    let generator = serde_json::json!({
        "timer_slack_ns": run.timer_slack_ns,
        "ceiling_per_second": run.generator_ceiling.map(|rate| number::grouped(rate, 0)),
    });
    add("generator", &generator);
    for scenario in &run.scenarios {
        let facts = serde_json::json!({
            "sha256": scenario.sha256,
            "logins_provisioned_per_row": scenario.provisioned,
            "revoked_credentials_known": scenario.revoked,
            "file": scenario.text,
        });
        add(&format!("scenario {}", scenario.name), &facts);
    }
    groups.retain(|_, facts| !facts.is_empty());
    groups
}

/// `{"a": {"b": 1}}` becomes `a b` → `1`. What is not known is left out.
pub(super) fn flatten(prefix: &str, value: &Value, facts: &mut BTreeMap<String, String>) {
    let put = |facts: &mut BTreeMap<String, String>, text: String| {
        if !text.is_empty() {
            facts.insert(prefix.to_owned(), text);
        }
    };
    match value {
        Value::Null => {}
        Value::Bool(yes) => put(facts, if *yes { "yes" } else { "no" }.to_owned()),
        Value::Number(n) => put(facts, n.to_string()),
        Value::String(text) => put(facts, text.clone()),
        Value::Array(items) => put(facts, items.iter().map(one_line).collect::<Vec<_>>().join(", ")),
        Value::Object(members) => {
            for (key, member) in members {
                let key = key.replace('_', " ");
                let name = if prefix.is_empty() { key } else { format!("{prefix} {key}") };
                flatten(&name, member, facts);
            }
        }
    }
}

/// A member of a list on one line: `deny-list/store`.
fn one_line(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Object(members) => members.values().map(one_line).collect::<Vec<_>>().join("/"),
        other => other.to_string(),
    }
}

/// Nanoseconds of Unix time as RFC 3339 UTC, whole seconds. Days by the civil-from-days rule of the proleptic Gregorian
/// calendar (400-year eras of 146,097 days).
pub(super) fn utc(unix_ns: u64) -> String {
    let seconds = unix_ns / 1_000_000_000;
    let (days, of_day) = (seconds / 86_400, seconds % 86_400);
    // Days from 0000-03-01, so that the leap day ends a year.
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (of_day / 3_600, of_day % 3_600 / 60, of_day % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_days() {
        assert_eq!(utc(0), "1970-01-01T00:00:00Z");
        assert_eq!(utc(951_782_400_000_000_000), "2000-02-29T00:00:00Z");
        assert_eq!(utc(1_795_461_845_999_999_999), "2026-11-23T19:24:05Z");
    }

    #[test]
    fn flattens_and_leaves_out_the_unknown() {
        let mut facts = BTreeMap::new();
        let value = serde_json::json!({
            "model": "X", "smt": null, "caches": { "L1d": "32K" }, "crypto": ["aes", "avx2"], "kernel_options": []
        });
        flatten("", &value, &mut facts);
        let facts: Vec<_> = facts.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        assert_eq!(facts, [("caches L1d", "32K"), ("crypto", "aes, avx2"), ("model", "X")]);
    }
}
