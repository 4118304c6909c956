//! Ratio to a baseline, with both intervals and the band of equivalence. The page may choose another baseline: places
//! are then computed again from the embedded pairs with the same scale.

use maud::{Markup, html};

use super::super::Depth;
use super::super::section::ratio_table;
use super::super::slug;
use super::{AXIS, ROW, Scale, axis, figure, px, svg, swatch};
use crate::answer::{self, reading_order};
use crate::metric::Metric;
use crate::model::{Comparison, Report, Scenario};

/// Ratios a tick may stand at.
const TICKS: [f64; 15] = [0.05, 0.1, 0.2, 0.33, 0.5, 0.67, 0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0, 3.0, 5.0];

pub(in super::super) fn forest(report: &Report, scenario: &Scenario, metric: Metric, depth: Depth) -> Markup {
    let compared = |baseline: &str, row: &str| {
        scenario.comparison(baseline, row, metric).is_some_and(|c| c.ratio.is_some())
    };
    let rows: Vec<&str> = reading_order(report, scenario)
        .into_iter()
        .filter(|row| *row == report.run.baseline || compared(&report.run.baseline, row))
        .collect();
    if rows.len() < 2 {
        return html! {};
    }
    let far = |c: &Comparison| c.ratio.map_or(1.0, |r| r.upper().max(1.0 / r.lower().max(1e-3)));
    let farthest =
        scenario.comparisons.iter().filter(|c| !c.added && c.metric == metric).map(far).fold(1.25, f64::max);
    let margin = report.run.margin;
    let scale = Scale::around_one(farthest.min(1e3), margin);
    let id = slug(&format!("ratio-{}", metric.key()), &scenario.name);
    let bottom = ROW * f64::from(u32::try_from(rows.len()).unwrap_or(u32::MAX));
    let says = answer::ratio(report, scenario, &report.run.baseline, metric);
    let ticks: Vec<f64> = spaced(TICKS.into_iter().filter(|t| *t < farthest && *t > 1.0 / farthest), &scale);
    let body = html! {
        rect .band x=(scale.at(1.0 / (1.0 + margin))) y="0" height=(px(bottom))
            width=(super::pct(scale.place(1.0 + margin) - scale.place(1.0 / (1.0 + margin)))) {}
        (axis(&scale, &ticks, |tick| format!("{tick}×"), bottom))
        line .zero x1="50%" x2="50%" y1="0" y2=(px(bottom)) {}
        @for (i, row) in rows.iter().enumerate() {
            (mark(report, scenario, row, metric, &scale, ROW * f64::from(u32::try_from(i).unwrap_or(u32::MAX))))
        }
    };
    let title = match metric {
        Metric::Cpu => "CPU per request, ratio",
        _ => "Response time p50, ratio",
    };
    let key = html! { p .key {
        (swatch("<circle class=\"point\" cx=\"11\" cy=\"6\" r=\"4\"/>", "ratio"))
        (swatch("<path class=\"ci\" d=\"M1 6H21\"/>", "decides a difference"))
        (swatch("<path class=\"tost\" d=\"M1 6H21\"/>", "decides equivalence"))
        (swatch("<rect class=\"band\" width=\"22\" height=\"12\"/>", "equivalent"))
        span { "Axis stretched around 1." }
    } };
    let chart = html! {
        div .forest data-scenario=(scenario.name) data-metric=(metric.key()) data-margin=(margin) data-edge=(scale.to) {
            (svg(&id, bottom + AXIS, title, &says.to_string(), &body))
        }
    };
    let table = (depth == Depth::Full).then(|| ratio_table(report, scenario, metric));
    figure("ratio", title, &says, &chart, &key, table.as_ref())
}

/// One row: interval for equivalence (thick), interval for a difference (thin), point, words.
fn mark(report: &Report, scenario: &Scenario, row: &str, metric: Metric, scale: &Scale, top: f64) -> Markup {
    let c = scenario.comparison(&report.run.baseline, row, metric);
    let y = px(top + 26.0);
    let ratio = c.and_then(|c| c.ratio);
    let value = ratio.map_or(1.0, |r| r.value);
    let (low, high) = ratio.and_then(|r| r.interval()).unwrap_or((value, value));
    let [from, to] = c.and_then(|c| c.equivalence).unwrap_or([value, value]);
    let words = c.map_or_else(
        || "baseline".to_owned(),
        |c| format!("{} {} {value:.3} [{low:.3}, {high:.3}]", c.verdict.glyph(), c.verdict.label_on(metric)),
    );
    html! {
        g data-row=(row) {
            text .name x="0" y=(px(top + 14.0)) { (row) }
            text .value x="100%" y=(px(top + 14.0)) text-anchor="end" data-value=[ratio.map(|r| r.value)] { (words) }
            line .tost x1=(scale.at(from)) x2=(scale.at(to)) y1=(y) y2=(y) {}
            line .ci x1=(scale.at(low)) x2=(scale.at(high)) y1=(y) y2=(y) {}
            circle .point cx=(scale.at(value)) cy=(y) r="4" {}
        }
    }
}

/// Ticks that leave room for each other, 1 always among them.
fn spaced(ticks: impl Iterator<Item = f64>, scale: &Scale) -> Vec<f64> {
    let mut kept = vec![1.0];
    let mut candidates: Vec<f64> = ticks.collect();
    candidates.sort_by(|a, b| a.ln().abs().total_cmp(&b.ln().abs()));
    for tick in candidates {
        if kept.iter().all(|other: &f64| (scale.place(*other) - scale.place(tick)).abs() > 0.085) {
            kept.push(tick);
        }
    }
    kept.sort_by(f64::total_cmp);
    kept
}
