//! Cuts subscriptions to a private store off: what is published until a server has subscribed again is missed by it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::Duration;

/// Cuts every subscription off, again and again, until it is over. How many were; 0 where the store takes no orders.
pub(super) fn subscriptions(url: String, every: Duration, over: &AtomicBool) -> u64 {
    let Ok(mut store) = redis::Client::open(url).and_then(|client| client.get_connection()) else { return 0 };
    let mut cut = 0;
    while !over.load(Ordering::Acquire) {
        sleep(every);
        let mut order = redis::cmd("CLIENT");
        order.arg("KILL").arg("TYPE").arg("pubsub");
        cut += order.query::<u64>(&mut store).unwrap_or(0);
    }
    cut
}
