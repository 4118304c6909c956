//! Hashing threads: few, at the lowest priority, behind a short queue that refuses rather than grows.
//!
//! It refuses a hash that more wait for than it may hold, and one whose wait would be too long: hashes before it, at what
//! one costs here.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use rustix::time::{ClockId, clock_gettime};
use tokio::sync::oneshot;

use super::{ARGON2_LANES, ARGON2_MEMORY_KIB, ARGON2_PASSES};
use crate::error::Error;

/// Lowest scheduling priority: requests that need no hash go first.
const NICE: i32 = 19;

struct Job {
    password: Vec<u8>,
    salt: [u8; 16],
    answer: oneshot::Sender<Result<[u8; 32], Error>>,
}

/// The threads end when this is dropped.
#[derive(Debug)]
pub(super) struct Pool {
    jobs: SyncSender<Job>,
    load: Arc<Load>,
    threads: u64,
    patience_ns: u64,
}

/// What there is to do, and what it costs.
#[derive(Debug, Default)]
struct Load {
    /// Hashes that wait or are computed.
    waiting: AtomicU64,
    /// CPU time of the last one, nanoseconds.
    cost_ns: AtomicU64,
}

impl Pool {
    pub(super) fn start(threads: NonZeroUsize, queue: usize, patience: Duration) -> Result<Self, Error> {
        let (jobs, waiting) = sync_channel::<Job>(queue);
        let waiting = Arc::new(Mutex::new(waiting));
        let load = Arc::<Load>::default();
        for number in 0..threads.get() {
            let (waiting, load) = (Arc::clone(&waiting), Arc::clone(&load));
            std::thread::Builder::new()
                .name(format!("password-{number}"))
                .spawn(move || work(&waiting, &load))
                .map_err(|error| Error::Crypto(format!("cannot start a hashing thread: {error}")))?;
        }
        let patience_ns = u64::try_from(patience.as_nanos()).unwrap_or(u64::MAX);
        Ok(Self { jobs, load, threads: threads.get() as u64, patience_ns })
    }

    pub(super) async fn hash(&self, password: &[u8], salt: [u8; 16]) -> Result<[u8; 32], Error> {
        let ahead = self.load.waiting.load(Ordering::Relaxed) / self.threads;
        if ahead.saturating_mul(self.load.cost_ns.load(Ordering::Relaxed)) > self.patience_ns {
            return Err(Error::Busy);
        }
        let (answer, hashed) = oneshot::channel();
        let job = Job { password: password.to_vec(), salt, answer };
        self.load.waiting.fetch_add(1, Ordering::Relaxed);
        self.jobs.try_send(job).map_err(|error| {
            self.load.waiting.fetch_sub(1, Ordering::Relaxed);
            match error {
                TrySendError::Full(_) => Error::Busy,
                TrySendError::Disconnected(_) => ended(),
            }
        })?;
        hashed.await.map_err(|_| ended())?
    }
}

fn ended() -> Error {
    Error::Crypto("the hashing threads have ended".into())
}

/// CPU time of the calling thread, nanoseconds: what a hash costs, whoever else wants the CPU.
fn cpu_ns() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    u64::try_from(time.tv_sec).unwrap_or(0) * 1_000_000_000 + u64::try_from(time.tv_nsec).unwrap_or(0)
}

fn work(waiting: &Mutex<Receiver<Job>>, load: &Load) {
    // On Linux this lowers the calling thread alone. Refused, hashing is merely less polite.
    let _ = rustix::process::setpriority_process(None, NICE);
    let mut memory = Vec::new();
    loop {
        let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = next else { return };
        // Whoever asked may have gone: their deadline passed while the job waited.
        let hash = (!job.answer.is_closed()).then(|| {
            let before = cpu_ns();
            let hash = hash_in(&mut memory, &job.password, &job.salt);
            load.cost_ns.store(cpu_ns().saturating_sub(before), Ordering::Relaxed);
            hash
        });
        // Before the answer: whoever has it and asks again does not wait for this one any more.
        load.waiting.fetch_sub(1, Ordering::Relaxed);
        if let Some(hash) = hash {
            let _ = job.answer.send(hash);
        }
    }
}

/// One hash on the calling thread.
pub(super) fn hash(password: &[u8], salt: &[u8; 16]) -> Result<[u8; 32], Error> {
    hash_in(&mut Vec::new(), password, salt)
}

fn hash_in(memory: &mut Vec<Block>, password: &[u8], salt: &[u8; 16]) -> Result<[u8; 32], Error> {
    let failed = |error: argon2::Error| Error::Crypto(format!("argon2: {error}"));
    let params = Params::new(ARGON2_MEMORY_KIB, ARGON2_PASSES, ARGON2_LANES, Some(32)).map_err(failed)?;
    memory.resize(params.block_count(), Block::default());
    let mut out = [0u8; 32];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into_with_memory(password, salt, &mut out, &mut memory[..])
        .map_err(failed)?;
    Ok(out)
}
