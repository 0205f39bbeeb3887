//! The watch, on a real file system.

use std::{
    fs,
    os::unix::fs::symlink,
    path::Path,
    sync::mpsc::{self, Receiver},
    time::Duration,
};

use super::fixture::{CONTRACT, DOMAIN, Fixture};
use crate::{Watch, WatchError, watch};

/// Long against the quiet period, for slow machines.
const SOON: Duration = Duration::from_secs(20);
/// Longer than the quiet period.
const NOTHING: Duration = Duration::from_millis(900);

fn watched(catalog: &Path) -> (Watch, Receiver<()>) {
    let (sender, receiver) = mpsc::channel();
    (watch(catalog, move || sender.send(()).unwrap_or_default()).unwrap(), receiver)
}

#[test]
fn many_writes_are_one_change() {
    let folder = Fixture::sound().write();
    let catalog = folder.path().join("catalog");
    let (_watch, changes) = watched(&catalog);
    for count in 0..20 {
        fs::write(catalog.join(DOMAIN), format!("owner: owner-{count}\n")).unwrap();
        fs::write(catalog.join(CONTRACT), format!("id: {count}\n")).unwrap();
    }
    changes.recv_timeout(SOON).unwrap();
    assert!(changes.recv_timeout(NOTHING).is_err());
}

#[test]
fn unrelated_files_are_no_change() {
    let folder = Fixture::sound().write();
    let catalog = folder.path().join("catalog");
    fs::create_dir_all(catalog.join("lake/flights")).unwrap();
    let (_watch, changes) = watched(&catalog);
    fs::create_dir_all(folder.path().join("lake/flights")).unwrap();
    fs::write(folder.path().join("lake/flights/part.parquet"), "x").unwrap();
    fs::write(catalog.join("lake/flights/part.parquet"), "x").unwrap();
    fs::write(catalog.join("domains/operations/departures/README.md"), "words").unwrap();
    fs::write(catalog.join("domains/operations/departures/.flights.odcs.yaml.swp"), "words").unwrap();
    let same = fs::read(catalog.join(CONTRACT)).unwrap();
    fs::write(catalog.join(CONTRACT), same).unwrap();
    assert!(changes.recv_timeout(NOTHING).is_err());
    fs::write(catalog.join("domains/operations/departures/new.odcs.yaml"), "id: x\n").unwrap();
    changes.recv_timeout(SOON).unwrap();
}

#[test]
fn folders_may_be_replaced() {
    let folder = Fixture::sound().write();
    let catalog = folder.path().join("catalog");
    let (_watch, changes) = watched(&catalog);
    for round in 0..2 {
        // The domains alone, as a checkout of another branch does.
        fs::rename(catalog.join("domains"), folder.path().join(format!("old-{round}"))).unwrap();
        Fixture::sound().with("domains/fleet/domain.yaml", format!("owner: round-{round}\n")).write_to(&catalog);
        changes.recv_timeout(SOON).unwrap();
        // What is in the new folder is watched too.
        fs::write(catalog.join("domains/fleet/domain.yaml"), format!("owner: later-{round}\n")).unwrap();
        changes.recv_timeout(SOON).unwrap();
        // The whole catalog, gone for a while.
        fs::rename(&catalog, folder.path().join(format!("whole-{round}"))).unwrap();
        changes.recv_timeout(SOON).unwrap();
        Fixture::sound().with("users.yaml", format!("users: {{round_{round}: {{}}}}\n")).write_to(&catalog);
        changes.recv_timeout(SOON).unwrap();
        while changes.recv_timeout(NOTHING).is_ok() {}
    }
}

#[test]
fn a_link_to_the_catalog_may_be_turned() {
    let folder = tempfile::TempDir::new().unwrap();
    Fixture::sound().write_to(&folder.path().join("one"));
    Fixture::sound().with(DOMAIN, "owner: other\n").write_to(&folder.path().join("two"));
    let current = folder.path().join("current");
    symlink("one", &current).unwrap();
    let (_watch, changes) = watched(&current);
    symlink("two", folder.path().join("next")).unwrap();
    fs::rename(folder.path().join("next"), &current).unwrap();
    changes.recv_timeout(SOON).unwrap();
    fs::write(folder.path().join("two").join(DOMAIN), "owner: third\n").unwrap();
    changes.recv_timeout(SOON).unwrap();
}

#[test]
fn dropping_the_watch_ends_it() {
    let folder = Fixture::sound().write();
    let catalog = folder.path().join("catalog");
    let (watch, changes) = watched(&catalog);
    drop(watch);
    fs::write(catalog.join(DOMAIN), "owner: other\n").unwrap();
    assert_eq!(
        changes.recv_timeout(SOON),
        Err(mpsc::RecvTimeoutError::Disconnected),
        "the callback is dropped with it"
    );
}

#[test]
fn a_folder_that_is_not_there_is_an_error() {
    let folder = tempfile::TempDir::new().unwrap();
    assert!(matches!(watch(&folder.path().join("none"), || {}), Err(WatchError::Missing { .. })));
}
