//! What a process uses: CPU by its own clock, memory by proportional set size, context switches over its threads.
//!
//! `/proc/PID/stat` counts CPU in ticks of 10 ms, which is 2 % of a block of half a second; the process clock counts
//! nanoseconds and keeps the time of threads that have ended.

use std::path::PathBuf;

use nix::time::{ClockId, clock_getcpuclockid, clock_gettime};
use procfs::process::{ClearRefs, FDPermissions, FDTarget, Process};
use procfs::{CpuPressure, Current};

use crate::error::Error;

/// Reads one process.
#[derive(Debug)]
pub struct ProcessProbe {
    pid: u32,
    clock: ClockId,
}

/// Memory of a process, bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MemoryUse {
    /// Proportional set size: pages shared with others count by their share.
    pub pss_bytes: u64,
    /// Peak resident size since the start or since [`ProcessProbe::reset_peak`].
    pub peak_bytes: u64,
}

/// Context switches of all threads that live, since they were made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Switches {
    /// The thread had nothing to do.
    pub voluntary: u64,
    /// The thread was made to give way.
    pub involuntary: u64,
}

impl ProcessProbe {
    /// A probe of the process with this id.
    ///
    /// # Errors
    ///
    /// When there is no such process, or its clock may not be read.
    pub fn new(pid: u32) -> Result<Self, Error> {
        let raw = i32::try_from(pid).map_err(|_| failed("process id", "out of range"))?;
        let clock = clock_getcpuclockid(nix::unistd::Pid::from_raw(raw))
            .map_err(|error| failed("clock_getcpuclockid", error))?;
        Ok(Self { pid, clock })
    }

    /// CPU used so far by all its threads, nanoseconds. Costs about a microsecond.
    ///
    /// # Errors
    ///
    /// When the process has ended.
    pub fn cpu_ns(&self) -> Result<u64, Error> {
        let time = clock_gettime(self.clock).map_err(|error| failed("the process CPU clock", error))?;
        let (seconds, nanos) = (time.tv_sec(), time.tv_nsec());
        Ok(u64::try_from(seconds).unwrap_or(0) * 1_000_000_000 + u64::try_from(nanos).unwrap_or(0))
    }

    /// Its memory. Costs up to a few milliseconds for a large process: never inside a block.
    ///
    /// # Errors
    ///
    /// When the process has ended, or its maps may not be read.
    pub fn memory(&self) -> Result<MemoryUse, Error> {
        let process = self.process()?;
        let rollup = process.smaps_rollup().map_err(|error| failed("smaps_rollup", error))?;
        let pss = rollup.memory_map_rollup.0.iter().filter_map(|map| map.extension.map.get("Pss")).sum();
        let status = process.status().map_err(|error| failed("/proc/PID/status", error))?;
        Ok(MemoryUse { pss_bytes: pss, peak_bytes: status.vmhwm.unwrap_or(0) * 1024 })
    }

    /// Lets the peak start again from what is resident now.
    ///
    /// # Errors
    ///
    /// When the process has ended, or belongs to somebody else.
    pub fn reset_peak(&self) -> Result<(), Error> {
        self.process()?.clear_refs(ClearRefs::PeakRSS).map_err(|error| failed("clear_refs", error))
    }

    /// Its context switches.
    ///
    /// # Errors
    ///
    /// When the process has ended.
    pub fn switches(&self) -> Result<Switches, Error> {
        let tasks = self.process()?.tasks().map_err(|error| failed("/proc/PID/task", error))?;
        let mut sum = Switches::default();
        // A thread that ends while being looked at is left out.
        for status in tasks.flatten().filter_map(|task| task.status().ok()) {
            sum.voluntary += status.voluntary_ctxt_switches.unwrap_or(0);
            sum.involuntary += status.nonvoluntary_ctxt_switches.unwrap_or(0);
        }
        Ok(sum)
    }

    /// Files that it holds open for writing, but for its standard streams.
    ///
    /// # Errors
    ///
    /// When the process has ended, or its descriptors may not be read.
    pub fn written_files(&self) -> Result<Vec<PathBuf>, Error> {
        let open = self.process()?.fd().map_err(|error| failed("/proc/PID/fd", error))?;
        // A file that is closed while being looked at is left out.
        let paths = open.flatten().filter(|file| file.fd > 2).filter_map(|file| match &file.target {
            FDTarget::Path(path) if file.mode().contains(FDPermissions::WRITE) => Some(path.clone()),
            _ => None,
        });
        Ok(paths.filter(|path| path.is_file()).collect())
    }

    fn process(&self) -> Result<Process, Error> {
        let raw = i32::try_from(self.pid).map_err(|_| failed("process id", "out of range"))?;
        Process::new(raw).map_err(|error| failed("/proc/PID", error))
    }
}

/// Time in which some task of the machine waited for a CPU, microseconds since the boot; absent on kernels without
/// pressure stall information.
#[must_use]
pub fn cpu_pressure_us() -> Option<u64> {
    CpuPressure::current().ok().map(|pressure| pressure.some.total)
}

fn failed(what: &'static str, error: impl std::fmt::Display) -> Error {
    Error::Probe { what, message: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own() -> ProcessProbe {
        ProcessProbe::new(std::process::id()).unwrap()
    }

    #[test]
    fn the_cpu_clock_counts_work_and_not_waiting() {
        let probe = own();
        let before = probe.cpu_ns().unwrap();
        let mut sum = 0_u64;
        while probe.cpu_ns().unwrap() < before + 2_000_000 {
            sum = std::hint::black_box(sum + 1);
        }
        assert!(sum > 0);
    }

    /// One look at a block of memory that comes and goes. None where another test of this process let the peak
    /// forget in between.
    fn look(probe: &ProcessProbe) -> Option<()> {
        let mib = 64 << 20;
        let half = (mib as u64) / 2;
        let before = probe.memory().unwrap();
        let block = std::hint::black_box(vec![1_u8; mib]);
        let during = probe.memory().unwrap();
        drop(block);
        let after = probe.memory().unwrap();
        probe.reset_peak().unwrap();
        let reset = probe.memory().unwrap();
        // The kernel keeps these counters in parts: they agree to within some pages.
        let seen = during.pss_bytes >= before.pss_bytes + half && after.peak_bytes >= before.pss_bytes + half;
        (seen && reset.peak_bytes + half < after.peak_bytes).then_some(())
    }

    #[test]
    fn memory_is_seen_and_the_peak_forgets() {
        let probe = own();
        assert!((0..20).any(|_| look(&probe).is_some()), "{:?}", probe.memory());
    }

    #[test]
    fn files_being_written_are_found_and_others_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let (written, read) = (folder.path().join("written"), folder.path().join("read"));
        let _writing = std::fs::File::create(&written).unwrap();
        std::fs::write(&read, "x").unwrap();
        let _reading = std::fs::File::open(&read).unwrap();
        let found = own().written_files().unwrap();
        assert!(found.contains(&written) && !found.contains(&read), "{found:?}");
    }

    #[test]
    fn waiting_is_a_voluntary_switch() {
        let probe = own();
        let before = probe.switches().unwrap();
        let (wake, woken) = std::sync::mpsc::channel();
        let (ask, asked) = std::sync::mpsc::channel::<()>();
        // The thread answers only when asked, so this one has to wait for it.
        let thread = std::thread::spawn(move || {
            while asked.recv().is_ok() {
                wake.send(()).unwrap();
            }
        });
        for _ in 0..100 {
            ask.send(()).unwrap();
            woken.recv().unwrap();
        }
        let after = probe.switches().unwrap();
        assert!(after.voluntary > before.voluntary, "{before:?} {after:?}");
        drop(ask);
        thread.join().unwrap();
    }

    #[test]
    fn a_process_that_is_gone_is_an_error() {
        let mut child = std::process::Command::new("/bin/true").spawn().unwrap();
        let probe = ProcessProbe::new(child.id()).unwrap();
        child.wait().unwrap();
        assert!(probe.cpu_ns().is_err());
        assert!(probe.memory().is_err());
    }
}
