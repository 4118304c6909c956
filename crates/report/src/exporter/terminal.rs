//! The first screen as text: the question, the answer, the tables; good at 80 columns.
//!
//! Invariant: colour comes in as styles from the caller. Without them the text is plain and says the same.

use anstyle::{AnsiColor, Style};

use super::{ExportError, Exporter};
use crate::answer;
use crate::controls::RunState;
use crate::model::{Part, Report, Scenario, Sentence};
use crate::number;
use table::paint;
pub use table::wrap;

mod section;
mod table;

/// Styles of the terminal report.
#[derive(Debug, Clone, Copy)]
pub struct Palette {
    /// Names and headings.
    pub strong: Style,
    /// What may be skipped.
    pub dim: Style,
    /// Better than the baseline.
    pub good: Style,
    /// Worse than the baseline.
    pub worse: Style,
    /// Wrong answers, a void run.
    pub bad: Style,
    /// Warnings.
    pub warn: Style,
}

impl Palette {
    /// No styles: for files, pipes and `NO_COLOR`.
    #[must_use]
    pub const fn plain() -> Self {
        let plain = Style::new();
        Self { strong: plain, dim: plain, good: plain, worse: plain, bad: plain, warn: plain }
    }

    /// Styles for a terminal, from its own sixteen colours.
    #[must_use]
    pub const fn colour() -> Self {
        const fn fg(colour: AnsiColor) -> Style {
            Style::new().fg_color(Some(anstyle::Color::Ansi(colour)))
        }
        Self {
            strong: Style::new().bold(),
            dim: Style::new().dimmed(),
            good: fg(AnsiColor::Green),
            worse: fg(AnsiColor::Magenta),
            bad: fg(AnsiColor::Red).bold(),
            warn: fg(AnsiColor::Yellow),
        }
    }
}

/// Writes `report.txt`: plain, 80 columns.
#[derive(Debug)]
pub(super) struct Plain;

impl Exporter for Plain {
    fn file_name(&self) -> &'static str {
        "report.txt"
    }

    fn bytes(&self, report: &Report) -> Result<Vec<u8>, ExportError> {
        Ok(render(report, Palette::plain(), 80).into_bytes())
    }
}

/// The text of the report in `width` columns (at least 60).
#[must_use]
pub fn render(report: &Report, palette: Palette, width: usize) -> String {
    let mut screen = Screen { out: String::new(), palette, width: width.clamp(60, 120) };
    screen.wrong(report);
    screen.head(report);
    if let Some(scenario) = report.headline().filter(|scenario| measured(scenario)) {
        section::times(&mut screen, report, scenario);
        section::verdicts(&mut screen, report, scenario);
        section::resources(&mut screen, report, scenario);
    }
    section::designs(&mut screen, report);
    section::security(&mut screen, report);
    section::sweep(&mut screen, report);
    for scenario in report.scenarios.iter().skip(1).filter(|scenario| measured(scenario)) {
        section::times(&mut screen, report, scenario);
        section::verdicts(&mut screen, report, scenario);
    }
    for episode in &report.episodes {
        section::episode(&mut screen, report, episode);
    }
    section::claims(&mut screen, report);
    screen.tail(report);
    screen.out
}

/// Could any of its blocks be used?
fn measured(scenario: &Scenario) -> bool {
    scenario.rows.iter().any(|row| !row.figures.is_empty())
}

/// Text under way.
struct Screen {
    out: String,
    palette: Palette,
    width: usize,
}

impl Screen {
    fn line(&mut self, text: &str) {
        self.out.push_str(text);
        self.out.push('\n');
    }

    fn heading(&mut self, title: &str, detail: &str) {
        self.out.push('\n');
        self.out.push_str(&paint(title, self.palette.strong));
        let mut column = table::columns(title);
        for word in detail.split_whitespace() {
            if column + 1 + table::columns(word) > self.width {
                self.out.push('\n');
                column = 0;
            } else {
                self.out.push(' ');
                column += 1;
            }
            self.out.push_str(&paint(word, self.palette.dim));
            column += table::columns(word);
        }
        self.out.push('\n');
    }

    /// A paragraph with a hanging indent: the first line begins with `mark`.
    fn paragraph(&mut self, mark: &str, text: &str, style: Style) {
        let indent = table::columns(mark);
        for (i, line) in wrap(text, self.width - indent).iter().enumerate() {
            let start = if i == 0 { mark.to_owned() } else { " ".repeat(indent) };
            self.line(&format!("{start}{}", paint(line, style)));
        }
    }

    /// A sentence, wrapped, with its names and figures in bold.
    fn sentence(&mut self, mark: &str, sentence: &Sentence) {
        let mut styles = Vec::new();
        for part in &sentence.0 {
            let (text, style) = match part {
                Part::Text(text) => (text.clone(), Style::new()),
                Part::Name(text) => (text.clone(), self.palette.strong),
                // A figure keeps its unit and its interval on one line.
                Part::Figure { text, .. } => (text.replace(' ', "\u{a0}"), self.palette.strong),
            };
            styles.extend(text.chars().map(|c| (c, style)));
        }
        let text: String = styles.iter().map(|(c, _)| *c).collect();
        let indent = table::columns(mark);
        let mut position = 0;
        for (i, line) in wrap(&text, self.width - indent).iter().enumerate() {
            let start = if i == 0 { mark.to_owned() } else { " ".repeat(indent) };
            self.out.push_str(&start);
            while styles.get(position).is_some_and(|(c, _)| *c == ' ') {
                position += 1;
            }
            let end = (position + table::columns(line)).min(styles.len());
            for run in styles[position..end].chunk_by(|a, b| a.1 == b.1) {
                let text: String = run.iter().map(|(c, _)| if *c == '\u{a0}' { ' ' } else { *c }).collect();
                self.out.push_str(&paint(&text, run[0].1));
            }
            position = end;
            self.out.push('\n');
        }
    }

    /// Undeclared wrong answers stand before everything else.
    fn wrong(&mut self, report: &Report) {
        for wrong in &report.wrong {
            let text = format!(
                "WRONG ANSWERS: {} in {}: {} of {} {} answers were {}. It gets no rank.",
                wrong.row,
                wrong.scenario,
                number::count(wrong.count),
                number::count(wrong.of),
                wrong.operation,
                wrong.outcome.replace('-', " "),
            );
            self.paragraph("✗ ", &text, self.palette.bad);
        }
        if !report.wrong.is_empty() {
            self.line("");
        }
    }

    fn head(&mut self, report: &Report) {
        let run = &report.run;
        self.paragraph("", &report.question, self.palette.strong);
        self.line("");
        for sentence in &report.answer {
            self.sentence("• ", sentence);
        }
        let money = answer::money(report);
        if !money.is_empty() {
            self.sentence("• ", &money);
        }
        self.line("");
        let style = match report.validity.status {
            RunState::Ok => self.palette.good,
            RunState::Uncontrolled | RunState::LowResolution => self.palette.warn,
            RunState::Unreliable => self.palette.bad,
        };
        let badge = format!("{} {}", report.validity.status.glyph(), report.validity.status.label());
        self.line(&paint(&badge, style));
        self.sentence("  ", &report.validity.sentence);
        for reason in &report.validity.reasons {
            self.paragraph("  - ", reason, Style::new());
        }
        let state = if run.complete { "" } else { ", interrupted: only its finished blocks are used" };
        let text = format!(
            "plan {} {}, seed {}, {} blocks in {}{state}",
            run.plan,
            run.plan_sha256.get(..12).unwrap_or(&run.plan_sha256),
            run.seed,
            number::count(run.blocks),
            number::time(run.seconds * 1e9),
        );
        self.paragraph("  ", &text, self.palette.dim);
    }

    fn tail(&mut self, report: &Report) {
        for skipped in &report.skipped {
            let text = format!("skipped {}: {} {}", skipped.backend, skipped.reason, skipped.advice);
            self.out.push('\n');
            self.paragraph("– ", &text, self.palette.warn);
        }
        for warning in &report.warnings {
            self.out.push('\n');
            self.paragraph("! ", &format!("{} {}", warning.text, warning.advice), self.palette.warn);
        }
        if !report.notes.is_empty() {
            self.heading("What the numbers mean", "");
            for note in &report.notes {
                self.paragraph("  ", &format!("{}: {}", note.title, note.text), Style::new());
            }
        }
    }
}

/// Rows of the first paired scenario in reading order, or all rows when none was paired.
fn rows_in_order(report: &Report) -> Vec<&str> {
    match report.headline() {
        Some(scenario) => answer::reading_order(report, scenario),
        None => report.rows.iter().map(|row| row.name.as_str()).collect(),
    }
}
