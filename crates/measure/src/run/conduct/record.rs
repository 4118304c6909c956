//! `run.json` as it is known before anything is started.

use super::Setting;
use crate::block::SCHEMA;
use crate::event::Budget;
use crate::recording::{RowRecord, RunRecord, ScenarioRecord, sha256_hex};
use crate::run::tool::{hash_of, tool};

pub(super) fn run_record(setting: &Setting<'_>, budget: &Budget) -> RunRecord {
    let plan = setting.plan;
    let rows = setting.resolved.rows.iter().map(|row| RowRecord {
        name: row.name.clone(),
        header: row.backend.header.clone(),
        backend_sha256: sha256_hex(row.backend.text.as_bytes()),
        control: row.control,
        describe: serde_json::Value::Null,
        store: None,
        calibration: std::collections::BTreeMap::new(),
        executable_sha256: row.executable.as_deref().and_then(hash_of),
        failure: None,
    });
    let paired = plan.paired.iter().map(|paired| (&paired.scenario, true));
    let episodes = plan.episodes.iter().map(|name| (name, false));
    let scenarios = paired.chain(episodes).filter_map(|(name, paired)| {
        let planned = setting.resolved.scenarios.get(name)?;
        let wanted = planned.scenario.provision();
        let live = wanted.map_or(0, |wanted| u64::from(wanted.subjects) * u64::from(wanted.devices));
        let per_million = u64::from(planned.scenario.population.revoked_per_million);
        Some(ScenarioRecord {
            name: planned.scenario.name.clone(),
            question: planned.scenario.question.clone(),
            paired,
            seed: planned.scenario.seed,
            sha256: sha256_hex(planned.text.as_bytes()),
            text: planned.text.clone(),
            provisioned: live,
            revoked: live * per_million / 1_000_000,
        })
    });
    RunRecord {
        schema: SCHEMA,
        tool: tool(setting.executable),
        started_unix_ns: crate::clock::unix_ns(),
        plan_sha256: plan.sha256(),
        seed: plan.seed,
        budget: budget.clone(),
        placement: setting.placement.clone(),
        timer_slack_ns: None,
        generator_ceiling: None,
        rows: rows.collect(),
        skipped: setting.resolved.skipped.clone(),
        scenarios: scenarios.collect(),
    }
}
