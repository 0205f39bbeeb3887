//! Has the binary built again when a catalog file is added or removed: `include_dir!` sees changes of known files alone.

fn main() {
    println!("cargo::rerun-if-changed=../../catalog");
}
