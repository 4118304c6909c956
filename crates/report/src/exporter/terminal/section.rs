//! The tables of the terminal report, each within 80 columns.

use anstyle::Style;

use super::table::{Align, Cell, Table};
use super::{Palette, Screen, rows_in_order};
use crate::answer::reading_order;
use crate::controls::Role;
use crate::cost::ScenarioCost;
use crate::metric::Metric;
use crate::model::{Comparison, Episode, Figure, Report, Scenario, memory_words};
use crate::number;
use crate::verdict::Verdict;

const NOTHING: &str = "–";

fn name(report: &Report, palette: Palette, row: &str) -> Cell {
    match report.row(row).map(|row| row.role) {
        Some(Role::Baseline) => Cell::styled(format!("{row} *"), palette.strong),
        Some(role) if role.is_control() || role == Role::Floor => Cell::styled(row, palette.dim),
        _ => Cell::styled(row, palette.strong),
    }
}

fn load(scenario: &Scenario) -> String {
    let rate = match scenario.offered_per_second {
        Some(rate) => format!("{} operations/s, open loop", number::short(rate)),
        None => "closed loop".to_owned(),
    };
    let distance = if scenario.store_distance_ns > 0.0 {
        format!(" · store at a modelled distance of {}", number::time(scenario.store_distance_ns))
    } else {
        String::new()
    };
    format!("{rate} · {} rounds{distance}", scenario.rounds)
}

/// The load that amounts of money are stated for.
fn load_of(cost: &ScenarioCost) -> String {
    crate::answer::load(cost).to_string()
}

/// Microseconds with their interval, in a column headed µs.
fn micros(figure: Option<Figure>) -> String {
    let Some(figure) = figure else { return NOTHING.to_owned() };
    let decimals = usize::from(figure.value.abs() < 99_950.0);
    let us = |ns: f64| number::grouped(ns / 1e3, decimals);
    match figure.interval() {
        Some((low, high)) => format!("{} [{}, {}]", us(figure.value), us(low), us(high)),
        None => us(figure.value),
    }
}

pub(super) fn times(screen: &mut Screen, report: &Report, scenario: &Scenario) {
    screen.heading(
        &scenario.name,
        &format!("· {} · all in µs, response time from the intended start, [95 % interval]", load(scenario)),
    );
    let mut table = Table::new(&[
        ("", Align::Left),
        ("added p50", Align::Right),
        ("added CPU", Align::Right),
        ("p50", Align::Right),
        ("p99", Align::Right),
        ("CPU", Align::Right),
    ]);
    for row in reading_order(report, scenario) {
        let figure = |measure| scenario.figure(row, measure);
        let plain = |measure| figure(measure).map_or(NOTHING.to_owned(), |f: Figure| number::micros(f.value));
        table.row(vec![
            name(report, screen.palette, row),
            Cell::new(micros(scenario.added(row, Metric::ResponseP50))),
            Cell::new(micros(scenario.added(row, Metric::Cpu))),
            Cell::new(plain(Metric::ResponseP50)),
            Cell::styled(plain(Metric::ResponseP99), screen.palette.dim),
            Cell::new(plain(Metric::Cpu)),
        ]);
    }
    table.render(screen.width, screen.palette.dim, &mut screen.out);
    screen.paragraph(
        "",
        "added = over none, as a paired difference · CPU = server and store per request · * = baseline",
        screen.palette.dim,
    );
}

fn verdict_style(palette: Palette, verdict: Verdict) -> Style {
    match verdict {
        Verdict::Faster => palette.good,
        Verdict::Slower => palette.worse,
        Verdict::Inconclusive => palette.warn,
        Verdict::Equivalent | Verdict::Unranked => Style::new(),
    }
}

/// What the run could have seen, and what equivalence would need.
fn resolution(c: &Comparison) -> String {
    if let Some(reason) = c.unranked {
        return reason.label().to_owned();
    }
    let seen = c.resolvable.map(|ratio| format!("could show {}", number::percent(ratio - 1.0)));
    let needed = c
        .rounds_needed
        .filter(|needed| c.verdict == Verdict::Inconclusive && *needed > c.rounds)
        .map(|needed| format!("needs {} more rounds", needed - c.rounds));
    [seen, needed].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

pub(super) fn verdicts(screen: &mut Screen, report: &Report, scenario: &Scenario) {
    let baseline = report.run.baseline.as_str();
    for metric in [Metric::ResponseP50, Metric::Cpu] {
        let mut table = Table::new(&[
            ("", Align::Left),
            ("ratio", Align::Right),
            ("verdict", Align::Left),
            ("this run", Align::Left),
        ]);
        for row in reading_order(report, scenario) {
            let Some(c) = scenario.comparison(baseline, row, metric).filter(|_| row != baseline) else {
                continue;
            };
            let interval = c.ratio.map_or(NOTHING.to_owned(), |ratio| match ratio.interval() {
                Some((low, high)) => format!("{:.3} [{low:.3}, {high:.3}]", ratio.value),
                None => format!("{:.3}", ratio.value),
            });
            let word = format!("{} {}", c.verdict.glyph(), c.verdict.label_on(metric));
            table.row(vec![
                name(report, screen.palette, row),
                Cell::new(interval),
                Cell::styled(word, verdict_style(screen.palette, c.verdict)),
                Cell::styled(resolution(c), screen.palette.dim),
            ]);
        }
        if !table.is_empty() {
            screen.heading(
                &format!("Ratio to {baseline}: {}", metric.label()),
                &format!(
                    "· {}, whole requests · equivalent = within ±{}",
                    scenario.name,
                    number::percent(report.run.margin)
                ),
            );
            table.render(screen.width, screen.palette.dim, &mut screen.out);
        }
    }
}

pub(super) fn resources(screen: &mut Screen, report: &Report, scenario: &Scenario) {
    let cost = report.cost.as_ref();
    let priced = cost.and_then(|cost| Some((cost, cost.scenario(scenario.base())?)));
    let money = priced.map_or(String::new(), |(cost, own)| {
        format!("; money: {} for a million {}", cost.currency, load_of(own))
    });
    screen.heading("What it takes", &format!("· per request, memory per login{money}"));
    let mut headings = vec![
        ("", Align::Left),
        ("CPU server", Align::Right),
        ("CPU store", Align::Right),
        ("cmds", Align::Right),
        ("HTTP", Align::Right),
        ("memory", Align::Right),
    ];
    headings.extend(priced.map(|_| ("money", Align::Right)));
    let mut table = Table::new(&headings);
    for row in reading_order(report, scenario) {
        let figure = |measure, print: fn(f64) -> String| {
            Cell::new(scenario.figure(row, measure).map_or(NOTHING.to_owned(), |f| print(f.value)))
        };
        let memory = scenario.figures(row).and_then(|figures| figures.memory_per_login_bytes);
        let memory = memory.map_or(NOTHING.to_owned(), |memory| memory_words(&memory));
        let mut cells = vec![
            name(report, screen.palette, row),
            figure(Metric::CpuServer, number::time),
            figure(Metric::CpuStore, number::time),
            figure(Metric::StoreCommands, number::short),
            figure(Metric::WireBytes, number::bytes),
            Cell::new(memory),
        ];
        cells.extend(priced.map(|(_, own)| {
            Cell::new(own.row(row).map_or(NOTHING.to_owned(), |row| number::money(row.per_million.value)))
        }));
        table.row(cells);
    }
    table.render(screen.width, screen.palette.dim, &mut screen.out);
}

pub(super) fn designs(screen: &mut Screen, report: &Report) {
    screen.heading("The designs", "· four choices each");
    let mut table = Table::new(&[
        ("", Align::Left),
        ("client holds", Align::Left),
        ("a request consults", Align::Left),
        ("renewal", Align::Left),
    ]);
    for row in rows_in_order(report).into_iter().filter_map(|row| report.row(row)) {
        if row.role.is_control() {
            continue;
        }
        table.row(vec![
            name(report, screen.palette, &row.name),
            Cell::new(&row.credential),
            Cell::new(row.consults()),
            Cell::new(&row.renewal),
        ]);
    }
    table.render(screen.width, screen.palette.dim, &mut screen.out);
}

pub(super) fn security(screen: &mut Screen, report: &Report) {
    screen.heading("A stolen credential", "· how long it works after its owner ended the login");
    let mut table = Table::new(&[
        ("", Align::Left),
        ("declared", Align::Left),
        ("measured (let in)", Align::Left),
        ("store down", Align::Left),
        ("logout-all", Align::Left),
    ]);
    for row in rows_in_order(report).into_iter().filter_map(|row| report.row(row)) {
        if row.role.is_control() {
            continue;
        }
        let measured = match report.exposure(&row.name) {
            None => Cell::styled("not measured", screen.palette.dim),
            Some(e) => {
                let share = format!("({}/{})", number::count(e.accepted), number::count(e.sent_after));
                match e.accepted {
                    0 => Cell::new(format!("at once {share}")),
                    all if all == e.sent_after => {
                        Cell::styled(format!("≥ {} {share}", number::time(e.longest_ns)), screen.palette.warn)
                    }
                    _ => Cell::styled(format!("{} {share}", number::time(e.longest_ns)), screen.palette.warn),
                }
            }
        };
        table.row(vec![
            name(report, screen.palette, &row.name),
            Cell::new(&row.revocation),
            measured,
            Cell::new(&row.store_down),
            Cell::new(&row.logout_all),
        ]);
    }
    table.render(screen.width, screen.palette.dim, &mut screen.out);
}

/// Exposure against cost; a mark where nothing is proven to be both cheaper and no riskier.
pub(super) fn sweep(screen: &mut Screen, report: &Report) {
    let Some(sweep) = &report.sweep else { return };
    screen.heading(
        "Exposure against cost",
        "· longest time a stolen credential worked, at the row's own settings; ◆ nothing is both cheaper and no riskier",
    );
    let mut table = Table::new(&[
        ("", Align::Left),
        ("store at", Align::Right),
        ("works for", Align::Right),
        ("CPU/request", Align::Right),
        ("commands", Align::Right),
        ("refreshes", Align::Right),
        ("logins/day", Align::Right),
    ]);
    for point in &sweep.points {
        let mark = if point.beaten_by.is_empty() { "◆" } else { " " };
        let works = if point.exposure_ns == 0.0 { "0".to_owned() } else { number::time(point.exposure_ns) };
        let distance = match point.store_distance_ns {
            0.0 => "0".to_owned(),
            ns => number::time(ns),
        };
        let optional = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), number::short);
        table.row(vec![
            Cell::new(format!("{mark} {}", point.row)),
            Cell::new(distance),
            Cell::new(works),
            Cell::new(number::time(point.cpu.value)),
            Cell::new(optional(point.store_commands.map(|figure| figure.value))),
            Cell::new(number::percent(point.refreshes_per_request)),
            Cell::new(optional(point.relogins_per_day)),
        ]);
    }
    table.render(screen.width, screen.palette.dim, &mut screen.out);
}

pub(super) fn episode(screen: &mut Screen, report: &Report, episode: &Episode) {
    screen.heading(&episode.name, "· one whole episode each: described, not ranked");
    let mut table = Table::new(&[
        ("", Align::Left),
        ("operation", Align::Left),
        ("answers", Align::Right),
        ("p50", Align::Right),
        ("p99", Align::Right),
        ("let in after the end", Align::Right),
    ]);
    for figures in &episode.rows {
        let time = |ns: Option<f64>| Cell::new(ns.map_or(NOTHING.to_owned(), number::time));
        for (i, (operation, figure)) in figures.operations.iter().enumerate() {
            let late = figure.outcomes.get("accepted-as-declared").copied().unwrap_or(0);
            table.row(vec![
                if i == 0 { name(report, screen.palette, &figures.row) } else { Cell::new("") },
                Cell::new(operation),
                Cell::new(number::count(figure.outcomes.values().sum())),
                time(figure.response_p50_ns),
                time(figure.response_p99_ns),
                Cell::new(if late == 0 { NOTHING.to_owned() } else { number::count(late) }),
            ]);
        }
    }
    table.render(screen.width, screen.palette.dim, &mut screen.out);
}

pub(super) fn claims(screen: &mut Screen, report: &Report) {
    if report.claims.is_empty() {
        return;
    }
    screen.heading("Claims", "");
    for claim in &report.claims {
        let style = if claim.contradicts() { screen.palette.bad } else { screen.palette.strong };
        let mark = format!("{} {} {}", claim.outcome.glyph(), claim.id, claim.outcome.label());
        screen.paragraph("  ", &mark, style);
        screen.paragraph("    ", &claim.sentence, Style::new());
        if !claim.detail.is_empty() {
            screen.paragraph("    ", &claim.detail, screen.palette.dim);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::time_with_interval;

    #[test]
    fn tables_and_sentences_print_a_time_alike() {
        let figure = Figure::between(61_200.0, 59_000.0, 63_340.0);
        assert_eq!(micros(Some(figure)), "61.2 [59.0, 63.3]");
        assert_eq!(time_with_interval(figure), "61.2 µs [59.0, 63.3]");
        assert_eq!(micros(None), NOTHING);
    }
}
