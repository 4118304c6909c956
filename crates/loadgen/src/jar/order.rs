//! Order among the steps of one device: what changes a credential waits for everything before it, and everything after
//! it waits for its answer. Requests among themselves do not wait, as a browser's do not.

use std::collections::{HashMap, VecDeque};

use scenario::{Operation, Step};

/// In `traffic`: steps are waiting.
const WAITING: u8 = 1 << 7;
/// In `traffic`: a step that changes the credential is in flight.
const CHANGING: u8 = 1 << 6;
/// In `traffic`: steps in flight.
const COUNT: u8 = CHANGING - 1;

/// What is in flight and what waits, per credential: one byte each, and a queue only where something waits.
#[derive(Debug)]
pub(crate) struct Order {
    traffic: Vec<u8>,
    waiting: HashMap<u32, VecDeque<Step>>,
    released: VecDeque<Step>,
}

impl Order {
    pub(crate) fn new(slots: usize) -> Self {
        Self { traffic: vec![0; slots], waiting: HashMap::new(), released: VecDeque::new() }
    }

    /// Whether the step may go now; otherwise it is kept.
    #[inline]
    pub(crate) fn enter(&mut self, index: u32, step: &Step) -> bool {
        if self.traffic[index as usize] & WAITING == 0 && self.try_enter(index, step.operation) {
            return true;
        }
        self.traffic[index as usize] |= WAITING;
        self.waiting.entry(index).or_default().push_back(*step);
        false
    }

    #[inline]
    fn try_enter(&mut self, index: u32, operation: Operation) -> bool {
        let traffic = &mut self.traffic[index as usize];
        let changes = changes_credential(operation);
        let count = *traffic & COUNT;
        if *traffic & CHANGING != 0 || (changes && count > 0) || count == COUNT {
            return false;
        }
        *traffic += 1;
        if changes {
            *traffic |= CHANGING;
        }
        true
    }

    /// A step that entered has left.
    #[inline]
    pub(crate) fn leave(&mut self, index: u32, operation: Operation) {
        let traffic = &mut self.traffic[index as usize];
        *traffic -= 1;
        if changes_credential(operation) {
            *traffic &= !CHANGING;
        }
        if *traffic & WAITING != 0 {
            self.release(index);
        }
    }

    fn release(&mut self, index: u32) {
        while let Some(step) = self.waiting.get(&index).and_then(VecDeque::front).copied() {
            if !self.try_enter(index, step.operation) {
                return;
            }
            self.released.push_back(step);
            if let Some(queue) = self.waiting.get_mut(&index) {
                queue.pop_front();
            }
        }
        self.waiting.remove(&index);
        self.traffic[index as usize] &= !WAITING;
    }

    /// The next step that has entered after waiting.
    #[inline]
    pub(crate) fn released(&mut self) -> Option<Step> {
        self.released.pop_front()
    }
}

/// Whether a step changes what its own device holds.
fn changes_credential(operation: Operation) -> bool {
    match operation {
        Operation::Request | Operation::Write | Operation::Replay => false,
        Operation::Login
        | Operation::Refresh
        | Operation::Logout
        | Operation::LogoutAll
        | Operation::PasswordChange => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(operation: Operation) -> Step {
        Step { intended_ns: 0, subject: 0, device: 0, operation }
    }

    #[test]
    fn requests_pass_each_other_but_nothing_passes_a_change() {
        let mut order = Order::new(1);
        assert!(order.enter(0, &step(Operation::Request)));
        assert!(order.enter(0, &step(Operation::Request)));
        assert!(!order.enter(0, &step(Operation::Logout)));
        assert!(!order.enter(0, &step(Operation::Replay)));
        order.leave(0, Operation::Request);
        assert_eq!(order.released(), None);
        order.leave(0, Operation::Request);
        assert_eq!(order.released(), Some(step(Operation::Logout)));
        assert_eq!(order.released(), None);
        order.leave(0, Operation::Logout);
        assert_eq!(order.released(), Some(step(Operation::Replay)));
        order.leave(0, Operation::Replay);
        assert_eq!(order.traffic, [0]);
        assert!(order.waiting.is_empty());
    }

    #[test]
    fn the_count_does_not_overflow() {
        let mut order = Order::new(1);
        let entered = (0..200).filter(|_| order.enter(0, &step(Operation::Request))).count();
        for _ in 0..200 {
            order.leave(0, Operation::Request);
            let _ = order.released();
        }
        assert_eq!((entered, order.traffic[0]), (usize::from(COUNT), 0));
    }
}
