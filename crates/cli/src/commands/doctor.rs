//! `authbench doctor`: what this machine can measure, and what it cannot.

mod generator;

use measure::affinity::Placement;
use measure::environment::{Environment, environment};
use measure::store::{install_line, redis_server};
use serde::Serialize;

use crate::error::Failure;
use crate::exit::Exit;
use crate::output::Output;
use crate::signal;

const EXAMPLE: &str = "Examples:
  authbench doctor
  authbench doctor --generator
  authbench doctor --json | jq '.findings[] | select(.weight == \"limits\")'

Exit code 0 also when something is found: a run says again, block by block, what it could not measure. With --generator \
it is 4 when a check is missed: close other programs, or do not believe response times from here.";

/// Timer slack above this makes sleeping sends late, nanoseconds.
const SLACK_NS: u64 = 100_000;
/// Load average per CPU above this disturbs a run.
const BUSY: f64 = 0.5;
/// Connections, sockets of servers and files of the recording fit into this many open files.
const OPEN_FILES: u64 = 4096;

/// Say what this machine can measure and what it cannot
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct DoctorArgs {
    /// Check the load generator against known truths instead: a stall, delays, arrivals, pacing (12 s)
    #[arg(long)]
    generator: bool,
    /// With --generator: the long form (50 s)
    #[arg(long, requires = "generator")]
    full: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Diagnosis {
    machine: String,
    placement: Placement,
    findings: Vec<Finding>,
    environment: Environment,
}

/// Something that a measurement on this machine has to live with.
#[derive(Debug, PartialEq, Serialize)]
struct Finding {
    weight: Weight,
    what: String,
    advice: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Weight {
    /// Some figures cannot be had here.
    Limits,
    /// Figures can be had and will scatter more.
    Disturbs,
}

pub(crate) fn run(args: &DoctorArgs, output: &mut Output) -> Result<Exit, Failure> {
    if args.generator {
        let stop = signal::stop_flag("the check under way is cut off")?;
        return generator::run(args.full, args.json, &stop, output);
    }
    let environment = environment()?;
    let placement = Placement::of(&environment.limits.cpus);
    let allows = Allows { redis: redis_server().is_some(), real_time: loadgen::real_time_allowed() };
    let findings = findings(&environment, &placement, allows);
    let diagnosis = Diagnosis { machine: environment.machine(), placement, findings, environment };
    if args.json {
        output.json(&diagnosis)?;
        return Ok(Exit::Good);
    }
    output.line(&diagnosis.machine)?;
    output.line(&format!("  generator on CPU {}", list(&diagnosis.placement.generator)))?;
    output.line(&format!("  servers and stores on CPU {}", list(&diagnosis.placement.servers)))?;
    if diagnosis.findings.is_empty() {
        output.line("\nNothing here stands in the way of a measurement.")?;
    }
    for finding in &diagnosis.findings {
        let mark = match finding.weight {
            Weight::Limits => "cannot measure all",
            Weight::Disturbs => "may disturb",
        };
        output.line(&format!("\n{mark}: {}\n  help: {}", finding.what, finding.advice))?;
    }
    Ok(Exit::Good)
}

/// What was tried beside what was read.
#[derive(Debug, Clone, Copy)]
struct Allows {
    redis: bool,
    real_time: bool,
}

fn findings(environment: &Environment, placement: &Placement, allows: Allows) -> Vec<Finding> {
    let (cpu, limits) = (&environment.cpu, &environment.limits);
    let mut found = Vec::new();
    let mut say = |weight, what: String, advice: &str| {
        found.push(Finding { weight, what, advice: advice.to_owned() });
    };
    if placement.shared {
        say(
            Weight::Limits,
            "one CPU for generator, server and store: response times are void, CPU per request still counts"
                .into(),
            "give this process a second CPU",
        );
    }
    if !allows.redis {
        say(
            Weight::Limits,
            "no redis-server on PATH: backends that keep state in Redis are skipped, and failovers".into(),
            &install_line(),
        );
    }
    if let Some(quota) = limits.cpu_quota_milli.filter(|quota| *quota < 1000 * limits.cpus.len() as u64) {
        say(
            Weight::Limits,
            format!(
                "a cgroup allows {:.2} CPUs and shows {}: blocks are stopped in the middle",
                quota as f64 / 1000.0,
                limits.cpus.len()
            ),
            "raise the quota to the number of CPUs, or bind the container to fewer CPUs instead",
        );
    }
    if let Some(files) = limits.open_files.filter(|files| *files < OPEN_FILES) {
        say(
            Weight::Limits,
            format!("at most {files} open files: many connections will fail"),
            "ulimit -n 65536",
        );
    }
    if let Some(slack) = limits.timer_slack_ns.filter(|slack| *slack > SLACK_NS) {
        say(
            Weight::Disturbs,
            format!("timers may be {slack} ns late"),
            "start it from a shell without a changed timer slack",
        );
    }
    if !allows.real_time && !placement.shared {
        say(
            Weight::Disturbs,
            "no real-time priority for the generator: a send may wait milliseconds for another thread".into(),
            "start it as root, or allow it with `ulimit -r 1` (RLIMIT_RTPRIO) or CAP_SYS_NICE",
        );
    }
    if let Some(governor) = cpu.governor.as_deref().filter(|governor| *governor != "performance") {
        say(
            Weight::Disturbs,
            format!("the frequency governor is `{governor}`"),
            "cpupower frequency-set -g performance",
        );
    }
    if cpu.turbo == Some(true) {
        say(
            Weight::Disturbs,
            "turbo is on: the clock depends on temperature and on the other cores".into(),
            "echo 1 > /sys/devices/system/cpu/intel_pstate/no_turbo (or boost = 0 in cpufreq)",
        );
    }
    if let Some(hypervisor) = &environment.system.virtualization {
        say(
            Weight::Disturbs,
            format!("a virtual machine ({hypervisor}): neighbours take time; every block records how much"),
            "more rounds narrow the intervals: --rounds N",
        );
    }
    if let Some([last, ..]) =
        environment.load_average.filter(|[last, ..]| *last > BUSY * f64::from(cpu.online))
    {
        say(
            Weight::Disturbs,
            format!("other work runs here: load average {last:.2}"),
            "wait until it has ended",
        );
    }
    found
}

fn list(cpus: &[u32]) -> String {
    cpus.iter().map(u32::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quiet() -> Environment {
        let mut environment = Environment::default();
        environment.cpu.online = 4;
        environment.cpu.governor = Some("performance".into());
        environment.limits.cpus = vec![0, 1, 2, 3];
        environment.limits.open_files = Some(65_536);
        environment.load_average = Some([0.1, 0.1, 0.1]);
        environment
    }

    fn found(environment: &Environment) -> Vec<String> {
        let placement = Placement::of(&environment.limits.cpus);
        let allows = Allows { redis: true, real_time: true };
        findings(environment, &placement, allows).into_iter().map(|finding| finding.what).collect()
    }

    #[test]
    fn a_quiet_machine_has_no_findings() {
        assert_eq!(found(&quiet()), Vec::<String>::new());
    }

    #[test]
    fn each_trouble_is_found_by_itself() {
        type Trouble = fn(&mut Environment);
        let troubles: [(Trouble, &str); 7] = [
            (|e| e.limits.cpus = vec![2], "one CPU"),
            (|e| e.limits.cpu_quota_milli = Some(1500), "allows 1.50 CPUs and shows 4"),
            (|e| e.limits.open_files = Some(1024), "1024 open files"),
            (|e| e.limits.timer_slack_ns = Some(1_000_000), "1000000 ns late"),
            (|e| e.cpu.governor = Some("powersave".into()), "`powersave`"),
            (|e| e.system.virtualization = Some("kvm".into()), "(kvm)"),
            (|e| e.load_average = Some([3.5, 1.0, 1.0]), "load average 3.50"),
        ];
        for (spoil, expected) in troubles {
            let mut environment = quiet();
            spoil(&mut environment);
            let found = found(&environment);
            assert!(found.len() == 1 && found[0].contains(expected), "{expected}: {found:?}");
        }
    }

    #[test]
    fn what_is_not_there_or_not_allowed_is_found() {
        let environment = quiet();
        let placement = Placement::of(&environment.limits.cpus);
        for (allows, expected) in [
            (Allows { redis: false, real_time: true }, "redis"),
            (Allows { redis: true, real_time: false }, "ulimit -r"),
        ] {
            let found = findings(&environment, &placement, allows);
            assert!(found.len() == 1 && found[0].advice.contains(expected), "{found:?}");
        }
    }
}
