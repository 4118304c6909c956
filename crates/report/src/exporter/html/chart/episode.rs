//! Whole episodes: how long a left-behind credential worked, and what a login takes in a storm.

use maud::{Markup, html};

use super::super::slug;
use super::{AXIS, ROW, Scale, axis, figure, log_ticks, num, px, round_ticks, row_text, svg, swatch};
use crate::answer::{self};
use crate::model::{Episode, EpisodeRow, ExposureFigures, Report};
use crate::number;

fn shown<'a>(report: &Report, episode: &'a Episode) -> impl Iterator<Item = &'a EpisodeRow> {
    let controls: Vec<String> =
        report.rows.iter().filter(|row| row.role.is_control()).map(|row| row.name.clone()).collect();
    episode.rows.iter().filter(move |figures| !controls.contains(&figures.row))
}

/// How long the left-behind credential kept working, one bar per backend.
pub(in super::super) fn exposure(report: &Report, episode: &Episode) -> Markup {
    let mut rows: Vec<(&str, ExposureFigures)> = shown(report, episode)
        .filter_map(|figures| {
            Some((figures.row.as_str(), figures.exposure.iter().cloned().reduce(ExposureFigures::worst)?))
        })
        .collect();
    if rows.is_empty() {
        return html! {};
    }
    rows.sort_by(|a, b| a.1.longest_ns.total_cmp(&b.1.longest_ns));
    let longest = rows.iter().map(|(_, e)| e.longest_ns).fold(1e6, f64::max);
    let scale = Scale::linear(0.0, longest * 1.06);
    let bottom = ROW * count(rows.len());
    let says = answer::exposure_bars(report, episode);
    let id = slug("exposure", &episode.name);
    let body = html! {
        (axis(&scale, &round_ticks(0.0, longest, 6.0), number::time_tick, bottom))
        line .zero x1="0" x2="0" y1="0" y2=(px(bottom)) {}
        @for (i, (row, e)) in rows.iter().enumerate() {
            @let top = ROW * count(i);
            @let open = e.accepted > 0 && e.accepted == e.sent_after;
            (row_text(top, row, e.longest_ns, &words(e)))
            @if e.accepted == 0 {
                rect .ended x="0" y=(px(top + 20.0)) width="10" height="11" {}
            } @else {
                rect .exposed x="0" y=(px(top + 20.0)) width=(scale.at(e.longest_ns)) height="11" {}
                @if open {
                    svg .open x=(scale.at(e.longest_ns)) y=(px(top + 20.0)) width="12" height="11" { path d="M0 0 10 5.5 0 11Z" {} }
                }
            }
            @if let Some(bound) = report.row(row).and_then(|r| r.revocation_bound_ns).filter(|b| *b > 0.0 && *b <= longest) {
                line .declared x1=(scale.at(bound)) x2=(scale.at(bound)) y1=(px(top + 17.0)) y2=(px(top + 34.0)) {}
            }
        }
    };
    let key = html! { p .key {
        (swatch("<rect class=\"ended\" width=\"10\" height=\"11\"/>", "refused from the first request on"))
        (swatch("<rect class=\"exposed\" width=\"22\" height=\"11\"/>", "still accepted"))
        (swatch("<rect class=\"exposed\" width=\"12\" height=\"11\"/><path class=\"exposed\" d=\"M12 0 22 5.5 12 11Z\"/>", "to the end of the episode"))
        (swatch("<path class=\"declared\" d=\"M11 0V12\"/>", "declared bound"))
    } };
    let table = html! {
        table .nums {
            thead { tr { th scope="col" { "Backend" } th scope="col" { "Ended by" } th scope="col" { "Tried" } th scope="col" { "Let in" } th scope="col" { "Latest" } th scope="col" { "Declared" } } }
            tbody { @for (row, e) in &rows { tr {
                th scope="row" { code { (row) } }
                td .t { (e.by) }
                td { (number::count(e.sent_after)) }
                td { (number::count(e.accepted)) }
                td { (num(e.longest_ns, &number::time(e.longest_ns))) }
                td .t { (report.row(row).map_or("", |r| r.revocation.as_str())) }
            } } }
        }
    };
    let chart =
        svg(&id, bottom + AXIS, "How long the left-behind credential kept working", &says.to_string(), &body);
    figure("wide", "How long the left-behind credential kept working", &says, &chart, &key, Some(&table))
}

fn words(e: &ExposureFigures) -> String {
    let share = format!("{} of {} let in", number::count(e.accepted), number::count(e.sent_after));
    match e.accepted {
        0 => format!("■ refused at once, {share}"),
        all if all == e.sent_after => format!("▲ ≥ {}, {share}", number::time(e.longest_ns)),
        _ => format!("▲ {}, {share}", number::time(e.longest_ns)),
    }
}

/// Response time of a login: median to 99th percentile.
pub(in super::super) fn storm(report: &Report, episode: &Episode) -> Markup {
    // Where credentials are ended, logins are only the way there.
    if episode.rows.iter().any(|figures| !figures.exposure.is_empty()) {
        return html! {};
    }
    let rows: Vec<(&str, f64, f64, bool)> = shown(report, episode)
        .filter_map(|figures| {
            let login = figures.operations.get("login")?;
            Some((figures.row.as_str(), login.response_p50_ns?, login.response_p99_ns?, figures.valid))
        })
        .collect();
    let (Some(low), Some(high)) =
        (rows.iter().map(|r| r.1).reduce(f64::min), rows.iter().map(|r| r.2).reduce(f64::max))
    else {
        return html! {};
    };
    let scale = Scale::log(low / 1.3, high * 1.3);
    let bottom = ROW * count(rows.len());
    let says = answer::storm(report, episode);
    let id = slug("storm", &episode.name);
    let body = html! {
        (axis(&scale, &log_ticks(low / 1.3, high * 1.3), number::time_tick, bottom))
        @for (i, (row, p50, p99, valid)) in rows.iter().enumerate() {
            @let top = ROW * count(i);
            (row_text(top, row, *p50, &format!("{}p50 {}, p99 {}", if *valid { "" } else { "✗ void: " }, number::time(*p50), number::time(*p99))))
            line .ci x1=(scale.at(*p50)) x2=(scale.at(*p99)) y1=(px(top + 26.0)) y2=(px(top + 26.0)) {}
            circle .point cx=(scale.at(*p50)) cy=(px(top + 26.0)) r="4" {}
            line .declared x1=(scale.at(*p99)) x2=(scale.at(*p99)) y1=(px(top + 20.0)) y2=(px(top + 32.0)) {}
        }
    };
    let key = html! { p .key {
        (swatch("<circle class=\"point\" cx=\"11\" cy=\"6\" r=\"4\"/>", "median"))
        (swatch("<path class=\"declared\" d=\"M11 0V12\"/>", "99th percentile"))
        span { "Time is logarithmic." }
    } };
    let chart = svg(&id, bottom + AXIS, "Response time of a login", &says.to_string(), &body);
    let table = html! {
        table .nums {
            thead { tr { th scope="col" { "Backend" } th scope="col" { "p50" } th scope="col" { "p99" } } }
            tbody { @for (row, p50, p99, valid) in &rows { tr {
                th scope="row" { code { (row) } @if !*valid { " void" } }
                td { (num(*p50, &number::time(*p50))) }
                td { (num(*p99, &number::time(*p99))) }
            } } }
        }
    };
    figure("wide", "Response time of a login", &says, &chart, &key, Some(&table))
}

/// Every operation of an episode as a table.
pub(in super::super) fn operations(report: &Report, episode: &Episode) -> Markup {
    html! {
        details {
            summary { "All operations of " (episode.name) }
            div .scroll tabindex="0" role="region" aria-label={ "Operations of " (episode.name) } {
                table .nums {
                    thead { tr {
                        th scope="col" { "Backend" } th scope="col" { "Operation" } th scope="col" { "Answers" }
                        th scope="col" { "p50" } th scope="col" { "p99" } th scope="col" { "Longest" }
                    } }
                    tbody {
                        @for figures in shown(report, episode) {
                            @for (operation, o) in &figures.operations {
                                tr {
                                    th scope="row" { code { (figures.row) } }
                                    td .t { (operation) }
                                    td .t { @for (i, (outcome, n)) in o.outcomes.iter().enumerate() { @if i > 0 { ", " } (number::count(*n)) " " (outcome.replace('-', " ")) } }
                                    (time(o.response_p50_ns)) (time(o.response_p99_ns)) (time(o.response_max_ns))
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn time(ns: Option<f64>) -> Markup {
    html! { td { @match ns { Some(ns) => (num(ns, &number::time(ns))), None => "–" } } }
}

fn count(n: usize) -> f64 {
    f64::from(u32::try_from(n).unwrap_or(u32::MAX))
}
