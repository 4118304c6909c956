//! What is compared, its unit and its name.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A figure of one block. Lower is better for all but [`Metric::Achieved`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Response time (from intended start) of the main operation, median, ns. Primary.
    ResponseP50,
    /// Response time, 90th percentile, ns. Descriptive.
    ResponseP90,
    /// Response time, 99th percentile, ns. Descriptive.
    ResponseP99,
    /// Response time, 99.9th percentile, ns. Descriptive.
    ResponseP999,
    /// Service time (from send) of the main operation, median, ns.
    ServiceP50,
    /// Service time, 99th percentile, ns. Descriptive.
    ServiceP99,
    /// CPU of server and store per answered operation, ns. Primary.
    Cpu,
    /// CPU of the server processes per answered operation, ns.
    CpuServer,
    /// CPU of the store per answered operation, ns.
    CpuStore,
    /// Store commands per answered operation.
    StoreCommands,
    /// Bytes between server and store per answered operation, both directions.
    StoreBytes,
    /// Bytes of HTTP per answered operation, both directions.
    WireBytes,
    /// Of these, sent by the client.
    WireSentBytes,
    /// Memory of server (proportional set size) and store (data set), bytes.
    Memory,
    /// Answered operations per second.
    Achieved,
}

impl Metric {
    /// All, in the order of tables.
    pub const ALL: [Self; 15] = [
        Self::ResponseP50,
        Self::ResponseP90,
        Self::ResponseP99,
        Self::ResponseP999,
        Self::ServiceP50,
        Self::ServiceP99,
        Self::Cpu,
        Self::CpuServer,
        Self::CpuStore,
        Self::StoreCommands,
        Self::StoreBytes,
        Self::WireBytes,
        Self::WireSentBytes,
        Self::Memory,
        Self::Achieved,
    ];

    /// Those a plan registers: ranks rest on them alone.
    pub const PRIMARY: [Self; 2] = [Self::ResponseP50, Self::Cpu];

    /// Is it one of [`Self::PRIMARY`]?
    #[must_use]
    pub fn is_primary(self) -> bool {
        Self::PRIMARY.contains(&self)
    }

    /// A tail is described with an honest wide interval and never ranked.
    #[must_use]
    pub const fn is_tail(self) -> bool {
        matches!(self, Self::ResponseP90 | Self::ResponseP99 | Self::ResponseP999 | Self::ServiceP99)
    }

    /// Does it rest on response or service times, which a block may withhold?
    #[must_use]
    pub const fn is_time(self) -> bool {
        matches!(
            self,
            Self::ResponseP50
                | Self::ResponseP90
                | Self::ResponseP99
                | Self::ResponseP999
                | Self::ServiceP50
                | Self::ServiceP99
        )
    }

    /// Name in files: the serialised one.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::ResponseP50 => "response_p50",
            Self::ResponseP90 => "response_p90",
            Self::ResponseP99 => "response_p99",
            Self::ResponseP999 => "response_p999",
            Self::ServiceP50 => "service_p50",
            Self::ServiceP99 => "service_p99",
            Self::Cpu => "cpu",
            Self::CpuServer => "cpu_server",
            Self::CpuStore => "cpu_store",
            Self::StoreCommands => "store_commands",
            Self::StoreBytes => "store_bytes",
            Self::WireBytes => "wire_bytes",
            Self::WireSentBytes => "wire_sent_bytes",
            Self::Memory => "memory",
            Self::Achieved => "achieved",
        }
    }

    /// Words for people.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::ResponseP50 => "response time p50",
            Self::ResponseP90 => "response time p90",
            Self::ResponseP99 => "response time p99",
            Self::ResponseP999 => "response time p99.9",
            Self::ServiceP50 => "service time p50",
            Self::ServiceP99 => "service time p99",
            Self::Cpu => "CPU per request",
            Self::CpuServer => "CPU per request, server",
            Self::CpuStore => "CPU per request, store",
            Self::StoreCommands => "store commands per request",
            Self::StoreBytes => "store bytes per request",
            Self::WireBytes => "HTTP bytes per request",
            Self::WireSentBytes => "HTTP bytes sent per request",
            Self::Memory => "memory",
            Self::Achieved => "answered per second",
        }
    }

    /// Unit of its values.
    #[must_use]
    pub const fn unit(self) -> Unit {
        match self {
            Self::ResponseP50
            | Self::ResponseP90
            | Self::ResponseP99
            | Self::ResponseP999
            | Self::ServiceP50
            | Self::ServiceP99
            | Self::Cpu
            | Self::CpuServer
            | Self::CpuStore => Unit::Nanoseconds,
            Self::StoreCommands => Unit::Count,
            Self::StoreBytes | Self::WireBytes | Self::WireSentBytes | Self::Memory => Unit::Bytes,
            Self::Achieved => Unit::PerSecond,
        }
    }
}

/// Unit of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Nanoseconds.
    Nanoseconds,
    /// Bytes.
    Bytes,
    /// A plain number.
    Count,
    /// Per second.
    PerSecond,
}
