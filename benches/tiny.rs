//! The smallest run that is one: a load that a debug build carries on a busy machine, in rounds of 80 ms.
//!
//! Nothing is measured with it: what is looked at is what runs do and leave. Used by long proofs and by tests of the command.

/// The scenario. Nobody waits in vain for a machine that pauses.
pub(crate) const SCENARIO: &str = r#"
name = "tiny"
question = "Does it work?"
kind = "stationary"
seed = 1

[population]
subjects = 40

[load]
rate = 300
arrivals = "constant"

[client]
deadline = "20s"
"#;

/// A plan of it, which lies in this file: these backends, the first one the baseline, in so many rounds.
pub(crate) fn plan(scenario: &str, backends: &[&str], rounds: u32) -> String {
    let baseline = backends.first().copied().unwrap_or_default();
    format!(
        r#"
name = "tiny"
seed = 1
baseline = {baseline:?}
backends = {backends:?}
episodes = []

[[paired]]
scenario = {scenario:?}
rounds = {rounds}
warm_ms = 20
block_ms = 60

[statistics]
alpha = 0.05
margin = 0.05
"#
    )
}
