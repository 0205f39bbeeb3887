//! Which reader features of the Delta protocol are supported. What is not on the list is refused, by its name.

use delta_kernel::{KernelError, Snapshot};

use crate::fault::Fault;

/// Names as in the protocol, "Valid Feature Names in Table Features".
const SUPPORTED: [&str; 9] = [
    "columnMapping",
    "deletionVectors",
    "inCommitTimestamp",
    "clustering",
    "timestampNtz",
    "typeWidening",
    "typeWidening-preview",
    "v2Checkpoint",
    "vacuumProtocolCheck",
];

/// Refuses a table that needs a reader feature beyond [`SUPPORTED`].
pub(super) fn check(snapshot: &Snapshot) -> Result<(), Fault> {
    let protocol = snapshot.table_configuration().protocol();
    let features = protocol.reader_features().unwrap_or_default();
    let missing: Vec<String> =
        features.iter().map(ToString::to_string).filter(|feature| !SUPPORTED.contains(&feature.as_str())).collect();
    refuse(&missing)
}

/// What the kernel says of a table that it does not know how to read.
pub(super) fn unsupported(error: &KernelError) -> Option<Fault> {
    let KernelError::Unsupported(text) = error else { return None };
    let names: Vec<String> = text
        .split(['"', '\'', '`'])
        .skip(1)
        .step_by(2)
        .filter(|name| !SUPPORTED.contains(name))
        .map(str::to_owned)
        .collect();
    refuse(&names).err().or_else(|| Some(Fault::unsupported("a newer version of the Delta protocol")))
}

fn refuse(features: &[String]) -> Result<(), Fault> {
    match features {
        [] => Ok(()),
        [feature] => Err(Fault::unsupported(format!("the Delta reader feature `{feature}`"))),
        features => Err(Fault::unsupported(format!("the Delta reader features `{}`", features.join("`, `")))),
    }
}
