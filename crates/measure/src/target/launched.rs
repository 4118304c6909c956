//! A server launched from this binary: `authbench serve …`, one process per replica, and where the backend needs one, an
//! authority: one more process of the same backend, which the replicas ask and the load does not reach. What it uses
//! counts as the servers' own.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use scenario::wire::{Counters, Provision, ReadyLine, ServeOptions};

use super::control::Control;
use super::{Ready, Target, sum};
use crate::error::Error;
use crate::process::{Child, Launcher, Secret, Spawn};

/// A server is ready within milliseconds, but for the one password hash that all subjects share, and RSA keys.
const READY: Duration = Duration::from_secs(20);

/// `authbench serve`, launched.
#[derive(Debug)]
pub(crate) struct LaunchedServer {
    row: String,
    executable: PathBuf,
    options: ServeOptions,
    replicas: u32,
    needs_authority: bool,
    authority: Option<Child>,
    /// Milliseconds by replica; those beyond its end have the options' own.
    clock_offsets: Vec<i64>,
    children: Vec<Child>,
    controls: Vec<Control>,
    // Last: children are ended before what they were launched by.
    launcher: Rc<Launcher>,
}

impl LaunchedServer {
    pub(crate) fn new(
        row: &str,
        executable: PathBuf,
        options: ServeOptions,
        replicas: u32,
        needs_authority: bool,
        launcher: Rc<Launcher>,
    ) -> Self {
        Self {
            row: row.to_owned(),
            executable,
            options,
            replicas,
            needs_authority,
            authority: None,
            clock_offsets: Vec::new(),
            children: Vec::new(),
            controls: Vec::new(),
            launcher,
        }
    }

    /// Sets the clocks of replicas apart from the machine's, milliseconds.
    pub(crate) fn clock_offsets(mut self, clock_offsets: Vec<i64>) -> Self {
        self.clock_offsets = clock_offsets;
        self
    }

    /// Ends a replica, as SIGTERM does, and starts it again at the same addresses; it answers when this returns.
    pub(crate) fn restart(
        &mut self,
        replica: usize,
        address: SocketAddr,
        control: SocketAddr,
    ) -> Result<(), Error> {
        if replica >= self.children.len() {
            return Ok(());
        }
        drop(self.children.remove(replica));
        let name = format!("server of {}, replica {}", self.row, replica + 1);
        let options = ServeOptions { listen: address, control, ..self.options.clone() };
        let mut child = self.spawn(name.clone(), &options)?;
        let ready = ready_line(&mut child, &name);
        self.children.insert(replica, child);
        ready.map(drop)
    }

    fn spawn(&self, name: String, options: &ServeOptions) -> Result<Child, Error> {
        let mut arguments = vec!["serve".into()];
        arguments.extend(options.to_arguments());
        let secret = options.secret_address().map(|address| Secret::new(address.to_owned()));
        let spawn = Spawn { name, program: self.executable.clone(), arguments, directory: None, secret };
        self.launcher.spawn(&spawn)
    }

    /// Starts the authority and waits for it: the replicas must know its address.
    fn launch_authority(&mut self) -> Result<(), Error> {
        let name = format!("authority of {}", self.row);
        // It is asked inside the deployment: TLS is between clients and the replicas.
        let options =
            ServeOptions { extra_work_ns: 0, tls_cert: None, tls_key: None, ..self.options.clone() };
        let mut child = self.spawn(name.clone(), &options)?;
        self.options.authority = Some(ready_line(&mut child, &name)?.address);
        self.authority = Some(child);
        Ok(())
    }
}

fn ready_line(child: &mut Child, name: &str) -> Result<ReadyLine, Error> {
    let text = child.read_line(READY)?;
    serde_json::from_str(&text).map_err(|error| Error::Process {
        name: name.to_owned(),
        message: format!("its first line is not a ready line: {error}"),
        stderr: text.clone(),
    })
}

impl Target for LaunchedServer {
    fn launch(&mut self) -> Result<(), Error> {
        if self.needs_authority {
            self.launch_authority()?;
        }
        for replica in 0..self.replicas {
            let name = if self.replicas == 1 {
                format!("server of {}", self.row)
            } else {
                format!("server of {}, replica {}", self.row, replica + 1)
            };
            let offset_ms = self.clock_offsets.get(replica as usize).copied();
            let clock_offset_ms = offset_ms.unwrap_or(self.options.clock_offset_ms);
            let options = ServeOptions { clock_offset_ms, ..self.options.clone() };
            let child = self.spawn(name, &options)?;
            self.children.push(child);
        }
        Ok(())
    }

    fn ready(&mut self) -> Result<Ready, Error> {
        let mut ready =
            Ready { addresses: Vec::new(), controls: Vec::new(), describe: serde_json::Value::Null };
        for child in &mut self.children {
            let line = ready_line(child, &format!("server of {}", self.row))?;
            ready.addresses.push(line.address);
            ready.controls.push(line.control);
            ready.describe = line.describe;
            self.controls.push(Control { row: self.row.clone(), address: line.control });
        }
        Ok(ready)
    }

    fn pids(&self) -> Vec<u32> {
        self.children.iter().chain(&self.authority).map(Child::pid).collect()
    }

    fn provision(
        &mut self,
        wanted: &Provision,
        line: &mut dyn FnMut(&str) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let Some(control) = self.controls.first() else { return Ok(()) };
        let result = control.provision(wanted, line);
        // A server that died says more than the connection it broke off.
        result.map_err(|error| self.has_ended().unwrap_or(error))
    }

    fn counters(&mut self) -> Result<Counters, Error> {
        Ok(sum(self.controls.iter().map(Control::counters).collect::<Result<Vec<_>, _>>()?))
    }

    fn has_ended(&mut self) -> Option<Error> {
        self.children.iter_mut().chain(&mut self.authority).find_map(Child::has_ended)
    }

    fn stop(&mut self) {
        self.controls.clear();
        self.children.clear();
        self.authority = None;
    }
}

impl Drop for LaunchedServer {
    fn drop(&mut self) {
        self.stop();
    }
}
