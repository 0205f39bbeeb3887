//! The scopes of a policy: of whom, of which actions and of which resources it speaks.
//!
//! Scopes decide which policies are evaluated at all; `decide` is tested to agree with Cedar evaluating every one.

use std::collections::HashSet;

use cedar_policy::{ActionConstraint, EntityUid, Policy, PrincipalConstraint, ResourceConstraint};

use crate::{
    Principal,
    entities::{Action, EntityKind, TablePath, Vocabulary},
};

/// Of whom.
#[derive(Debug, Clone)]
pub(crate) enum PrincipalScope {
    Anyone,
    /// `==`, or `in` when `inherited`.
    Entity {
        entity: EntityUid,
        inherited: bool,
    },
    /// A type that callers don't have.
    Nobody,
}

impl PrincipalScope {
    pub(crate) fn of(policy: &Policy) -> Self {
        let user = |type_name| EntityKind::of(&type_name) == Some(EntityKind::User);
        match policy.principal_constraint() {
            PrincipalConstraint::Any => PrincipalScope::Anyone,
            PrincipalConstraint::Eq(entity) => PrincipalScope::Entity { entity, inherited: false },
            PrincipalConstraint::In(entity) => PrincipalScope::Entity { entity, inherited: true },
            PrincipalConstraint::Is(type_name) if user(type_name.clone()) => PrincipalScope::Anyone,
            PrincipalConstraint::IsIn(type_name, entity) if user(type_name.clone()) => {
                PrincipalScope::Entity { entity, inherited: true }
            }
            PrincipalConstraint::Is(_) | PrincipalConstraint::IsIn(..) => PrincipalScope::Nobody,
        }
    }

    pub(crate) fn covers(&self, caller: &Caller) -> bool {
        match self {
            PrincipalScope::Anyone => true,
            PrincipalScope::Entity { entity, inherited } => {
                caller.user == *entity || (*inherited && caller.parents.contains(entity))
            }
            PrincipalScope::Nobody => false,
        }
    }
}

/// A principal as Cedar knows it.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) user: EntityUid,
    /// Groups and roles.
    pub(crate) parents: HashSet<EntityUid>,
}

impl Caller {
    pub(crate) fn new(vocabulary: &Vocabulary, principal: &Principal) -> Self {
        let groups = principal.groups.iter().map(|group| vocabulary.entity(EntityKind::Group, group));
        let roles = principal.roles.iter().map(|role| vocabulary.entity(EntityKind::Role, role));
        Self { user: vocabulary.entity(EntityKind::User, &principal.user), parents: groups.chain(roles).collect() }
    }
}

/// Of which resources.
#[derive(Debug, Clone)]
pub(crate) enum ResourceScope {
    Anything,
    /// `is`, for a type.
    Every(EntityKind),
    /// `==`, or `in` when `inherited`; with `is … in`, of that type alone.
    Entity {
        entity: EntityUid,
        inherited: bool,
        kind: Option<EntityKind>,
    },
    /// A type that the schema doesn't have.
    Nothing,
}

impl ResourceScope {
    pub(crate) fn of(policy: &Policy) -> Self {
        match policy.resource_constraint() {
            ResourceConstraint::Any => ResourceScope::Anything,
            ResourceConstraint::Eq(entity) => ResourceScope::Entity { entity, inherited: false, kind: None },
            ResourceConstraint::In(entity) => ResourceScope::Entity { entity, inherited: true, kind: None },
            ResourceConstraint::Is(type_name) => {
                EntityKind::of(&type_name).map_or(ResourceScope::Nothing, ResourceScope::Every)
            }
            ResourceConstraint::IsIn(type_name, entity) => match EntityKind::of(&type_name) {
                Some(kind) => ResourceScope::Entity { entity, inherited: true, kind: Some(kind) },
                None => ResourceScope::Nothing,
            },
        }
    }

    /// The entity that it names.
    pub(crate) fn entity(&self) -> Option<&EntityUid> {
        match self {
            ResourceScope::Entity { entity, .. } => Some(entity),
            _ => None,
        }
    }

    /// Whether a request about that table, `read_rows`, is in scope.
    pub(crate) fn covers_table(&self, path: &TablePath) -> bool {
        match self {
            ResourceScope::Anything | ResourceScope::Every(EntityKind::Table) => true,
            ResourceScope::Entity { entity, inherited, kind: None | Some(EntityKind::Table) } => {
                if *inherited {
                    path.contains(entity)
                } else {
                    path.table == *entity
                }
            }
            _ => false,
        }
    }

    /// Whether requests about all columns of that table are in scope.
    pub(crate) fn covers_columns(&self, path: &TablePath) -> bool {
        match self {
            ResourceScope::Anything | ResourceScope::Every(EntityKind::Column) => true,
            ResourceScope::Entity { entity, inherited: true, kind: None | Some(EntityKind::Column) } => {
                path.contains(entity)
            }
            _ => false,
        }
    }

    /// The one column that is in scope, if it is one.
    pub(crate) fn column(&self) -> Option<&EntityUid> {
        match self {
            ResourceScope::Entity { entity, kind: None | Some(EntityKind::Column), .. }
                if EntityKind::of(entity.type_name()) == Some(EntityKind::Column) =>
            {
                Some(entity)
            }
            _ => None,
        }
    }
}

/// Of which actions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ActionScope {
    contains: [bool; 4],
    /// `action` alone, which means all of them.
    pub(crate) unconstrained: bool,
}

impl ActionScope {
    pub(crate) fn of(policy: &Policy) -> Self {
        let named = match policy.action_constraint() {
            ActionConstraint::Any => return Self { contains: [true; 4], unconstrained: true },
            ActionConstraint::Eq(action) => vec![action],
            ActionConstraint::In(actions) => actions,
        };
        let mut contains = [false; 4];
        for entity in named {
            if EntityKind::of(entity.type_name()) == Some(EntityKind::Action)
                && let Some(action) = Action::from_name(entity.id().unescaped())
            {
                contains[action as usize] = true;
            }
        }
        Self { contains, unconstrained: false }
    }

    pub(crate) fn contains(self, action: Action) -> bool {
        self.contains[action as usize]
    }

    /// Whether it is that action and no other.
    pub(crate) fn is_only(self, action: Action) -> bool {
        Action::ALL.into_iter().all(|other| self.contains(other) == (other == action))
    }
}
