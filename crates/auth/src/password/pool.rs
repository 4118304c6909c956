//! Hashing threads: few, at the lowest priority, behind a short queue that refuses rather than grows.

use std::num::NonZeroUsize;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use argon2::{Algorithm, Argon2, Block, Params, Version};
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
}

impl Pool {
    pub(super) fn start(threads: NonZeroUsize, queue: usize) -> Result<Self, Error> {
        let (jobs, waiting) = sync_channel::<Job>(queue);
        let waiting = Arc::new(Mutex::new(waiting));
        for number in 0..threads.get() {
            let waiting = Arc::clone(&waiting);
            std::thread::Builder::new()
                .name(format!("password-{number}"))
                .spawn(move || work(&waiting))
                .map_err(|error| Error::Crypto(format!("cannot start a hashing thread: {error}")))?;
        }
        Ok(Self { jobs })
    }

    pub(super) async fn hash(&self, password: &[u8], salt: [u8; 16]) -> Result<[u8; 32], Error> {
        let (answer, hashed) = oneshot::channel();
        let job = Job { password: password.to_vec(), salt, answer };
        self.jobs.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => Error::Busy,
            TrySendError::Disconnected(_) => ended(),
        })?;
        hashed.await.map_err(|_| ended())?
    }
}

fn ended() -> Error {
    Error::Crypto("the hashing threads have ended".into())
}

fn work(waiting: &Mutex<Receiver<Job>>) {
    // On Linux this lowers the calling thread alone. Refused, hashing is merely less polite.
    let _ = rustix::process::setpriority_process(None, NICE);
    let mut memory = Vec::new();
    loop {
        let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = next else { return };
        // Whoever asked may have gone: their deadline passed while the job waited.
        if !job.answer.is_closed() {
            let hash = hash_in(&mut memory, &job.password, &job.salt);
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
