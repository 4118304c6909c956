//! Exit codes: the only place that knows their numbers.

use std::process::ExitCode;

use crate::error::Failure;
use crate::output::Output;

/// How a command ended. The numbers are part of the interface: scripts and CI jobs rely on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// 0: it did what it was asked to do.
    Good,
    /// 1: the tool failed: something could not be started, read or written.
    Tool,
    /// 2: the command line or a file is wrong; nothing was done.
    Usage,
    /// 3: a claim or a threshold is violated by a conclusive measurement.
    Violated,
    /// 4: the measurement, or that of one backend whose server died, is void, unreliable or was interrupted: nothing is
    /// claimed.
    Void,
}

/// The table that `authbench --help` ends with.
pub(crate) const TABLE: &str = "Exit codes:
  0  good
  1  tool error: something could not be started, read or written
  2  wrong usage or an invalid file: nothing was done
  3  a claim or threshold is violated
  4  the measurement is void, unreliable or was interrupted: nothing is claimed";

impl Exit {
    fn number(self) -> u8 {
        match self {
            Self::Good => 0,
            Self::Tool => 1,
            Self::Usage => 2,
            Self::Violated => 3,
            Self::Void => 4,
        }
    }
}

/// Renders a failure on stderr, closes stdout and turns the outcome into the process's exit code.
pub(crate) fn conclude(result: Result<Exit, Failure>, output: Output) -> ExitCode {
    let flushed = output.finish();
    let exit = match result.and_then(|exit| flushed.map(|()| exit)) {
        Ok(exit) => exit,
        Err(failure) => {
            failure.render();
            failure.exit()
        }
    };
    ExitCode::from(exit.number())
}

/// Ends the process without looking back: for a user who asks a second time. Children follow by the kernel's hand.
pub(crate) fn at_once() -> ! {
    std::process::exit(i32::from(Exit::Void.number()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_lists_every_code_in_order() {
        let all = [Exit::Good, Exit::Tool, Exit::Usage, Exit::Violated, Exit::Void];
        let listed: Vec<u8> = TABLE
            .lines()
            .skip(1)
            .map(|line| line.trim_start().split(' ').next().unwrap().parse().unwrap())
            .collect();
        assert_eq!(listed, all.map(Exit::number));
    }
}
