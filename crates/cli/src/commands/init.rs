//! `authbench init`: the built-in files, written out to be changed.

use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

use scenario::builtin::Shelf;

use crate::error::Failure;
use crate::exit::Exit;
use crate::output::Output;

const EXAMPLE: &str = "Examples:
  authbench init
  authbench run scenarios/plans/quick.toml";

/// Write the built-in scenarios, backends and plans here, to be changed
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
    let shelves = [Shelf::Scenarios, Shelf::Backends, Shelf::Plans];
    let files: Vec<_> =
        shelves.into_iter().flat_map(Shelf::all).map(|file| (args.folder.join(file.path), file)).collect();
    if let Some((path, _)) = files.iter().find(|(path, _)| path.exists()) {
        return Err(Failure::usage(format!("{} is already there: nothing was written", path.display()))
            .hint("name another folder: authbench init DIR"));
    }
    for (path, file) in &files {
        let failed = |source: &std::io::Error| {
            Failure::tool(format!("{} could not be written", path.display())).because(source)
        };
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|e| failed(&e))?;
        }
        fs::File::create_new(path)
            .and_then(|mut handle| std::io::Write::write_all(&mut handle, file.text.as_bytes()))
            .map_err(|e| match e.kind() {
                ErrorKind::AlreadyExists => Failure::usage(format!("{} is already there", path.display())),
                _ => failed(&e),
            })?;
        output.line(&path.display().to_string())?;
    }
    Ok(Exit::Good)
}
