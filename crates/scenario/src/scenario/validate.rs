//! From a file's keys to validated values; what cannot be is refused with its key and line.

use std::ops::RangeInclusive;
use std::path::Path;

use super::file::{Kind, LoadFile, PopulationFile, ScenarioFile};
use super::{Cafe, Client, Logins, Population, Scenario, Stationary, Workday, Workload};
use crate::arrival::Arrival;
use crate::balance::{Balance, MOST_REPLICAS};
use crate::distribution::{Distribution, Law};
use crate::error::FileError;
use crate::file::{is_name, locate};
use crate::units::HumanDuration;

/// The file that is being validated.
pub(super) struct Source<'a> {
    pub(super) path: &'a Path,
    pub(super) text: &'a str,
}

impl Source<'_> {
    fn refuse(&self, key: &str, message: impl std::fmt::Display, hint: Option<&str>) -> FileError {
        locate(self.path, self.text, key, None, format!("`{key}`: {message}"), hint.map(str::to_owned))
    }

    fn within(&self, key: &str, value: f64, range: RangeInclusive<f64>) -> Result<f64, FileError> {
        if range.contains(&value) {
            Ok(value)
        } else {
            Err(self.refuse(
                key,
                format!("{value} is not between {} and {}", range.start(), range.end()),
                None,
            ))
        }
    }

    fn some_time(&self, key: &str, value: HumanDuration) -> Result<HumanDuration, FileError> {
        match value.as_nanos() {
            0 => Err(self.refuse(key, "must be longer than 0", None)),
            _ => Ok(value),
        }
    }

    fn law<T: Copy>(
        &self,
        key: &str,
        distribution: &Distribution<T>,
        unit: impl Fn(T) -> f64,
    ) -> Result<Law, FileError> {
        distribution
            .law(unit)
            .map_err(|(parameter, message)| self.refuse(&format!("{key}.{parameter}"), message, None))
    }

    fn rate(&self, key: &str, value: f64) -> Result<f64, FileError> {
        self.within(key, value, 1e-6..=1e7)
    }

    fn arrivals(&self, key: &str, arrival: Arrival) -> Result<Arrival, FileError> {
        let name = match arrival {
            Arrival::Constant | Arrival::Poisson => return Ok(arrival),
            Arrival::Ramp { .. } => "ramp",
            Arrival::Bursts { .. } => "bursts",
            Arrival::Sine { .. } => "sine",
        };
        match arrival.validate() {
            Ok(()) => Ok(arrival),
            Err((parameter, message)) => {
                Err(self.refuse(&format!("{key}.{name}.{parameter}"), message, None))
            }
        }
    }
}

pub(super) fn scenario(file: &ScenarioFile, source: &Source<'_>) -> Result<Scenario, FileError> {
    name(source, &file.name)?;
    let load = file.load.as_ref().ok_or_else(|| {
        source.refuse("load", "missing: nothing would arrive", Some("add a `[load]` table with `rate = …`"))
    })?;
    source.some_time("load.duration", load.duration)?;
    unfit_sections(file, source)?;
    let workload = match file.kind {
        Kind::Stationary => Workload::Stationary(stationary(file, load, source)?),
        Kind::Workday => Workload::Workday(workday(file, load, source)?),
        Kind::Cafe => Workload::Cafe(cafe(file, load, source)?),
    };
    Ok(Scenario {
        name: file.name.clone(),
        question: file.question.clone(),
        seed: file.seed,
        population: population(&file.population, source)?,
        client: client(file, source)?,
        balance: balance(file, source)?,
        workload,
        duration: load.duration,
    })
}

fn name(source: &Source<'_>, name: &str) -> Result<(), FileError> {
    if is_name(name) {
        return Ok(());
    }
    Err(source.refuse("name", format!("`{name}` is not a name"), Some("use 1 to 64 of a-z, 0-9 and -")))
}

fn population(file: &PopulationFile, source: &Source<'_>) -> Result<Population, FileError> {
    source.within("population.subjects", f64::from(file.subjects), 1.0..=1e8)?;
    source.within("population.devices", f64::from(file.devices), 1.0..=16.0)?;
    source.within("population.zipf", file.zipf, 0.0..=4.0)?;
    source.within("population.revoked", file.revoked, 0.0..=1.0)?;
    source.within("population.principal_bytes", f64::from(file.principal_bytes), 64.0..=4096.0)?;
    Ok(Population {
        subjects: file.subjects,
        devices: file.devices,
        zipf: file.zipf,
        revoked_per_million: libm::round(file.revoked * 1e6) as u32,
        principal_bytes: file.principal_bytes,
        password_hash: file.password_hash,
    })
}

fn client(file: &ScenarioFile, source: &Source<'_>) -> Result<Client, FileError> {
    source.within("client.connections", f64::from(file.client.connections), 1.0..=10_000.0)?;
    source.some_time("client.deadline", file.client.deadline)?;
    Ok(Client {
        connections: file.client.connections,
        deadline: file.client.deadline,
        keep_alive: file.client.keep_alive,
        tls: file.client.tls,
        capture: file.client.capture,
    })
}

fn balance(file: &ScenarioFile, source: &Source<'_>) -> Result<Option<Balance>, FileError> {
    let Some(balance) = &file.balance else { return Ok(None) };
    let (replicas, most) = (balance.replicas, f64::from(MOST_REPLICAS));
    source.within("balance.replicas", f64::from(replicas), 2.0..=most)?;
    if file.client.connections < replicas {
        let message =
            format!("{} are too few: each of {replicas} replicas needs one", file.client.connections);
        return Err(source.refuse("client.connections", message, None));
    }
    Ok(Some(Balance { replicas, policy: balance.policy }))
}

fn stationary(file: &ScenarioFile, load: &LoadFile, source: &Source<'_>) -> Result<Stationary, FileError> {
    let logins = match &file.logins {
        Some(logins) => Some(Logins {
            rate: source.rate("logins.rate", logins.rate)?,
            arrivals: steady(source, "logins.arrivals", logins.arrivals)?,
        }),
        None => None,
    };
    Ok(Stationary {
        rate: source.rate("load.rate", load.rate)?,
        arrivals: steady(source, "load.arrivals", load.arrivals)?,
        writes: source.within("load.writes", load.writes, 0.0..=1.0)?,
        logins,
    })
}

/// A ramp never settles, so blocks of it could not be compared.
fn steady(source: &Source<'_>, key: &str, arrival: Arrival) -> Result<Arrival, FileError> {
    if matches!(arrival, Arrival::Ramp { .. }) {
        let hint = "use constant, poisson, bursts or sine, or make it an episode (kind = \"workday\")";
        return Err(source.refuse(key, "a ramp is not stationary", Some(hint)));
    }
    source.arrivals(key, arrival)
}

/// A table of another kind would change nothing: whoever wrote it expects something else.
fn unfit_sections(file: &ScenarioFile, source: &Source<'_>) -> Result<(), FileError> {
    let kind = file.kind;
    for (section, there, fits) in [
        ("logins", file.logins.is_some(), Kind::Stationary),
        ("visit", file.visit.is_some(), Kind::Workday),
        ("trial", file.trial.is_some(), Kind::Cafe),
    ] {
        if there && kind != fits {
            let message = format!("has no meaning where `kind` is \"{}\"", kind.name());
            let hint = format!("remove `[{section}]`, or use kind = \"{}\"", fits.name());
            return Err(source.refuse(section, message, Some(&hint)));
        }
    }
    Ok(())
}

fn workday(file: &ScenarioFile, load: &LoadFile, source: &Source<'_>) -> Result<Workday, FileError> {
    let visit = file.visit.clone().unwrap_or_default();
    Ok(Workday {
        rate: source.rate("load.rate", load.rate)?,
        arrivals: source.arrivals("load.arrivals", load.arrivals)?,
        writes: source.within("load.writes", load.writes, 0.0..=1.0)?,
        requests: source.law("visit.requests", &visit.requests, |count| count)?,
        think: source.law("visit.think", &visit.think, |time| time.as_nanos() as f64)?,
        logout: source.within("visit.logout", visit.logout, 0.0..=1.0)?,
        speed: source.within("visit.speed", visit.speed, 1e-3..=1e6)?,
    })
}

fn cafe(file: &ScenarioFile, load: &LoadFile, source: &Source<'_>) -> Result<Cafe, FileError> {
    let trial = file.trial.clone().unwrap_or_default();
    if load.writes > 0.0 {
        return Err(source.refuse("load.writes", "a trial has no writes", Some("remove it")));
    }
    let cafe = Cafe {
        rate: source.rate("load.rate", load.rate)?,
        arrivals: source.arrivals("load.arrivals", load.arrivals)?,
        requests: source.within("trial.requests", f64::from(trial.requests), 0.0..=1000.0)? as u32,
        think: source.some_time("trial.think", trial.think)?,
        replay_every: source.some_time("trial.replay_every", trial.replay_every)?,
        replay_for: source.some_time("trial.replay_for", trial.replay_for)?,
    };
    if cafe.replay_every > cafe.replay_for {
        let message = format!("no replay would fall into {}", cafe.replay_for);
        return Err(source.refuse(
            "trial.replay_every",
            message,
            Some("make it shorter than `trial.replay_for`"),
        ));
    }
    let Some(room) = load.duration.as_nanos().checked_sub(cafe.longest_ns()).filter(|room| *room > 0) else {
        let longest = HumanDuration::from_nanos(cafe.longest_ns());
        let message = format!("{} is too short for a trial, which lasts up to {longest}", load.duration);
        return Err(source.refuse(
            "load.duration",
            message,
            Some("lengthen it, or shorten `trial.replay_for`"),
        ));
    };
    // Five standard deviations above the mean of a Poisson count.
    let expected = cafe.rate * room as f64 * 1e-9;
    let most = expected + 5.0 * libm::sqrt(expected) + 1.0;
    if most > f64::from(file.population.subjects) {
        let message =
            format!("{} are too few: each of about {expected:.0} trials needs one", file.population.subjects);
        return Err(source.refuse("population.subjects", message, Some(&format!("give at least {most:.0}"))));
    }
    Ok(cafe)
}
