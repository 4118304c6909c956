//! The page before axe-core: no serious or critical finding, light and dark, wide and narrow.
//!
//! axe-core is fetched by npm into the target folder when it is not there yet. Without npm or a network this test says
//! so and checks nothing; `.ci/test` fetches it beforehand.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    clippy::allow_attributes,
    reason = "test code"
)]

use std::path::{Path, PathBuf};
use std::process::Command;

use report::{Format, export};
use serde_json::Value;

mod support;

/// The version that is fetched.
const AXE: &str = "axe-core@4";
/// Opens every `<details>`, runs axe-core and leaves its findings behind.
const RUN: &str = "addEventListener('load',async()=>{
  document.querySelectorAll('details').forEach(e=>e.open=true);
  const {violations}=await axe.run(document,{resultTypes:['violations']});
  const found=violations.map(v=>({id:v.id,impact:v.impact,help:v.help,nodes:v.nodes.slice(0,3).map(n=>n.html.slice(0,160)+' '+(n.any[0]?.message||n.all[0]?.message||''))}));
  const pre=document.createElement('pre');pre.id='found';pre.textContent=JSON.stringify({found,dark:matchMedia('(prefers-color-scheme:dark)').matches});
  document.body.append(pre);
});";

/// The script of axe-core, fetched if need be.
fn axe() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("axe");
    let script = folder.join("node_modules/axe-core/axe.min.js");
    if !script.is_file() {
        std::fs::create_dir_all(&folder).unwrap();
        let npm = Command::new("npm")
            .args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--silent", "--prefix"])
            .arg(&folder)
            .arg(AXE)
            .output();
        match npm {
            Err(error) => eprintln!("not checked: npm cannot be started: {error}"),
            Ok(output) if !output.status.success() => {
                eprintln!("not checked: npm cannot fetch {AXE}: {}", String::from_utf8_lossy(&output.stderr));
            }
            Ok(_) => {}
        }
    }
    script.is_file().then_some(script)
}

#[test]
fn axe_core_has_no_serious_finding() {
    let Some(axe) = axe() else { return };
    let axe = std::fs::read_to_string(axe).unwrap().replace("</script", "<\\/script");
    let dir = support::scratch();
    let report = support::priced(&support::recording(&dir.path().join("recording"), support::STANDARD));
    let page = String::from_utf8(export(Format::Html, &report).unwrap().remove(0).bytes).unwrap();
    // The policy would refuse a foreign script.
    let start = page.find("<meta http-equiv=\"Content-Security-Policy\"").unwrap();
    let end = start + page[start..].find('>').unwrap() + 1;
    let page = format!("{}{}<script>{axe}</script><script>{RUN}</script>", &page[..start], &page[end..]);
    let file = dir.path().join("axe.html");
    std::fs::write(&file, page).unwrap();
    for (size, dark) in [("1280,1000", false), ("390,900", false), ("1280,1000", true)] {
        let size = format!("--window-size={size}");
        let mut further = vec![size.as_str()];
        if dark {
            further.push("--blink-settings=preferredColorScheme=0");
        }
        let (seen, _) = support::browser::open(&file, &further);
        assert_eq!(seen["dark"], dark);
        let grave = |finding: &&Value| matches!(finding["impact"].as_str(), Some("serious" | "critical"));
        let findings: Vec<&Value> = seen["found"].as_array().unwrap().iter().filter(grave).collect();
        assert!(findings.is_empty(), "{further:?}: {findings:#?}");
    }
}
