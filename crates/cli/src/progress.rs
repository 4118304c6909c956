//! How far a run is: drawn on stderr when that is a terminal, and only between two blocks, so that drawing never runs
//! beside a measurement. Without a terminal only what a reader of the log must know is written.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use measure::event::{Budget, Event, Skipped};

use measure::redact::redact;

/// Draws the events of a run.
pub(crate) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// On stderr, if it is a terminal.
    pub(crate) fn on_stderr() -> Self {
        let bar = if std::io::stderr().is_terminal() {
            ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()).with_style(style("{wide_msg}"))
        } else {
            ProgressBar::hidden()
        };
        Self { bar }
    }

    /// Takes one event.
    pub(crate) fn show(&self, event: &Event) {
        match event {
            Event::Budget(budget) => self.say(&sentence(budget)),
            Event::Skipped(skipped) => self.say(&skipped_lines(skipped)),
            Event::Warning(warning) => self.say(&warning_line(&warning.row, &warning.message)),
            Event::RowFailed { row, message } => {
                let first = message.lines().next().unwrap_or_default();
                self.say(&format!("failed: {row}: {first}\n  the other rows are measured on"));
            }
            Event::SetUp { row, message } => {
                let about = if row.is_empty() { String::new() } else { format!("{row}: ") };
                self.bar.set_message(format!("{about}{message}"));
                self.bar.tick();
            }
            Event::Ceiling { per_second } => {
                self.bar.set_message(format!("the generator manages {per_second:.0} requests/s here"));
                self.bar.tick();
            }
            Event::ScenarioStarted { scenario, paired, rounds } => {
                let how =
                    if *paired { format!("{rounds} paired rounds") } else { "whole episodes".to_owned() };
                self.bar.set_message(format!("{scenario}: {how}"));
                self.bar.tick();
            }
            Event::RoundsAdded { scenario, from, to, half_width } => self.say(&format!(
                "{scenario}: {from} rounds leave ±{:.1} %, going on to {to}",
                half_width * 100.0
            )),
            Event::BlockFinished { block, progress } => {
                if self.bar.length().is_none() {
                    self.bar.set_style(style("{bar:30.cyan} {pos}/{len}  {prefix} left  {wide_msg}"));
                }
                self.bar.set_length(progress.total);
                self.bar.set_position(progress.done);
                self.bar.set_prefix(clock_text(progress.remaining_ns));
                self.bar.set_message(format!("{} · {}", block.scenario, block.backend));
            }
        }
    }

    /// Takes the drawing away; what was said stays.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    /// A line that stays, on a terminal and in a log.
    fn say(&self, text: &str) {
        let text = redact(text);
        // With stderr gone there is nobody left to tell.
        self.bar.suspend(|| {
            let _ = writeln!(anstream::stderr(), "{text}");
        });
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

fn clock_text(remaining_ns: u64) -> String {
    let seconds = Duration::from_nanos(remaining_ns).as_secs_f64().ceil() as u64;
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

/// What a run will take, in one line.
pub(crate) fn sentence(budget: &Budget) -> String {
    let seconds = |ms: u64| format!("{:.0} s", (ms as f64 / 1000.0).ceil());
    let most = if budget.total_max_ms() > budget.total_ms() {
        let why = if budget.paired_max_ms > budget.paired_ms {
            " if intervals stay wide and blocks must be repeated"
        } else {
            " if blocks must be repeated"
        };
        format!(", at most {}{why}", seconds(budget.total_max_ms()))
    } else {
        String::new()
    };
    format!(
        "{} rows, {} blocks: about {} ({} paired rounds, {} whole episodes, {} set-up){most}",
        budget.rows,
        budget.blocks,
        seconds(budget.total_ms()),
        seconds(budget.paired_ms),
        seconds(budget.episodes_ms),
        seconds(budget.set_up_ms),
    )
}

fn skipped_lines(skipped: &Skipped) -> String {
    format!("skipped {}: {}\n  help: {}", skipped.row, skipped.reason, skipped.hint)
}

fn warning_line(row: &str, message: &str) -> String {
    if row.is_empty() { format!("warning: {message}") } else { format!("warning: {row}: {message}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_reads_as_one_line_and_names_growth_only_where_there_is_some() {
        let fixed = Budget {
            rows: 9,
            blocks: 90,
            paired_ms: 43_200,
            paired_max_ms: 43_200,
            episodes_ms: 12_000,
            set_up_ms: 4_100,
            repeats_max_ms: 0,
            limit_ms: None,
        };
        assert_eq!(
            sentence(&fixed),
            "9 rows, 90 blocks: about 60 s (44 s paired rounds, 12 s whole episodes, 5 s set-up)"
        );
        let growing = Budget { paired_max_ms: 86_400, repeats_max_ms: 10_000, ..fixed.clone() };
        assert!(
            sentence(&growing)
                .ends_with("set-up), at most 113 s if intervals stay wide and blocks must be repeated")
        );
        let repeating = Budget { repeats_max_ms: 7_000, ..fixed };
        assert!(sentence(&repeating).ends_with("set-up), at most 67 s if blocks must be repeated"));
        let bounded = Budget { limit_ms: Some(62_000), ..repeating.clone() };
        assert!(sentence(&bounded).ends_with("at most 62 s if blocks must be repeated"));
        // Planned blocks are not left out for a limit.
        assert_eq!(Budget { limit_ms: Some(10_000), ..repeating }.total_max_ms(), 59_300);
    }

    #[test]
    fn remaining_time_is_rounded_up() {
        assert_eq!(clock_text(0), "0:00");
        assert_eq!(clock_text(1), "0:01");
        assert_eq!(clock_text(61_000_000_000), "1:01");
    }
}
