//! `report.md`: the first screen and the tables as GitHub-flavoured Markdown, at most 60 KB, so that it fits a job
//! summary and a pull-request comment (64 KB).

use super::{ExportError, Exporter};
use crate::answer::{ratio_with_interval, reading_order};
use crate::controls::Role;
use crate::metric::Metric;
use crate::model::{Episode, Figure, Part, Report, Scenario, Sentence, memory_words};
use crate::number;

/// Largest size, bytes.
const LIMIT: usize = 60 * 1024;
/// Kept free for the line that says what was left out.
const RESERVE: usize = 256;
const NOTHING: &str = "–";

/// Writes `report.md`.
#[derive(Debug)]
pub(super) struct Markdown;

impl Exporter for Markdown {
    fn file_name(&self) -> &'static str {
        "report.md"
    }

    fn bytes(&self, report: &Report) -> Result<Vec<u8>, ExportError> {
        Ok(render(report).into_bytes())
    }
}

/// Sections in the order of their weight, until the limit is reached.
fn render(report: &Report) -> String {
    let mut sections = vec![head(report)];
    if let Some(scenario) = report.headline() {
        sections.push(decision(report, scenario));
        sections.push(cost_bars(report, scenario));
    }
    sections.push(security(report));
    sections.push(conformance(report));
    sections.push(claims(report));
    sections.push(remarks(report));
    sections.extend(report.scenarios.iter().map(|scenario| verdicts(report, scenario)));
    sections.extend(report.episodes.iter().map(|episode| operations(report, episode)));
    sections.extend(report.faults.as_ref().map(crate::faults::markdown::part));
    sections.push(designs(report));
    sections.push(notes(report));
    sections.push(provenance(report));
    let mut text = String::new();
    let mut left_out = 0;
    for section in sections.iter().filter(|section| !section.is_empty()) {
        if text.len() + section.len() + RESERVE > LIMIT {
            left_out += 1;
        } else {
            text.push_str(section);
            text.push('\n');
        }
    }
    if left_out > 0 {
        text.push_str(&format!("_{left_out} sections did not fit here: see report.html._\n"));
    }
    text
}

/// Text that cannot be taken for markup, on one line.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | '`' | '*' | '_' | '|' | '[' | ']' | '#' | '~' => out.extend(['\\', c]),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\n' | '\r' => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// A name as code: a backtick in it cannot end it, nor a bar a cell.
fn code(name: &str) -> String {
    format!("`{}`", bare(name))
}

/// A name without anything that could end a code span, a fence, a cell or a line.
fn bare(name: &str) -> String {
    name.replace(['`', '|', '<', '>', '\n', '\r'], "?")
}

fn sentence(sentence: &Sentence) -> String {
    let part = |part: &Part| match part {
        Part::Text(text) => plain(text),
        Part::Name(name) => code(name),
        Part::Figure { text, .. } => match text.split_once(" [") {
            Some((estimate, interval)) => format!("**{}** \\[{}", plain(estimate), plain(interval)),
            None => format!("**{}**", plain(text)),
        },
    };
    sentence.0.iter().map(part).collect()
}

fn table(headings: &[&str], rows: &[Vec<String>]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    // Every column after the first holds figures or short words.
    let rule: Vec<String> =
        (0..headings.len()).map(|i| if i == 0 { ":--" } else { "--:" }.to_owned()).collect();
    let titles: Vec<String> = headings.iter().map(|heading| (*heading).to_owned()).collect();
    let body: String = rows.iter().map(|row| line(row)).collect();
    format!("{}{}{body}", line(&titles), line(&rule))
}

fn details(title: &str, body: &str) -> String {
    if body.is_empty() {
        return String::new();
    }
    format!("<details><summary>{title}</summary>\n\n{body}\n</details>\n")
}

fn name(report: &Report, row: &str) -> String {
    match report.row(row).and_then(|row| row.role.label()) {
        Some(label) => format!("{} ({label})", code(row)),
        None => code(row),
    }
}

fn head(report: &Report) -> String {
    let mut text = format!("## {}\n\n", plain(&report.question));
    for wrong in &report.wrong {
        text.push_str(&format!(
            "> **✗ WRONG ANSWERS**: {} in {}: {} of {} {} answers were **{}**. It gets no rank.\n>\n",
            code(&wrong.row),
            code(&wrong.scenario),
            number::count(wrong.count),
            number::count(wrong.of),
            plain(&wrong.operation),
            plain(&wrong.outcome.replace('-', " ")),
        ));
    }
    if !report.wrong.is_empty() {
        text.push('\n');
    }
    for answer in &report.answer {
        text.push_str(&format!("- {}\n", sentence(answer)));
    }
    let money = crate::answer::money(report);
    if !money.is_empty() {
        text.push_str(&format!("- {}\n", sentence(&money)));
    }
    let status = report.validity.status;
    let said = sentence(&report.validity.sentence);
    text.push_str(&format!("\n**{} {}.** {said}\n", status.glyph(), status.label()));
    for reason in &report.validity.reasons {
        text.push_str(&format!("- {}\n", plain(reason)));
    }
    text
}

fn micros(figure: Option<Figure>) -> String {
    let Some(figure) = figure else { return NOTHING.to_owned() };
    let us = number::micros;
    match figure.interval() {
        Some((low, high)) => format!("{} \\[{}, {}\\]", us(figure.value), us(low), us(high)),
        None => us(figure.value),
    }
}

fn decision(report: &Report, scenario: &Scenario) -> String {
    let baseline = report.run.baseline.as_str();
    let verdict = |row: &str, metric| match scenario.comparison(baseline, row, metric) {
        Some(c) => format!("{} {}", c.verdict.glyph(), c.verdict.label_on(metric)),
        None => NOTHING.to_owned(),
    };
    let priced = report.cost.as_ref().and_then(|cost| Some((cost, cost.scenario(scenario.base())?)));
    let rows: Vec<Vec<String>> = reading_order(report, scenario)
        .into_iter()
        .map(|row| {
            let figure = |metric, print: fn(f64) -> String| {
                scenario.figure(row, metric).map_or(NOTHING.to_owned(), |f| print(f.value))
            };
            let memory = scenario.figures(row).and_then(|figures| figures.memory_per_login_bytes);
            let mut cells = vec![
                name(report, row),
                micros(scenario.added(row, Metric::ResponseP50)),
                micros(scenario.added(row, Metric::Cpu)),
                verdict(row, Metric::ResponseP50),
                verdict(row, Metric::Cpu),
                figure(Metric::ResponseP50, number::micros),
                figure(Metric::ResponseP99, number::micros),
                figure(Metric::Cpu, number::micros),
                figure(Metric::StoreCommands, number::short),
                figure(Metric::WireBytes, |bytes| number::grouped(bytes, 0)),
                memory.map_or(NOTHING.to_owned(), |memory| memory_words(&memory)),
            ];
            cells.extend(priced.map(|(_, own)| {
                own.row(row).map_or(NOTHING.to_owned(), |row| number::money(row.per_million.value))
            }));
            cells
        })
        .collect();
    let money = priced.map(|(cost, _)| format!("{} per million", cost.currency));
    let mut headings = vec![
        "Backend",
        "added p50, µs",
        "added CPU, µs",
        "response",
        "CPU",
        "p50, µs",
        "p99, µs",
        "CPU, µs",
        "store commands",
        "HTTP bytes",
        "memory per login",
    ];
    headings.extend(money.as_deref());
    format!(
        "### Decide: {}\n\n{}\nAdded = over a request without authentication, paired, \\[95 % interval\\]. Verdicts are \
         against {} on whole requests, equivalent = within ±{}. p99 is described, not ranked.\n",
        code(&scenario.name),
        table(&headings, &rows),
        code(baseline),
        number::percent(report.run.margin),
    )
}

/// CPU added over none as bars of text.
fn cost_bars(report: &Report, scenario: &Scenario) -> String {
    let rows: Vec<(String, Figure)> = reading_order(report, scenario)
        .into_iter()
        .filter_map(|row| Some((bare(row), scenario.added(row, Metric::Cpu)?)))
        .collect();
    let Some(most) = rows.iter().map(|(_, figure)| figure.value).reduce(f64::max).filter(|most| *most > 0.0)
    else {
        return String::new();
    };
    let widest = rows.iter().map(|(row, _)| row.chars().count()).max().unwrap_or(0);
    let bars: String = rows
        .iter()
        .map(|(row, figure)| {
            format!("{row:widest$}  {} {}\n", bar(figure.value / most, 32), number::time(figure.value))
        })
        .collect();
    format!("```text\nCPU added over none, per request\n{bars}```\n")
}

/// A bar of eighths of a character.
fn bar(share: f64, width: u32) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let mut left = (share.clamp(0.0, 1.0) * f64::from(width * 8)).round();
    let mut text = String::new();
    while left >= 8.0 {
        text.push('█');
        left -= 8.0;
    }
    let part = (0..8).find(|eighth| f64::from(*eighth) >= left).unwrap_or(0);
    text.push_str(EIGHTHS.get(usize::try_from(part).unwrap_or(0)).copied().unwrap_or(""));
    text
}

fn security(report: &Report) -> String {
    let rows: Vec<Vec<String>> = report
        .rows
        .iter()
        .filter(|row| !row.role.is_control())
        .map(|row| {
            let measured = match report.exposure(&row.name) {
                None => "not measured".to_owned(),
                Some(e) => {
                    let time =
                        if e.accepted == 0 { "at once".to_owned() } else { number::time(e.longest_ns) };
                    let open = if e.accepted > 0 && e.accepted == e.sent_after { "≥ " } else { "" };
                    format!(
                        "{open}{time} ({} of {} let in)",
                        number::count(e.accepted),
                        number::count(e.sent_after)
                    )
                }
            };
            vec![
                name(report, &row.name),
                measured,
                plain(&row.revocation),
                plain(&row.store_down),
                plain(&row.logout_all),
            ]
        })
        .collect();
    let table = table(&["Backend", "ended, still works", "declared", "store down", "logout-all by"], &rows);
    if table.is_empty() { table } else { format!("### How long a stolen credential works\n\n{table}") }
}

fn verdicts(report: &Report, scenario: &Scenario) -> String {
    let baseline = report.run.baseline.as_str();
    let order = reading_order(report, scenario);
    let rows: Vec<Vec<String>> = [Metric::ResponseP50, Metric::Cpu]
        .into_iter()
        .flat_map(|metric| order.iter().filter_map(move |row| scenario.comparison(baseline, row, metric)))
        .map(|c| {
            let resolvable = c.resolvable.map_or(NOTHING.to_owned(), |r| number::percent(r - 1.0));
            vec![
                name(report, &c.row),
                c.metric.label().to_owned(),
                plain(&c.ratio.map_or(NOTHING.to_owned(), ratio_with_interval)),
                format!("{} {}", c.verdict.glyph(), c.verdict.label_on(c.metric)),
                resolvable,
                c.rounds.to_string(),
            ]
        })
        .collect();
    let body = table(&["Backend", "on", "ratio", "verdict", "could have shown", "rounds"], &rows);
    details(
        &format!(
            "Ratios to {} in {}, with what this run could have seen",
            plain(baseline),
            plain(&scenario.name)
        ),
        &body,
    )
}

fn operations(report: &Report, episode: &Episode) -> String {
    let time = |ns: Option<f64>| ns.map_or(NOTHING.to_owned(), number::time);
    let rows: Vec<Vec<String>> = episode
        .rows
        .iter()
        .flat_map(|row| row.operations.iter().map(move |(operation, figures)| (row, operation, figures)))
        .map(|(row, operation, figures)| {
            let outcomes: Vec<String> = figures
                .outcomes
                .iter()
                .map(|(o, n)| format!("{} {}", number::count(*n), o.replace('-', " ")))
                .collect();
            vec![
                name(report, &row.row),
                plain(operation),
                plain(&outcomes.join(", ")),
                time(figures.response_p50_ns),
                time(figures.response_p99_ns),
            ]
        })
        .collect();
    let body = table(&["Backend", "operation", "answers", "p50", "p99"], &rows);
    details(&format!("Episode {}: described, not ranked", plain(&episode.name)), &body)
}

fn designs(report: &Report) -> String {
    let rows: Vec<Vec<String>> = report
        .rows
        .iter()
        .filter(|row| !row.role.is_control() || row.role == Role::Floor)
        .map(|row| vec![code(&row.name), plain(&row.credential), plain(&row.consults()), plain(&row.renewal)])
        .collect();
    details("The designs", &table(&["Backend", "client holds", "a request consults", "renewal"], &rows))
}

fn claims(report: &Report) -> String {
    if report.claims.is_empty() {
        return String::new();
    }
    let line = |claim: &crate::claims::ClaimResult| {
        let alarm = if claim.contradicts() { " (against what was expected)" } else { "" };
        let outcome = format!("{} {}{alarm}", claim.outcome.glyph(), claim.outcome.label());
        format!(
            "- **{}** {}: **{outcome}**. {}\n",
            plain(&claim.id),
            plain(&claim.sentence),
            plain(&claim.detail)
        )
    };
    format!("### Claims\n\n{}", report.claims.iter().map(line).collect::<String>())
}

/// The security checks, and what does not hold.
fn conformance(report: &Report) -> String {
    let Some(conformance) = &report.conformance else { return String::new() };
    let rows: Vec<Vec<String>> = conformance
        .backends
        .iter()
        .map(|row| {
            let counts = [row.holds, row.fails, row.does_not_apply, row.not_run, row.attacks];
            let counts = counts.map(|count| match &row.broken {
                Some(_) => NOTHING.to_owned(),
                None => number::count(count),
            });
            [code(&row.row)].into_iter().chain(counts).collect()
        })
        .collect();
    let failing = conformance.backends.iter().flat_map(|row| row.failing().map(move |result| (row, result)));
    let lines: String = failing
        .map(|(row, result)| {
            let text = conformance.statement(&result.id).map_or("", |statement| statement.text.as_str());
            format!("- ✗ {} {}: {}\n", code(&row.row), plain(&result.id), plain(text))
        })
        .collect();
    let headings = ["Backend", "Holds", "Does not hold", "Does not apply", "Not run", "Attacks sent"];
    let gap = if lines.is_empty() { "" } else { "\n" };
    format!("### What security demands\n\n{}{gap}{lines}", table(&headings, &rows))
}

fn remarks(report: &Report) -> String {
    let skipped = report
        .skipped
        .iter()
        .map(|s| format!("- Skipped {}: {} {}\n", code(&s.backend), plain(&s.reason), plain(&s.advice)));
    let warnings = report.warnings.iter().map(|w| format!("- {} {}\n", plain(&w.text), plain(&w.advice)));
    let lines: String = skipped.chain(warnings).collect();
    if lines.is_empty() { lines } else { format!("### To know\n\n{lines}") }
}

fn notes(report: &Report) -> String {
    let lines: String = report
        .notes
        .iter()
        .map(|note| format!("- **{}.** {}\n", plain(&note.title), plain(&note.text)))
        .collect();
    details("What the numbers mean", &lines)
}

fn provenance(report: &Report) -> String {
    let run = &report.run;
    let state = if run.complete { "" } else { " (interrupted: finished blocks only)" };
    let mut lines = format!(
        "- plan {} {}, registered before the data\n- data {}{state}\n- seed {}, started {}, authbench {}\n",
        code(&run.plan),
        code(&run.plan_sha256),
        code(&run.data_sha256),
        run.seed,
        run.started,
        plain(&run.tool),
    );
    for (group, facts) in report.environment.iter().filter(|(group, _)| !group.starts_with("scenario ")) {
        let facts: Vec<String> =
            facts.iter().map(|(key, value)| format!("{} {}", plain(key), plain(value))).collect();
        lines.push_str(&format!("- {}: {}\n", plain(group), facts.join("; ")));
    }
    details("Where the numbers come from", &lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_in_text_is_text() {
        assert_eq!(plain("a|b <i> *x*\n# y"), "a\\|b &lt;i&gt; \\*x\\* \\# y");
        assert_eq!(code("a`|b"), "`a??b`");
    }

    #[test]
    fn bars_have_eighths() {
        assert_eq!(bar(1.0, 2), "██");
        assert_eq!(bar(0.5, 1), "▌");
        assert_eq!(bar(0.0, 4), "");
    }
}
