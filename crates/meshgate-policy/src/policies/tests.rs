mod attacks;
mod findings;
mod laws;
mod semantics;
mod speed;
