//! The generator checked against known truths on the machine at hand: a stall, known delays, arrivals at the receiver,
//! pacing, and one thread against two.
//!
//! Every check drives the null responder over loopback. They take real time and depend on the machine, so they belong to
//! `doctor --generator` and the benches; the same truths are tests in virtual time beside the engine.

use std::sync::atomic::AtomicBool;

use scenario::{Arrival, Operation, Step};
use serde::Serialize;

use crate::clock::Monotonic;
use crate::cores;
use crate::drive::run;
use crate::engine::Engine;
use crate::error::Error;
use crate::fixed::Fixed;
use crate::load::endless_requests;
use crate::null::{NullOptions, NullReport, NullResponder, Pause};
use crate::options::{Mode, Options};
use crate::report::{DriveReport, ratio};
use crate::surroundings::{Nobody, split_cores};
use crate::transport::Sockets;
use crate::transport::target::Target;

const SECOND: u64 = 1_000_000_000;

/// How long the checks take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// About 12 s in all; the stall lasts 0.5 s.
    Quick,
    /// About 50 s in all; the stall lasts 2 s of 10.
    Full,
}

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Within its bounds.
    Passed,
    /// Outside.
    Missed,
    /// For information, or not measurable on this machine.
    NotMeasurable,
}

/// One check against a known truth.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Check {
    /// What is checked.
    pub name: String,
    /// What the generator says.
    pub measured: Option<f64>,
    /// What is true, where there is a truth.
    pub truth: Option<f64>,
    /// Unit of both.
    pub unit: &'static str,
    /// Bounds, both inclusive.
    pub bounds: Option<[f64; 2]>,
    /// How it ended.
    pub verdict: Verdict,
    /// What else there is to say.
    pub note: String,
}

/// Runs every check, handing each to `found` as soon as it is known. Stops early when `stop` is set.
///
/// The calling thread is bound to the generator's core while the checks run and released again.
///
/// # Errors
/// [`Error::System`] when sockets or threads cannot be had.
pub fn check_generator(
    scale: Scale,
    stop: &AtomicBool,
    mut found: impl FnMut(&Check),
) -> Result<Vec<Check>, Error> {
    let allowed = cores::allowed();
    let split = split_cores();
    if let Some((own, _)) = &split {
        cores::pin(own)?;
    }
    let bench = Bench { scale, stop, responder_cores: split.map(|(_, rest)| rest).unwrap_or_default() };
    let mut all = Vec::new();
    let result = bench.run(allowed.len(), &mut |check| {
        found(&check);
        all.push(check);
    });
    cores::pin(&allowed)?;
    result.map(|()| all)
}

struct Bench<'a> {
    scale: Scale,
    stop: &'a AtomicBool,
    responder_cores: Vec<usize>,
}

impl Bench<'_> {
    fn run(&self, core_count: usize, found: &mut dyn FnMut(Check)) -> Result<(), Error> {
        self.stall(found)?;
        for delay_us in [200, 1000, 5000] {
            self.delay(delay_us, found)?;
        }
        self.arrivals(found)?;
        self.pacing(found)?;
        self.doubling(core_count, found)
    }

    fn scaled(&self, quick: u64, full: u64) -> u64 {
        if self.scale == Scale::Quick { quick } else { full }
    }

    /// Open loop at a rate against a responder of its own.
    fn open(
        &self,
        null: &NullOptions,
        arrival: Arrival,
        rate: f64,
        options: &Options,
    ) -> Result<Pair, Error> {
        let null = NullOptions { cores: self.responder_cores.clone(), ..null.clone() };
        let responder = NullResponder::start(&null)?;
        let steps = arrival.offsets(rate, 1).map(request);
        let report = drive_fixed(&responder, options, steps, self.stop)?;
        Ok(Pair { report, null: responder.finish() })
    }

    /// The responder stands still for a known time. Request k of the stall, due at k/λ and answered at P + k/μ, has a
    /// response time of P − k·(1/λ − 1/μ): a straight line from P to 0 over a share f = (P + D)/T of all requests, where
    /// D is the drain as the responder measured it. Quantile q is P·(1 − (1 − q)/f).
    fn stall(&self, found: &mut dyn FnMut(Check)) -> Result<(), Error> {
        const RATE: u64 = 2000;
        let total_ns = self.scaled(5 * SECOND / 2, 10 * SECOND);
        let pause = Pause { after_ns: total_ns * 3 / 10, length_ns: total_ns / 5, rate: RATE };
        let null = NullOptions { pause: Some(pause), ..NullOptions::default() };
        let options = Options { measure_ns: total_ns, ..Options::default() };
        let pair = self.open(&null, Arrival::Constant, RATE as f64, &options)?;
        let drain_ns = pair.null.drain_ns.unwrap_or(0);
        let share = ratio((pair.null.paused_ns + drain_ns) as f64, total_ns as f64);
        for (quantile, tolerance) in [(0.99, 0.02), (0.9, 0.04)] {
            let truth = pair.null.paused_ns as f64 * (1.0 - (1.0 - quantile) / share) / 1e6;
            let measured = pair.report.response.value_at_quantile(quantile) as f64 / 1e6;
            let name = format!("stall oracle, response time p{:.0}", quantile * 100.0);
            let note = format!(
                "{RATE}/s for {:.1} s, responder stopped for {:.1} ms, drained in {:.1} ms; off by {:+.2} %",
                total_ns as f64 / 1e9,
                pair.null.paused_ns as f64 / 1e6,
                drain_ns as f64 / 1e6,
                (measured / truth - 1.0) * 100.0
            );
            let bounds = [truth * (1.0 - tolerance), truth * (1.0 + tolerance)];
            found(judged(name, measured, Some(truth), "ms", bounds, note));
        }
        let closed = Options { mode: Mode::Closed, connections: 4, ..options };
        let pair = self.closed(&null, &closed)?;
        found(Check {
            name: "the same stall in closed loop, response time p99".to_owned(),
            measured: Some(pair.report.response.value_at_quantile(0.99) as f64 / 1e6),
            truth: None,
            unit: "ms",
            bounds: None,
            verdict: Verdict::NotMeasurable,
            note: "what a closed loop sees of the stall: nothing at p99".to_owned(),
        });
        Ok(())
    }

    fn closed(&self, null: &NullOptions, options: &Options) -> Result<Pair, Error> {
        let null = NullOptions { cores: self.responder_cores.clone(), ..null.clone() };
        let responder = NullResponder::start(&null)?;
        let report = drive_fixed(&responder, options, endless_requests(), self.stop)?;
        Ok(Pair { report, null: responder.finish() })
    }

    /// The responder holds every answer for a known time.
    fn delay(&self, delay_us: u64, found: &mut dyn FnMut(Check)) -> Result<(), Error> {
        let null = NullOptions { delay_ns: delay_us * 1000, ..NullOptions::default() };
        let measure_ns = self.scaled(SECOND, 4 * SECOND);
        let pair =
            self.open(&null, Arrival::Poisson, 500.0, &Options { measure_ns, ..Options::default() })?;
        let measured = pair.report.service.value_at_quantile(0.5) as f64 / 1000.0;
        let truth = delay_us as f64;
        let name = format!("known delay of {} ms, service time p50", truth / 1000.0);
        let note = format!("off by {:+.1} us", measured - truth);
        found(judged(name, measured, Some(truth), "us", [truth - 50.0, truth + 50.0], note));
        Ok(())
    }

    /// Poisson arrivals as the responder's own stamps show them.
    fn arrivals(&self, found: &mut dyn FnMut(Check)) -> Result<(), Error> {
        let measure_ns = self.scaled(2 * SECOND, 10 * SECOND);
        let options = Options { measure_ns, ..Options::default() };
        let pair = self.open(&NullOptions::default(), Arrival::Poisson, 10_000.0, &options)?;
        let schedule = pair.report.arrivals.map_or(0.0, |arrivals| arrivals.intended);
        let note = format!(
            "Poisson 10,000/s in {} bins of 1 ms; the schedule's own is {schedule:.3}",
            pair.null.bins
        );
        let name = "dispersion of arrivals at the receiver".to_owned();
        found(judged(name, pair.null.dispersion, Some(1.0), "", [0.9, 1.1], note));
        Ok(())
    }

    /// How late sends are, with and without the final spin.
    fn pacing(&self, found: &mut dyn FnMut(Check)) -> Result<(), Error> {
        for spin_ns in [50_000, 0] {
            let measure_ns = self.scaled(SECOND, 5 * SECOND);
            let options = Options { measure_ns, spin_ns, ..Options::default() };
            let pair = self.open(&NullOptions::default(), Arrival::Poisson, 10_000.0, &options)?;
            let at = |quantile| pair.report.own_lag.value_at_quantile(quantile) as f64 / 1000.0;
            let busy = pair.report.busy_share() * 100.0;
            let spun = ratio(pair.report.spin_ns as f64, pair.report.measured_ns as f64) * 100.0;
            let note = format!(
                "Poisson 10,000/s; p50 {:.1} us, p99.9 {:.1} us; busy {busy:.0} %, spinning {spun:.0} %",
                at(0.5),
                at(0.999)
            );
            let name = format!("send lag p99 with a final spin of {} us", spin_ns / 1000);
            let mut check = judged(name, at(0.99), Some(0.0), "us", [0.0, 80.0], note);
            if spin_ns == 0 {
                (check.bounds, check.verdict) = (None, Verdict::NotMeasurable);
            }
            found(check);
        }
        Ok(())
    }

    /// One thread, and two threads at half the rate each: the same quantiles.
    fn doubling(&self, core_count: usize, found: &mut dyn FnMut(Check)) -> Result<(), Error> {
        let name = "two generator threads against one, response time p50".to_owned();
        if core_count < 3 {
            found(Check {
                name,
                measured: None,
                truth: None,
                unit: "us",
                bounds: None,
                verdict: Verdict::NotMeasurable,
                note: format!("not measurable here: it needs 3 cores, this process may use {core_count}"),
            });
            return Ok(());
        }
        let null = NullOptions {
            delay_ns: 1_000_000,
            cores: self.responder_cores[1..].to_vec(),
            ..NullOptions::default()
        };
        let measure_ns = self.scaled(SECOND, 5 * SECOND);
        let options = Options { measure_ns, ..Options::default() };
        let responder = NullResponder::start(&null)?;
        let steps = |rate, seed| Arrival::Poisson.offsets(rate, seed).map(request);
        let one = drive_fixed(&responder, &options, steps(4000.0, 1), self.stop)?;
        let own = cores::allowed();
        let second = self.responder_cores[0];
        let (half, other) = std::thread::scope(|scope| {
            let other = scope.spawn(|| {
                cores::pin(&[second])?;
                drive_fixed(&responder, &options, steps(2000.0, 2), self.stop)
            });
            let half = drive_fixed(&responder, &options, steps(2000.0, 1), self.stop);
            (half, other.join())
        });
        cores::pin(&own)?;
        let mut two = half?.response;
        if let Ok(other) = other {
            // Same bounds on both: adding cannot fail.
            let _ = two.add(&other?.response);
        }
        let us = |ns: u64| ns as f64 / 1000.0;
        let (one_p50, two_p50) = (us(one.response.value_at_quantile(0.5)), us(two.value_at_quantile(0.5)));
        let note = format!(
            "p99 {:.1} us with two, {:.1} us with one",
            us(two.value_at_quantile(0.99)),
            us(one.response.value_at_quantile(0.99))
        );
        found(judged(name, two_p50, Some(one_p50), "us", [one_p50 * 0.95, one_p50 * 1.05], note));
        Ok(())
    }
}

/// Both sides of one drive.
struct Pair {
    report: DriveReport,
    null: NullReport,
}

fn judged(
    name: String,
    measured: f64,
    truth: Option<f64>,
    unit: &'static str,
    bounds: [f64; 2],
    note: String,
) -> Check {
    let within = measured >= bounds[0] && measured <= bounds[1];
    let verdict = if within { Verdict::Passed } else { Verdict::Missed };
    Check { name, measured: Some(measured), truth, unit, bounds: Some(bounds), verdict, note }
}

fn request(intended_ns: u64) -> Step {
    Step { intended_ns, subject: 0, device: 0, operation: Operation::Request }
}

/// Drives one fixed request against a null responder, on the calling thread.
fn drive_fixed(
    responder: &NullResponder,
    options: &Options,
    steps: impl Iterator<Item = Step>,
    stop: &AtomicBool,
) -> Result<DriveReport, Error> {
    let target = Target::plain(vec![responder.address()]);
    let transport = Sockets::new(&target, options.connections, options.wait)?;
    let mut work = Fixed::new(format!("GET / HTTP/1.1\r\nHost: {}\r\n\r\n", target.host).into_bytes());
    run(Engine::new((&mut work, Monotonic, transport), options, steps, stop, &mut Nobody), options)
}
