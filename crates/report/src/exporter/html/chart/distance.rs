//! The same traffic with the store farther away: response time and CPU at each modelled distance.

use maud::{Markup, html};

use super::super::slug;
use super::{AXIS, ROW, Scale, axis, figure, log_ticks, num, px, row_text, svg, swatch};
use crate::answer::{self, reading_order};
use crate::metric::Metric;
use crate::model::{Report, Scenario};
use crate::number;

/// One figure per metric, for the passes of one scenario at two distances or more, nearest first.
pub(in super::super) fn distance(report: &Report, passes: &[&Scenario], metric: Metric) -> Markup {
    let Some(nearest) = passes.first().filter(|_| passes.len() > 1) else { return html! {} };
    let rows: Vec<(&str, Vec<f64>)> = reading_order(report, nearest)
        .into_iter()
        .filter_map(|row| {
            let values: Option<Vec<f64>> =
                passes.iter().map(|pass| Some(pass.figure(row, metric)?.value)).collect();
            Some((row, values?))
        })
        .collect();
    let all = || rows.iter().flat_map(|(_, values)| values).copied();
    let (Some(low), Some(high)) = (all().reduce(f64::min), all().reduce(f64::max)) else { return html! {} };
    let (low, high) = (low / 1.1, high * 1.1);
    let scale = Scale::log(low, high);
    let bottom = ROW * f64::from(u32::try_from(rows.len()).unwrap_or(u32::MAX));
    let says = answer::distance(report, passes, metric);
    let id = slug(&format!("distance-{}", metric.key()), &nearest.name);
    let body = html! {
        (axis(&scale, &log_ticks(low, high), number::time_tick, bottom))
        @for (i, (row, values)) in rows.iter().enumerate() {
            @let top = ROW * f64::from(u32::try_from(i).unwrap_or(u32::MAX));
            @let (first, last) = (values[0], values[values.len() - 1]);
            (row_text(top, row, last, &format!("{} → {}", number::time(first), number::time(last))))
            line .ci x1=(scale.at(first)) x2=(scale.at(last)) y1=(px(top + 26.0)) y2=(px(top + 26.0)) {}
            @for (step, value) in (0_u32..).zip(values) {
                circle .point cx=(scale.at(*value)) cy=(px(top + 26.0)) r=(px(3.0 + 1.2 * f64::from(step))) {}
            }
        }
    };
    let distances: Vec<String> =
        passes.iter().map(|pass| number::time_tick(pass.store_distance_ns)).collect();
    let key = html! { p .key {
        (swatch("<circle class=\"point\" cx=\"5\" cy=\"6\" r=\"3\"/><circle class=\"point\" cx=\"16\" cy=\"6\" r=\"5\"/>", &format!("small to large: {} per round trip to the store", distances.join(", "))))
        span { "Modelled by a timer. Time is logarithmic." }
    } };
    let table = html! {
        table .nums {
            thead { tr { th scope="col" { "Backend" } @for distance in &distances { th scope="col" { (distance) } } } }
            tbody { @for (row, values) in &rows { tr {
                th scope="row" { code { (row) } }
                @for value in values { td { (num(*value, &number::time(*value))) } }
            } } }
        }
    };
    let title = match metric {
        Metric::Cpu => "CPU per request against the store's distance",
        _ => "Response time p50 against the store's distance",
    };
    let chart = svg(&id, bottom + AXIS, title, &says.to_string(), &body);
    figure("", title, &says, &chart, &key, Some(&table))
}
