//! The machine: what somebody needs to know to judge a figure, and nothing about who ran it.

mod read;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use read::environment;

/// `environment.json`. What the system does not tell is absent, never guessed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Environment {
    /// The processor.
    pub cpu: Cpu,
    /// The memory.
    pub memory: Memory,
    /// The operating system.
    pub system: System,
    /// What this process may use.
    pub limits: Limits,
    /// Network settings that matter to many short requests, by sysctl name.
    pub network: BTreeMap<String, String>,
    /// Load average (1, 5, 15 minutes) before the run.
    pub load_average: Option<[f64; 3]>,
}

/// The processor.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Cpu {
    /// Model name.
    pub model: Option<String>,
    /// Architecture of this build.
    pub architecture: String,
    /// Microcode revision.
    pub microcode: Option<String>,
    /// Logical CPUs online.
    pub online: u32,
    /// Physical cores, as the kernel counts them.
    pub cores: Option<u32>,
    /// Is simultaneous multithreading active?
    pub smt: Option<bool>,
    /// Frequency governor of CPU 0; absent in most virtual machines.
    pub governor: Option<String>,
    /// Is turbo (boost) allowed?
    pub turbo: Option<bool>,
    /// Highest frequency of CPU 0, kHz.
    pub max_khz: Option<u64>,
    /// Caches of CPU 0, e.g. `L1d` → `32K`.
    pub caches: BTreeMap<String, String>,
    /// NUMA nodes.
    pub numa_nodes: Option<u32>,
    /// Mitigations by vulnerability, as the kernel words them.
    pub mitigations: BTreeMap<String, String>,
    /// Crypto instructions the processor offers (`aes`, `sha_ni`, …).
    pub crypto: Vec<String>,
}

/// The memory.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Memory {
    /// Total, bytes.
    pub total_bytes: Option<u64>,
    /// Available before the run, bytes.
    pub available_bytes: Option<u64>,
    /// Swap, bytes.
    pub swap_bytes: Option<u64>,
    /// Transparent huge pages: `always`, `madvise` or `never`.
    pub huge_pages: Option<String>,
}

/// The operating system.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct System {
    /// Distribution.
    pub distribution: Option<String>,
    /// Kernel release.
    pub kernel: Option<String>,
    /// Kernel build.
    pub kernel_build: Option<String>,
    /// Words of the kernel's command line that change timing (`isolcpus`, `nohz_full`, `mitigations`, …).
    pub kernel_options: Vec<String>,
    /// Clock source.
    pub clock_source: Option<String>,
    /// Hypervisor or product the machine runs on; absent on bare metal.
    pub virtualization: Option<String>,
    /// Runs in a container.
    pub container: Option<bool>,
}

/// What this process may use.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// CPUs by affinity and cpuset.
    pub cpus: Vec<u32>,
    /// CPU time per second of wall time by cgroup, thousandths of a CPU; absent = unlimited.
    pub cpu_quota_milli: Option<u64>,
    /// Memory by cgroup, bytes; absent = unlimited.
    pub memory_bytes: Option<u64>,
    /// Open files.
    pub open_files: Option<u64>,
    /// Timer slack of a new thread, nanoseconds.
    pub timer_slack_ns: Option<u64>,
    /// Does the kernel tell pressure stall information?
    pub pressure: bool,
}

impl Environment {
    /// What must be the same for two runs to be comparable in absolute figures: processor, CPUs used, kernel.
    #[must_use]
    pub fn machine(&self) -> String {
        format!(
            "{} ({}), {} of {} CPUs, kernel {}",
            self.cpu.model.as_deref().unwrap_or("unknown processor"),
            self.cpu.architecture,
            self.limits.cpus.len(),
            self.cpu.online,
            self.system.kernel.as_deref().unwrap_or("unknown"),
        )
    }
}
