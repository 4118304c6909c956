//! What the server does beside requests, for a backend that keeps a part of the shared state in this process.
//!
//! Nothing here decides how long that part may be believed: a copy that could not be brought up to date says so itself.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use auth::Upkeep;
use auth::store::feed::Subscription;
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::http::routes::Api;

/// A reading that failed is tried again after this part of the time between two.
const AGAIN: u32 = 4;
/// Pause between two looks at the mark in the store.
const LOOK: Duration = Duration::from_secs(1);

/// Keeps up with the shared state, for ever; returns at once where there is nothing to keep up.
pub(crate) async fn run(api: Arc<Api>) {
    match api.authenticator.upkeep() {
        None => {}
        Some(Upkeep { every_ms, listens: false }) => poll(&api, Duration::from_millis(every_ms)).await,
        Some(Upkeep { every_ms, listens: true }) => listen(&api, Duration::from_millis(every_ms)).await,
    }
}

/// Looks after the mark that this process has left in the store, where a loss of data would let ended logins in again.
/// A loss is said at the control address for as long as the process lives.
pub(crate) async fn watch(api: Arc<Api>) {
    if !api.authenticator.forgives_after_loss() {
        return;
    }
    let mut mark = None;
    loop {
        let now = api.clock.now();
        if let Some(left) = &mark
            && matches!(api.authenticator.has_mark(left, now).await, Ok(false))
        {
            api.store_lost_data.store(true, Ordering::Relaxed);
            mark = None;
        }
        if mark.is_none() {
            mark = api.authenticator.leave_mark(now).await.ok();
        }
        sleep(LOOK).await;
    }
}

async fn poll(api: &Api, every: Duration) {
    loop {
        let read = api.authenticator.sync(api.clock.now()).await;
        sleep(if read.is_ok() { every } else { every / AGAIN }).await;
    }
}

async fn listen(api: &Api, every: Duration) {
    loop {
        // Listening first, so that nothing falls between what was read and what is told.
        if let Ok(mut subscription) = api.authenticator.subscribe().await {
            hear(api, &mut subscription, every).await;
        }
        // The store may be back, but not its messages.
        let _ = api.authenticator.sync(api.clock.now()).await;
        sleep(every / AGAIN).await;
    }
}

/// Takes in messages until the subscription ends, and reads the log at every tick; the first one is now.
async fn hear(api: &Api, subscription: &mut impl Subscription, every: Duration) {
    let mut beat = interval(every);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let done = tokio::select! {
            message = subscription.next() => match message {
                Some(message) => api.authenticator.hear(message, api.clock.now()).await,
                None => return,
            },
            _ = beat.tick() => api.authenticator.sync(api.clock.now()).await,
        };
        if done.is_err() {
            return;
        }
    }
}
