//! `report.junit.xml`: one test case per claim. A case fails only when a conclusive result contradicts what the claim's
//! file expects; inconclusive and not measurable are skipped. Intervals stand in the text, because GitLab ignores
//! properties.

use quick_junit::{NonSuccessKind, Report as Document, TestCase, TestCaseStatus, TestSuite};

use super::{ExportError, Exporter};
use crate::claims::{ClaimOutcome, ClaimResult};
use crate::controls::RunState;
use crate::model::Report;

/// Writes `report.junit.xml`.
#[derive(Debug)]
pub(super) struct Junit;

impl Exporter for Junit {
    fn file_name(&self) -> &'static str {
        "report.junit.xml"
    }

    fn bytes(&self, report: &Report) -> Result<Vec<u8>, ExportError> {
        let mut suite = TestSuite::new(format!("authbench.{}", report.run.plan));
        suite.add_property(("plan_sha256", report.run.plan_sha256.as_str()));
        suite.add_property(("data_sha256", report.run.data_sha256.as_str()));
        suite.add_test_case(validity(report));
        suite.add_test_cases(report.claims.iter().map(|claim| case(&report.run.plan, claim)));
        let mut document = Document::new("authbench");
        document.add_test_suite(suite);
        let failed = |error: &dyn std::fmt::Display| ExportError::Format {
            format: "junit",
            message: error.to_string(),
        };
        document.to_string().map(String::into_bytes).map_err(|error| failed(&error))
    }
}

fn case(plan: &str, claim: &ClaimResult) -> TestCase {
    let text = format!("{}: {} {}", claim.outcome.label(), claim.sentence, claim.detail);
    let status = match claim.outcome {
        _ if claim.contradicts() => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_message(text.clone()).set_type(claim.outcome.label());
            status
        }
        ClaimOutcome::Inconclusive | ClaimOutcome::NotMeasurable => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(text.clone());
            status
        }
        ClaimOutcome::Holds | ClaimOutcome::Refuted => TestCaseStatus::success(),
    };
    let mut case = TestCase::new(claim.id.clone(), status);
    case.set_classname(format!("{plan}.claims")).set_system_out(text);
    case
}

/// Whether anything is claimed at all: an unreliable run is skipped, not failed.
fn validity(report: &Report) -> TestCase {
    let text = format!("{}: {}", report.validity.status.label(), report.validity.sentence);
    let status = if report.validity.status == RunState::Unreliable {
        let mut status = TestCaseStatus::skipped();
        status.set_message(text.clone());
        status
    } else {
        TestCaseStatus::success()
    };
    let mut case = TestCase::new("validity", status);
    case.set_classname(format!("{}.run", report.run.plan)).set_system_out(text);
    case
}
