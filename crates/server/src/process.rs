//! Settings of the whole process, made before any thread exists: CPUs, timer slack, open files.

use std::num::NonZeroU64;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity, set_current_timer_slack};

use crate::Error;

/// Descriptors kept for everything that is not a client connection.
const RESERVED_FILES: u64 = 128;
/// Client connections at most, whatever the system allows: bounds the memory of buffers.
const MAX_CONNECTIONS: u64 = 65_536;

/// Binds the calling thread (and all it will spawn) to `cpus`, and makes timers precise.
pub(crate) fn prepare(cpus: &[u32]) -> Result<(), Error> {
    // 1 ns instead of 50 µs: a modelled store distance must not be rounded up. Where it is refused, timers are coarser.
    let _ = set_current_timer_slack(NonZeroU64::new(1));
    if cpus.is_empty() {
        return Ok(());
    }
    let refused = |source: rustix::io::Errno| Error::Affinity {
        cpus: cpus.to_vec(),
        allowed: allowed(),
        source: source.into(),
    };
    let mut set = CpuSet::new();
    for &cpu in cpus {
        if cpu as usize >= CpuSet::MAX_CPU {
            return Err(refused(rustix::io::Errno::INVAL));
        }
        set.set(cpu as usize);
    }
    sched_setaffinity(None, &set).map_err(refused)
}

/// The CPUs this thread may use.
fn allowed() -> Vec<u32> {
    let Ok(set) = sched_getaffinity(None) else { return Vec::new() };
    (0..CpuSet::MAX_CPU).filter(|&cpu| set.is_set(cpu)).filter_map(|cpu| u32::try_from(cpu).ok()).collect()
}

/// Raises the limit of open files as far as allowed; returns how many client connections fit in.
pub(crate) fn connection_limit() -> usize {
    let mut limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if setrlimit(Resource::Nofile, raised).is_ok() {
        limit = raised;
    }
    let files = limit.current.unwrap_or(u64::MAX);
    usize::try_from(files.saturating_sub(RESERVED_FILES).clamp(1, MAX_CONNECTIONS)).unwrap_or(1)
}
