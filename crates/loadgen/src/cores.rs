//! Which cores a thread runs on.

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::error::Error;

/// Binds the calling thread to these cores.
///
/// # Errors
/// [`Error::System`] when the kernel refuses, for instance because a core is outside the process's cpuset.
pub fn pin(cores: &[usize]) -> Result<(), Error> {
    let mut set = CpuSet::new();
    for &core in cores {
        set.set(core);
    }
    sched_setaffinity(None, &set)
        .map_err(|errno| Error::System { what: "cannot bind the thread to its cores", source: errno.into() })
}

/// The cores that the calling thread may use, ascending.
#[must_use]
pub fn allowed() -> Vec<usize> {
    let Ok(set) = sched_getaffinity(None) else { return vec![0] };
    (0..CpuSet::MAX_CPU).filter(|&core| set.is_set(core)).collect()
}
