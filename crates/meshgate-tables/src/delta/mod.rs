//! Delta Lake tables: the kernel replays the log, the native scan reads the data.

mod features;
mod files;
mod log;
mod schema;
mod vectors;

pub(crate) use log::{KernelEngine, Tip, Wanted};
pub(crate) use vectors::Vectors;
