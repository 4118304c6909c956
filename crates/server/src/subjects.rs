//! The user table of the deployment under test: every subject name there can be, with its principal.

use auth::Principal;
use scenario::wire;

/// Subjects `u00000000` to `u99999999`, with principals of one size.
#[derive(Debug)]
pub(crate) struct Subjects {
    principal_bytes: usize,
    /// The alphabet over and over: every tenant's filler is a slice of it.
    filler: String,
}

impl Subjects {
    /// Principals with a canonical form of `principal_bytes` bytes.
    pub(crate) fn new(principal_bytes: usize) -> Self {
        let filler = (0..principal_bytes + 26).map(|at| char::from(b'a' + (at % 26) as u8)).collect();
        Self { principal_bytes, filler }
    }

    /// [`wire::principal`] by copying instead of computing: the control backend asks for one in every request, and what
    /// it costs there is missing in what all others seem to add.
    pub(crate) fn principal(&self, index: u32) -> Principal {
        let name = wire::subject_name(index);
        let subject = std::str::from_utf8(&name).unwrap_or_default();
        let rank = if index.is_multiple_of(16) { "admin" } else { "basic" };
        let group = index % 1000;
        let mut tenant = String::with_capacity(self.principal_bytes);
        tenant.push_str("tenant-0");
        tenant.extend([group / 100, group / 10 % 10, group % 10].map(|digit| char::from(b'0' + digit as u8)));
        tenant.push('-');
        // `subject|member,basic|` and the tenant's own beginning.
        let used = subject.len() + 1 + "member".len() + 1 + rank.len() + 1 + tenant.len();
        let start = (index as usize + used) % 26;
        let length = self.principal_bytes.saturating_sub(used);
        tenant.push_str(self.filler.get(start..start + length).unwrap_or_default());
        Principal::new(subject, &["member", rank], &tenant)
    }
}

impl auth::Directory for Subjects {
    fn principal(&self, username: &str) -> Option<Principal> {
        wire::subject_index(username).map(|index| self.principal(index))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_copy_is_the_contract() {
        for size in [0, 64, 65, 256, 1024] {
            let subjects = Subjects::new(size);
            for index in [0, 1, 15, 16, 25, 26, 999, 1000, 12_345_678, 99_999_999] {
                let wire::Principal { subject, roles, tenant } = wire::principal(index, size);
                assert_eq!(subjects.principal(index), Principal::new(&subject, &roles, &tenant));
            }
        }
    }

    #[test]
    fn only_subject_names_are_users() {
        let subjects = Subjects::new(64);
        assert!(auth::Directory::principal(&subjects, "u00000042").is_some());
        for name in ["", "u42", "root", "u0000004x", "u000000420"] {
            assert!(auth::Directory::principal(&subjects, name).is_none(), "{name}");
        }
    }
}
