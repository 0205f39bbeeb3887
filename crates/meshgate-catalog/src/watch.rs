//! Tells when a catalog folder has changed.

use std::{
    path::{Path, PathBuf},
    sync::mpsc::{self, Receiver, RecvTimeoutError, Sender},
    thread,
    time::{Duration, Instant},
};

use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};

use crate::files::SourceTree;

/// A change counts once nothing has happened for so long: editors write a file in several steps, git many files.
const QUIET: Duration = Duration::from_millis(300);
/// A folder that never comes to rest is looked at all the same, this often.
const LONGEST_WAIT: Duration = Duration::from_secs(3);
/// How often to look when the system can't tell of changes, because the folder is gone.
const POLL: Duration = Duration::from_secs(2);

/// Why a folder can't be watched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WatchError {
    /// There is no such folder.
    #[error("can't watch `{folder}`: there is no such folder")]
    Missing {
        /// The folder as given.
        folder: PathBuf,
    },
    /// The system refuses, for instance because it watches too many folders already.
    #[error("can't watch `{folder}`; raise the system's limit of watched folders, or reload by signal")]
    Refused {
        /// The folder as given.
        folder: PathBuf,
        /// The cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Watches until it is dropped. The drop waits for a callback that is running, unless it is the callback that drops.
#[derive(Debug)]
pub struct Watch {
    stop: Option<Sender<Signal>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // The thread may have ended by itself; then there is nobody to tell.
            let _ = stop.send(Signal::Stop);
        }
        if let Some(thread) = self.thread.take().filter(|thread| thread.thread().id() != thread::current().id()) {
            let _ = thread.join();
        }
    }
}

/// Calls `changed` whenever the files that a catalog is read from differ from those at the last call (or at the
/// start), after they came to rest. Other files in or beside the folder don't count, nor do writes that change
/// nothing. The folder and those in it may be removed, replaced or be links.
///
/// A change between loading a catalog and calling `watch` goes unseen: watch first, then load.
pub fn watch(folder: &Path, changed: impl FnMut() + Send + 'static) -> Result<Watch, WatchError> {
    let refused =
        |source: Box<dyn std::error::Error + Send + Sync>| WatchError::Refused { folder: folder.to_path_buf(), source };
    if !folder.is_dir() {
        return Err(WatchError::Missing { folder: folder.to_path_buf() });
    }
    let root = std::path::absolute(folder).map_err(|error| refused(error.into()))?;
    let (signals, received) = mpsc::channel();
    let of_system = signals.clone();
    let own_root = root.clone();
    let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let matters = match &event {
            Ok(event) => matters(&own_root, event),
            Err(_) => true,
        };
        if matters {
            // The receiver is gone once the watch was dropped.
            let _ = of_system.send(Signal::Changed);
        }
    });
    let mut armed = Armed { watcher: watcher.map_err(|error| refused(error.into()))?, root };
    armed.arm().map_err(|error| refused(error.into()))?;
    let seen = armed.revision();
    let watching = Watching { armed, received, seen, changed };
    let thread = thread::Builder::new().name("catalog-watch".to_owned()).spawn(move || watching.run());
    let thread = thread.map_err(|error| refused(error.into()))?;
    Ok(Watch { stop: Some(signals), thread: Some(thread) })
}

#[derive(Debug)]
enum Signal {
    Changed,
    Stop,
}

/// Reading files is an event too, and the catalog's folder may hold other things.
fn matters(root: &Path, event: &notify::Event) -> bool {
    if matches!(event.kind, EventKind::Access(_)) {
        return false;
    }
    event.need_rescan()
        || event.paths.iter().any(|path| match path.strip_prefix(root) {
            Ok(relative) => relative.iter().next().is_none_or(|first| {
                ["mesh.yaml", "users.yaml", "governance", "domains"].iter().any(|name| first == *name)
            }),
            Err(_) => false,
        })
}

struct Armed {
    watcher: RecommendedWatcher,
    root: PathBuf,
}

impl Armed {
    /// Watches what is there now: a watch of a folder ends with it, and follows it when it is renamed.
    fn arm(&mut self) -> notify::Result<()> {
        let root = self.root.clone();
        if let Some(parent) = root.parent() {
            // It may be forbidden to us. Without it, a catalog that is replaced as a whole is seen by polling.
            let _ = self.rearm(parent, RecursiveMode::NonRecursive);
        }
        self.rearm(&root, RecursiveMode::NonRecursive)?;
        for folder in ["governance", "domains"].map(|name| root.join(name)) {
            let outcome = self.rearm(&folder, RecursiveMode::Recursive);
            // A folder that goes away meanwhile is an event of the root.
            if folder.is_dir() {
                outcome?;
            }
        }
        Ok(())
    }

    fn rearm(&mut self, path: &Path, mode: RecursiveMode) -> notify::Result<()> {
        // It may not have been watched, or be gone.
        let _ = self.watcher.unwatch(path);
        self.watcher.watch(path, mode)
    }

    /// What the files say, broken ones included.
    fn revision(&self) -> String {
        SourceTree::read(&self.root, &mut Vec::new()).revision
    }
}

struct Watching<F> {
    armed: Armed,
    received: Receiver<Signal>,
    seen: String,
    changed: F,
}

impl<F: FnMut()> Watching<F> {
    fn run(mut self) {
        let mut is_armed = true;
        loop {
            match self.wait(is_armed) {
                Some(Signal::Stop) => return,
                Some(Signal::Changed) | None => {}
            }
            // Armed before read: what changes after the read is an event again.
            let outcome = self.armed.arm();
            if let Err(error) = &outcome
                && is_armed
            {
                tracing::warn!(%error, "the catalog folder can't be watched now; looking every {POLL:?}");
            }
            is_armed = outcome.is_ok();
            let revision = self.armed.revision();
            if revision != self.seen {
                self.seen = revision;
                (self.changed)();
            }
        }
    }

    /// Waits for a change and the quiet after it. `None` = time to look without one.
    fn wait(&self, is_armed: bool) -> Option<Signal> {
        let first = match is_armed {
            true => self.received.recv().map_err(|_| RecvTimeoutError::Disconnected),
            false => self.received.recv_timeout(POLL),
        };
        match first {
            Ok(Signal::Changed) => {}
            Ok(Signal::Stop) | Err(RecvTimeoutError::Disconnected) => return Some(Signal::Stop),
            Err(RecvTimeoutError::Timeout) => return None,
        }
        let deadline = Instant::now() + LONGEST_WAIT;
        while let Some(left) = deadline.checked_duration_since(Instant::now()) {
            match self.received.recv_timeout(QUIET.min(left)) {
                Ok(Signal::Changed) => {}
                Ok(Signal::Stop) | Err(RecvTimeoutError::Disconnected) => return Some(Signal::Stop),
                Err(RecvTimeoutError::Timeout) => break,
            }
        }
        Some(Signal::Changed)
    }
}
