//! How old a credential is when it is last accepted, where the clocks of replicas differ.

use std::rc::Rc;

use tokio::task::JoinSet;

use super::record::SignedSpread;
use super::service::{Ask, Service};

/// Credentials are made within this time, nanoseconds: NumericDate's steps must not hide in step with them.
const STAGGER_NS: u64 = 1_000_000_000;
/// How long uses go on once nothing can be valid any more, nanoseconds.
const MARGIN_NS: u64 = 1_200_000_000;

/// What is looked at. Nanoseconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Aging {
    /// Credentials from each replica.
    pub(super) trials: u32,
    /// Between two uses of one credential at one replica.
    pub(super) interval_ns: u64,
    /// Configured life of an access credential.
    pub(super) lifetime_ns: u64,
    pub(super) leeway_ns: u64,
    /// Between the two clocks that are furthest apart.
    pub(super) apart_ns: u64,
    /// First subject.
    pub(super) first: u32,
}

impl Aging {
    /// How long each credential is used.
    fn used_ns(&self) -> u64 {
        self.lifetime_ns + self.leeway_ns + self.apart_ns + MARGIN_NS
    }

    /// How long all of it takes.
    pub(super) fn whole_ns(&self) -> u64 {
        STAGGER_NS + self.used_ns()
    }
}

/// Credentials of one replica at another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Aged {
    pub(super) trials: u64,
    pub(super) ever_accepted: u64,
    /// Still accepted at the last use.
    pub(super) unending: u64,
    /// Age at the last acceptance less the configured lifetime.
    pub(super) beyond_ns: SignedSpread,
}

impl SignedSpread {
    /// Of these values; all 0 without any.
    fn of(mut values: Vec<i64>) -> Self {
        values.sort_unstable();
        let middle = values.len().div_ceil(2).max(1) - 1;
        let at = |at: usize| values.get(at).copied().unwrap_or(0);
        Self { min: at(0), p50: at(middle), max: values.last().copied().unwrap_or(0) }
    }
}

/// By the replica that made the credentials, then by the one that was asked.
pub(super) async fn age<S: Service>(service: Rc<S>, aging: Aging) -> Vec<Vec<Aged>> {
    let replicas = service.replicas();
    let start_ns = service.now_ns() + 20_000_000;
    let mut running = JoinSet::new();
    for issuer in 0..replicas {
        for number in 0..aging.trials {
            let at_ns = start_ns + STAGGER_NS * u64::from(number) / u64::from(aging.trials.max(1));
            let subject = aging.first + number * replicas as u32 + issuer as u32;
            let service = Rc::clone(&service);
            running.spawn_local(async move { (issuer, one(service, aging, issuer, subject, at_ns).await) });
        }
    }
    let mut found: Vec<Vec<Vec<Last>>> = vec![vec![Vec::new(); replicas]; replicas];
    while let Some(done) = running.join_next().await {
        let Ok((issuer, Some(lasts))) = done else { continue };
        for (there, last) in found[issuer].iter_mut().zip(lasts) {
            there.push(last);
        }
    }
    found.into_iter().map(|row| row.iter().map(|lasts| aged(lasts, &aging)).collect()).collect()
}

/// The last use that was accepted, and whether it was the last of all.
#[derive(Debug, Clone, Copy, Default)]
struct Last {
    age_ns: Option<u64>,
    unending: bool,
}

fn aged(lasts: &[Last], aging: &Aging) -> Aged {
    let ages = lasts.iter().filter_map(|last| last.age_ns);
    let signed = |ns: u64| i64::try_from(ns).unwrap_or(i64::MAX);
    let beyond: Vec<i64> = ages.map(|age_ns| signed(age_ns) - signed(aging.lifetime_ns)).collect();
    Aged {
        trials: lasts.len() as u64,
        ever_accepted: beyond.len() as u64,
        unending: lasts.iter().filter(|last| last.unending).count() as u64,
        beyond_ns: SignedSpread::of(beyond),
    }
}

/// One credential: made at one replica, used at all of them on schedule. `None`: the subject could not log in.
async fn one<S: Service>(
    service: Rc<S>,
    aging: Aging,
    issuer: usize,
    subject: u32,
    at_ns: u64,
) -> Option<Vec<Last>> {
    service.sleep_until(at_ns).await;
    let held = service.ask(issuer, Ask::Login(subject)).await.held()?;
    let issued_ns = service.now_ns();
    let mut running = JoinSet::new();
    for verifier in 0..service.replicas() {
        let (service, header) = (Rc::clone(&service), held.header.clone());
        running.spawn_local(async move {
            let mut last = Last::default();
            let mut next_ns = issued_ns;
            while next_ns < issued_ns + aging.used_ns() {
                service.sleep_until(next_ns).await;
                let sent_ns = service.now_ns();
                last.unending = service.ask(verifier, Ask::Me(&header)).await.names(subject);
                if last.unending {
                    last.age_ns = Some(sent_ns - issued_ns);
                }
                // One use at a time is on its way: a late answer leaves out those that it overtook.
                next_ns = (next_ns + aging.interval_ns).max(service.now_ns());
            }
            (verifier, last)
        });
    }
    let mut lasts = vec![Last::default(); service.replicas()];
    while let Some(done) = running.join_next().await {
        let (verifier, last) = done.ok()?;
        lasts[verifier] = last;
    }
    Some(lasts)
}
