//! Memory against logins, one field per backend: the readings and, both axes being logarithmic, lines of slope one.

use maud::{Markup, html};

use super::super::{Depth, num};
use super::plot::{Plot, powers};
use super::{Scale, figure, px, swatch};
use crate::answer;
use crate::model::{Memory, MemoryFill, MemoryLine, MemoryPoint, MemoryRow, Report};
use crate::number;

/// Height of a field, pixels.
const PANEL: f64 = 140.0;

/// One figure for live logins or for ended ones; nothing where no growth was seen in any backend.
pub(in super::super) fn memory(report: &Report, memory: &Memory, ended: bool, depth: Depth) -> Markup {
    let fills = answer::fills(report, memory, ended);
    let seen = |line: Option<MemoryLine>| line.filter(|line| line.seen);
    let drawn: Vec<&(&MemoryRow, &MemoryFill)> =
        fills.iter().filter(|(_, fill)| seen(fill.server).or(seen(fill.store)).is_some()).collect();
    let server = |fill: &MemoryFill| points(fill, fill.server, |point| Some(point.server_taken_bytes));
    let store = |fill: &MemoryFill| points(fill, fill.store, |point| point.store_taken_bytes);
    let all = || drawn.iter().flat_map(|(_, fill)| server(fill).into_iter().chain(store(fill)));
    let [Some(few), Some(many)] = [f64::min, f64::max].map(|of| all().map(|p| p.0).reduce(of)) else {
        return html! {};
    };
    let [Some(low), Some(high)] = [f64::min, f64::max].map(|of| all().map(|p| p.1).reduce(of)) else {
        return html! {};
    };
    let plot = Plot {
        x: Scale::log(few / 1.15, many * 1.15),
        y: Scale::log(low / 1.5, high * 1.5),
        height: PANEL,
        across: powers(few, many),
        up: [10.0, 12.0, 14.0, 16.0, 18.0, 20.0, 22.0, 24.0, 26.0, 28.0, 30.0, 32.0, 34.0]
            .map(|power: f64| power.exp2())
            .into_iter()
            .filter(|tick| (low / 1.5..=high * 1.5).contains(tick))
            .map(|tick| (tick, size(tick)))
            .collect(),
    };
    let says = answer::memory(report, memory, ended);
    let id = if ended { "memory-ended" } else { "memory-live" };
    let panels = html! {
        (plot.defs(id))
        div .panels {
            @for (i, (row, fill)) in drawn.iter().enumerate() {
                div .panel {
                    p { code { (row.row) } ": " @if let Some(each) = fill.each_bytes() { (num_of_sides(fill, each)) } }
                    (plot.field(id, i, &format!("Memory of {} against logins", row.row), &field(&plot, &server(fill), &store(fill))))
                }
            }
        }
    };
    let key = html! { p .key {
        (swatch("<path class=\"own\" d=\"M0 6H22\"/><circle class=\"point\" cx=\"11\" cy=\"6\" r=\"3.5\"/>", "server process"))
        (swatch("<path class=\"service\" d=\"M0 6H22\"/><rect class=\"point\" x=\"8\" y=\"3\" width=\"6\" height=\"6\"/>", "store, or its file"))
        span { "Across: logins. Up: memory above that before the first of them. Both logarithmic: in proportion is a straight line upwards." }
    } };
    let title = if ended { "Memory against ended logins" } else { "Memory against live logins" };
    let table = table(&fills, depth);
    figure("wide", title, &says, &panels, &key, Some(&table))
}

/// The readings of a side that was seen to grow; a logarithm has no place for none.
fn points(
    fill: &MemoryFill,
    line: Option<MemoryLine>,
    of: impl Fn(&MemoryPoint) -> Option<f64>,
) -> Vec<(f64, f64)> {
    if line.is_none_or(|line| !line.seen) {
        return Vec::new();
    }
    let reading = |point: &MemoryPoint| Some((point.logins, of(point).filter(|bytes| *bytes > 0.0)?));
    fill.points.iter().filter_map(reading).collect()
}

fn field(plot: &Plot, server: &[(f64, f64)], store: &[(f64, f64)]) -> Markup {
    let marks = |points: &[(f64, f64)], square: bool| {
        html! {
            @for (logins, bytes) in points {
                @let (x, y) = (plot.x.at(*logins), plot.down(*bytes));
                @if square {
                    svg .mark x=(x) y=(px(y)) width="1" height="1" { rect .point x="-3.5" y="-3.5" width="7" height="7" {} }
                } @else { circle .point cx=(x) cy=(px(y)) r="4" {} }
            }
        }
    };
    html! {
        (plot.layer(&html! {
            path .own d=(plot.path(server.iter().copied())) {}
            path .service d=(plot.path(store.iter().copied())) {}
        }))
        (marks(server, false))
        (marks(store, true))
    }
}

/// `696 B a login`.
fn num_of_sides(fill: &MemoryFill, each: f64) -> Markup {
    let sides: Vec<f64> =
        [fill.server, fill.store].into_iter().flatten().filter_map(|line| line.grows()).collect();
    html! {
        @if let [one] = sides.as_slice() { (num(*one, &number::bytes(*one))) }
        @else { @for (i, side) in sides.iter().enumerate() { @if i > 0 { " + " } (num(*side, &number::bytes(*side))) } }
        @if each > 0.0 { " a login" }
    }
}

/// A power of two in few characters.
fn size(bytes: f64) -> String {
    match bytes {
        b if b >= 1_073_741_824.0 => format!("{} GiB", b / 1_073_741_824.0),
        b if b >= 1_048_576.0 => format!("{} MiB", b / 1_048_576.0),
        b => format!("{} KiB", b / 1024.0),
    }
}

fn table(fills: &[(&MemoryRow, &MemoryFill)], depth: Depth) -> Markup {
    let share =
        |share: Option<f64>| html! { @match share { Some(s) => (num(s, &number::percent(s))), None => "–" } };
    html! {
        table .nums {
            thead { tr {
                th scope="col" { "Backend" } th scope="col" { "Server, a login" } th scope="col" { "± at most" }
                th scope="col" { "Store" } th scope="col" { "Store, a login" } th scope="col" { "± at most" }
                th scope="col" { "Server, left" } th scope="col" { "Store, left" } th scope="col" { "Looked at" }
            } }
            tbody { @for (row, fill) in fills { tr {
                th scope="row" { code { (row.row) } }
                (line(fill.server))
                td .t { (if row.store.is_empty() { "–" } else { row.store.as_str() }) }
                (line(fill.store))
                td { (share(fill.after.and_then(|after| after.server_left_share))) }
                td { (share(fill.after.and_then(|after| after.store_left_share))) }
                td {
                    @if let Some(why) = &fill.failed { "failed: " (why.lines().next().unwrap_or_default()) }
                    @else if let Some(after) = fill.after { (num(after.watched_ns, &number::time(after.watched_ns))) " after" }
                    @else { "–" }
                }
            } } }
        }
        @if depth == Depth::Full { (readings(fills)) }
    }
}

fn line(line: Option<MemoryLine>) -> Markup {
    html! {
        @match line {
            Some(line) => { td { (num(line.value(), &line.words())) } td { (num(line.residual_bytes, &number::bytes(line.residual_bytes))) } }
            None => { td { "–" } td { "–" } }
        }
    }
}

/// Every reading.
fn readings(fills: &[(&MemoryRow, &MemoryFill)]) -> Markup {
    let bytes =
        |value: Option<f64>| html! { @match value { Some(b) => (num(b, &number::bytes(b))), None => "–" } };
    html! {
        table .nums {
            thead { tr { th scope="col" { "Backend" } th scope="col" { "Logins" } th scope="col" { "Server" } th scope="col" { "Store" } } }
            tbody { @for (row, fill) in fills { @for point in &fill.points { tr {
                th scope="row" { code { (row.row) } }
                td { (num(point.logins, &number::grouped(point.logins, 0))) }
                td { (bytes(Some(point.server_bytes))) }
                td { (bytes(point.store_bytes)) }
            } } } }
        }
    }
}
