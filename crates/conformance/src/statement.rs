//! The statements: what a backend must hold, in one sentence each, and where that is demanded.

use serde::Serialize;

/// One statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Statement {
    /// `J1` to `F3`: J tokens, S sessions and cookies, R refresh, P passwords and logins, F failures.
    pub id: &'static str,
    /// What must hold.
    pub text: &'static str,
    /// Who demands it.
    pub source: &'static str,
}

const fn statement(id: &'static str, text: &'static str, source: &'static str) -> Statement {
    Statement { id, text, source }
}

/// All statements, in order.
pub const STATEMENTS: &[Statement] = &[
    statement(
        "J1",
        "The algorithm is fixed by the service: `none` in any spelling, a missing one and every other are refused.",
        "RFC 8725 §3.1; ASVS 9.1.2",
    ),
    statement(
        "J2",
        "A token whose HMAC was made with the public key is refused.",
        "RFC 8725 §2.1; CVE-2016-10555",
    ),
    statement(
        "J3",
        "No header selects a key: `jwk`, `jku`, `x5u`, `x5c` and text in `kid` are inert.",
        "RFC 8725 §3.10; ASVS 9.1.3",
    ),
    statement(
        "J4",
        "Unknown critical headers, other serialisations, missing and further parts and ambiguous messages are refused.",
        "RFC 7515 §4.1.11 and §7.1; RFC 9112 §11.2",
    ),
    statement(
        "J5",
        "Base64url that is not canonical is refused in every segment.",
        "RFC 7515 §2; RFC 4648 §3",
    ),
    statement(
        "J6",
        "Keys shorter than the hash are refused at the start, and no known secret verifies.",
        "RFC 7518 §3.2; RFC 8725 §3.5",
    ),
    statement(
        "J7",
        "`exp`, `nbf` and `iat` of another type, negative, fractional or above 2^53 are refused.",
        "RFC 7519 §2; CVE-2026-25537",
    ),
    statement(
        "J8",
        "A token is refused from its `exp` on, without one, and before its `nbf`; leeway is at most 60 s and stated.",
        "RFC 7519 §4.1.4; RFC 8725 §3.9",
    ),
    statement(
        "J9",
        "The issuer is compared exactly and the audience contains this service.",
        "RFC 8725 §3.8–3.9; RFC 9068 §4; ASVS 9.2.3",
    ),
    statement(
        "J10",
        "Only the type of an access token is accepted; refresh and access tokens are not taken for each other.",
        "RFC 9068 §2.1 and §4; RFC 8725 §3.11–3.12; ASVS 9.2.2",
    ),
    statement(
        "J11",
        "Access tokens carry iss, exp, aud, sub, client_id, iat and a jti of at least 128 random bits.",
        "RFC 9068 §2.2; ASVS 11.5.1",
    ),
    statement(
        "J12",
        "Members given twice, texts that are no JSON, oversized and deeply nested tokens are refused in bounded time.",
        "RFC 8259 §4 and §9; RFC 8725 §2.4",
    ),
    statement(
        "J13",
        "Altered signatures and numbers out of range (r = s = 0, r ≥ n, S ≥ L) are refused.",
        "RFC 7518 §3.4; FIPS 186-5; CVE-2022-21449",
    ),
    statement(
        "S1",
        "Session ids and refresh tokens are unique and at least 128 bits from a generator, and cannot be guessed from others.",
        "ASVS 7.2.3",
    ),
    statement(
        "S2",
        "A login gives a new id and the one presented with it is dead at once; an id that a client made up is never adopted.",
        "ASVS 7.2.4",
    ),
    statement(
        "S3",
        "The server itself ends a login at its absolute end, and after inactivity where that is declared.",
        "ASVS 7.3.1 and 7.3.2",
    ),
    statement(
        "S4",
        "No request that starts after the answer to a logout succeeds for longer than the backend declares.",
        "ASVS 7.4.1",
    ),
    statement(
        "S5",
        "Disabling a user ends what can be ended and bars new logins; a password change and a logout everywhere end the others.",
        "ASVS 7.4.2, 7.4.3, 7.4.5 and 7.5.2",
    ),
    statement(
        "S6",
        "The cookie has the __Host- prefix and its attributes and is in no body; forged requests of other sites are refused.",
        "ASVS 3.3.1–3.3.5 and 3.5.1; RFC 6265bis §4.1.3.2",
    ),
    statement(
        "S7",
        "A request in flight when a logout completes cannot bring the login back.",
        "ASVS 7.4.1; CWE-362",
    ),
    statement(
        "S8",
        "What lies in the store is of no use to whoever reads it: no id, no refresh token, no token in clear.",
        "OWASP Session Management; ASVS 13.3",
    ),
    statement(
        "R1",
        "Of several refreshes with one token exactly one succeeds, and the others get a defined answer.",
        "RFC 9700 §4.14.2",
    ),
    statement(
        "R2",
        "Reuse outside the grace window ends the family, and the access tokens as far as the backend declares.",
        "RFC 9700 §4.14.2; ASVS 10.4.5",
    ),
    statement("R3", "Refreshing never goes past the absolute end of a login.", "ASVS 10.4.8"),
    statement(
        "R4",
        "The grace window is stated, and inside it a token just replaced behaves as declared.",
        "RFC 9700 §4.14.2",
    ),
    statement(
        "R5",
        "A refreshed token is for the same subject, client and audience with no more roles.",
        "RFC 6749 §6; ASVS 10.4.9",
    ),
    statement("R6", "A logout ends the refresh family in the same operation.", "RFC 7009 §2.1; ASVS 7.4.1"),
    statement(
        "P1",
        "Passwords are hashed with Argon2id at one of the OWASP parameters, and these are stated.",
        "OWASP Password Storage; ASVS 11.4.2",
    ),
    statement("P2", "An unknown user and a wrong password get the same answer.", "ASVS 6.3.8"),
    statement(
        "P3",
        "A flood of logins is bounded: what is too much is refused at once with Retry-After, and other requests go on.",
        "OWASP Authentication; ASVS 2.4.1",
    ),
    statement(
        "P4",
        "At most 100 failures in a row are tried on an account, and no other account suffers.",
        "NIST SP 800-63B-4 §3.2.2",
    ),
    statement(
        "P5",
        "Passwords of 64 and more characters of any kind are accepted; a new one has at least 15.",
        "ASVS 6.2.5 and 6.2.9; NIST SP 800-63B-4 §3.1.1.2",
    ),
    statement(
        "P6",
        "A login lasts at most 24 hours, and at most one hour without a request where inactivity is declared.",
        "NIST SP 800-63B-4 §2.2.3; ASVS 7.1.1",
    ),
    statement(
        "F1",
        "With the store hanging or dead every request ends within its deadline, as declared: open, or 503 with Retry-After.",
        "ASVS 16.5.2 and 16.5.3",
    ),
    statement(
        "F2",
        "After the store has lost its data, no ended login works again without that being reported.",
        "ASVS 7.4.1",
    ),
    statement(
        "F3",
        "The store drops nothing by itself: nothing was evicted, and its policy does not allow it.",
        "Redis documentation, key eviction",
    ),
];

/// The statement of this id.
#[must_use]
pub fn find(id: &str) -> Option<&'static Statement> {
    STATEMENTS.iter().find(|statement| statement.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_family_is_whole_and_in_order() {
        let ids: Vec<&str> = STATEMENTS.iter().map(|statement| statement.id).collect();
        let wanted: Vec<String> = [("J", 13), ("S", 8), ("R", 6), ("P", 6), ("F", 3)]
            .into_iter()
            .flat_map(|(family, last)| (1..=last).map(move |number| format!("{family}{number}")))
            .collect();
        assert_eq!(ids, wanted);
        assert!(find("J14").is_none());
    }
}
