//! Do the intervals cover what they say, and are verdicts wrong as rarely as they promise?
//!
//! Simulates paired rounds with a known truth and prints, for each kind of noise and number of rounds, how often the
//! nominal 95 % interval contained the truth and how often "equivalent within 5 %" was granted when the truth lay exactly
//! at the margin. Then the same for rounds that grow on precision, for restarts that differ, for the cost added over a
//! floor, for a family of seven, and for the bootstrap of a tail.
//!
//! ```text
//! cargo run --release -p benches --example coverage [RUNS] [SEED]
//! ```
//!
//! 10,000 runs by default (standard error of a coverage of 95 %: 0.22 points). The same seed prints the same table. Exit
//! code 1 when a figure that must hold does not: coverage from 93.5 to 96.5 %, wrongly granted at most 6 %.

use std::io::{self, Write};
use std::process::ExitCode;

use stats::bootstrap::Bootstrap;
use stats::location::signed_rank_interval;
use stats::simulation::{Design, Noise, coverage, granted, share};
use stats::{Pairs, Random, Rules, Unusable, Values, Verdict, judge, quantile};

const MARGIN: f64 = 0.05;
const SCALE: f64 = 0.02;
/// The exact interval exists at certain levels only; at six and seven rounds the level reached is above 96.5 % by itself.
const ROUNDS: [usize; 5] = [8, 10, 12, 24, 48];

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<u64>());
    let (runs, seed) = match (arguments.next().unwrap_or(Ok(10_000)), arguments.next().unwrap_or(Ok(2026))) {
        (Ok(runs), Ok(seed)) if runs > 0 => (runs, seed),
        _ => {
            let _ = writeln!(io::stderr(), "usage: coverage [RUNS > 0] [SEED]");
            return ExitCode::from(2);
        }
    };
    let mut table = Table { out: io::stdout().lock(), bad: 0, runs, seed };
    match table.print() {
        Ok(()) if table.bad == 0 => ExitCode::SUCCESS,
        Ok(()) => ExitCode::FAILURE,
        Err(error) => {
            let _ = writeln!(io::stderr(), "coverage: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Writes rows and counts those out of bounds.
struct Table<W: Write> {
    out: W,
    bad: u32,
    runs: u64,
    seed: u64,
}

type Outcome = Result<(), Box<dyn std::error::Error>>;

impl<W: Write> Table<W> {
    fn print(&mut self) -> Outcome {
        writeln!(self.out, "{} runs per row, seed {}", self.runs, self.seed)?;
        self.single()?;
        self.family()?;
        self.growing()?;
        self.restarts()?;
        self.added()?;
        self.tail()?;
        writeln!(self.out, "\n{} of the figures that must hold do not", self.bad)?;
        Ok(())
    }

    fn head(&mut self, title: &str, columns: &str) -> Outcome {
        Ok(writeln!(self.out, "\n{title}\n{columns}")?)
    }

    fn row(&mut self, name: &str, covered: f64, granted: f64, bounds: Bounds) -> Outcome {
        let low = if covered < 0.935 { " TOO LOW" } else { "" };
        let high = if covered > 0.965 && bounds == Bounds::Both { " TOO HIGH" } else { "" };
        let wrong = if granted > 0.06 { " TOO OFTEN" } else { "" };
        self.bad += u32::from(!low.is_empty() || !high.is_empty() || !wrong.is_empty());
        Ok(writeln!(
            self.out,
            "{name:<34}{:>8.2} %{low}{high}{:>12.2} %{wrong}",
            covered * 100.0,
            granted * 100.0
        )?)
    }

    /// One comparison: the interval and the verdict as the report gives them.
    fn single(&mut self) -> Outcome {
        self.head(
            "one comparison, equivalence margin ±5 %",
            "noise, rounds                       covered   wrongly granted at the margin",
        )?;
        let rules = Rules { alpha: 0.05, margin: MARGIN, family: 1 };
        for noise in Noise::ALL {
            for rounds in ROUNDS {
                let design = Design { rounds, noise, scale: SCALE, truth: 0.03 };
                let covered = coverage(design, 0.95, self.runs, self.seed)?;
                let at_margin = Design { truth: rules.log_margin(), ..design };
                let granted = granted(at_margin, rules, self.runs, self.seed + 1)?;
                self.row(&format!("{}, {rounds}", noise.label()), covered, granted, Bounds::Both)?;
            }
        }
        Ok(())
    }

    /// Seven comparisons at once: any false difference among equal rows, any false equivalence among rows at the margin.
    fn family(&mut self) -> Outcome {
        self.head(
            "seven comparisons, 24 rounds: at least one wrong verdict among them",
            "noise                          false different   falsely equivalent",
        )?;
        let rules = Rules { alpha: 0.05, margin: MARGIN, family: 7 };
        for noise in Noise::ALL {
            let any = |truth: f64, wrong: fn(Verdict) -> bool, seed: u64| {
                share(self.runs, seed, |random| {
                    let design = Design { rounds: 24, noise, scale: SCALE, truth };
                    let data: Vec<Vec<f64>> = (0..7).map(|_| design.pairs(random)).collect();
                    let pairs: Vec<Pairs<'_>> = data.iter().map(|data| Pairs::log_ratios(data)).collect();
                    Ok(judge(&pairs, rules).into_iter().flatten().any(|judged| wrong(judged.verdict)))
                })
            };
            let different = any(
                0.0,
                |verdict| matches!(verdict, Verdict::Lower { .. } | Verdict::Higher { .. }),
                self.seed + 2,
            )?;
            let equivalent =
                any(rules.log_margin(), |verdict| verdict == Verdict::Equivalent, self.seed + 3)?;
            let flag = if different > 0.06 || equivalent > 0.06 { " TOO OFTEN" } else { "" };
            self.bad += u32::from(!flag.is_empty());
            let (different, equivalent) = (different * 100.0, equivalent * 100.0);
            writeln!(self.out, "{:<34}{different:>8.2} %{equivalent:>12.2} %{flag}", noise.label())?;
        }
        Ok(())
    }

    /// 24 rounds, six more at a time up to 48 until the half-width is at most 2 %.
    fn growing(&mut self) -> Outcome {
        self.head(
            "rounds grow from 24 to 48 until the half-width is at most 2 %",
            "noise                               covered   wrongly granted at the margin",
        )?;
        let rules = Rules { alpha: 0.05, margin: MARGIN, family: 1 };
        for noise in Noise::ALL {
            let grown = |truth: f64, random: &mut Random| -> Result<Vec<f64>, Unusable> {
                let data = Design { rounds: 48, noise, scale: 0.035, truth }.pairs(random);
                let mut rounds = 24;
                while rounds < 48 && signed_rank_interval(&data[..rounds], 0.95)?.half_width() > 0.02 {
                    rounds += 6;
                }
                Ok(data[..rounds].to_vec())
            };
            let covered = share(self.runs, self.seed + 4, |random| {
                Ok(signed_rank_interval(&grown(0.03, random)?, 0.95)?.contains(0.03))
            })?;
            let granted = share(self.runs, self.seed + 5, |random| {
                let data = grown(rules.log_margin(), random)?;
                Ok(judge(&[Pairs::log_ratios(&data)], rules).remove(0)?.verdict == Verdict::Equivalent)
            })?;
            self.row(noise.label(), covered, granted, Bounds::Both)?;
        }
        Ok(())
    }

    /// Restarts with an effect of their own: the interval may be wider than nominal, never narrower.
    fn restarts(&mut self) -> Outcome {
        // Up to 240 pairs each: a fifth of the runs takes as long as the other tables.
        let runs = self.runs.div_ceil(5);
        self.head(
            &format!("24 rounds per restart, {runs} runs; effect of a restart in standard errors within one"),
            "restarts, effect                    covered   wrongly granted at the margin",
        )?;
        let rules = Rules { alpha: 0.05, margin: MARGIN, family: 1 };
        for restarts in [3_u32, 5, 10] {
            for effect in [0.0, 1.0, 3.0] {
                let data = |truth: f64, random: &mut Random| -> (Vec<f64>, Vec<u32>) {
                    let design = Design { rounds: 24, noise: Noise::Normal, scale: SCALE, truth: 0.0 };
                    let sd = effect * SCALE * libm::sqrt(2.0 / 24.0);
                    let mut all = (Vec::new(), Vec::new());
                    for restart in 0..restarts {
                        let shift = truth + sd * random.normal();
                        all.0.extend(design.pairs(random).iter().map(|d| d + shift));
                        all.1.extend([restart; 24]);
                    }
                    all
                };
                let covered = share(runs, self.seed + 6, |random| {
                    let (values, restarts) = data(0.03, random);
                    let pairs = Pairs { values: Values::LogRatios(&values), restarts: &restarts };
                    Ok(pairs.interval(0.95)?.contains(libm::exp(0.03)))
                })?;
                let granted = share(runs, self.seed + 7, |random| {
                    let (values, restarts) = data(rules.log_margin(), random);
                    let pairs = Pairs { values: Values::LogRatios(&values), restarts: &restarts };
                    Ok(judge(&[pairs], rules).remove(0)?.verdict == Verdict::Equivalent)
                })?;
                self.row(&format!("{restarts}, {effect}"), covered, granted, Bounds::Lower)?;
            }
        }
        Ok(())
    }

    /// Floor 60, baseline 20 above it, the row at a true ratio of the added cost; noise multiplies whole figures.
    fn added(&mut self) -> Outcome {
        self.head(
            "cost added over a floor, baseline adds a third, margin ±5 % of the added cost",
            "rounds                              covered   wrongly granted at the margin",
        )?;
        let rules = Rules { alpha: 0.05, margin: MARGIN, family: 1 };
        for rounds in ROUNDS {
            let data = |ratio: f64, random: &mut Random| -> (Vec<f64>, Vec<f64>) {
                let mut figure = |mean: f64| mean * libm::exp(0.004 * random.normal());
                (0..rounds)
                    .map(|_| {
                        let floor = figure(60.0);
                        (figure(60.0 + 20.0 * ratio) - floor, figure(80.0) - floor)
                    })
                    .unzip()
            };
            let covered = share(self.runs, self.seed + 8, |random| {
                let (row, baseline) = data(1.1, random);
                let values = Values::Added { row: &row, baseline: &baseline };
                Ok(Pairs { values, restarts: &[] }.interval(0.95)?.contains(1.1))
            })?;
            let granted = share(self.runs, self.seed + 9, |random| {
                let (row, baseline) = data(1.0 + MARGIN, random);
                let values = Values::Added { row: &row, baseline: &baseline };
                Ok(judge(&[Pairs { values, restarts: &[] }], rules).remove(0)?.verdict == Verdict::Equivalent)
            })?;
            self.row(&rounds.to_string(), covered, granted, Bounds::Both)?;
        }
        Ok(())
    }

    /// The bootstrap is an approximation and its figures are descriptive: printed, not required.
    fn tail(&mut self) -> Outcome {
        let runs = self.runs.div_ceil(10);
        self.head(
            &format!("bootstrap over rounds, {runs} runs: median of a skewed tail (lognormal, sd 40 %), descriptive"),
            "rounds                              covered",
        )?;
        for rounds in ROUNDS {
            let covered = share(runs, self.seed + 10, |random| {
                let tails: Vec<f64> = (0..rounds).map(|_| libm::exp(0.4 * random.normal())).collect();
                let bootstrap = Bootstrap { draws: 1_000, level: 0.95, seed: random.below(1 << 30) as u64 };
                let median = |indices: &[usize]| {
                    quantile::median(&indices.iter().map(|&index| tails[index]).collect::<Vec<_>>()).ok()
                };
                Ok(bootstrap.interval(rounds, median)?.contains(1.0))
            })?;
            writeln!(self.out, "{rounds:<34}{:>8.2} %", covered * 100.0)?;
        }
        Ok(())
    }
}

/// Which side of the nominal level is a fault.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Bounds {
    Both,
    Lower,
}
