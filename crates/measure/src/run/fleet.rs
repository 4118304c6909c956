//! All rows of a scenario, up and provisioned. Dropping it ends them.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use loadgen::CredentialJar;
use scenario::Scenario;
use scenario::wire::ServeOptions;

use super::rows::Row;
use crate::certificate::Certificate;
use crate::clock::{nanos, now};
use crate::error::Error;
use crate::judge::Judge;
use crate::plan::Cores;
use crate::resources::ProcessProbe;
use crate::store::Store;
use crate::target::Target;

/// Longest wait of a request for a store, milliseconds: past it the server answers 503.
const DEADLINE_MS: u64 = 250;

/// A row that is up.
#[derive(Debug)]
pub(super) struct LiveRow {
    pub(super) name: String,
    pub(super) target: Box<dyn Target>,
    pub(super) store: Option<Store>,
    pub(super) servers: Vec<ProcessProbe>,
    pub(super) address: loadgen::Target,
    pub(super) jar: CredentialJar,
    pub(super) judge: Judge,
    /// Life of an access credential, where the server names one.
    pub(super) access_lifetime: Option<Duration>,
    /// How long a login lives that nobody uses, where that is less.
    inactivity: Option<Duration>,
    pub(super) describe: serde_json::Value,
    /// Its server or store died: it is passed over from then on.
    pub(super) lost: bool,
    provisioned: Option<Instant>,
}

/// What starting a row needs besides the row.
pub(super) struct Start<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) cores: &'a Cores,
    pub(super) server_cpus: &'a [u32],
    pub(super) store_rtt_us: u64,
    /// Extra work by row name, nanoseconds.
    pub(super) extra_work_ns: &'a BTreeMap<String, u64>,
}

/// Makes the parts of a row. The real ones launch processes; tests have others.
pub(super) trait Parts {
    /// The target of a row, not launched.
    fn target(&mut self, row: &Row, replicas: u32, options: ServeOptions) -> Box<dyn Target>;
    /// The certificate of this run's servers, made when it is first asked for.
    fn certificate(&mut self) -> Result<Certificate, Error>;
    /// Starts the stores of rows, in parallel; one entry per row.
    fn stores(&mut self, rows: &[&Row]) -> Vec<Result<Option<Store>, Error>>;
}

/// Starts rows: stores first, then servers, each kind in parallel; one entry per row.
pub(super) fn start(parts: &mut impl Parts, rows: &[&Row], with: &Start<'_>) -> Vec<Result<LiveRow, Error>> {
    let (certificate, tls) = match secured(parts, with.scenario) {
        Ok(secured) => secured,
        Err(error) => {
            let failed =
                |_| Err(Error::Probe { what: "the certificate for TLS", message: error.to_string() });
            return rows.iter().map(failed).collect();
        }
    };
    let stores = parts.stores(rows);
    let mut launched = Vec::new();
    for (row, store) in rows.iter().zip(stores) {
        let replicas = with.scenario.balance.map_or(row.backend.header.replicas, |balance| balance.replicas);
        let up = store.and_then(|store| {
            let options = options(row, store.as_ref(), with, certificate.as_ref());
            let mut target = parts.target(row, replicas, options);
            target.launch().map(|()| (store, target))
        });
        launched.push((*row, up));
    }
    let live = |(row, up): (&Row, Result<_, Error>)| {
        up.and_then(|(store, target)| live(row, store, target, with, tls.as_ref()))
    };
    launched.into_iter().map(live).collect()
}

/// The certificate of the servers and who trusts it, where a scenario wants TLS.
fn secured(
    parts: &mut impl Parts,
    scenario: &Scenario,
) -> Result<(Option<Certificate>, Option<loadgen::TlsTarget>), Error> {
    if !scenario.client.tls {
        return Ok((None, None));
    }
    let certificate = parts.certificate()?;
    let trusted = certificate.trusted()?;
    Ok((Some(certificate), Some(trusted)))
}

fn options(
    row: &Row,
    store: Option<&Store>,
    with: &Start<'_>,
    certificate: Option<&Certificate>,
) -> ServeOptions {
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    ServeOptions {
        backend: row.backend_ref.clone(),
        redis: store.map(|store| store.url.clone()),
        postgres: None,
        authority: None,
        prefix: store.map_or_else(|| "ab".to_owned(), |store| store.prefix.clone()),
        listen: any,
        control: any,
        threads: with.cores.server_threads,
        password_hash: with.scenario.population.password_hash,
        principal_bytes: with.scenario.population.principal_bytes,
        store_rtt_ns: with.store_rtt_us * 1000,
        deadline_ms: DEADLINE_MS,
        cpus: with.server_cpus.to_vec(),
        extra_work_ns: with.extra_work_ns.get(&row.name).copied().unwrap_or(0),
        key_file: None,
        tls_cert: certificate.map(|certificate| certificate.certificate.clone()),
        tls_key: certificate.map(|certificate| certificate.key.clone()),
        clock_offset_ms: 0,
    }
}

fn live(
    row: &Row,
    store: Option<Store>,
    mut target: Box<dyn Target>,
    with: &Start<'_>,
    tls: Option<&loadgen::TlsTarget>,
) -> Result<LiveRow, Error> {
    let ready = target.ready()?;
    let servers = target.pids().into_iter().map(ProcessProbe::new).collect::<Result<Vec<_>, _>>()?;
    for probe in &servers {
        probe.reset_peak()?;
    }
    let seconds = |key: &str| ready.describe.get(key).and_then(serde_json::Value::as_f64);
    let positive = |seconds: f64| Duration::try_from_secs_f64(seconds).ok().filter(|life| !life.is_zero());
    let access_lifetime = seconds("access_lifetime_s").and_then(positive);
    let inactivity = ready.describe["renewal"]["inactivity_s"].as_f64().and_then(positive);
    let leeway = seconds("leeway_s").and_then(positive).unwrap_or_default();
    Ok(LiveRow {
        name: row.name.clone(),
        store,
        servers,
        address: loadgen::Target { tls: tls.cloned(), ..loadgen::Target::plain(ready.addresses) },
        jar: empty_jar(with.scenario),
        judge: Judge::new(
            row.backend.header.promises.clone(),
            access_lifetime.map(|life| nanos(life.saturating_add(leeway))),
        ),
        access_lifetime,
        inactivity,
        describe: ready.describe,
        lost: false,
        provisioned: None,
        target,
    })
}

fn empty_jar(scenario: &Scenario) -> CredentialJar {
    let population = &scenario.population;
    CredentialJar::new(population.subjects, scenario.device_count(), population.principal_bytes as usize)
}

/// A provision that was made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Provisioned {
    pub(super) logins: u64,
    pub(super) took: Duration,
    pub(super) renewed: bool,
}

impl LiveRow {
    /// Creates the live logins of a scenario, or renews them when half of their life would be over within `ahead`: no
    /// credential may expire by waiting between blocks.
    pub(super) fn provision(
        &mut self,
        scenario: &Scenario,
        ahead: Duration,
    ) -> Result<Option<Provisioned>, Error> {
        let Some(wanted) = scenario.provision() else { return Ok(None) };
        let start = now();
        if let Some(before) = self.provisioned {
            let lives = [self.access_lifetime, self.inactivity];
            let Some(life) = lives.into_iter().flatten().min() else { return Ok(None) };
            if start.saturating_duration_since(before) + ahead <= life / 2 {
                return Ok(None);
            }
        }
        let mut jar = empty_jar(scenario);
        let name = &self.name;
        self.target.provision(&wanted, &mut |line| {
            jar.insert_line(line)
                .map_err(|error| Error::Control { row: name.clone(), message: error.to_string() })
        })?;
        self.jar = jar;
        let renewed = self.provisioned.replace(start).is_some();
        let logins = u64::from(wanted.subjects) * u64::from(wanted.devices);
        Ok(Some(Provisioned { logins, took: now().saturating_duration_since(start), renewed }))
    }

    /// Ends what is left of it.
    pub(super) fn lose(&mut self) {
        self.lost = true;
        self.target.stop();
        self.store = None;
    }

    /// Did something of this row end by itself?
    pub(super) fn has_ended(&mut self) -> Option<Error> {
        self.target.has_ended().or_else(|| self.store.as_mut().and_then(Store::has_ended))
    }
}
