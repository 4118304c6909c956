//! How far a run is. On a terminal: a bar with the round, the backend, its rate, median and errors, and the time that is
//! left; drawn on stderr and only between two blocks, so that drawing never runs beside a measurement. Without a terminal:
//! what a reader of the log must know, and a line after each round.

use std::cell::RefCell;
use std::io::{IsTerminal, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use measure::event::{Budget, Event, Progress as Far, Skipped};
use measure::redact::redact;
use measure::{BlockRecord, Outcome};
use report::exporter::terminal::wrap;
use report::number;
use terminal_size::{Width, terminal_size_of};

/// At 80 columns a block's words leave no room for the bar beside them.
const TWO_LINES: &str = "{bar:40.cyan} {pos}/{len} blocks, {prefix} left\n{wide_msg}";

/// Draws the events of a run.
pub(crate) struct Progress {
    bar: ProgressBar,
    live: bool,
    seen: RefCell<Seen>,
}

/// What the lines are made of.
#[derive(Debug, Default)]
struct Seen {
    /// Rounds planned for the scenario under way; 0 for whole episodes.
    rounds: u32,
    /// Scenario, round, blocks, void blocks and errors of the round under way.
    round: Option<Round>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Round {
    scenario: String,
    number: u32,
    blocks: u32,
    void: u32,
    errors: u64,
}

impl Progress {
    /// On stderr, if it is a terminal.
    pub(crate) fn on_stderr() -> Self {
        let live = std::io::stderr().is_terminal();
        let bar = if live {
            ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()).with_style(style("{wide_msg}"))
        } else {
            ProgressBar::hidden()
        };
        Self { bar, live, seen: RefCell::default() }
    }

    /// Takes one event.
    pub(crate) fn show(&self, event: &Event) {
        match event {
            Event::Budget(budget) => self.say(&self.broken(&sentence(budget))),
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
                let mut seen = self.seen.borrow_mut();
                seen.rounds = if *paired { *rounds } else { 0 };
                let how =
                    if *paired { format!("{rounds} paired rounds") } else { "whole episodes".to_owned() };
                self.bar.set_message(format!("{scenario}: {how}"));
                self.bar.tick();
            }
            Event::RoundsAdded { scenario, from, to, half_width } => {
                self.seen.borrow_mut().rounds = *to;
                self.say(&format!(
                    "{scenario}: {from} rounds leave ±{:.1} %, going on to {to}",
                    half_width * 100.0
                ));
            }
            Event::BlockFinished { block, progress } => self.finished(block, progress),
        }
    }

    fn finished(&self, block: &BlockRecord, far: &Far) {
        if self.bar.length().is_none() {
            self.bar.set_style(style(TWO_LINES));
        }
        self.bar.update(|bar| {
            bar.set_len(far.total);
            bar.set_pos(far.done);
        });
        self.bar.set_prefix(clock_text(far.remaining_ns));
        let mut seen = self.seen.borrow_mut();
        self.bar.set_message(seen.words(block));
        let line = seen.count(block, far);
        drop(seen);
        if let Some(line) = line.filter(|_| !self.live) {
            self.say(&line);
        }
    }

    /// A long line broken at the width of the terminal; as it is in a log.
    fn broken(&self, text: &str) -> String {
        if !self.live {
            return text.to_owned();
        }
        let width = terminal_size_of(std::io::stderr()).map_or(80, |(Width(columns), _)| columns.into());
        wrap(text, width.max(40) - 2).join("\n  ")
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

impl Seen {
    /// The block in a few words: `steady 3/24 · session-redis · 1,500/s · p50 118 µs · 0 errors`.
    fn words(&self, block: &BlockRecord) -> String {
        let busiest =
            block.response_ns.values().max_by_key(|times| times.count).filter(|times| times.count > 0);
        let mut words = vec![
            format!("{}{}", block.scenario, self.round_of(block)),
            block.backend.clone(),
            format!("{}/s", number::short(block.achieved_rate)),
        ];
        words.extend(busiest.map(|times| format!("p50 {}", number::time(times.p50 as f64))));
        words.push(counted(errors(block), "error"));
        if !block.validity.valid {
            words.push("void".to_owned());
        }
        words.join(" · ")
    }

    fn round_of(&self, block: &BlockRecord) -> String {
        // Pilots bear numbers beyond every round.
        if block.round < self.rounds {
            format!(" {}/{}", block.round + 1, self.rounds)
        } else {
            String::new()
        }
    }

    /// Counts a block; gives the line of the round before when it was the first of the next, and of its own when it was
    /// the last of all.
    fn count(&mut self, block: &BlockRecord, far: &Far) -> Option<String> {
        let own =
            Round { scenario: block.scenario.clone(), number: block.round, blocks: 0, void: 0, errors: 0 };
        let same = |round: &Round| round.scenario == own.scenario && round.number == own.number;
        let before = self.round.take_if(|round| !same(round));
        let round = self.round.get_or_insert(own);
        round.blocks += 1;
        round.void += u32::from(!block.validity.valid);
        round.errors += errors(block);
        let done = (far.done >= far.total).then(|| self.round.take()).flatten();
        let rounds = self.rounds;
        let lines: Vec<String> = [before, done]
            .into_iter()
            .flatten()
            .filter(|round| round.number < rounds)
            .map(|round| round.line(rounds, far))
            .collect();
        (!lines.is_empty()).then(|| lines.join("\n"))
    }
}

impl Round {
    fn line(&self, rounds: u32, far: &Far) -> String {
        let void = if self.void > 0 { format!(", {} void", self.void) } else { String::new() };
        format!(
            "{} {}/{rounds}: {}{void}, {}, {} left",
            self.scenario,
            self.number + 1,
            counted(self.blocks.into(), "block"),
            counted(self.errors, "error"),
            clock_text(far.remaining_ns)
        )
    }
}

fn counted(n: u64, what: &str) -> String {
    format!("{} {what}{}", number::count(n), if n == 1 { "" } else { "s" })
}

/// Operations that the service failed, or answered against what its backend declares.
fn errors(block: &BlockRecord) -> u64 {
    let failed = |outcome: Outcome| {
        matches!(
            outcome,
            Outcome::TimedOut
                | Outcome::ConnectionFailed
                | Outcome::Malformed
                | Outcome::Unavailable
                | Outcome::ServerError
                | Outcome::Unexpected
        )
    };
    let counts = block.outcomes.values().flatten();
    let failed: u64 = counts.filter(|(outcome, _)| failed(**outcome)).map(|(_, count)| count).sum();
    failed + block.wrong_answers()
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
    let thefts = match budget.exposure_ms {
        0 => String::new(),
        ms => format!(", {} thefts", seconds(ms)),
    };
    format!(
        "{} rows, {} blocks: about {} ({} paired rounds, {} whole episodes, {} set-up{thefts}){most}",
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
            exposure_ms: 0,
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

    fn block(row: &str, round: u32, errors: u64, valid: bool) -> BlockRecord {
        serde_json::from_value(serde_json::json!({
            "schema": measure::block::SCHEMA, "sequence": 0, "previous": "", "scenario": "steady", "backend": row,
            "round": round, "position": 0, "restart": 0, "kind": "paired", "started_unix_ns": 0,
            "measured_ns": 500_000_000, "offered_rate": 1500.0, "achieved_rate": 1500.0,
            "outcomes": { "request": { "ok": 750 - errors, "timed-out": errors } },
            "response_ns": { "request": { "count": 750, "p50": 118_400, "p90": 1, "p99": 1, "p999": 1, "max": 1 } },
            "service_ns": {}, "send_lag_ns": null,
            "server": { "cpu_ns": 1, "pss_bytes": 1, "peak_bytes": 1, "voluntary_switches": 0, "involuntary_switches": 0 },
            "store": null, "wire": { "sent_bytes": 0, "received_bytes": 0 },
            "generator": { "cpu_ns": 0, "spin_ns": 0, "in_flight_mean": null },
            "steal": 0.0, "exposure": [],
            "validity": { "valid": valid, "response_times": valid, "reasons": [] },
        }))
        .unwrap()
    }

    #[test]
    fn a_block_says_round_backend_rate_median_and_errors() {
        let seen = Seen { rounds: 24, round: None };
        assert_eq!(
            seen.words(&block("session-redis", 2, 0, true)),
            "steady 3/24 · session-redis · 1,500/s · p50 118 µs · 0 errors"
        );
        assert!(
            seen.words(&block("a", u32::MAX - 1, 1, false))
                .ends_with("steady · a · 1,500/s · p50 118 µs · 1 error · void")
        );
    }

    #[test]
    fn without_a_terminal_each_round_is_one_line() {
        let mut seen = Seen { rounds: 2, round: None };
        let mut done = 0;
        let mut next = |row, round, errors, valid| {
            done += 1;
            let far = Far { done, total: 4, elapsed_ns: 0, remaining_ns: (4 - done) * 30_000_000_000 };
            seen.count(&block(row, round, errors, valid), &far)
        };
        assert_eq!(next("a", 0, 0, true), None);
        assert_eq!(next("b", 0, 3, false), None);
        assert_eq!(next("b", 1, 0, true).unwrap(), "steady 1/2: 2 blocks, 1 void, 3 errors, 0:30 left");
        assert_eq!(next("a", 1, 0, true).unwrap(), "steady 2/2: 2 blocks, 0 errors, 0:00 left");
    }

    #[test]
    fn remaining_time_is_rounded_up() {
        assert_eq!(clock_text(0), "0:00");
        assert_eq!(clock_text(1), "0:01");
        assert_eq!(clock_text(61_000_000_000), "1:01");
    }
}
