//! The life of one server process: set-up, ready line, threads, drain.
//!
//! Each thread has a runtime of its own, without work stealing, so that one thread means one core and no idle polling.
//! The first thread accepts and deals connections out in turn: with `SO_REUSEPORT` the kernel would deal by hash, which
//! is uneven over few connections, and a second server on the same port would go unnoticed.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use scenario::BackendFile;
use scenario::wire::{ReadyLine, ServeOptions};
use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::{Builder, LocalOptions, LocalRuntime};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::connections::Connections;
use crate::control::Control;
use crate::http::routes::Api;
use crate::subjects::Subjects;
use crate::sweep::sweep;
use crate::workers::Workers;
use crate::{Error, process};

/// Connections the kernel keeps ready for us to accept.
const BACKLOG: u32 = 4096;
/// How long requests in flight may take to be answered after the signal.
const DRAIN: Duration = Duration::from_secs(2);
/// Pause after a failed accept: out of descriptors, most likely, and some will be closed.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

/// Serves `backend` until SIGTERM or SIGINT; `ready` is called once with the line to print.
///
/// # Errors
/// What keeps the server from starting ([`Error`]). After `ready` there is none.
pub fn run(options: ServeOptions, backend: BackendFile, ready: impl FnOnce(ReadyLine)) -> Result<(), Error> {
    run_until(options, backend, ready, async {
        // A runtime that cannot watch signals has failed before this.
        if let (Ok(mut terminate), Ok(mut interrupt)) =
            (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
        {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        }
    })
}

/// As [`run`], until `stop` is ready.
///
/// # Errors
/// As [`run`].
#[expect(clippy::needless_pass_by_value, reason = "a server owns what it was started with")]
pub fn run_until(
    options: ServeOptions,
    backend: BackendFile,
    ready: impl FnOnce(ReadyLine),
    stop: impl Future<Output = ()>,
) -> Result<(), Error> {
    process::prepare(&options.cpus)?;
    let runtime = runtime()?;
    let served = runtime.block_on(async {
        let tls = crate::tls::acceptor(&options)?;
        let api = crate::backend::open(&options, &backend).await?;
        serve(Arc::new(api), tls, &options, ready, stop).await
    });
    // A hash that is being computed must not hold up the end.
    runtime.shutdown_background();
    served
}

/// A runtime of one thread, where tasks need not be `Send`.
pub(crate) fn runtime() -> io::Result<LocalRuntime> {
    Builder::new_current_thread().enable_all().build_local(LocalOptions::default())
}

/// Serves `api` on the addresses of `options` until `stop`, then drains.
async fn serve(
    api: Arc<Api>,
    tls: Option<TlsAcceptor>,
    options: &ServeOptions,
    ready: impl FnOnce(ReadyLine),
    stop: impl Future<Output = ()>,
) -> Result<(), Error> {
    let places = Arc::new(Semaphore::new(process::connection_limit()));
    let listener = listen(options.listen)?;
    let control = listen(options.control)?;
    let line = ReadyLine {
        address: listener.local_addr()?,
        control: control.local_addr()?,
        pid: std::process::id(),
        describe: api.describe.clone(),
    };
    let (ending, ended) = watch::channel(false);
    let mut workers = Workers::start(&api, tls.as_ref(), options.threads, &ended, DRAIN)?;
    let controlled = control_task(control, &api, options);
    let kept_up = tokio::task::spawn_local(crate::upkeep::run(Arc::clone(&api)));
    let sweeping = tokio::task::spawn_local(sweep(Arc::clone(&api)));
    let watched = tokio::task::spawn_local(crate::upkeep::watch(Arc::clone(&api)));

    let mut stop = pin!(stop);
    // Polled before the ready line, so that whoever reads it may send the signal at once.
    if poll_fn(|context| Poll::Ready(stop.as_mut().poll(context))).await.is_pending() {
        ready(line);
        tokio::select! {
            () = &mut stop => {}
            () = accept(&listener, &places, &mut workers) => {}
        }
    }
    drop(listener);
    ending.send_replace(true);
    workers.drain(DRAIN).await;
    controlled.abort();
    kept_up.abort();
    sweeping.abort();
    watched.abort();
    Ok(())
}

fn listen(address: SocketAddr) -> Result<TcpListener, Error> {
    let open = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    open().map_err(|source| Error::Listen { address, source })
}

/// Accepts for ever, one connection per free place, and deals them out in turn.
async fn accept(listener: &TcpListener, places: &Arc<Semaphore>, workers: &mut Workers) {
    loop {
        let Ok(place) = Arc::clone(places).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => workers.deal(stream, place),
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}

/// Answers on the control address, on the first thread.
fn control_task(listener: TcpListener, api: &Arc<Api>, options: &ServeOptions) -> JoinHandle<()> {
    let control = Rc::new(Control {
        api: Arc::clone(api),
        subjects: Rc::new(Subjects::new(usize::try_from(options.principal_bytes).unwrap_or(usize::MAX))),
    });
    let connections = Connections::start();
    tokio::task::spawn_local(async move {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => connections.spawn(stream, None, None, Rc::clone(&control)),
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            }
        }
    })
}
