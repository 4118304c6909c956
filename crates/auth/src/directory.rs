//! Who the users are: the deployment's user table, reduced to one question.

use crate::principal::Principal;

/// Looks users up by name. Asked at login and refresh (and on every request by the control, which carries no principal).
pub trait Directory: Send + Sync {
    /// The principal of this user, if there is one.
    fn principal(&self, username: &str) -> Option<Principal>;
}

impl<F: Fn(&str) -> Option<Principal> + Send + Sync> Directory for F {
    fn principal(&self, username: &str) -> Option<Principal> {
        self(username)
    }
}
