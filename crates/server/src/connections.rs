//! Client connections of one server thread: admission, slow heads, the end of the process.
//!
//! A connection costs its thread no timer: one sweep per second finds those whose request head does not get finished.

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use hyper::body::{Body, Incoming};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::{Notify, OwnedSemaphorePermit};
use tokio::time::MissedTickBehavior;
use tokio_rustls::TlsAcceptor;

/// Largest request head, bytes; also the largest buffer of a connection.
const MAX_HEAD: usize = 32 * 1024;
/// Header lines at most.
const MAX_HEADERS: usize = 64;
/// Pause between two looks at all connections.
const SWEEP: Duration = Duration::from_secs(1);
/// Longest TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(5);
/// Sweeps that an unfinished request head survives.
const HEAD_SWEEPS: u32 = 5;

/// Whoever answers the requests of a connection.
pub(crate) trait Answers: 'static {
    /// Body of its answers.
    type Body: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + 'static;

    /// The answer to one request. It never fails: what goes wrong is an answer too.
    fn answer(&self, request: Request<Incoming>) -> impl Future<Output = Response<Self::Body>>;
}

/// The connections of one thread.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    open: RefCell<Vec<Rc<Life>>>,
    stopping: Cell<bool>,
    one_ended: Notify,
}

/// What is known of one connection, outside the task that drives it.
#[derive(Debug, Default)]
struct Life {
    /// Place in the list of open ones.
    slot: Cell<usize>,
    /// Bytes came since the last request was handed to the service.
    started: Cell<bool>,
    /// A request is being answered.
    busy: Cell<bool>,
    /// Sweeps that saw the same unfinished head.
    sweeps: Cell<u32>,
    order: Cell<Order>,
    waker: RefCell<Option<Waker>>,
}

#[derive(Debug, Default, Clone, Copy)]
enum Order {
    #[default]
    GoOn,
    /// Answer what is in flight, then close.
    Finish,
    /// Close now.
    Cut,
}

/// Leaves the list when the task of the connection ends, however it ends.
struct Place {
    connections: Rc<Connections>,
    life: Rc<Life>,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.connections.open.borrow_mut();
        let slot = self.life.slot.get();
        open.swap_remove(slot);
        if let Some(moved) = open.get(slot) {
            moved.slot.set(slot);
        }
        self.connections.one_ended.notify_one();
    }
}

impl Connections {
    /// None yet, and the sweep that watches over them. Must be called on the runtime of its thread.
    pub(crate) fn start() -> Rc<Self> {
        let connections = Rc::new(Self::default());
        let swept = Rc::clone(&connections);
        tokio::task::spawn_local(async move { swept.sweep().await });
        connections
    }

    /// Starts a task on this thread that answers the requests of `stream` until either side ends it.
    pub(crate) fn spawn<A: Answers>(
        self: &Rc<Self>,
        stream: TcpStream,
        tls: Option<TlsAcceptor>,
        permit: Option<OwnedSemaphorePermit>,
        answers: Rc<A>,
    ) {
        // Without it an answer would wait for the client's acknowledgement of the one before.
        let _ = stream.set_nodelay(true);
        let place = self.place(permit);
        tokio::task::spawn_local(async move {
            match tls {
                None => serve(stream, place, answers).await,
                Some(tls) => {
                    // A handshake that fails or hangs ends its own task and nothing else.
                    let handshake = Box::pin(tls.accept(stream));
                    if let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE, handshake).await {
                        serve(stream, place, answers).await;
                    }
                }
            }
        });
    }

    fn place(self: &Rc<Self>, permit: Option<OwnedSemaphorePermit>) -> Place {
        let life = Rc::new(Life::default());
        let mut open = self.open.borrow_mut();
        life.slot.set(open.len());
        if self.stopping.get() {
            life.order.set(Order::Finish);
        }
        open.push(Rc::clone(&life));
        Place { connections: Rc::clone(self), life, _permit: permit }
    }

    /// Closes, for ever, connections that have begun a request head and do not finish it.
    async fn sweep(&self) {
        let mut ticks = tokio::time::interval(SWEEP);
        // After a pause of the whole process, clients get their time all the same.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            for life in self.open.borrow().iter() {
                if !life.started.get() || life.busy.get() {
                    life.sweeps.set(0);
                } else if life.sweeps.replace(life.sweeps.get() + 1) >= HEAD_SWEEPS {
                    life.tell(Order::Cut);
                }
            }
        }
    }

    /// Lets requests in flight be answered and ends every connection; returns when none is left, or after `bound`.
    pub(crate) async fn drain(&self, bound: Duration) {
        self.stopping.set(true);
        for life in self.open.borrow().iter() {
            life.tell(Order::Finish);
        }
        let all_ended = async {
            while !self.open.borrow().is_empty() {
                self.one_ended.notified().await;
            }
        };
        // Past the bound the runtime is dropped with whatever still hangs.
        let _ = tokio::time::timeout(bound, all_ended).await;
    }
}

impl Life {
    fn remember(&self, waker: &Waker) {
        let mut known = self.waker.borrow_mut();
        if !known.as_ref().is_some_and(|known| known.will_wake(waker)) {
            *known = Some(waker.clone());
        }
    }

    fn tell(&self, order: Order) {
        self.order.set(order);
        if let Some(waker) = self.waker.borrow().as_ref() {
            waker.wake_by_ref();
        }
    }
}

/// Answers the requests of one connection until either side ends it.
async fn serve<S, A>(stream: S, place: Place, answers: Rc<A>)
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
    A: Answers,
{
    let life = Rc::clone(&place.life);
    let service = hyper::service::service_fn(move |request| {
        life.started.set(false);
        life.sweeps.set(0);
        life.busy.set(true);
        let (life, answers) = (Rc::clone(&life), Rc::clone(&answers));
        async move {
            let reply = answers.answer(request).await;
            life.busy.set(false);
            life.started.set(false);
            Ok::<_, Infallible>(reply)
        }
    });
    let stream = Watched { stream: TokioIo::new(stream), life: Rc::clone(&place.life) };
    let mut connection = pin!(protocol().serve_connection(stream, service));
    poll_fn(|context| {
        place.life.remember(context.waker());
        match place.life.order.take() {
            Order::GoOn => {}
            Order::Finish => connection.as_mut().graceful_shutdown(),
            Order::Cut => return Poll::Ready(()),
        }
        // A connection that breaks ends its own task and nothing else.
        connection.as_mut().poll(context).map(drop)
    })
    .await;
}

/// HTTP/1.1 with keep-alive. hyper's own head timer is off: it would allocate and arm a timer for every request.
fn protocol() -> http1::Builder {
    let mut protocol = http1::Builder::new();
    protocol.header_read_timeout(None).max_buf_size(MAX_HEAD).max_headers(MAX_HEADERS).writev(false);
    protocol
}

/// A stream that notes when bytes arrive.
struct Watched<S> {
    stream: TokioIo<S>,
    life: Rc<Life>,
}

impl<S: AsyncRead + Unpin> Read for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if read.is_ready() {
            self.life.started.set(true);
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> Write for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
