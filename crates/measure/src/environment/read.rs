//! Reads the machine from `/proc` and `/sys`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use procfs::{CpuInfo, Current, LoadAverage, Meminfo};

use super::{Cpu, Environment, Limits, Memory, System};
use crate::affinity::allowed;
use crate::error::Error;

/// Words of the kernel's command line that are kept: others may name disks and hosts.
const KERNEL_OPTIONS: [&str; 9] = [
    "isolcpus",
    "nohz_full",
    "rcu_nocbs",
    "mitigations",
    "intel_pstate",
    "amd_pstate",
    "idle",
    "processor.max_cstate",
    "clocksource",
];
/// Instructions that decide the speed of tokens and password hashes.
const CRYPTO: [&str; 8] = ["aes", "sha_ni", "pclmulqdq", "vaes", "avx2", "avx512f", "sha2", "pmull"];
/// Settings that matter to many short requests over loopback.
const SYSCTLS: [&str; 7] = [
    "net/core/somaxconn",
    "net/core/netdev_max_backlog",
    "net/ipv4/ip_local_port_range",
    "net/ipv4/tcp_congestion_control",
    "net/ipv4/tcp_max_syn_backlog",
    "net/ipv4/tcp_tw_reuse",
    "net/ipv4/tcp_fin_timeout",
];

/// The machine as it is now.
///
/// # Errors
///
/// When not even the affinity of this thread can be read.
pub fn environment() -> Result<Environment, Error> {
    let info = CpuInfo::current().ok();
    Ok(Environment {
        cpu: cpu(info.as_ref()),
        memory: memory(),
        system: system(info.as_ref()),
        limits: limits()?,
        network: SYSCTLS
            .iter()
            .filter_map(|name| Some((name.replace('/', "."), text(format!("/proc/sys/{name}"))?)))
            .collect(),
        // The kernel prints two decimals; the crate's `f32` has more, and they mean nothing.
        load_average: LoadAverage::current().ok().map(|load| {
            [load.one, load.five, load.fifteen].map(|value| (f64::from(value) * 100.0).round() / 100.0)
        }),
    })
}

fn cpu(info: Option<&CpuInfo>) -> Cpu {
    let field = |name: &str| info.and_then(|info| info.get_field(0, name)).map(str::to_owned);
    let flags = field("flags").or_else(|| field("Features")).unwrap_or_default();
    let flags: Vec<&str> = flags.split_ascii_whitespace().collect();
    let one = |name: &str| text(format!("/sys/devices/system/cpu/{name}"));
    Cpu {
        model: field("model name"),
        architecture: std::env::consts::ARCH.to_owned(),
        microcode: field("microcode"),
        online: one("online").map_or(0, |list| count_list(&list)),
        cores: one("cpu0/topology/core_id").is_some().then(physical_cores).flatten(),
        smt: one("smt/active").map(|active| active == "1"),
        governor: one("cpu0/cpufreq/scaling_governor"),
        turbo: one("cpufreq/boost")
            .map(|boost| boost == "1")
            .or_else(|| one("intel_pstate/no_turbo").map(|off| off == "0")),
        max_khz: one("cpu0/cpufreq/cpuinfo_max_freq").and_then(|khz| khz.parse().ok()),
        caches: caches(),
        numa_nodes: text("/sys/devices/system/node/online").map(|list| count_list(&list)),
        mitigations: each_file("/sys/devices/system/cpu/vulnerabilities"),
        crypto: CRYPTO.iter().filter(|name| flags.contains(name)).map(|name| (*name).to_owned()).collect(),
    }
}

fn physical_cores() -> Option<u32> {
    let mut cores = std::collections::BTreeSet::new();
    for entry in fs::read_dir("/sys/devices/system/cpu").ok()?.flatten() {
        let topology = entry.path().join("topology");
        if let (Some(package), Some(core)) =
            (text(topology.join("physical_package_id")), text(topology.join("core_id")))
        {
            cores.insert((package, core));
        }
    }
    u32::try_from(cores.len()).ok().filter(|&count| count > 0)
}

fn caches() -> BTreeMap<String, String> {
    let mut caches = BTreeMap::new();
    for index in 0..8 {
        let of = |name: &str| text(format!("/sys/devices/system/cpu/cpu0/cache/index{index}/{name}"));
        let (Some(level), Some(kind), Some(size)) = (of("level"), of("type"), of("size")) else { break };
        let suffix = match kind.as_str() {
            "Data" => "d",
            "Instruction" => "i",
            _ => "",
        };
        caches.insert(format!("L{level}{suffix}"), size);
    }
    caches
}

fn memory() -> Memory {
    let info = Meminfo::current().ok();
    Memory {
        total_bytes: info.as_ref().map(|info| info.mem_total),
        available_bytes: info.as_ref().and_then(|info| info.mem_available),
        swap_bytes: info.as_ref().map(|info| info.swap_total),
        huge_pages: text("/sys/kernel/mm/transparent_hugepage/enabled")
            .and_then(|modes| Some(modes.split_once('[')?.1.split_once(']')?.0.to_owned())),
    }
}

fn system(info: Option<&CpuInfo>) -> System {
    let hypervisor = info
        .and_then(|info| info.get_field(0, "flags"))
        .is_some_and(|flags| flags.split_ascii_whitespace().any(|flag| flag == "hypervisor"));
    let product = || {
        let of = |name: &str| text(format!("/sys/class/dmi/id/{name}"));
        let words: Vec<String> = [of("sys_vendor"), of("product_name")].into_iter().flatten().collect();
        (!words.is_empty()).then(|| words.join(" "))
    };
    let virtualization = text("/sys/hypervisor/type")
        .or_else(|| hypervisor.then(|| product().unwrap_or_else(|| "a hypervisor".to_owned())));
    System {
        distribution: text("/etc/os-release").and_then(|release| {
            let line = release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
            Some(line.trim_matches('"').to_owned())
        }),
        kernel: text("/proc/sys/kernel/osrelease"),
        kernel_build: text("/proc/sys/kernel/version"),
        kernel_options: text("/proc/cmdline").map_or_else(Vec::new, |line| {
            line.split_ascii_whitespace()
                .filter(|word| KERNEL_OPTIONS.contains(&word.split_once('=').map_or(*word, |(key, _)| key)))
                .map(str::to_owned)
                .collect()
        }),
        clock_source: text("/sys/devices/system/clocksource/clocksource0/current_clocksource"),
        virtualization,
        container: Some(Path::new("/.dockerenv").exists() || Path::new("/run/.containerenv").exists()),
    }
}

fn limits() -> Result<Limits, Error> {
    let files = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    Ok(Limits {
        cpus: allowed()?,
        cpu_quota_milli: cpu_quota(),
        memory_bytes: memory_limit(),
        open_files: files.current,
        timer_slack_ns: rustix::thread::current_timer_slack().ok(),
        pressure: Path::new("/proc/pressure/cpu").exists(),
    })
}

/// Folders of our control groups, innermost first: version 2, or the named controller of version 1.
fn cgroups(controller: &str) -> Vec<String> {
    let Some(list) = text("/proc/self/cgroup") else { return Vec::new() };
    let mut folders = Vec::new();
    for line in list.lines() {
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (parts.next(), parts.next()) else { continue };
        let root = if controllers.is_empty() {
            "/sys/fs/cgroup".to_owned()
        } else if controllers.split(',').any(|name| name == controller) {
            format!("/sys/fs/cgroup/{controller}")
        } else {
            continue;
        };
        // A limit may be set on any level above us.
        let mut path = path.trim_end_matches('/');
        loop {
            folders.push(format!("{root}{path}"));
            match path.rsplit_once('/') {
                Some((parent, _)) => path = parent,
                None => break,
            }
        }
    }
    folders
}

/// The tightest CPU quota above us, thousandths of a CPU.
fn cpu_quota() -> Option<u64> {
    let of = |folder: &String| -> Option<u64> {
        let (quota, period) = match text(format!("{folder}/cpu.max")) {
            Some(line) => {
                let (quota, period) = line.split_once(' ')?;
                (quota.parse::<u64>().ok()?, period.parse::<u64>().ok()?)
            }
            None => (
                text(format!("{folder}/cpu.cfs_quota_us"))?.parse().ok()?,
                text(format!("{folder}/cpu.cfs_period_us"))?.parse().ok()?,
            ),
        };
        (quota * 1000).checked_div(period)
    };
    cgroups("cpu").iter().filter_map(of).min()
}

/// The tightest memory limit above us, bytes.
fn memory_limit() -> Option<u64> {
    /// Version 1 writes "no limit" as a huge number.
    const NO_LIMIT: u64 = 1 << 60;
    cgroups("memory")
        .iter()
        .filter_map(|folder| {
            text(format!("{folder}/memory.max"))
                .or_else(|| text(format!("{folder}/memory.limit_in_bytes")))?
                .parse::<u64>()
                .ok()
        })
        .filter(|&limit| limit < NO_LIMIT)
        .min()
}

/// A file's text without its last line end; none when it cannot be read or is empty.
fn text(path: impl AsRef<Path>) -> Option<String> {
    fs::read_to_string(path).ok().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

fn each_file(folder: &str) -> BTreeMap<String, String> {
    let Ok(entries) = fs::read_dir(folder) else { return BTreeMap::new() };
    entries
        .flatten()
        .filter_map(|entry| Some((entry.file_name().into_string().ok()?, text(entry.path())?)))
        .collect()
}

/// Members of a kernel list such as `0-3,8`.
fn count_list(list: &str) -> u32 {
    let member = |part: &str| -> Option<u32> {
        match part.split_once('-') {
            Some((first, last)) => {
                let (first, last): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
                last.checked_sub(first)?.checked_add(1)
            }
            None => part.parse::<u32>().ok().map(|_| 1),
        }
    };
    list.trim().split(',').filter_map(member).sum()
}

#[cfg(test)]
mod tests {
    use super::{count_list, environment};

    #[test]
    fn kernel_lists_are_counted() {
        for (list, count) in [("0-3,8", 5), ("0", 1), ("0-1", 2), ("", 0), ("x", 0), ("3-1", 0)] {
            assert_eq!(count_list(list), count, "{list}");
        }
    }

    #[test]
    fn this_machine_tells_what_every_linux_tells() {
        let environment = environment().unwrap();
        assert!(environment.cpu.online >= 1);
        assert!(environment.memory.total_bytes.unwrap() > 0);
        assert!(environment.system.kernel.is_some() && environment.system.clock_source.is_some());
        assert!(!environment.limits.cpus.is_empty());
        assert!(environment.network.contains_key("net.core.somaxconn"));
        let text = serde_json::to_string(&environment).unwrap();
        assert_eq!(serde_json::from_str::<super::Environment>(&text).unwrap(), environment);
        if let Ok(user) = std::env::var("HOME") {
            assert!(user.len() < 3 || !text.contains(&user));
        }
    }
}
