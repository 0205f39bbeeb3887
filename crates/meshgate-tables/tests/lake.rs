//! Tables written by Spark and by this crate's own writers, read through [`Lake`]: values, pruning, versions, errors.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "lake/support.rs"]
mod support;

#[path = "lake/delta.rs"]
mod delta;
#[path = "lake/errors.rs"]
mod errors;
#[path = "lake/folder.rs"]
mod folder;
#[path = "lake/iceberg.rs"]
mod iceberg;
#[path = "lake/pruning.rs"]
mod pruning;
#[path = "lake/s3.rs"]
mod s3;
