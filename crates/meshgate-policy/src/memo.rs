//! Decisions that were made before, by the whole principal.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::{Arc, Mutex, PoisonError},
};

use crate::{Grant, Principal};

const SHARDS: usize = 16;

/// How many column decisions a shard keeps young: with the old generation some 130,000 over all shards, tens of
/// megabytes at most.
const YOUNG_COLUMNS: usize = 4096;

/// Remembers grants by principal (all of it) and table. Bounded: when the young generation is full it becomes the
/// old one, and what nobody asked for since is forgotten.
#[derive(Debug)]
pub(crate) struct Memo {
    hasher: RandomState,
    shards: [Mutex<Shard>; SHARDS],
}

type Generation = HashMap<Principal, HashMap<usize, Arc<Grant>>>;

#[derive(Debug, Default)]
struct Shard {
    young: Generation,
    old: Generation,
    /// In columns.
    weight: usize,
}

impl Memo {
    pub(crate) fn new() -> Self {
        Self { hasher: RandomState::new(), shards: std::array::from_fn(|_| Mutex::default()) }
    }

    pub(crate) fn get(&self, principal: &Principal, table: usize) -> Option<Arc<Grant>> {
        let mut shard = self.shard(principal);
        if let Some(grant) = shard.young.get(principal).and_then(|grants| grants.get(&table)) {
            return Some(Arc::clone(grant));
        }
        let grant = shard.old.get_mut(principal)?.remove(&table)?;
        shard.insert(principal, table, Arc::clone(&grant));
        Some(grant)
    }

    pub(crate) fn insert(&self, principal: &Principal, table: usize, grant: Arc<Grant>) {
        self.shard(principal).insert(principal, table, grant);
    }

    /// The size of what is remembered.
    #[cfg(test)]
    pub(crate) fn columns(&self) -> usize {
        let shards = self.shards.iter().map(|shard| shard.lock().unwrap_or_else(PoisonError::into_inner));
        shards
            .flat_map(|shard| {
                let grants = shard.young.values().chain(shard.old.values()).flat_map(HashMap::values);
                grants.map(|grant| grant.columns.len() + 1).collect::<Vec<_>>()
            })
            .sum()
    }

    fn shard(&self, principal: &Principal) -> std::sync::MutexGuard<'_, Shard> {
        let shard = self.hasher.hash_one(principal) as usize % SHARDS;
        self.shards[shard].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shard {
    fn insert(&mut self, principal: &Principal, table: usize, grant: Arc<Grant>) {
        if self.weight >= YOUNG_COLUMNS {
            self.old = std::mem::take(&mut self.young);
            self.weight = 0;
        }
        self.weight += grant.columns.len() + 1;
        match self.young.get_mut(principal) {
            Some(grants) => {
                grants.insert(table, grant);
            }
            None => {
                self.young.insert(principal.clone(), HashMap::from([(table, grant)]));
            }
        }
    }
}
