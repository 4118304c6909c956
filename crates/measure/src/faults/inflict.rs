//! Makes a fault happen, and ends it.

use std::rc::Rc;
use std::time::Duration;

use rustix::process::Signal;

use super::plan::FaultKind;
use super::relay::Way;
use super::rig::Rig;
use crate::drill::http::HttpService;
use crate::drill::service::{Ask, Service};
use crate::error::Error;

/// How far a clock is set, milliseconds: further than the shortest token of a built-in design lives.
const CLOCK_STEP_MS: i64 = 90_000;
/// A flapping way is broken for so long, and then open for so long.
const FLAP: (Duration, Duration) = (Duration::from_millis(200), Duration::from_millis(300));

/// A fault that goes on. Times are nanoseconds of the service's clock.
#[derive(Debug)]
pub(super) struct Happened {
    pub(super) began_ns: u64,
    /// Ending it began: what was broken may work again from here on.
    pub(super) ending_ns: u64,
    pub(super) lifted_ns: u64,
}

/// Makes it happen at `from_ns`, and ends it at `to_ns`.
pub(super) async fn happen(
    rig: &mut Rig,
    service: &Rc<HttpService>,
    fault: FaultKind,
    (from_ns, to_ns): (u64, u64),
) -> Result<Happened, Error> {
    service.sleep_until(from_ns).await;
    let began_ns = service.now_ns();
    let open = |delay| Way::Open(Duration::from_millis(delay));
    match fault {
        FaultKind::StoreKilled => {
            rig.kill_store().await?;
            service.sleep_until(to_ns).await;
            rig.start_store().await?;
        }
        FaultKind::StoreRestartedEmpty => {
            rig.kill_store().await?;
            rig.start_store().await?;
        }
        FaultKind::StoreStopped => {
            rig.signal_store(Signal::STOP);
            service.sleep_until(to_ns).await;
            rig.signal_store(Signal::CONT);
        }
        FaultKind::StoreSlow50Ms | FaultKind::StoreSlow1S | FaultKind::StoreCutOff => {
            let way = match fault {
                FaultKind::StoreSlow50Ms => open(50),
                FaultKind::StoreSlow1S => open(1000),
                _ => Way::Cut,
            };
            rig.way(fault, way);
            service.sleep_until(to_ns).await;
            rig.way(fault, open(0));
        }
        FaultKind::StoreFlapping => flap(rig, service, to_ns).await,
        FaultKind::StoreOutOfMemory => {
            rig.shorten_memory().await?;
            service.sleep_until(to_ns).await;
            rig.restore_memory().await?;
        }
        FaultKind::StoreReadOnly => {
            rig.read_only().await?;
            service.sleep_until(to_ns).await;
            rig.writable().await?;
        }
        FaultKind::ServerKilled => {
            rig.kill_server().await?;
            service.sleep_until(to_ns).await;
            rig.start_server().await?;
        }
        FaultKind::ClockAhead | FaultKind::ClockBehind => {
            let step_ms = if fault == FaultKind::ClockAhead { CLOCK_STEP_MS } else { -CLOCK_STEP_MS };
            set_clock(&rig.name, service, step_ms).await?;
            service.sleep_until(to_ns).await;
            set_clock(&rig.name, service, 0).await?;
        }
        // It is a load.
        FaultKind::LoginFlood => service.sleep_until(to_ns).await,
    }
    let lifted_ns = service.now_ns();
    Ok(Happened { began_ns, ending_ns: to_ns.clamp(began_ns, lifted_ns), lifted_ns })
}

async fn flap(rig: &Rig, service: &Rc<HttpService>, to_ns: u64) {
    while service.now_ns() < to_ns {
        rig.way(FaultKind::StoreFlapping, Way::Broken);
        let (broken, whole) = FLAP;
        service.sleep_until((service.now_ns() + crate::clock::nanos(broken)).min(to_ns)).await;
        rig.way(FaultKind::StoreFlapping, Way::Open(Duration::ZERO));
        service.sleep_until((service.now_ns() + crate::clock::nanos(whole)).min(to_ns)).await;
    }
}

async fn set_clock(name: &str, service: &Rc<HttpService>, offset_ms: i64) -> Result<(), Error> {
    let reply = service.ask(0, Ask::ClockOffset(offset_ms)).await;
    if reply.granted() {
        return Ok(());
    }
    Err(Error::Control { row: name.to_owned(), message: format!("its clock was not set: {}", reply.status) })
}
