use std::{fs, path::Path, sync::Arc};

use futures::TryStreamExt;
use meshgate_query::TracingSink;

use super::{
    Progress, build,
    build::{Demo, MARKER},
    content, tour,
};
use crate::{config::Settings, embedded::Embedded, error::Result, gateway};

/// Builds, and says whether anything had to be written.
fn built(folder: &Path) -> Result<(Demo, bool)> {
    let runtime = gateway::runtime()?;
    let mut wrote = false;
    let demo = runtime.block_on(build(folder, |progress| wrote |= matches!(progress, Progress::Table { .. })))?;
    Ok((demo, wrote))
}

fn error(folder: &Path) -> String {
    built(folder).unwrap_err().to_string()
}

#[test]
fn a_demo_is_built_once_answers_every_sample_and_is_built_again_when_it_is_old() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("cache").join("demo");
    let (demo, wrote) = built(&folder).unwrap();
    assert!(wrote);
    assert!(!built(&folder).unwrap().1, "it is there already");

    let runtime = gateway::runtime().unwrap();
    runtime.block_on(every_sample_answers(&demo));
    let mut output = Vec::new();
    runtime.block_on(tour(&demo, &mut output)).unwrap();
    let output = String::from_utf8(output).unwrap();
    for (words, times) in [("N711MQ", 1), ("domain `operations` does not exist", 2), ("SecurityBarrierExec", 1)] {
        assert_eq!(output.matches(words).count(), times, "{words}\n{output}");
    }

    let key = fs::read_to_string(demo.folder.join("secrets/mask.key")).unwrap();
    let marker = demo.folder.join(MARKER);
    let text = fs::read_to_string(&marker).unwrap();
    fs::write(&marker, text.replace(&content::version(), "an older one")).unwrap();
    let policy = demo.catalog().join("governance/policies/classification.cedar");
    let written = fs::read_to_string(&policy).unwrap();
    fs::write(&policy, format!("{written}\n// mine\n")).unwrap();
    assert!(error(&folder).contains("its catalog was changed by hand"), "a person's work is not thrown away");
    assert!(fs::read_to_string(&policy).unwrap().ends_with("// mine\n"));

    fs::write(&policy, &written).unwrap();
    // A build that broke off, and one whose old mesh was not removed.
    for suffix in ["building", "old"] {
        let left = folder.with_file_name(format!(".demo.{suffix}"));
        fs::create_dir_all(left.join("lake")).unwrap();
        fs::copy(&marker, left.join(MARKER)).unwrap();
    }
    assert!(built(&folder).unwrap().1, "it was old");
    assert_eq!(fs::read_to_string(demo.folder.join("secrets/mask.key")).unwrap(), key, "hashes stay the same");
    let mut beside: Vec<_> =
        fs::read_dir(folder.parent().unwrap()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    beside.sort();
    assert_eq!(beside, [".demo.lock", "demo"]);

    // Iceberg's metadata names where it is: a mesh that was moved is built again.
    let moved = folder.with_file_name("elsewhere");
    fs::rename(&folder, &moved).unwrap();
    assert!(built(&moved).unwrap().1);
}

async fn every_sample_answers(demo: &Demo) {
    let (embedded, warnings) = Embedded::open(&Settings::of_catalog(demo.catalog()), Arc::new(TracingSink)).unwrap();
    assert_eq!(warnings.to_string(), "");
    let analyst = embedded.principal("analyst").unwrap();
    let mut samples = 0;
    for (path, _) in content::files_of_catalog().into_iter().filter(|(path, _)| path.ends_with(".sql")) {
        let sql = fs::read_to_string(demo.catalog().join(path)).unwrap();
        let (_, rows) = embedded.run(&analyst, &sql).await.unwrap_or_else(|error| panic!("{path}: {error}"));
        let batches: Vec<_> = rows.try_collect().await.unwrap_or_else(|error| panic!("{path}: {error}"));
        assert!(batches.iter().any(|batch| batch.num_rows() > 0), "{path}");
        samples += 1;
    }
    assert!(samples > 4);
}

#[test]
fn what_the_demo_did_not_make_is_left_alone() {
    let home = tempfile::tempdir().unwrap();
    let mine = home.path().join("mine");
    fs::create_dir(&mine).unwrap();
    fs::write(mine.join("thesis.txt"), "years").unwrap();
    assert!(error(&mine).contains("holds something else than a demo; choose a new folder with `--dir`"));
    assert_eq!(fs::read_dir(&mine).unwrap().count(), 1);
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);

    // Not even under the names that the demo uses for itself.
    let beside = home.path().join(".demo.building");
    fs::create_dir(&beside).unwrap();
    fs::write(beside.join("thesis.txt"), "years").unwrap();
    assert!(error(&home.path().join("demo")).contains(".demo.building` holds something else"));
    assert_eq!(fs::read_to_string(beside.join("thesis.txt")).unwrap(), "years");
}
