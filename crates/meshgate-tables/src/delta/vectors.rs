//! Deletion vectors of a Delta table, read when a scan first needs them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use delta_kernel::actions::deletion_vector::DeletionVectorDescriptor;
use futures::{FutureExt, StreamExt, TryFutureExt, TryStreamExt, stream};
use object_store::ObjectStoreExt;
use roaring::RoaringTreemap;

use super::log::{KernelEngine, kernel_fault};
use crate::{
    deletion_vector::{FRAME_BYTES, decode},
    fault::Fault,
    state::TableState,
    store::TableRoot,
};

/// So many vectors are fetched at a time.
const CONCURRENT_VECTORS: usize = 16;

/// The deletion vectors by file.
#[derive(Debug)]
pub(crate) struct Vectors {
    descriptors: HashMap<usize, DeletionVectorDescriptor>,
    read: Mutex<HashMap<usize, Arc<RoaringTreemap>>>,
}

impl Vectors {
    pub(super) fn new(descriptors: HashMap<usize, DeletionVectorDescriptor>) -> Self {
        Self { descriptors, read: Mutex::default() }
    }

    /// The deleted positions of those of `files` that have any.
    pub(crate) async fn positions(
        &self,
        state: &TableState,
        files: &[usize],
    ) -> Result<HashMap<usize, Arc<RoaringTreemap>>, Fault> {
        let mut found = HashMap::new();
        let mut missing = Vec::new();
        {
            let read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
            for index in files {
                match (read.get(index), self.descriptors.get(index)) {
                    (Some(positions), _) => {
                        found.insert(*index, Arc::clone(positions));
                    }
                    (None, Some(descriptor)) => missing.push((*index, descriptor)),
                    (None, None) => {}
                }
            }
        }
        let fetches = missing.into_iter().map(|(index, descriptor)| {
            fetch(&state.root, descriptor).map_ok(move |positions| (index, Arc::new(positions))).boxed()
        });
        let fetches: Vec<_> = fetches.collect();
        let fetched: Vec<(usize, Arc<RoaringTreemap>)> =
            stream::iter(fetches).buffer_unordered(CONCURRENT_VECTORS).try_collect().await?;
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        for (index, positions) in fetched {
            read.insert(index, Arc::clone(&positions));
            found.insert(index, positions);
        }
        Ok(found)
    }
}

async fn fetch(root: &TableRoot, descriptor: &DeletionVectorDescriptor) -> Result<RoaringTreemap, Fault> {
    let positions = match descriptor.absolute_path(&root.url).map_err(kernel_fault)? {
        Some(url) => {
            let path = root.resolve(url.as_str())?;
            let start = u64::try_from(descriptor.offset.unwrap_or(1)).unwrap_or(1);
            let length = u64::try_from(descriptor.size_in_bytes).unwrap_or(0) + FRAME_BYTES;
            let fetched = root.store.store.get_range(&path, start..start + length).await;
            decode(&fetched.map_err(|error| Fault::store("a deletion vector", error))?)?
        }
        None => inline(root, descriptor)?,
    };
    if i64::try_from(positions.len()).ok() == Some(descriptor.cardinality) {
        Ok(positions)
    } else {
        Err(Fault::corrupt("a deletion vector does not delete as many rows as its log says"))
    }
}

/// A vector that stands in the log itself; the kernel decodes its text without any I/O.
fn inline(root: &TableRoot, descriptor: &DeletionVectorDescriptor) -> Result<RoaringTreemap, Fault> {
    descriptor.read(KernelEngine::of(&root.store).storage_handler(), &root.url).map_err(kernel_fault)
}
