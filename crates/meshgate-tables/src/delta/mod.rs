//! Delta Lake tables.

use std::{collections::HashMap, sync::Arc};

use roaring::RoaringTreemap;

use crate::{fault::Fault, state::TableState, store::TableRoot};

#[derive(Debug)]
pub(crate) struct Vectors {}

impl Vectors {
    pub(crate) async fn positions(
        &self,
        _: &TableState,
        _: &[usize],
    ) -> Result<HashMap<usize, Arc<RoaringTreemap>>, Fault> {
        Ok(HashMap::new())
    }
}

pub(crate) struct Tip {}
pub(crate) struct Wanted {}

impl Tip {
    pub(crate) async fn look(_: TableRoot, _: Option<&Self>) -> Result<Self, Fault> {
        Err(Fault::unsupported("Delta"))
    }
    pub(crate) fn newest(&self) -> Wanted {
        Wanted {}
    }
    pub(crate) async fn at(&self, _: u64) -> Result<Wanted, Fault> {
        Err(Fault::unsupported("Delta"))
    }
}

impl Wanted {
    pub(crate) fn content(&self) -> String {
        String::new()
    }
    pub(crate) async fn load(&self) -> Result<TableState, Fault> {
        Err(Fault::unsupported("Delta"))
    }
}
