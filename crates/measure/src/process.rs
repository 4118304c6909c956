//! Child processes that never outlive the run: servers and private stores.
//!
//! The parent-death signal fires when the *thread* that spawned the child dies, so every child is spawned by one thread
//! that lives as long as the run ([`Launcher`]). The signal is set by the child itself, in a hidden call of this binary
//! ([`become_child`]) that then becomes the wanted program.

mod child;
mod folder;
mod guard;
mod launcher;

pub use child::Child;
pub use folder::OwnFolder;
pub use guard::{CHILD_ARGUMENT, become_child};
pub use launcher::{Launcher, Secret, Spawn};
