//! What is compared: credentials, checks, views, renewal, stores and passwords.
//!
//! A backend is four choices ([`Mechanism`]) over a [`Store`]; [`Authenticator`] is their sum.
//!
//! Invariants: nothing here knows HTTP, load or measurement; **a rejected credential is a value, `Err` means the
//! backend broke**; time comes in as a parameter.

pub mod answer;
pub mod authenticator;
pub mod authority;
mod credential;
pub mod directory;
pub mod error;
pub mod mechanism;
pub mod password;
mod principal;
mod record;
pub mod store;
mod views;

pub use answer::{Access, Grant, LoginAnswer, Presented, Rejection, UnixMillis, Verdict};
pub use authenticator::{Account, Authenticator, Setup, Totals, Upkeep};
pub use authority::{Authority, Introspection};
pub use credential::jwt::MAX_TOKEN;
pub use credential::keys::{Algorithm, KeyMaterial};
pub use credential::opaque::OPAQUE_LEN;
pub use directory::Directory;
pub use error::{Error, MechanismError};
pub use mechanism::Mechanism;
pub use password::{PasswordScheme, PasswordSettings};
pub use principal::Principal;
pub use store::{
    AnyStore, Bits, Feed, Index, MemoryStore, PostgresSettings, RedisSettings, RedisStore, RedisTopology,
    SqlStore, Store,
};
