//! Ctrl-C and SIGTERM as a flag that long commands look at between two pieces of work.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::signal::unix::{SignalKind, signal};

use crate::error::Failure;
use crate::exit;

/// A flag that the first SIGINT or SIGTERM sets; the second ends the process at once, and the kernel ends its children.
///
/// `meanwhile` says what goes on until the command looks at the flag.
pub(crate) fn stop_flag(meanwhile: &'static str) -> Result<Arc<AtomicBool>, Failure> {
    let failed = |source: &std::io::Error| Failure::tool("signals cannot be handled here").because(source);
    let flag = Arc::new(AtomicBool::new(false));
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_io().build().map_err(|e| failed(&e))?;
    let (mut interrupt, mut terminate) = {
        let _entered = runtime.enter();
        (
            signal(SignalKind::interrupt()).map_err(|e| failed(&e))?,
            signal(SignalKind::terminate()).map_err(|e| failed(&e))?,
        )
    };
    let seen = Arc::clone(&flag);
    let listen = async move {
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if seen.swap(true, Ordering::SeqCst) {
                exit::at_once();
            }
            // With stderr gone there is nobody left to tell.
            let _ = writeln!(anstream::stderr(), "\nstopping: {meanwhile}; once more to stop at once");
        }
    };
    std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || runtime.block_on(listen))
        .map_err(|e| failed(&e))?;
    Ok(flag)
}
