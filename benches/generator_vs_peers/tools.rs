//! Running one tool once: its CPU, its requests, its memory, its system calls.

use std::error::Error;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

type Fallible<T> = Result<T, Box<dyn Error>>;

/// A generator under comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tool {
    Own,
    Bare,
    Wrk,
    H2load,
    Oha,
    Hey,
}

impl Tool {
    pub(crate) const ALL: [Self; 6] = [Self::Own, Self::Bare, Self::Wrk, Self::H2load, Self::Oha, Self::Hey];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Own => "ours",
            Self::Bare => "bare epoll loop",
            Self::Wrk => "wrk",
            Self::H2load => "h2load --h1",
            Self::Oha => "oha",
            Self::Hey => "hey",
        }
    }

    pub(crate) fn is_installed(self) -> bool {
        match self {
            Self::Own | Self::Bare => true,
            Self::Wrk => on_path("wrk"),
            Self::H2load => on_path("h2load"),
            Self::Oha => on_path("oha"),
            Self::Hey => on_path("hey"),
        }
    }

    fn arguments(self, address: &str, connections: u32, seconds: f64) -> Fallible<Vec<String>> {
        let url = format!("http://{address}/");
        let own = std::env::current_exe()?.to_string_lossy().into_owned();
        let line = match self {
            Self::Own => format!("{own} role own {address} {connections} {seconds}"),
            Self::Bare => format!("{own} role bare {address} {connections} {seconds}"),
            Self::Wrk => format!("wrk -t1 -c{connections} -d{seconds}s {url}"),
            Self::H2load => format!("h2load --h1 -t1 -c{connections} -D{seconds} {url}"),
            Self::Oha => format!("oha --no-tui -c {connections} -z {seconds}s {url}"),
            Self::Hey => format!("hey -cpus 1 -c {connections} -z {seconds}s {url}"),
        };
        Ok(line.split(' ').map(str::to_owned).collect())
    }
}

pub(crate) fn on_path(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(name).is_file())
}

/// What one run of a tool cost.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Run {
    pub(crate) requests: u64,
    /// User and system time of the process, nanoseconds.
    pub(crate) cpu_ns: f64,
    /// Peak resident size, bytes.
    pub(crate) peak_bytes: u64,
}

impl Run {
    pub(crate) fn cpu_per_request(&self) -> f64 {
        self.cpu_ns / self.requests.max(1) as f64
    }
}

/// The responder in a process of its own.
#[derive(Debug)]
pub(crate) struct Responder {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    pub(crate) address: String,
}

impl Responder {
    pub(crate) fn start(core: usize) -> Fallible<Self> {
        let mut child =
            bound_to(core, &[std::env::current_exe()?.to_string_lossy().as_ref(), "role", "responder"])
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()?;
        let stdin = child.stdin.take();
        let mut stdout = BufReader::new(child.stdout.take().ok_or("the responder has no standard output")?);
        let mut address = String::new();
        stdout.read_line(&mut address)?;
        Ok(Self { child, stdin, stdout, address: address.trim().to_owned() })
    }

    pub(crate) fn served(&mut self) -> Fallible<u64> {
        let stdin = self.stdin.as_mut().ok_or("the responder is gone")?;
        writeln!(stdin)?;
        let mut line = String::new();
        self.stdout.read_line(&mut line)?;
        Ok(line.trim().parse()?)
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        // It ends with its standard input.
        self.stdin = None;
        let _ = self.child.wait();
    }
}

/// A command bound to one core.
fn bound_to(core: usize, words: &[&str]) -> Command {
    let mut command = Command::new("taskset");
    command.arg("-c").arg(core.to_string()).args(words);
    command
}

/// Runs a tool once on a core and waits for it.
pub(crate) fn run(
    tool: Tool,
    responder: &mut Responder,
    core: usize,
    connections: u32,
    seconds: f64,
) -> Fallible<Run> {
    let arguments = tool.arguments(&responder.address, connections, seconds)?;
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (served, cpu_ns) = (responder.served()?, children_cpu_ns()?);
    let mut child = bound_to(core, &words).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let mut peak_bytes = 0;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        peak_bytes = peak_bytes.max(peak_of(child.id()).unwrap_or(0));
        std::thread::sleep(Duration::from_millis(50));
    };
    if !status.success() {
        return Err(format!("{} ended with {status}", tool.name()).into());
    }
    let requests = responder.served()? - served;
    Ok(Run { requests, cpu_ns: children_cpu_ns()? - cpu_ns, peak_bytes })
}

/// System calls per request, by `strace -c`.
pub(crate) fn system_calls(
    tool: Tool,
    responder: &mut Responder,
    core: usize,
    connections: u32,
) -> Fallible<f64> {
    let arguments = tool.arguments(&responder.address, connections, 2.0)?;
    traced(&arguments, responder, core)
}

/// The same of our open loop at 10,000/s without a spin, sleeping by `wait`.
pub(crate) fn system_calls_paced(wait: &str, responder: &mut Responder, core: usize) -> Fallible<f64> {
    let own = std::env::current_exe()?.to_string_lossy().into_owned();
    let line = format!("{own} role paced {} 10000 {wait} 2", responder.address);
    let arguments: Vec<String> = line.split(' ').map(str::to_owned).collect();
    traced(&arguments, responder, core)
}

fn traced(arguments: &[String], responder: &mut Responder, core: usize) -> Fallible<f64> {
    let summary = std::env::temp_dir().join(format!("generator-calls-{}", std::process::id()));
    let place = summary.to_string_lossy().into_owned();
    let mut words = vec!["strace", "-f", "-c", "-o", &place];
    words.extend(arguments.iter().map(String::as_str));
    let served = responder.served()?;
    let status = bound_to(core, &words).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
    let text = fs::read_to_string(&summary)?;
    fs::remove_file(&summary)?;
    if !status.success() {
        return Err(format!("strace of {arguments:?} ended with {status}").into());
    }
    let total =
        text.lines().find(|line| line.trim_end().ends_with("total")).ok_or("strace printed no total")?;
    let calls: f64 = total.split_whitespace().nth(3).ok_or("strace's total has no count")?.parse()?;
    Ok(calls / (responder.served()? - served).max(1) as f64)
}

/// Runs one of this program's own roles on a core and returns what it prints.
pub(crate) fn role(core: usize, words: &[&str]) -> Fallible<String> {
    let own = std::env::current_exe()?.to_string_lossy().into_owned();
    let all: Vec<&str> = [own.as_str(), "role"].into_iter().chain(words.iter().copied()).collect();
    let output = bound_to(core, &all).stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(format!("role {words:?} ended with {}", output.status).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// CPU of all finished children, nanoseconds (proc_pid_stat(5), fields 16 and 17, in ticks of 10 ms).
fn children_cpu_ns() -> Fallible<f64> {
    let text = fs::read_to_string("/proc/self/stat")?;
    let after_name = text.rsplit(')').next().unwrap_or_default();
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    let ticks = |at: usize| -> Fallible<f64> { Ok(fields.get(at).ok_or("short /proc/self/stat")?.parse()?) };
    let per_second = rustix::param::clock_ticks_per_second() as f64;
    Ok((ticks(13)? + ticks(14)?) * 1e9 / per_second)
}

fn peak_of(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").parse::<u64>().ok().map(|kib| kib * 1024)
}
