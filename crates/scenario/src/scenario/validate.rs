//! From a file's keys to validated values; what cannot be is refused with its key and line.

use std::ops::RangeInclusive;
use std::path::Path;

use super::file::{Kind, LoadFile, PopulationFile, ScenarioFile};
use super::{Client, Logins, Population, Scenario, Stationary, Workload};
use crate::arrival::Arrival;
use crate::error::FileError;
use crate::file::locate;

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
    let workload = match file.kind {
        Kind::Stationary => Workload::Stationary(stationary(file, load, source)?),
    };
    if load.duration.as_nanos() == 0 {
        return Err(source.refuse("load.duration", "must be longer than 0", None));
    }
    Ok(Scenario {
        name: file.name.clone(),
        question: file.question.clone(),
        seed: file.seed,
        population: population(&file.population, source)?,
        client: client(file, source)?,
        workload,
        duration: load.duration,
    })
}

fn name(source: &Source<'_>, name: &str) -> Result<(), FileError> {
    let kebab = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !name.is_empty() && name.len() <= 64 && name.chars().all(kebab) {
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
    if file.client.deadline.as_nanos() == 0 {
        return Err(source.refuse("client.deadline", "must be longer than 0", None));
    }
    Ok(Client { connections: file.client.connections, deadline: file.client.deadline })
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
