//! Steps of a stationary scenario: requests and logins at a rate, in constant memory however many subjects there are.

use crate::arrival::Offsets;
use crate::popularity::{Spread, Zipf};
use crate::random::{Purpose, Stream};
use crate::scenario::{Population, Scenario, Stationary};
use crate::trace::{Operation, Step, TraceOptions};

/// The generator of one block.
#[derive(Debug, Clone)]
pub(super) struct StationarySteps {
    arrivals: Offsets,
    popularity: Stream,
    detail: Stream,
    refresh: Stream,
    zipf: Zipf,
    spread: Spread,
    devices: u8,
    writes: f64,
    /// Requests of all subjects in one access lifetime, over the devices of each: times a subject's share, the mean
    /// number of requests of one of its devices in a lifetime (λL). `None`: nothing to refresh.
    requests_per_lifetime: Option<f64>,
    /// A request that follows the refresh just handed out.
    held_back: Option<Step>,
    next_request: u64,
    logins: Option<LoginSteps>,
    end: u64,
}

#[derive(Debug, Clone)]
struct LoginSteps {
    arrivals: Offsets,
    subjects: Stream,
    count: u32,
    device: u8,
    next: u64,
}

impl StationarySteps {
    pub(super) fn new(scenario: &Scenario, load: &Stationary, options: &TraceOptions) -> Self {
        let Population { subjects, devices, zipf, .. } = scenario.population;
        let stream = |purpose| Stream::new(scenario.seed, options.round, purpose, 0);
        let mut arrivals = Offsets::new(load.arrivals, load.rate, stream(Purpose::Arrivals));
        let logins = load.logins.as_ref().map(|logins| {
            let mut arrivals = Offsets::new(logins.arrivals, logins.rate, stream(Purpose::Logins));
            let next = arrivals.next().unwrap_or(u64::MAX);
            LoginSteps {
                arrivals,
                subjects: stream(Purpose::LoginSubjects),
                count: subjects,
                device: devices,
                next,
            }
        });
        let lifetime = options.access_lifetime.map(|lifetime| lifetime.as_secs_f64());
        Self {
            next_request: arrivals.next().unwrap_or(u64::MAX),
            arrivals,
            popularity: stream(Purpose::Popularity),
            detail: stream(Purpose::Detail),
            refresh: stream(Purpose::Refresh),
            zipf: Zipf::new(subjects, zipf),
            spread: Spread::new(scenario.seed, subjects),
            devices,
            writes: load.writes,
            requests_per_lifetime: lifetime.map(|lifetime| load.rate / f64::from(devices) * lifetime),
            held_back: None,
            logins,
            end: options
                .duration
                .unwrap_or(scenario.duration.get())
                .as_nanos()
                .try_into()
                .unwrap_or(u64::MAX),
        }
    }

    /// The next request, behind its refresh where one is due. A design that renews its access token every L seconds
    /// refreshes at the first request after expiry: of the requests of a device that makes λ per second, one in 1 + λL.
    #[inline]
    fn request(&mut self) -> Step {
        let rank = self.zipf.sample(&mut self.popularity);
        let device = self.detail.below(u64::from(self.devices)) as u8;
        let write = self.detail.unit() < self.writes;
        let step = Step {
            intended_ns: self.next_request,
            subject: self.spread.place(u64::from(rank - 1)),
            device,
            operation: if write { Operation::Write } else { Operation::Request },
        };
        self.next_request = self.arrivals.next().unwrap_or(u64::MAX);
        // Drawn whether or not it is needed: the lifetime must not shift any other draw.
        let chance = self.refresh.unit();
        match self.requests_per_lifetime {
            Some(requests) if chance * (1.0 + requests * self.zipf.share(rank)) < 1.0 => {
                self.held_back = Some(step);
                Step { operation: Operation::Refresh, ..step }
            }
            _ => step,
        }
    }
}

impl Iterator for StationarySteps {
    type Item = Step;

    #[inline]
    fn next(&mut self) -> Option<Step> {
        if let Some(step) = self.held_back.take() {
            return Some(step);
        }
        if let Some(logins) = self.logins.as_mut().filter(|logins| logins.next < self.next_request) {
            return (logins.next < self.end).then(|| logins.step());
        }
        (self.next_request < self.end).then(|| self.request())
    }
}

impl LoginSteps {
    /// A login is as likely for one subject as for another: popularity is about requests.
    fn step(&mut self) -> Step {
        let intended_ns = self.next;
        self.next = self.arrivals.next().unwrap_or(u64::MAX);
        let subject = self.subjects.below(u64::from(self.count)) as u32;
        Step { intended_ns, subject, device: self.device, operation: Operation::Login }
    }
}
