//! A real-time priority for the generator's thread while it paces.
//!
//! The kernel lets whatever runs on a core finish its slice, about three milliseconds, before a thread that wakes there
//! gets its turn, and a lower nice value does not change that. A first-in-first-out thread is run at once (sched(7)).

use rustix::process::{getpriority_process, setpriority_process};
use thread_priority::{
    NormalThreadSchedulePolicy, RealtimeThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy,
    set_thread_priority_and_policy, thread_native_id, thread_schedule_policy,
};

/// The library's 0 to 99 stand for nice values from 19 to -20: this is 0.
const MIDDLE: u8 = 48;

/// The calling thread runs before all ordinary threads of its core until this is dropped.
#[derive(Debug)]
pub(crate) struct RealTime {
    nice: i32,
}

impl RealTime {
    /// Raises the calling thread to the lowest real-time priority. `None`: it has one already, or the system does not
    /// allow it (CAP_SYS_NICE or RLIMIT_RTPRIO); the thread then stays as it is.
    pub(crate) fn take() -> Option<Self> {
        let normal = matches!(thread_schedule_policy(), Ok(ThreadSchedulePolicy::Normal(_)));
        let nice = getpriority_process(None).ok().filter(|_| normal)?;
        let policy = ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::Fifo);
        set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, policy).ok()?;
        Some(Self { nice })
    }
}

impl Drop for RealTime {
    fn drop(&mut self) {
        // Giving a privilege back is never refused. The library sets a nice value with it: from the middle of its scale,
        // which is about 0, the former one can be had without a privilege, unless that needed one itself.
        let policy = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Other);
        if let Ok(middle) = MIDDLE.try_into() {
            let priority = ThreadPriority::Crossplatform(middle);
            let _ = set_thread_priority_and_policy(thread_native_id(), priority, policy);
        }
        let _ = setpriority_process(None, self.nice);
    }
}

/// Whether this process may give its generator a real-time priority.
#[must_use]
pub fn real_time_allowed() -> bool {
    RealTime::take().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_is_left_as_it_was_found() {
        let state = || (thread_schedule_policy().unwrap(), getpriority_process(None).unwrap());
        let before = state();
        let raised = RealTime::take();
        if raised.is_some() {
            let policy = ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::Fifo);
            assert_eq!(state().0, policy);
            assert!(RealTime::take().is_none(), "it has one already");
        }
        drop(raised);
        assert_eq!(state(), before);
    }
}
