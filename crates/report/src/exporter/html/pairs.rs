//! Every row against every baseline, embedded as JSON: what the page needs to change its baseline without a network.

use std::collections::BTreeMap;

use maud::{Markup, PreEscaped, html};
use serde::Serialize;

use super::money;
use crate::answer;
use crate::metric::Metric;
use crate::model::{Comparison, Report};
use crate::verdict::Verdict;

/// One comparison: ratio, its interval, the interval for equivalence, all in ten-thousandths, and the place of its words.
/// Absent numbers are null.
#[derive(Serialize)]
struct Pair([Option<i64>; 5], usize);

/// Glyph, word and class of a verdict.
type Words = (&'static str, &'static str, &'static str);

/// Metric → pairs in the order of rows, and metric → sentence.
#[derive(Default, Serialize)]
struct Base {
    pairs: BTreeMap<&'static str, Vec<Option<Pair>>>,
    says: BTreeMap<&'static str, String>,
}

#[derive(Serialize)]
struct Embedded<'a> {
    rows: Vec<&'a str>,
    words: Vec<Words>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: Option<money::Embedded<'a>>,
    all: BTreeMap<&'a str, BTreeMap<&'a str, Base>>,
}

/// Scenario → baseline → pairs, as an inert script element.
pub(super) fn pairs(report: &Report) -> Markup {
    let mut all: BTreeMap<&str, BTreeMap<&str, Base>> = BTreeMap::new();
    let mut words: Vec<Words> = Vec::new();
    let rows: Vec<&str> = report.rows.iter().map(|row| row.name.as_str()).collect();
    for scenario in &report.scenarios {
        let bases = all.entry(&scenario.name).or_default();
        for c in scenario.comparisons.iter().filter(|c| !c.added && c.metric.is_primary()) {
            let Some(place) = rows.iter().position(|row| *row == c.row) else { continue };
            let base = bases.entry(&c.baseline).or_default();
            let pairs =
                base.pairs.entry(c.metric.key()).or_insert_with(|| rows.iter().map(|_| None).collect());
            pairs[place] = Some(pair(c, &mut words));
        }
        for (baseline, base) in bases.iter_mut() {
            for metric in Metric::PRIMARY {
                base.says.insert(metric.key(), answer::ratio(report, scenario, baseline, metric).to_string());
            }
        }
    }
    // A less-than sign could end the element early; as an escape it is the same JSON.
    let cost = money::embedded(report);
    let json = serde_json::to_string(&Embedded { rows, words, cost, all })
        .unwrap_or_default()
        .replace('<', "\\u003c");
    html! { script type="application/json" id="pairs" { (PreEscaped(json)) } }
}

fn pair(c: &Comparison, words: &mut Vec<Words>) -> Pair {
    let ratio = c.ratio;
    let (low, high) = ratio.and_then(|r| r.interval()).unzip();
    let (from, to) = c.equivalence.map(|[from, to]| (from, to)).unzip();
    let word = if c.verdict == Verdict::Unranked {
        c.unranked.map_or(c.verdict.label(), crate::verdict::Unranked::label)
    } else {
        c.verdict.label_on(c.metric)
    };
    let said = (c.verdict.glyph(), word, c.verdict.label());
    let place = words.iter().position(|other| *other == said).unwrap_or_else(|| {
        words.push(said);
        words.len() - 1
    });
    // Ratios are kept to four decimals, so this loses nothing.
    let whole = |ratio: f64| (ratio * 1e4).round() as i64;
    Pair([ratio.map(|r| r.value), low, high, from, to].map(|bound| bound.map(whole)), place)
}
