//! How requests are spread over the replicas of one service: what a load balancer in front of them does.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Most replicas of one service.
pub const MOST_REPLICAS: u32 = 64;

/// Replicas and the policy that spreads requests over them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Balance {
    /// Server processes of every backend, instead of what its own file says.
    pub replicas: u32,
    /// Which of them gets a request.
    pub policy: Policy,
}

/// Which replica gets a request. Replicas that take no connection are passed over by all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    /// Each in turn.
    #[default]
    RoundRobin,
    /// Any of them, drawn for every request.
    Random,
    /// The one with the fewest requests under way; of several, each in turn.
    LeastOutstanding,
    /// Always the same for one device of one subject, by a hash of who asks.
    StickyByClient,
    /// The one that answered this device first, as a balancer's own cookie says; in turn for a device without one.
    StickyByCookie,
}

impl Policy {
    /// As it is written in files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::RoundRobin => "round-robin",
            Self::Random => "random",
            Self::LeastOutstanding => "least-outstanding",
            Self::StickyByClient => "sticky-by-client",
            Self::StickyByCookie => "sticky-by-cookie",
        }
    }
}
