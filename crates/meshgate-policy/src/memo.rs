//! Decisions that were made before, by the whole principal.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{Grant, Principal};

const SHARDS: usize = 16;

/// How much a shard keeps young, in columns and named policies. Both generations of all shards then hold half a
/// million of them, of a hundred bytes and more each.
const YOUNG_WEIGHT: usize = 16_384;

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
    /// Of the young generation.
    weight: usize,
}

impl Memo {
    pub(crate) fn new() -> Self {
        Self { hasher: RandomState::new(), shards: std::array::from_fn(|_| Mutex::default()) }
    }

    pub(crate) fn get(&self, principal: &Principal, table: usize) -> Option<Arc<Grant>> {
        let mut shard = self.shard(principal, table);
        if let Some(grant) = shard.young.get(principal).and_then(|grants| grants.get(&table)) {
            return Some(Arc::clone(grant));
        }
        let grant = shard.old.get_mut(principal)?.remove(&table)?;
        shard.insert(principal, table, Arc::clone(&grant));
        Some(grant)
    }

    pub(crate) fn insert(&self, principal: &Principal, table: usize, grant: Arc<Grant>) {
        self.shard(principal, table).insert(principal, table, grant);
    }

    /// The size of what is remembered.
    #[cfg(test)]
    pub(crate) fn weight(&self) -> usize {
        let shards = self.shards.iter().map(|shard| shard.lock().unwrap_or_else(PoisonError::into_inner));
        shards
            .flat_map(|shard| {
                let grants = shard.young.values().chain(shard.old.values()).flat_map(HashMap::values);
                grants.map(|grant| weight(grant)).collect::<Vec<_>>()
            })
            .sum()
    }

    fn shard(&self, principal: &Principal, table: usize) -> MutexGuard<'_, Shard> {
        let shard = self.hasher.hash_one((principal, table)) as usize % SHARDS;
        self.shards[shard].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn weight(grant: &Grant) -> usize {
    // Columns share their policies; how many lists of them there are is not worth counting.
    1 + grant.columns.len() + 4 * grant.policies.len()
}

impl Shard {
    fn insert(&mut self, principal: &Principal, table: usize, grant: Arc<Grant>) {
        if self.weight >= YOUNG_WEIGHT {
            self.old = std::mem::take(&mut self.young);
            self.weight = 0;
        }
        self.weight += weight(&grant);
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
