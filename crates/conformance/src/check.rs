//! One check per statement.

mod attack;
mod failure;
mod login;
mod refresh;
mod session;
mod token;

use crate::probe::{Checked, Probe};

/// Runs the check of a statement.
pub(crate) fn run(id: &str, probe: &mut Probe<'_>) -> Checked {
    match id {
        "J1" | "J3" | "J5" | "J7" | "J9" | "J12" | "J13" => token::corpus(probe, id),
        "J2" => token::public_key(probe),
        "J4" => token::form(probe),
        "J6" => token::weak_keys(probe),
        "J8" => token::expiry(probe),
        "J10" => token::kinds(probe),
        "J11" => token::members(probe),
        "S1" => session::ids(probe),
        "S2" => session::fixation(probe),
        "S3" => session::absolute_end(probe),
        "S4" => session::logout(probe),
        "S5" => session::ending_all(probe),
        "S6" => session::cookie(probe),
        "S7" => session::resurrection(probe),
        "S8" => session::store_dump(probe),
        "R1" => refresh::concurrent(probe),
        "R2" => refresh::reuse(probe),
        "R3" => refresh::absolute_end(probe),
        "R4" => refresh::grace(probe),
        "R5" => refresh::binding(probe),
        "R6" => refresh::logout(probe),
        "P1" => login::hashing(probe),
        "P2" => login::same_answer(probe),
        "P3" => login::flood(probe),
        "P4" => login::lockout(probe),
        "P5" => login::long_passwords(probe),
        "P6" => login::lifetimes(probe),
        "F1" => failure::store_down(probe),
        "F2" => failure::store_empty(probe),
        "F3" => failure::eviction(probe),
        other => crate::probe::not_run(format!("no check is written for {other}")),
    }
}
