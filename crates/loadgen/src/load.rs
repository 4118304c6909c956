//! `load`: one fixed request at a rate, or as fast as the answers come, against any address.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use hdrhistogram::Histogram;
use scenario::{Arrival, Operation, Step};
use serde::Serialize;
use url::Url;

use crate::clock::Monotonic;
use crate::drive::run;
use crate::engine::Engine;
use crate::error::Error;
use crate::fixed::Fixed;
use crate::observation::{Answer, Observation, Observer};
use crate::options::{Mode, Options};
use crate::report::{DriveReport, ratio};
use crate::surroundings::{StealMeter, ceiling};
use crate::transport::Sockets;
use crate::transport::target::Target;
use crate::validity::{Certificate, Surroundings, certify};

/// What is driven and how.
#[derive(Debug, Clone)]
pub struct LoadOptions {
    /// Requests per second (open loop); `None` = closed loop.
    pub rate: Option<f64>,
    /// How the requests are spread over time, in open loop.
    pub arrivals: Arrival,
    /// Seed of the arrivals.
    pub seed: u64,
    /// Length of the drive, nanoseconds.
    pub duration_ns: u64,
    /// Header lines added to the request: name and value.
    pub headers: Vec<(String, String)>,
    /// Trust for `https`.
    pub tls: Option<Arc<rustls::ClientConfig>>,
    /// Connections, spin, deadline and bounds; its mode and phases are set from the fields above.
    pub drive: Options,
    /// The generator's ceiling, requests per second, where it is known; otherwise it is measured first (0.2 s) in open
    /// loop.
    pub ceiling_rate: Option<f64>,
    /// Whether generator and server share a core although they need not, where that is known.
    pub cores_shared: Option<bool>,
}

impl Default for LoadOptions {
    fn default() -> Self {
        Self {
            rate: None,
            arrivals: Arrival::Poisson,
            seed: 1,
            duration_ns: 10_000_000_000,
            headers: Vec::new(),
            tls: None,
            drive: Options { max_response_bytes: 64 << 20, ..Options::default() },
            ceiling_rate: None,
            cores_shared: None,
        }
    }
}

/// Quantiles of one figure, nanoseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "named after the quantiles")]
pub struct Figures {
    pub p50: u64,
    pub p90: u64,
    pub p99: u64,
    pub p999: u64,
    pub max: u64,
}

impl Figures {
    /// Of a histogram; all 0 when it is empty.
    #[must_use]
    pub fn of(histogram: &Histogram<u64>) -> Self {
        let at = |quantile| histogram.value_at_quantile(quantile);
        Self { p50: at(0.5), p90: at(0.9), p99: at(0.99), p999: at(0.999), max: histogram.max() }
    }
}

/// What came of it.
#[derive(Debug, Clone, Serialize)]
pub struct LoadReport {
    /// The URL.
    pub url: String,
    /// `open` or `closed`.
    pub mode: Mode,
    /// Length of the measured part, nanoseconds.
    pub duration_ns: u64,
    /// Connections asked for.
    pub connections: u32,
    /// Most connections open at one time.
    pub peak_connections: u32,
    /// Requests that fell due (closed loop: were made).
    pub requests: u64,
    /// Requests per second by the schedule; absent in closed loop.
    pub offered_rate: Option<f64>,
    /// Complete answers per second of the measured part.
    pub achieved_rate: f64,
    /// By name: `ok` (2xx), `1xx`, `3xx`, `4xx`, `5xx`, `timed-out`, `unreachable`, `tls-refused`, `closed` (before the
    /// answer was complete), `malformed`, `too-large`; and `unsolicited` answers, which belong to no request.
    pub outcomes: BTreeMap<&'static str, u64>,
    /// From the intended start to the end of the answer (or to the deadline), nanoseconds.
    pub response_time_ns: Figures,
    /// From the send, nanoseconds. In closed loop the same as the response time.
    pub service_time_ns: Figures,
    /// Actual minus intended send, nanoseconds: the generator's lateness and waits for a free connection. 0 in closed
    /// loop.
    pub send_lag_ns: Figures,
    /// The generator's part of it, nanoseconds.
    pub own_lag_ns: Figures,
    /// CPU of the generator per request less the final spin, nanoseconds.
    pub generator_cpu_ns_per_request: f64,
    /// Final spin per request, nanoseconds.
    pub generator_spin_ns_per_request: f64,
    /// Generator CPU less spin, as a share of the time.
    pub generator_busy: f64,
    /// Bytes of HTTP sent.
    pub bytes_sent: u64,
    /// Bytes of HTTP received.
    pub bytes_received: u64,
    /// Index of dispersion of the sends and of the schedule, in bins of 1 ms.
    pub dispersion: Option<[f64; 2]>,
    /// Mean number in flight: by samples, and by stamps.
    pub in_flight: Option<[f64; 2]>,
    /// Share of CPU time stolen.
    pub steal: f64,
    /// Whether it was stopped early.
    pub interrupted: bool,
    /// Whether it may be believed.
    pub validity: Certificate,
}

/// Drives one request against one URL, on the calling thread.
///
/// # Errors
/// [`Error::Target`], [`Error::Options`] and [`Error::System`]. What the server does is an outcome.
pub fn load(url: &Url, options: &LoadOptions, stop: &AtomicBool) -> Result<LoadReport, Error> {
    let target = Target::from_url(url, options.tls.clone())?;
    let drive = drive_options(options)?;
    drive.check()?;
    let request = request(url, &target, &options.headers)?;
    let mut surroundings =
        Surroundings { ceiling_rate: options.ceiling_rate, cores_shared: options.cores_shared, steal: None };
    if options.rate.is_some() && surroundings.ceiling_rate.is_none() {
        surroundings.ceiling_rate = Some(ceiling(drive.connections.min(64), 200_000_000, &[])?.rate);
    }
    let transport = Sockets::new(&target, drive.connections, drive.wait)?;
    let mut work = Fixed::new(request);
    let mut outcomes = Outcomes::default();
    let steal = StealMeter::start();
    let parts = (&mut work, Monotonic, transport);
    let report = match options.rate {
        Some(rate) => {
            let steps = scheduled_requests(options.arrivals.offsets(rate, options.seed));
            run(Engine::new(parts, &drive, steps, stop, &mut outcomes), &drive)?
        }
        None => run(Engine::new(parts, &drive, endless_requests(), stop, &mut outcomes), &drive)?,
    };
    let steal = steal.share();
    surroundings.steal = Some(steal);
    let validity = certify(&report, &surroundings);
    Ok(summary(url, &drive, &report, outcomes, steal, validity))
}

fn drive_options(options: &LoadOptions) -> Result<Options, Error> {
    let refuse = |option, value: String, must| Err(Error::Options { option, value, must });
    if options.duration_ns == 0 {
        return refuse("duration", "0".to_owned(), "must be longer than 0");
    }
    let mode = match options.rate {
        Some(rate) if !(rate.is_finite() && rate > 0.0) => {
            return refuse("rate", rate.to_string(), "must be more than 0");
        }
        Some(_) => Mode::Open,
        None => Mode::Closed,
    };
    Ok(Options { mode, warm_ns: 0, measure_ns: options.duration_ns, ..options.drive.clone() })
}

/// Requests without end, for closed loop.
pub(crate) fn endless_requests() -> impl Iterator<Item = Step> {
    scheduled_requests(std::iter::repeat(0))
}

fn scheduled_requests(offsets: impl Iterator<Item = u64>) -> impl Iterator<Item = Step> {
    offsets.map(|intended_ns| Step { intended_ns, subject: 0, device: 0, operation: Operation::Request })
}

/// The bytes of the request.
fn request(url: &Url, target: &Target, headers: &[(String, String)]) -> Result<Vec<u8>, Error> {
    let mut path = url.path().to_owned();
    if let Some(query) = url.query() {
        path.push('?');
        path.push_str(query);
    }
    let mut text = format!("GET {path} HTTP/1.1\r\n");
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
        text.push_str(&format!("Host: {}\r\n", target.host));
    }
    for (name, value) in headers {
        let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if name.is_empty() || !name.bytes().all(token) {
            let must = "must be a header name (letters, digits, dashes)";
            return Err(Error::Options { option: "header", value: format!("`{name}`"), must });
        }
        if value.bytes().any(|byte| byte < 0x20 && byte != b'\t' || byte == 0x7f) {
            let must = "must not contain control characters";
            return Err(Error::Options { option: "header", value: format!("{value:?}"), must });
        }
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str("\r\n");
    Ok(text.into_bytes())
}

/// Outcomes by name.
#[derive(Debug, Default)]
struct Outcomes {
    by_class: [u64; 6],
    failures: BTreeMap<&'static str, u64>,
}

impl Observer for Outcomes {
    #[inline]
    fn observe(&mut self, observation: &Observation) {
        match observation.answer {
            Answer::Response { status, .. } => self.by_class[usize::from(status / 100).min(5)] += 1,
            other => *self.failures.entry(name_of(other)).or_default() += 1,
        }
    }
}

fn name_of(answer: Answer) -> &'static str {
    match answer {
        Answer::Response { .. } => "ok",
        Answer::TimedOut => "timed-out",
        Answer::Unreachable => "unreachable",
        Answer::TlsRefused => "tls-refused",
        Answer::Closed => "closed",
        Answer::Malformed => "malformed",
        Answer::TooLarge => "too-large",
        Answer::NothingHeld => "nothing-held",
    }
}

impl Outcomes {
    fn named(self, unsolicited: u64) -> BTreeMap<&'static str, u64> {
        let mut named = self.failures;
        for (name, count) in ["other", "1xx", "ok", "3xx", "4xx", "5xx"].into_iter().zip(self.by_class) {
            if count > 0 {
                named.insert(name, count);
            }
        }
        if unsolicited > 0 {
            named.insert("unsolicited", unsolicited);
        }
        named
    }
}

fn summary(
    url: &Url,
    drive: &Options,
    report: &DriveReport,
    outcomes: Outcomes,
    steal: f64,
    validity: Certificate,
) -> LoadReport {
    let answered = report.answered_within.max(1) as f64;
    let open = report.open_loop;
    LoadReport {
        url: url.to_string(),
        mode: drive.mode,
        duration_ns: report.measured_ns,
        connections: drive.connections,
        peak_connections: report.peak_connections,
        requests: report.offered,
        offered_rate: open.then(|| report.offered_rate()),
        achieved_rate: report.achieved_rate(),
        outcomes: outcomes.named(report.unsolicited),
        response_time_ns: Figures::of(&report.response),
        service_time_ns: Figures::of(&report.service),
        send_lag_ns: Figures::of(&report.send_lag),
        own_lag_ns: Figures::of(&report.own_lag),
        generator_cpu_ns_per_request: ratio(report.busy_cpu_ns() as f64, answered),
        generator_spin_ns_per_request: ratio(report.spin_ns as f64, answered),
        generator_busy: report.busy_share(),
        bytes_sent: report.bytes_sent,
        bytes_received: report.bytes_received,
        dispersion: report.arrivals.map(|arrivals| [arrivals.sent, arrivals.intended]),
        in_flight: open.then_some([report.in_flight.sampled_mean, report.in_flight.stamped_mean]),
        steal,
        interrupted: report.interrupted,
        validity,
    }
}
