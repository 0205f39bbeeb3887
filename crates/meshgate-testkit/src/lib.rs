//! Small meshes for tests: a catalog folder and its data, written by real writers, and an engine over them.
//!
//! ```no_run
//! # use datafusion::arrow::array::{ArrayRef, Int64Array, StringArray};
//! # use std::sync::Arc;
//! # use meshgate_testkit::{MeshBuilder, TableBuilder, batch};
//! # async fn example() {
//! let items = batch([
//!     ("id", Arc::new(Int64Array::from(vec![1, 2])) as ArrayRef),
//!     ("email", Arc::new(StringArray::from(vec!["a@b.example", "c@d.example"])) as ArrayRef),
//! ]);
//! let mesh = MeshBuilder::new()
//!     .user("analyst", &["analysts"])
//!     .table(TableBuilder::new("sales.orders.items", vec![items]).classified("email", "restricted"))
//!     .domain_policy("sales", r#"permit (principal, action, resource in Domain::"sales");"#)
//!     .build()
//!     .await;
//! println!("{}", mesh.answer("analyst", "SELECT id FROM sales.orders.items").await);
//! # }
//! ```

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic)]

mod builder;
mod files;
mod mesh;

pub use builder::{MeshBuilder, TableBuilder, UserBuilder};
pub use files::{Format, batch};
pub use mesh::{MemorySink, TestMesh, Variant, shown};
