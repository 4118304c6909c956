//! Which CPUs the generator and the servers run on.

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// How the CPUs we may use are divided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placement {
    /// CPUs of the generator.
    pub generator: Vec<u32>,
    /// CPUs of servers and private stores.
    pub servers: Vec<u32>,
    /// Generator and servers share CPUs: there was only one.
    pub shared: bool,
}

impl Placement {
    /// The first allowed CPU for the generator, the others for the servers; a single one is shared.
    #[must_use]
    pub fn of(allowed: &[u32]) -> Self {
        match allowed {
            [generator, servers @ ..] if !servers.is_empty() => {
                Self { generator: vec![*generator], servers: servers.to_vec(), shared: false }
            }
            _ => Self { generator: allowed.to_vec(), servers: allowed.to_vec(), shared: true },
        }
    }
}

impl Placement {
    /// CPUs named by a plan; where it names none, as [`Self::of`] divides the allowed ones.
    ///
    /// # Errors
    ///
    /// When a CPU is named that this process may not use.
    pub fn named(generator: &[u32], servers: &[u32], allowed: &[u32]) -> Result<Self, Error> {
        if generator.is_empty() || servers.is_empty() {
            return Ok(Self::of(allowed));
        }
        if let Some(cpu) = generator.iter().chain(servers).find(|cpu| !allowed.contains(cpu)) {
            return Err(Error::Probe {
                what: "the placement of the plan",
                message: format!("CPU {cpu} may not be used; allowed are {allowed:?}"),
            });
        }
        let shared = generator.iter().any(|cpu| servers.contains(cpu));
        Ok(Self { generator: generator.to_vec(), servers: servers.to_vec(), shared })
    }
}

/// The CPUs this thread may run on: what affinity and cpuset allow.
///
/// # Errors
///
/// When the system does not tell.
pub fn allowed() -> Result<Vec<u32>, Error> {
    let set = sched_getaffinity(None)
        .map_err(|error| Error::Probe { what: "sched_getaffinity", message: error.to_string() })?;
    Ok((0..CpuSet::MAX_CPU)
        .filter(|&cpu| set.is_set(cpu))
        .filter_map(|cpu| u32::try_from(cpu).ok())
        .collect())
}

/// Binds the calling thread, and what it spawns from now on, to `cpus` (empty = no change).
///
/// # Errors
///
/// When the system refuses.
pub fn bind(cpus: &[u32]) -> Result<(), Error> {
    if cpus.is_empty() {
        return Ok(());
    }
    let mut set = CpuSet::new();
    for &cpu in cpus {
        set.set(cpu as usize);
    }
    sched_setaffinity(None, &set).map_err(|error| Error::Probe {
        what: "sched_setaffinity",
        message: format!("CPUs {cpus:?}: {error}"),
    })
}

/// The calling thread bound to some CPUs until this is dropped.
#[derive(Debug)]
pub(crate) struct Bound {
    before: Vec<u32>,
}

impl Bound {
    pub(crate) fn to(cpus: &[u32]) -> Result<Self, Error> {
        let before = allowed()?;
        bind(cpus)?;
        Ok(Self { before })
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        // Back to what was allowed before: it cannot be refused, and nothing depends on it.
        let _ = bind(&self.before);
    }
}

#[cfg(test)]
mod tests {
    use super::{Bound, Placement, allowed};

    #[test]
    fn the_generator_has_a_core_of_its_own_where_there_is_one() {
        assert_eq!(
            Placement::of(&[2, 5, 7]),
            Placement { generator: vec![2], servers: vec![5, 7], shared: false }
        );
        assert_eq!(Placement::of(&[3]), Placement { generator: vec![3], servers: vec![3], shared: true });
    }

    #[test]
    fn binding_holds_until_dropped() {
        let before = allowed().unwrap();
        let bound = Bound::to(&before[..1]).unwrap();
        assert_eq!(allowed().unwrap(), &before[..1]);
        drop(bound);
        assert_eq!(allowed().unwrap(), before);
    }
}
