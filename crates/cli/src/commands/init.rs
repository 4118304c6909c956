//! `authbench init`: the built-in files, written out to be changed.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use scenario::builtin::Shelf;

use crate::commands::schema::of_files;
use crate::error::Failure;
use crate::exit::Exit;
use crate::output::Output;

const EXAMPLE: &str = "Examples:
  authbench init
  authbench run scenarios/plans/quick.toml";

/// Write the built-in scenarios, backends, plans and claims here, to be changed
///
/// They are written into DIR (scenarios/ by default), with a JSON Schema beside them for editors. Existing files are
/// never overwritten.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct InitArgs {
    /// Folder to write them into
    #[arg(value_name = "DIR", default_value = "scenarios")]
    folder: PathBuf,
}

pub(crate) fn run(args: &InitArgs, output: &mut Output) -> Result<Exit, Failure> {
    let shelves = [
        Shelf::Scenarios,
        Shelf::Backends,
        Shelf::Plans,
        Shelf::Faults,
        Shelf::Drills,
        Shelf::Claims,
        Shelf::Prices,
    ];
    let mut files: Vec<(PathBuf, String)> = Vec::new();
    for file in shelves.into_iter().flat_map(Shelf::all) {
        files.push((args.folder.join(file.path), file.text.to_owned()));
    }
    for (name, schema) in of_files() {
        files.push((args.folder.join(format!("schema/{name}.json")), format!("{schema:#}\n")));
    }
    if let Some((path, _)) = files.iter().find(|(path, _)| path.exists()) {
        return Err(Failure::usage(format!("{} is already there: nothing was written", path.display()))
            .hint("name another folder: authbench init DIR"));
    }
    for (path, text) in &files {
        create(path, text)?;
        output.line(&path.display().to_string())?;
    }
    Ok(Exit::Good)
}

fn create(path: &Path, text: &str) -> Result<(), Failure> {
    let failed = |source: &std::io::Error| {
        Failure::tool(format!("{} could not be written", path.display())).because(source)
    };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|e| failed(&e))?;
    }
    // `create_new`: what appeared since the look above is not overwritten either.
    fs::File::create_new(path).and_then(|mut file| file.write_all(text.as_bytes())).map_err(|e| failed(&e))
}
