//! The catalog as its users meet it: folders of files, and what the crate says to them.

mod bytes;
mod fixture;
mod loading;
mod locations;
mod mistakes;
mod scale;
mod users;
mod watching;
