//! A meshgate that runs while clients are tested.

use std::{
    fs::File,
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::process;

/// How long a server may take to accept its first connection; a debug build writes a whole mesh before.
const START: Duration = Duration::from_secs(300);
/// How long it may take to end after SIGTERM.
const STOP: Duration = Duration::from_secs(40);

/// A server process; it ends with this value, whatever happens.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    log: PathBuf,
    /// The port on loopback.
    pub(crate) port: u16,
}

impl Server {
    /// Starts `binary arguments… --listen 127.0.0.1:PORT` and waits until it accepts connections.
    pub(crate) fn start(binary: &Path, arguments: &[&str], log: &Path) -> Result<Self, String> {
        let port = free_port().map_err(|error| format!("no free port: {error}"))?;
        let file = File::create(log).map_err(|error| format!("`{}` can't be written: {error}", log.display()))?;
        let other = file.try_clone().map_err(|error| error.to_string())?;
        let child = Command::new(binary)
            .args(arguments)
            .args(["--listen", &format!("127.0.0.1:{port}")])
            .stdin(Stdio::null())
            .stdout(file)
            .stderr(other)
            .spawn()
            .map_err(|error| format!("`{}` can't be run: {error}", binary.display()))?;
        let mut server = Self { child, log: log.to_owned(), port };
        server.wait_until_accepting()?;
        Ok(server)
    }

    fn wait_until_accepting(&mut self) -> Result<(), String> {
        let started = Instant::now();
        while started.elapsed() < START {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(format!("the server ended at once ({status}):\n{}", process::tail(&self.log, 40)));
            }
            if TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_ok() {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(100));
        }
        let log = process::tail(&self.log, 40);
        Err(format!("the server accepts no connection after {} s:\n{log}", START.as_secs()))
    }

    /// Whether it still runs: no client may end it.
    pub(crate) fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Where it logs.
    pub(crate) fn log(&self) -> &Path {
        &self.log
    }

    /// The last lines of its log.
    pub(crate) fn log_tail(&self) -> String {
        process::tail(&self.log, 60)
    }

    /// Ends it as a service manager does, and says how it ended.
    pub(crate) fn stop(mut self) -> Result<ExitStatus, String> {
        if cfg!(unix) {
            process::run_quietly(Command::new("kill").args(["-TERM", &self.child.id().to_string()]))?;
        } else {
            self.child.kill().map_err(|error| error.to_string())?;
        }
        let asked = Instant::now();
        while asked.elapsed() < STOP {
            if let Some(status) = self.child.try_wait().map_err(|error| error.to_string())? {
                return Ok(status);
            }
            thread::sleep(Duration::from_millis(50));
        }
        Err(format!("the server still ran {} s after SIGTERM:\n{}", STOP.as_secs(), self.log_tail()))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.is_running() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
