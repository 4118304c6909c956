//! The price of ending a login: CPU per request against how long a stolen credential works, and what nothing beats.

use maud::{Markup, html};

use super::super::Depth;
use super::super::slug;
use super::{AXIS, ROW, Scale, axis, figure, num, px, round_ticks, row_text, svg, swatch, whisker};
use crate::answer::{self, Trade, Works, time_with_interval, trades};
use crate::model::{Report, Scenario};
use crate::number;

pub(in super::super) fn price(report: &Report, scenario: &Scenario, depth: Depth) -> Markup {
    let trades = trades(report, scenario);
    let exposed = |trade: &Trade<'_>| !trade.works.ends_at_once();
    // Without both kinds there is nothing to trade.
    if !trades.iter().any(exposed) || trades.iter().all(exposed) {
        return html! {};
    }
    let most = trades.iter().map(|trade| trade.cpu.upper()).fold(0.0, f64::max);
    let scale = Scale::linear(0.0, most);
    let bottom = ROW * f64::from(u32::try_from(trades.len()).unwrap_or(u32::MAX));
    let says = answer::trade(report, scenario);
    let id = slug("price", &scenario.name);
    let body = html! {
        (axis(&scale, &round_ticks(0.0, most, 8.0), number::micros_tick, bottom))
        @for (i, trade) in trades.iter().enumerate() {
            @let top = ROW * f64::from(u32::try_from(i).unwrap_or(u32::MAX));
            @let (x, y) = (scale.at(trade.cpu.value), px(top + 26.0));
            @if i > 0 && exposed(trade) && !exposed(&trades[i - 1]) {
                line .zero x1="0" x2="100%" y1=(px(top)) y2=(px(top)) {}
            }
            (row_text(top, trade.row, trade.cpu.value, &words(trade)))
            line .stem x1="0" x2=(x) y1=(y) y2=(y) {}
            (whisker(&scale, &trade.cpu, top + 26.0))
            @if trade.beaten_by.is_empty() {
                svg .best x=(x) y=(px(top + 19.0)) width="1" height="14" { path d="M0 0 7 7 0 14-7 7Z" {} }
            } @else {
                circle .hollow cx=(x) cy=(y) r="4" {}
            }
        }
    };
    let key = html! { p .key {
        (swatch("<path class=\"best\" d=\"M11 0 17 6 11 12 5 6Z\"/>", "nothing for several replicas is both cheaper and no riskier"))
        (swatch("<circle class=\"hollow\" cx=\"11\" cy=\"6\" r=\"4\"/>", "something is"))
        (swatch("<path class=\"ci\" d=\"M1 6H21\"/>", "95 % interval"))
        span { "Across: CPU per request, µs. Above the line a stolen credential is refused at once; filled marks are measured, open ones declared." }
    } };
    let table = html! {
        table .nums {
            thead { tr { th scope="col" { "Backend" } th scope="col" { "Stolen credential works" } th scope="col" { "CPU per request" } th scope="col" { "Cheaper and no riskier" } } }
            tbody { @for trade in &trades { tr {
                th scope="row" { code { (trade.row) } }
                td { (works(trade.works)) }
                td { (num(trade.cpu.value, &time_with_interval(trade.cpu))) }
                td .t { @if trade.beaten_by.is_empty() { "nothing" } @else { (trade.beaten_by.join(", ")) } }
            } } }
        }
    };
    let title = "What ending a login costs";
    let chart = svg(&id, bottom + AXIS, title, &says.to_string(), &body);
    figure("wide", title, &says, &chart, &key, (depth == Depth::Full).then_some(&table))
}

fn words(trade: &Trade<'_>) -> String {
    let works = match trade.works {
        Works::Ended => "■ ended at once".to_owned(),
        Works::For(ns) => format!("▲ works {}", number::time(ns)),
        Works::AtLeast(ns, None) => format!("▲ works ≥ {}", number::time(ns)),
        Works::AtLeast(_, Some(bound)) => format!("▲ works up to {}", number::time_tick(bound)),
        Works::Declared(Some(0.0)) => "□ ends at once (declared)".to_owned(),
        Works::Declared(Some(bound)) => format!("△ works up to {} (declared)", number::time_tick(bound)),
        Works::Declared(None) => "△ never ends (declared)".to_owned(),
    };
    format!("{works}, {}", number::time(trade.cpu.value))
}

/// Measured and declared, each marked.
fn works(works: Works) -> Markup {
    let ns = |ns: f64| num(ns, &number::time(ns));
    match works {
        Works::Ended => html! { "ended at once" },
        Works::For(longest) => ns(longest),
        Works::AtLeast(longest, declared) => html! {
            "≥ " (ns(longest)) @if let Some(bound) = declared { ", declared " (num(bound, &number::time_tick(bound))) }
        },
        Works::Declared(Some(0.0)) => html! { "declared: ends at once" },
        Works::Declared(Some(bound)) => html! { "declared: up to " (num(bound, &number::time_tick(bound))) },
        Works::Declared(None) => html! { "declared: never ends" },
    }
}
