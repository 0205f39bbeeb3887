//! Queries end to end through the engine: what each user of a small mesh reads, is told, and leaves behind.

#![allow(clippy::unwrap_used, clippy::panic)]

mod query {
    mod attacks;
    mod explain;
    mod formats;
    mod life;
    mod mesh;
    mod metadata;
    mod parameters;
    mod slt;
    mod words;
}
