//! Drives a trace against a server: dispatch, pacing, connections, credentials held, self-checks.
//!
//! Invariant: the generator never learns which backend it drives. It records facts; `measure` judges them.

pub mod capacity;
mod client;
pub mod clock;
pub mod conformance;
pub mod cores;
mod drive;
mod engine;
mod error;
mod fixed;
mod http;
mod jar;
mod load;
pub mod null;
pub mod observation;
mod options;
mod priority;
mod report;
mod surroundings;
mod transport;
pub mod validity;
mod work;

pub use drive::drive;
pub use error::Error;
pub use http::outside::{ReadAnswer, ReadEnd, read_answer, read_whole_answer};
pub use jar::CredentialJar;
pub use load::{Figures, LoadOptions, LoadReport, load};
pub use observation::{Answer, CredentialFact, Ending, Identity, Observation, Observer, Phase};
pub use options::{Mode, Options, default_spin_ns};
pub use priority::real_time_allowed;
pub use report::{Arrivals, DriveReport, InFlight, nanosecond_histogram};
pub use surroundings::{Ceiling, StealMeter, ceiling, split_cores};
pub use transport::sockets::Wait;
pub use transport::target::{Target, TlsTarget};
pub use transport::tls::client_config;
pub use validity::{Certificate, Status, Surroundings, certify};
