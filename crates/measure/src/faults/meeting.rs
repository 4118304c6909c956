//! One design meets one fault: it is started, everybody logs in, the load goes on while the fault happens, and what came
//! back is judged.

use std::rc::Rc;

use scenario::BackendFile;
use scenario::backend::{Lag, Replicas};

use super::inflict::{Happened, happen};
use super::judge::{Facts, judge};
use super::load::{Crowd, People, Seen};
use super::plan::FaultPlan;
use super::record::FaultRecord;
use super::rig::{Rig, Wanted, Yard};
use super::schedule::{FaultOperation, Stream, schedule};
use crate::drill::http::HttpService;
use crate::drill::service::{Ask, Service};
use crate::error::Error;
use crate::redact::redact;

/// From the last login before the load to its beginning, nanoseconds.
const LEAD_NS: u64 = 100_000_000;

/// A design that is about to meet a fault.
pub(super) struct Ready {
    rig: Rig,
    service: Rc<HttpService>,
    people: Rc<People<HttpService>>,
    facts: Facts,
}

/// When everything happens, nanoseconds since the start of the load.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    pub(super) began_ns: u64,
    pub(super) lifted_ns: u64,
    pub(super) end_ns: u64,
}

/// Starts a design and logs everybody in.
pub(super) async fn prepare(
    yard: &mut Yard,
    plan: &FaultPlan,
    file: &BackendFile,
    wanted: Wanted,
    crowd: Crowd,
) -> Result<Ready, Error> {
    let rig = yard.start(file, wanted).await?;
    let service = Rc::new(rig.service());
    let promises = file.header.promises.clone();
    let node_local = promises.replicas == Replicas::NodeLocal;
    let people = People::gather(Rc::clone(&service), node_local, crowd)
        .await
        .map_err(|message| Error::Generator { row: file.header.name.clone(), message })?;
    rig.prepare(wanted.fault).await?;
    let facts = Facts { subjects: people.live(), ..facts(plan, file, wanted) };
    Ok(Ready { rig, service, people: Rc::new(people), facts })
}

/// What is known of a design before it meets a fault.
fn facts(plan: &FaultPlan, file: &BackendFile, wanted: Wanted) -> Facts {
    Facts {
        backend: file.header.name.clone(),
        fault: wanted.fault,
        promises: file.header.promises.clone(),
        replicas: wanted.replicas,
        deadline_ns: plan.deadline.as_nanos(),
        bucket_ns: plan.time.bucket.as_nanos(),
        start_ns: 0,
        began_ns: 0,
        lifted_ns: 0,
        ending_ns: 0,
        end_ns: 0,
        subjects: 0,
        loss_reported: false,
        evicted_keys: None,
        died: Vec::new(),
        panics: Vec::new(),
        void: None,
    }
}

/// The record of a design that could not be started, or could not go on: it shows nothing.
pub(super) fn nothing(plan: &FaultPlan, file: &BackendFile, wanted: Wanted, error: &Error) -> FaultRecord {
    let why = error.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
    judge(Facts { void: Some(redact(&why)), ..facts(plan, file, wanted) }, &[])
}

impl Ready {
    /// Reads how much CPU time its first server had used when the load, the fault and what comes after it begin: pairs
    /// of the service's clock and that time.
    pub(super) fn watch_cpu(
        &self,
        times: Times,
    ) -> Result<impl Future<Output = Vec<(u64, u64)>> + use<>, Error> {
        let (probe, service) = (self.rig.probe()?, Rc::clone(&self.service));
        let start_ns = service.now_ns() + LEAD_NS;
        Ok(async move {
            let mut readings = Vec::new();
            for at_ns in [0, times.began_ns, times.lifted_ns] {
                service.sleep_until(start_ns + at_ns).await;
                readings.push((service.now_ns(), probe.cpu_ns().unwrap_or(0)));
            }
            readings
        })
    }

    /// The load goes on, and the fault happens meanwhile.
    pub(super) async fn meet(
        self,
        load: &[Stream],
        seed: u64,
        times: Times,
    ) -> Result<(FaultRecord, Vec<Seen>), Error> {
        let Self { mut rig, service, people, mut facts } = self;
        // A design that looks at nothing takes every credential for somebody's.
        let looks = facts.promises.revocation_lag != Lag::Never;
        let load: Vec<Stream> = load
            .iter()
            .filter(|stream| looks || stream.operation != FaultOperation::Forgery)
            .copied()
            .collect();
        let due = schedule(&load, facts.replicas as usize, seed, facts.fault as u64);
        let start_ns = service.now_ns() + LEAD_NS;
        let carried = {
            let people = Rc::clone(&people);
            tokio::task::spawn_local(async move { people.carry_out(&due, start_ns).await })
        };
        let when = (start_ns + times.began_ns, start_ns + times.lifted_ns);
        let happened = happen(&mut rig, &service, facts.fault, when).await;
        let seen = carried
            .await
            .map_err(|error| Error::Probe { what: "the load of a fault plan", message: error.to_string() })?;
        let Happened { began_ns, ending_ns, lifted_ns } = happened?;
        facts.loss_reported = loses(&service).await;
        facts.evicted_keys = match facts.fault.of_store() {
            true => rig.info("evicted_keys").await?,
            false => None,
        };
        let end = tokio::task::spawn_blocking(move || rig.end());
        let end = end
            .await
            .map_err(|error| Error::Probe { what: "ending a design", message: error.to_string() })?;
        (facts.died, facts.panics) = (end.died, end.panics);
        (facts.start_ns, facts.end_ns) = (start_ns, start_ns + times.end_ns);
        (facts.began_ns, facts.ending_ns, facts.lifted_ns) = (began_ns, ending_ns, lifted_ns);
        Ok((judge(facts, &seen), seen))
    }
}

/// Whether some server says that its store has lost data.
async fn loses(service: &Rc<HttpService>) -> bool {
    let mut lost = false;
    for replica in 0..service.replicas() {
        let said = service.ask(replica, Ask::Health).await;
        let said: serde_json::Value = serde_json::from_str(&said.body).unwrap_or_default();
        lost |= said.get("store_lost_data").and_then(serde_json::Value::as_bool) == Some(true);
    }
    lost
}
