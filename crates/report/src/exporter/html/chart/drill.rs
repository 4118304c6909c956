//! A drill in time: for each design the share of stolen credentials that each replica let in, around the acknowledged end.

use std::fmt::Write as _;

use maud::{Markup, html};

use super::super::{Depth, num, sentence, slug};
use super::{AXIS, Scale, axis, figure, px, round_ticks, row_text, svg, swatch};
use crate::answer;
use crate::model::{Drill, DrillCell, DrillSteps, DrillTimeline};
use crate::number;

/// Height of the words of a row and of one replica's lane, and the space under a row, pixels.
const WORDS: f64 = 19.0;
const LANE: f64 = 9.0;
const BETWEEN: f64 = 8.0;
/// Height that stands for all, and its levels: finer ones cannot be seen.
const HIGH: f64 = 8.0;
const LEVELS: f64 = 16.0;
/// Width of the stretched layer.
const UNITS: f64 = 1_000.0;

/// One event; nothing where no timeline was recorded for it. Of a page that must be short, only designs that let
/// something in.
pub(in super::super) fn drill(drill: &Drill, event: &str, depth: Depth) -> Markup {
    let rows: Vec<(&DrillCell, &DrillTimeline)> =
        drill.worst(event).into_iter().filter_map(|cell| Some((cell, cell.timeline.as_ref()?))).collect();
    let ends = rows.iter().map(|(_, line)| line.from_ns + line.step_ns * steps(line) as f64);
    let (Some(from), Some(to)) =
        (rows.iter().map(|(_, line)| line.from_ns).reduce(f64::min), ends.reduce(f64::max))
    else {
        return html! {};
    };
    let title = format!("Once {}", answer::after(event));
    let says = answer::drill(drill, event);
    let rows: Vec<_> = rows.into_iter().filter(|(cell, _)| all(depth) || !cell.refused()).collect();
    if rows.is_empty() {
        return html! { figure .wide { figcaption { h3 { (title) } p .says { (sentence(&says)) } } } };
    }
    let scale = Scale::linear(from, to);
    let (mut layer, mut top) = (Layer::default(), 0.0);
    let body = html! {
        @for (cell, line) in &rows {
            (row_text(top, &cell.row, cell.longest_ns, &words(cell)))
            ({
                top = layer.row(&scale, cell, line, top + WORDS) + BETWEEN;
                html! {}
            })
        }
    };
    let body = html! {
        (axis(&scale, &round_ticks(from, to, 6.0), number::time_tick, top))
        (layer.drawn(top))
        (body)
    };
    let table = table(drill, event);
    let chart = svg(&slug("drill", event), top + AXIS, &title, &says.to_string(), &body);
    figure("wide", &title, &says, &chart, &html! {}, (depth == Depth::Full).then_some(&table))
}

/// What the marks of all events mean.
pub(in super::super) fn drill_key(depth: Depth) -> Markup {
    html! { p .key {
        (swatch("<path class=\"exposed\" d=\"M0 12V3H14V12Z\"/>", "share of uses let in, one lane for each replica"))
        (swatch("<path class=\"zero\" d=\"M11 0V12\"/>", "acknowledged end"))
        (swatch("<path class=\"declared\" d=\"M11 0V12\"/>", "declared bound, as drilled"))
        span {
            "At the right the longest time that one worked, and how many uses after the end were let in; ✗ is longer than declared. Of the thieves, the one that each design withstood least. Uses before the end are let in, as they must be."
            @if !all(depth) { " Designs that refused from the first use on are not drawn." }
        }
    } }
}

const fn all(depth: Depth) -> bool {
    matches!(depth, Depth::Full | Depth::First)
}

fn steps(line: &DrillTimeline) -> usize {
    line.replicas.iter().map(|replica| replica.sent.len()).max().unwrap_or(0)
}

/// Everything that is stretched with the width, as three paths.
#[derive(Default)]
struct Layer {
    base: String,
    exposed: String,
    zero: String,
    declared: String,
}

impl Layer {
    /// Adds a row's lanes, one for each replica, from `top` down; returns where they end.
    fn row(&mut self, scale: &Scale, cell: &DrillCell, line: &DrillTimeline, top: f64) -> f64 {
        let mut y = top;
        for replica in &line.replicas {
            y += LANE;
            self.exposed.push_str(&lane(scale, line, replica, y - 1.0));
            // Writing to a string cannot fail.
            let _ = write!(self.base, "M0 {}H{UNITS}", y - 1.0);
        }
        let _ = write!(self.zero, "M{:.0} {top}V{y}", scale.place(0.0) * UNITS);
        if let Some(bound) = cell.bound_ns.filter(|bound| scale.holds(*bound)) {
            let _ = write!(self.declared, "M{:.0} {}V{}", scale.place(bound) * UNITS, top - 2.0, y + 2.0);
        }
        y
    }

    fn drawn(&self, height: f64) -> Markup {
        html! {
            svg .lane width="100%" height=(px(height)) viewBox={ "0 0 " (UNITS) " " (px(height)) } preserveAspectRatio="none" {
                path .base d=(self.base) {}
                path .exposed d=(self.exposed) {}
                path .zero d=(self.zero) {}
                path .declared d=(self.declared) {}
            }
        }
    }
}

/// The share let in as steps from the base line up; equal steps are joined.
fn lane(scale: &Scale, line: &DrillTimeline, replica: &DrillSteps, base: f64) -> String {
    let mut d = String::new();
    let mut level = 0.0;
    let across = |step: usize| scale.place(line.from_ns + line.step_ns * step as f64) * UNITS;
    for (step, (sent, accepted)) in replica.sent.iter().zip(&replica.accepted).enumerate() {
        // A step in which nothing was sent goes on as the one before.
        let now = if *sent == 0 {
            level
        } else {
            (*accepted as f64 / *sent as f64 * LEVELS).ceil() * HIGH / LEVELS
        };
        if (now - level).abs() > 0.1 {
            let start = if d.is_empty() {
                format!("M{:.0} {base}", across(step))
            } else {
                format!("H{:.0}", across(step))
            };
            // Writing to a string cannot fail.
            let _ = write!(d, "{start}V{}", base - now);
            level = now;
        }
    }
    if !d.is_empty() && level > 0.0 {
        let _ = write!(d, "H{:.0}V{base}", across(replica.sent.len()));
    }
    if !d.is_empty() {
        d.push('Z');
    }
    d
}

fn words(cell: &DrillCell) -> String {
    let share = format!("{} of {}", number::count(cell.accepted_after), number::count(cell.sent_after));
    let mark = if cell.within { "" } else { "✗ " };
    match (cell.refused(), cell.open) {
        (true, _) => format!("■ refused at once, {share}"),
        (false, true) => format!("{mark}▲ ≥ {}, {share}", number::time(cell.longest_ns)),
        (false, false) => format!("{mark}▲ {}, {share}", number::time(cell.longest_ns)),
    }
}

/// Every thief, not only the worst.
fn table(drill: &Drill, event: &str) -> Markup {
    let time = |ns: f64| num(ns, &number::time(ns));
    html! {
        table .nums {
            thead { tr {
                th scope="col" { "Design" } th scope="col" { "Stolen" } th scope="col" { "p50" } th scope="col" { "p99" }
                th scope="col" { "Longest" } th scope="col" { "Declared" } th scope="col" { "Let in" } th scope="col" { "Tried" } th scope="col" { "Noticed" }
            } }
            tbody { @for cell in drill.cells.iter().filter(|cell| cell.event == event) { tr {
                th scope="row" { code { (cell.row) } }
                td .t { (cell.stolen) @if cell.unscaled { ", times as configured" } }
                @if let Some(void) = &cell.void { td .t colspan="7" { "shows nothing: " (void) } }
                @else {
                    td { (time(cell.p50_ns)) }
                    td { (time(cell.p99_ns)) }
                    td { @if cell.open { "≥ " } (time(cell.longest_ns)) }
                    td { @match cell.bound_ns { Some(bound) => (time(bound)), None => "no end" } @if !cell.within { " ✗" } }
                    td { (number::count(cell.accepted_after)) }
                    td { (number::count(cell.sent_after)) }
                    td { (number::count(cell.alarms)) }
                }
            } } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_steps_are_joined_and_empty_ones_go_on() {
        let line = DrillTimeline { from_ns: -2.0, step_ns: 1.0, replicas: Vec::new() };
        let scale = Scale::linear(-2.0, 8.0);
        let replica = DrillSteps { sent: vec![4, 4, 4, 0, 4, 4], accepted: vec![4, 4, 2, 0, 0, 0] };
        assert_eq!(lane(&scale, &line, &replica, 8.0), "M0 8V0H200V4H400V8Z");
        let open = DrillSteps { sent: vec![0, 4], accepted: vec![0, 4] };
        assert_eq!(lane(&scale, &line, &open, 8.0), "M100 8V0H200V8Z");
        let never = DrillSteps { sent: vec![4, 4], accepted: vec![0, 0] };
        assert_eq!(lane(&scale, &line, &never, 8.0), "");
    }
}
