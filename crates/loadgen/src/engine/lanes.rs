//! The replicas as a load balancer sees them: their free connections, what waits for them, and which one gets a step.
//!
//! Connections belong to replicas by their index, in turn. Every step is given to a replica first and waits for one of
//! that replica's connections, as it would behind a balancer that knows how many requests each server may have.

use std::collections::{HashMap, VecDeque};

use scenario::{Policy, Step};

use super::Pending;

/// One replica.
#[derive(Debug, Default)]
pub(super) struct Lane {
    /// Open connections without a request.
    pub(super) idle: VecDeque<u32>,
    /// Steps that wait for a connection.
    pub(super) pending: VecDeque<Pending>,
    /// Connections that are open or being opened.
    pub(super) usable: u32,
    /// Connections that are being opened.
    pub(super) opening: u32,
    /// Requests in flight.
    pub(super) busy: u32,
}

impl Lane {
    fn outstanding(&self) -> usize {
        self.busy as usize + self.pending.len()
    }
}

/// All replicas, and the balancer in front of them.
#[derive(Debug)]
pub(super) struct Lanes {
    all: Vec<Lane>,
    policy: Policy,
    /// Whose turn it is.
    turn: usize,
    /// Of the random policy.
    state: u64,
    /// What a balancer's cookie says of a device: its replica.
    cookies: HashMap<(u32, u8), u8>,
}

impl Lanes {
    /// `count` replicas, at least one. `seed` is that of the random policy.
    pub(super) fn new(count: usize, connections: u32, policy: Policy, seed: u64) -> Self {
        let mut all = Vec::new();
        all.resize_with(count.max(1), || Lane {
            pending: VecDeque::with_capacity(1024),
            idle: VecDeque::with_capacity(connections as usize),
            ..Lane::default()
        });
        Self { all, policy, turn: 0, state: mixed(seed) | 1, cookies: HashMap::new() }
    }

    /// The replica that a connection leads to.
    #[inline]
    pub(super) fn of(&self, connection: u32) -> usize {
        if self.all.len() == 1 { 0 } else { connection as usize % self.all.len() }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Lane> {
        self.all.iter()
    }

    pub(super) fn count(&self) -> usize {
        self.all.len()
    }

    /// Whether no replica has a free connection.
    pub(super) fn none_idle(&self) -> bool {
        self.all.iter().all(|lane| lane.idle.is_empty())
    }

    /// The next replica with a free connection, whatever the policy: in closed loop free connections set the pace.
    pub(super) fn any_idle(&mut self) -> usize {
        let next = self.in_turn(|lane| !lane.idle.is_empty());
        next.unwrap_or(0)
    }

    /// The replica for a step. `usable` says which take connections; if none does, any is returned.
    #[inline]
    pub(super) fn choose(&mut self, step: &Step, usable: impl Fn(usize) -> bool) -> usize {
        if self.all.len() == 1 {
            return 0;
        }
        self.choose_of_several(step, usable)
    }

    fn choose_of_several(&mut self, step: &Step, usable: impl Fn(usize) -> bool) -> usize {
        let device = (step.subject, step.device);
        match self.policy {
            Policy::RoundRobin => self.next_from(self.turn, usable),
            Policy::Random => {
                let start = self.draw();
                self.next_from(start, usable)
            }
            Policy::LeastOutstanding => {
                let count = self.all.len();
                let order = (0..count).map(|at| (self.turn + at) % count);
                let least = order.filter(|&at| usable(at)).min_by_key(|&at| self.all[at].outstanding());
                let chosen = least.unwrap_or(self.turn);
                self.turn = (chosen + 1) % count;
                chosen
            }
            Policy::StickyByClient => {
                let hash = mixed(u64::from(step.subject) << 8 | u64::from(step.device));
                first_usable((hash % self.all.len() as u64) as usize, self.all.len(), usable)
            }
            Policy::StickyByCookie => {
                if let Some(&replica) = self.cookies.get(&device)
                    && usable(usize::from(replica))
                {
                    return usize::from(replica);
                }
                let chosen = self.next_from(self.turn, usable);
                self.cookies.insert(device, chosen as u8);
                chosen
            }
        }
    }

    /// The first usable replica from `start` on; the turn moves behind it.
    fn next_from(&mut self, start: usize, usable: impl Fn(usize) -> bool) -> usize {
        let chosen = first_usable(start, self.all.len(), usable);
        self.turn = (chosen + 1) % self.all.len();
        chosen
    }

    fn in_turn(&mut self, fits: impl Fn(&Lane) -> bool) -> Option<usize> {
        let count = self.all.len();
        let chosen = (0..count).map(|at| (self.turn + at) % count).find(|&at| fits(&self.all[at]))?;
        self.turn = (chosen + 1) % count;
        Some(chosen)
    }

    /// xorshift64 (Marsaglia 2003). The bias of the remainder is below 2⁻⁵⁸ for 64 replicas.
    fn draw(&mut self) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state % self.all.len() as u64) as usize
    }
}

impl std::ops::Index<usize> for Lanes {
    type Output = Lane;
    #[inline]
    fn index(&self, lane: usize) -> &Lane {
        &self.all[lane]
    }
}

impl std::ops::IndexMut<usize> for Lanes {
    #[inline]
    fn index_mut(&mut self, lane: usize) -> &mut Lane {
        &mut self.all[lane]
    }
}

fn first_usable(start: usize, count: usize, usable: impl Fn(usize) -> bool) -> usize {
    (0..count).map(|at| (start + at) % count).find(|&at| usable(at)).unwrap_or(start)
}

/// The finaliser of SplitMix64 (Steele, Lea and Flood 2014): every bit of the input moves every bit of the output.
fn mixed(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ z >> 31
}

#[cfg(test)]
mod tests {
    use scenario::Operation;

    use super::*;

    fn step(subject: u32) -> Step {
        Step { intended_ns: 0, subject, device: 0, operation: Operation::Request }
    }

    fn lanes(policy: Policy) -> Lanes {
        Lanes::new(3, 3, policy, 7)
    }

    fn chosen(lanes: &mut Lanes, subjects: impl Iterator<Item = u32>) -> Vec<usize> {
        subjects.map(|subject| lanes.choose(&step(subject), |_| true)).collect()
    }

    #[test]
    fn round_robin_goes_in_turn_and_passes_over_what_is_down() {
        let mut lanes = lanes(Policy::RoundRobin);
        assert_eq!(chosen(&mut lanes, 0..4), [0, 1, 2, 0]);
        let without_one: Vec<usize> = (0..4).map(|at| lanes.choose(&step(at), |lane| lane != 1)).collect();
        assert_eq!(without_one, [2, 0, 2, 0]);
        // With all of them down it still names one: the step then fails there.
        assert!(lanes.choose(&step(0), |_| false) < 3);
    }

    #[test]
    fn random_is_even_and_repeats_with_its_seed() {
        let (mut one, mut other) = (lanes(Policy::Random), lanes(Policy::Random));
        let drawn = chosen(&mut one, 0..30_000);
        assert_eq!(drawn, chosen(&mut other, 0..30_000));
        for lane in 0..3 {
            let share = drawn.iter().filter(|&&at| at == lane).count();
            // Five standard deviations of a binomial count.
            assert!(share.abs_diff(10_000) < 410, "{share}");
        }
    }

    #[test]
    fn least_outstanding_prefers_the_idle() {
        let mut lanes = lanes(Policy::LeastOutstanding);
        lanes[0].busy = 2;
        lanes[2].busy = 1;
        assert_eq!(lanes.choose(&step(0), |_| true), 1);
        lanes[1].busy = 1;
        // Of two equal ones, whose turn it is.
        assert_eq!(chosen(&mut lanes, 0..2), [2, 1]);
    }

    #[test]
    fn sticky_clients_stay_and_are_spread() {
        let mut lanes = lanes(Policy::StickyByClient);
        let first = chosen(&mut lanes, 0..3000);
        assert_eq!(first, chosen(&mut lanes, 0..3000));
        for lane in 0..3 {
            let share = first.iter().filter(|&&at| at == lane).count();
            assert!(share.abs_diff(1000) < 130, "{share}");
        }
        // A client whose replica is gone asks another one, and comes back.
        let home = first[0];
        assert_ne!(lanes.choose(&step(0), |lane| lane != home), home);
        assert_eq!(lanes.choose(&step(0), |_| true), home);
    }

    #[test]
    fn a_cookie_names_who_answered_first() {
        let mut lanes = lanes(Policy::StickyByCookie);
        assert_eq!(chosen(&mut lanes, [5, 6, 7, 8].into_iter()), [0, 1, 2, 0]);
        assert_eq!(chosen(&mut lanes, [8, 7, 6, 5].into_iter()), [0, 2, 1, 0]);
        // Its replica is gone: another one sets the cookie anew, and keeps it.
        let next = lanes.choose(&step(6), |lane| lane != 1);
        assert_ne!(next, 1);
        assert_eq!(lanes.choose(&step(6), |_| true), next);
    }
}
