//! Where a run leaves what it wrote.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::Failure;

/// The folder of a run: the one asked for, else `reports/local/DATE-PLAN` in a checkout, else
/// `authbench-reports/DATE-PLAN`. A folder that was not asked for never meets an older one: it gets a number.
pub(crate) fn choose(asked: Option<&Path>, here: &Path, date: &str, plan: &str) -> PathBuf {
    if let Some(asked) = asked {
        return asked.to_owned();
    }
    let parent = match checkout(here) {
        Some(root) => root.join("reports/local"),
        None => here.join("authbench-reports"),
    };
    let plan: String = plan.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let name = format!("{date}-{plan}");
    let numbered = (2..).map(|number| parent.join(format!("{name}-{number}")));
    let free = std::iter::once(parent.join(&name)).chain(numbered).find(|path| !path.exists());
    free.unwrap_or_else(|| parent.join(name))
}

/// The checkout that `here` lies in: a folder with `Cargo.toml` and `reports/`.
fn checkout(here: &Path) -> Option<&Path> {
    here.ancestors().find(|folder| folder.join("Cargo.toml").is_file() && folder.join("reports").is_dir())
}

/// Makes the folder and writes into it, so that a folder that cannot take the report is known before anything is measured.
pub(crate) fn prepare(folder: &Path) -> Result<(), Failure> {
    let refused = |source: &std::io::Error| {
        Failure::tool(format!("the report cannot be written to {}", folder.display()))
            .because(source)
            .hint("choose a folder that can be written to: --out DIR")
    };
    fs::create_dir_all(folder).map_err(|e| refused(&e))?;
    let probe = folder.join(".authbench-probe");
    fs::write(&probe, b"x").map_err(|e| refused(&e))?;
    fs::remove_file(&probe).map_err(|e| refused(&e))
}

/// Takes away a folder in which nothing was left.
pub(crate) fn forget_if_empty(folder: &Path) {
    // Only an empty folder can be removed this way; any other outcome leaves things as they are.
    let _ = fs::remove_dir(folder);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_for_wins() {
        let asked = Path::new("somewhere/else");
        assert_eq!(choose(Some(asked), Path::new("/"), "2026-11-23", "quick"), asked);
    }

    #[test]
    fn outside_a_checkout_it_lies_here_and_never_on_an_older_one() {
        let here = tempfile::tempdir().unwrap();
        let first = choose(None, here.path(), "2026-11-23", "quick");
        assert_eq!(first, here.path().join("authbench-reports/2026-11-23-quick"));
        prepare(&first).unwrap();
        let second = choose(None, here.path(), "2026-11-23", "quick");
        assert_eq!(second, here.path().join("authbench-reports/2026-11-23-quick-2"));
        prepare(&second).unwrap();
        assert!(choose(None, here.path(), "2026-11-23", "quick").ends_with("2026-11-23-quick-3"));
    }

    #[test]
    fn in_a_checkout_it_lies_among_the_local_reports() {
        let root = tempfile::tempdir().unwrap();
        let deep = root.path().join("crates/cli");
        fs::create_dir_all(&deep).unwrap();
        fs::create_dir(root.path().join("reports")).unwrap();
        fs::write(root.path().join("Cargo.toml"), "").unwrap();
        let chosen = choose(None, &deep, "2026-11-23", "my plan/../x");
        assert_eq!(chosen, root.path().join("reports/local/2026-11-23-my-plan----x"));
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named_with_a_way_out() {
        let here = tempfile::tempdir().unwrap();
        let file = here.path().join("file");
        fs::write(&file, "").unwrap();
        let failure = prepare(&file.join("below")).unwrap_err();
        assert_eq!(failure.exit(), crate::exit::Exit::Tool);
        assert!(format!("{failure:?}").contains("--out DIR"));
    }
}
