//! The demo: a real mesh of four domains over nycflights13, built from what the binary carries, with a tour.

mod build;
mod content;
mod lake;
mod tour;
mod welcome;

#[cfg(test)]
mod tests;

pub(crate) use build::{Demo, Progress, build};
pub(crate) use tour::tour;
pub(crate) use welcome::welcome;
