//! Every block in the order of time: one lane per row, how far each block lies from its row's own middle, and under
//! them the time the hypervisor took away. Trouble of the machine shows as a disturbance of all lanes at once.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use maud::{Markup, html};

use super::super::Depth;
use super::super::slug;
use super::{Scale, axis, figure, num, px, round_ticks, svg, swatch};
use crate::answer::{self, reading_order};
use crate::model::{Block, Report, Scenario};
use crate::number;

/// Height of a lane, pixels.
const LANE: f64 = 34.0;
/// Deviations a lane can reach, as shares: the first that holds most blocks is taken.
const REACHES: [f64; 4] = [0.05, 0.10, 0.25, 0.50];

pub(in super::super) fn strip(report: &Report, scenario: &Scenario, depth: Depth) -> Markup {
    let Some(end) = scenario.blocks.iter().map(|block| block.start_s + block.length_s).reduce(f64::max)
    else {
        return html! {};
    };
    let rows = reading_order(report, scenario);
    let scale = Scale::linear(0.0, end);
    let lanes = LANE * f64::from(u32::try_from(rows.len() + 1).unwrap_or(u32::MAX));
    let says = answer::strip(scenario);
    let worst = scenario.blocks.iter().map(|block| block.steal).fold(0.0, f64::max);
    let id = slug("strip", &scenario.name);
    let reach = reach(&scenario.blocks, &rows);
    let up = format!(
        "response time p50 of a block; up = slower than its row's middle, by at most {}",
        number::percent(reach)
    );
    let body = html! {
        (axis(&scale, &round_ticks(0.0, end, 6.0), |s| format!("{} s", number::grouped(s, 0)), lanes))
        @for (i, row) in rows.iter().enumerate() {
            @let top = LANE * f64::from(u32::try_from(i).unwrap_or(u32::MAX));
            text .name x="0" y=(px(top + 11.0)) { (row) }
            line .zero x1="0" x2="100%" y1=(px(top + 23.0)) y2=(px(top + 23.0)) {}
            (lane(top + 13.0, 20.0, "block", &strokes(&scenario.blocks, row, true, reach), end))
            (lane(top + 13.0, 20.0, "block void", &strokes(&scenario.blocks, row, false, reach), end))
        }
        text .name x="0" y=(px(lanes - LANE + 11.0)) { "stolen by the hypervisor" }
        text .value x="100%" y=(px(lanes - LANE + 11.0)) text-anchor="end" data-value=(worst) { "at most " (number::percent(worst)) }
        (lane(lanes - LANE + 13.0, 20.0, "steal", &steal(&scenario.blocks, worst), end))
    };
    let key = html! { p .key {
        (swatch("<path class=\"block\" d=\"M7 6V1M14 6V10\"/><path class=\"zero\" d=\"M0 6H22\"/>", &up))
        (swatch("<path class=\"block void\" d=\"M7 6V1M14 6V10\"/>", "void (dashed)"))
        (swatch("<path class=\"steal\" d=\"M7 11V4M14 11V1\"/>", "stolen CPU time"))
    } };
    let table = (depth == Depth::Full).then(|| table(scenario, &rows));
    let chart = svg(&id, lanes + 24.0, "Blocks in time", &says.to_string(), &body);
    figure("wide", "Every block in time", &says, &chart, &key, table.as_ref())
}

/// Vertical strokes in units of a stretched drawing: place across, from, to (0 = top, 1 = bottom).
type Stroke = (f64, f64, f64);

fn lane(top: f64, height: f64, class: &str, strokes: &[Stroke], end: f64) -> Markup {
    if strokes.is_empty() {
        return html! {};
    }
    let mut d = String::new();
    for (across, from, to) in strokes {
        // Writing to a string cannot fail.
        let _ = write!(d, "M{:.0} {:.0}V{:.0}", across / end * 1_000.0, from * 99.0, to * 99.0);
    }
    html! {
        svg x="0" y=(px(top)) width="100%" height=(px(height)) viewBox="0 0 1000 99" preserveAspectRatio="none" aria-hidden="true" {
            path class=(class) d=(d) {}
        }
    }
}

/// Each block with how far it lies from its row's own middle, as a share.
fn deviations<'a>(blocks: &'a [Block], row: &str) -> Vec<(&'a Block, f64)> {
    let blocks: Vec<(&Block, f64)> = blocks
        .iter()
        .filter(|block| block.row == row)
        .filter_map(|block| Some((block, block.response_p50_ns?)))
        .collect();
    let mut sorted: Vec<f64> = blocks.iter().map(|(_, ns)| *ns).collect();
    sorted.sort_by(f64::total_cmp);
    let Some(middle) = sorted.get(sorted.len() / 2).copied().filter(|m| *m > 0.0) else { return Vec::new() };
    blocks.into_iter().map(|(block, ns)| (block, ns / middle - 1.0)).collect()
}

/// The reach that holds 98 % of the blocks.
fn reach(blocks: &[Block], rows: &[&str]) -> f64 {
    let mut sizes: Vec<f64> =
        rows.iter().flat_map(|row| deviations(blocks, row)).map(|(_, off)| off.abs()).collect();
    sizes.sort_by(f64::total_cmp);
    let far = sizes.get(sizes.len() * 98 / 100).copied().unwrap_or(0.0);
    REACHES.into_iter().find(|reach| *reach >= far).unwrap_or(REACHES[3])
}

fn strokes(blocks: &[Block], row: &str, valid: bool, reach: f64) -> Vec<Stroke> {
    deviations(blocks, row)
        .into_iter()
        .filter(|(block, _)| block.valid == valid)
        .map(|(block, off)| {
            let to = 0.5 - 0.5 * (off / reach).clamp(-1.0, 1.0);
            // A stroke that can be seen even where there is no deviation.
            let to = if (to - 0.5).abs() < 0.04 { 0.46 } else { to };
            (block.start_s + block.length_s / 2.0, 0.5, to)
        })
        .collect()
}

fn steal(blocks: &[Block], worst: f64) -> Vec<Stroke> {
    blocks
        .iter()
        // What is too small to be seen is not drawn.
        .filter(|block| worst > 0.0 && block.steal > worst / 40.0)
        .map(|block| (block.start_s + block.length_s / 2.0, 1.0, 1.0 - block.steal / worst))
        .collect()
}

/// Rounds, and the blocks of a row in each.
fn visits(blocks: &[Block]) -> BTreeSet<(u32, u32)> {
    blocks.iter().map(|block| (block.round, block.visit)).collect()
}

/// Round by round, each row's response time: the paired data the verdicts rest on.
fn table(scenario: &Scenario, rows: &[&str]) -> Markup {
    html! {
        table .nums .tight {
            caption { "Response time p50 by round, µs" }
            thead { tr { th scope="col" { "Round" } @for row in rows { th scope="col" { code { (row) } } } } }
            tbody {
                @for (round, visit) in visits(&scenario.blocks) {
                    tr {
                        th scope="row" { (round + 1) @if visit > 0 { " again" } }
                        @for row in rows {
                            td {
                                @match scenario.blocks.iter().find(|b| (b.round, b.visit) == (round, visit) && b.row == *row).and_then(|b| b.response_p50_ns) {
                                    Some(ns) => (num(ns, &number::micros(ns))),
                                    None => "–",
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
