//! What the program's own child processes do: the responder, our generator, the bare loop, and the large jar.

use std::error::Error;
use std::io::{self, BufRead, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::AtomicBool;

use loadgen::clock::{Clock, Monotonic};
use loadgen::null::{NullOptions, NullResponder};
use loadgen::{CredentialJar, LoadOptions, Mode, Observation, Observer, Options, Target, Wait, drive, load};
use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use scenario::{Operation, Step};

type Done = Result<(), Box<dyn Error>>;

/// Body of every answer: as long as the identity that `GET /me` returns.
const BODY: usize = 54;

/// Plays one role until it is over.
pub(crate) fn play(role: &str, rest: &[&str]) -> Done {
    match (role, rest) {
        ("responder", []) => responder(),
        ("own", [address, connections, seconds]) => {
            own(address.parse()?, connections.parse()?, seconds.parse()?)
        }
        ("bare", [address, connections, seconds]) => {
            bare(address.parse()?, connections.parse()?, seconds.parse()?)
        }
        ("paced", [address, rate, wait, seconds]) => {
            paced(address.parse()?, rate.parse()?, *wait == "timerfd", seconds.parse()?)
        }
        ("jar", [address, subjects, seconds]) => jar(address.parse()?, subjects.parse()?, seconds.parse()?),
        _ => Err("unknown role".into()),
    }
}

/// Serves until standard input ends; answers each line with the number of requests served so far.
fn responder() -> Done {
    let responder = NullResponder::start(&NullOptions { body: vec![b'x'; BODY], ..NullOptions::default() })?;
    let mut out = io::stdout();
    writeln!(out, "{}", responder.address())?;
    for line in io::stdin().lock().lines() {
        line?;
        writeln!(out, "{}", responder.served())?;
    }
    Ok(())
}

fn own(address: SocketAddr, connections: u32, seconds: f64) -> Done {
    let options = LoadOptions {
        duration_ns: (seconds * 1e9) as u64,
        drive: Options { connections, ..Options::default() },
        ..LoadOptions::default()
    };
    let report = load(&format!("http://{address}/").parse()?, &options, &AtomicBool::new(false))?;
    writeln!(io::stdout(), "{}", serde_json::to_string(&report)?)?;
    Ok(())
}

/// Open loop without a final spin, sleeping one way or the other.
fn paced(address: SocketAddr, rate: f64, timerfd: bool, seconds: f64) -> Done {
    let wait = if timerfd { Wait::Timerfd } else { Wait::Pwait2 };
    let options = LoadOptions {
        rate: Some(rate),
        duration_ns: (seconds * 1e9) as u64,
        drive: Options { spin_ns: 0, wait, ..Options::default() },
        ceiling_rate: Some(f64::MAX),
        ..LoadOptions::default()
    };
    load(&format!("http://{address}/").parse()?, &options, &AtomicBool::new(false))?;
    Ok(())
}

/// The least a client can do: edge-triggered epoll, one read and one write per answer, no parsing, no clock.
/// Prints its CPU per request once all connections are open, as our own role does.
fn bare(address: SocketAddr, connections: u32, seconds: f64) -> Done {
    let request = format!("GET / HTTP/1.1\r\nHost: {address}\r\n\r\n").into_bytes();
    let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    let mut streams = Vec::new();
    for index in 0..connections {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        // As our own sockets do: the comparison is of loops, not of congestion control.
        let _ = rustix::net::sockopt::set_tcp_congestion(&stream, "reno");
        let interest = epoll::EventFlags::IN | epoll::EventFlags::ET;
        epoll::add(&epoll, &stream, epoll::EventData::new_u64(u64::from(index)), interest)?;
        streams.push(stream);
    }
    for mut stream in &streams {
        stream.write_all(&request)?;
    }
    let (start, cpu_ns) = (Monotonic.now_ns(), Monotonic.cpu_ns());
    let end = start + (seconds * 1e9) as u64;
    let mut answers = 0_u64;
    let mut events = Vec::with_capacity(256);
    let mut buffer = vec![0; 64 * 1024];
    let nap = Timespec { tv_sec: 0, tv_nsec: 5_000_000 };
    while Monotonic.now_ns() < end {
        events.clear();
        epoll::wait(&epoll, spare_capacity(&mut events), Some(&nap))?;
        for event in &events {
            let mut stream = &streams[event.data.u64() as usize];
            if stream.read(&mut buffer)? == 0 {
                return Err("the responder closed".into());
            }
            stream.write_all(&request)?;
            answers += 1;
        }
    }
    let per_request = (Monotonic.cpu_ns() - cpu_ns) as f64 / answers.max(1) as f64;
    writeln!(io::stdout(), r#"{{"generator_cpu_ns_per_request": {per_request}}}"#)?;
    Ok(())
}

struct Nobody;

impl Observer for Nobody {
    fn observe(&mut self, _observation: &Observation) {}
}

/// Drives the HTTP contract for that many subjects, each with a credential of its own, in random order. Prints
/// subjects, credential bytes, bytes of memory that the jar added, and nanoseconds of CPU per request.
fn jar(address: SocketAddr, subjects: u32, seconds: f64) -> Done {
    let before = resident_bytes()?;
    let mut jar = CredentialJar::new(subjects, 1, 256);
    let mut credential_bytes = 0;
    for subject in 0..subjects {
        let header = format!("Authorization: Bearer {subject:0>620}");
        credential_bytes += header.len() as u64;
        jar.insert(subject, 0, &header, None)?;
    }
    // SplitMix64 (Steele, Lea, Flood 2014): subjects in no order that a cache could follow.
    let mut state = 1_u64;
    let steps = std::iter::repeat_with(move || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        let subject = ((mixed ^ (mixed >> 31)) % u64::from(subjects)) as u32;
        Step { intended_ns: 0, subject, device: 0, operation: Operation::Request }
    });
    let options = Options {
        connections: 32,
        mode: Mode::Closed,
        warm_ns: 200_000_000,
        measure_ns: (seconds * 1e9) as u64,
        ..Options::default()
    };
    let target = Target::plain(vec![address]);
    let report = drive(&target, &options, &mut jar, steps, &AtomicBool::new(false), &mut Nobody)?;
    let added = resident_bytes()?.saturating_sub(before);
    let cpu = report.cpu_ns as f64 / report.answered_within.max(1) as f64;
    writeln!(io::stdout(), "{subjects} {credential_bytes} {added} {cpu}")?;
    Ok(())
}

/// Peak resident size of this process.
fn resident_bytes() -> Result<u64, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line =
        status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM in /proc/self/status")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
}
