//! Which build of this tool is running.

use std::path::Path;

use crate::recording::{Tool, sha256_hex};

/// What is known of this build; `executable` is hashed.
pub(crate) fn tool(executable: Option<&Path>) -> Tool {
    let known = |text: Option<&'static str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
    Tool {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        binary_sha256: executable.and_then(hash_of),
        rustc: known(option_env!("AUTHBENCH_RUSTC")).unwrap_or_default(),
        target: known(option_env!("AUTHBENCH_TARGET")).unwrap_or_default(),
        profile: known(option_env!("AUTHBENCH_PROFILE")).unwrap_or_default(),
        commit: known(option_env!("AUTHBENCH_COMMIT")),
    }
}

/// SHA-256 of a program, hex; none where it cannot be read.
pub(super) fn hash_of(path: &Path) -> Option<String> {
    std::fs::read(path).ok().map(|bytes| sha256_hex(&bytes))
}
