//! Laws of composition, over random policies.

use std::collections::{BTreeMap, HashMap, HashSet};

use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, EntityUid, PolicySet, Request, RestrictedExpression,
};
use meshgate_catalog::{AttributeValue, Column, TableName};
use proptest::prelude::*;

use crate::{
    ColumnAccess, ColumnGrant, Denial, Grant, Mask, Policies, Principal, RowAccess,
    entities::{EntityKind, Vocabulary, column_id},
    testing::{TestMesh, flights, principal, text},
};

const FLIGHTS: &str = "operations.departures.flights";

#[derive(Debug, Clone)]
struct RandomPolicy {
    id: usize,
    permit: bool,
    principal: &'static str,
    /// The action's scope, and the resource's, which must fit.
    action: &'static str,
    resource: &'static str,
    condition: &'static str,
    mask: Mask,
    row_filter: Option<&'static str>,
}

impl RandomPolicy {
    fn text(&self) -> String {
        let RandomPolicy { id, principal, action, resource, condition, .. } = self;
        let effect = if self.permit { "permit" } else { "forbid" };
        let mask = match self.permit && action.contains("select_masked") {
            true => format!("@mask(\"{}\") ", self.mask),
            false => String::new(),
        };
        let filter = match self.row_filter {
            Some(filter) if *action == ROWS => format!("@row_filter(\"{filter}\") "),
            _ => String::new(),
        };
        format!("@id(\"p{id}\") {mask}{filter}{effect} ({principal}, {action}, {resource}) {condition};\n")
    }
}

const ROWS: &str = r#"action == Action::"read_rows""#;

fn random_policy() -> impl Strategy<Value = RandomPolicy> {
    let principals = prop::sample::select(vec![
        "principal",
        "principal",
        "principal is User",
        r#"principal == User::"ann""#,
        r#"principal in Group::"g1""#,
        r#"principal is User in Group::"g2""#,
        r#"principal in Role::"r1""#,
    ]);
    let about_columns = (
        prop::sample::select(vec![
            r#"action == Action::"discover""#,
            r#"action == Action::"select""#,
            r#"action in [Action::"discover", Action::"select"]"#,
            r#"action == Action::"select_masked""#,
            r#"action in [Action::"discover", Action::"select_masked"]"#,
            "action",
        ]),
        prop::sample::select(vec![
            "resource",
            r#"resource in Domain::"operations""#,
            r#"resource in Product::"operations.departures""#,
            r#"resource in Table::"operations.departures.flights""#,
            r#"resource == Column::"operations.departures.flights.tailnum""#,
            r#"resource in Column::"operations.departures.flights.\"odd.name\"""#,
            "resource is Column",
            r#"resource in Domain::"fleet""#,
        ]),
    );
    let about_rows = (
        Just(ROWS),
        prop::sample::select(vec![
            "resource",
            r#"resource in Domain::"operations""#,
            r#"resource == Table::"operations.departures.flights""#,
            "resource is Table",
            r#"resource in Domain::"fleet""#,
        ]),
    );
    let conditions = prop::sample::select(vec![
        "",
        "",
        r#"when { resource.tags.contains("aircraft-identity") }"#,
        r#"unless { principal in Role::"r1" }"#,
        "when { principal has level && principal.level > 2 }",
        r#"when { context has purpose && context.purpose == "audit" }"#,
    ]);
    let column_conditions = prop::sample::select(vec![
        "",
        r#"when { resource.classification == "restricted" }"#,
        r#"unless { ["public", "internal"].contains(resource.classification) }"#,
        r#"when { resource == Column::"operations.departures.flights.origin" || resource.logical_type == "timestamp" }"#,
    ]);
    (
        any::<bool>(),
        principals,
        prop_oneof![
            4 => (about_columns, column_conditions, conditions.clone()).prop_map(|((action, resource), special, common)| {
                // `action` alone is about tables as well, which have no classification.
                let condition = if action == "action" || special.is_empty() { common } else { special };
                (action, resource, condition)
            }),
            1 => (about_rows, conditions).prop_map(|((action, resource), condition)| (action, resource, condition)),
        ],
        prop::sample::select(Mask::ALL.to_vec()),
        prop::option::of(prop::sample::select(vec!["tailnum = principal.station", "tailnum IS NULL"])),
    )
        .prop_map(|(permit, principal, (action, resource, condition), mask, row_filter)| {
            // A mask that never fits the column that the scope names does not load.
            let mask = if resource.contains("Column::") { Mask::Sha256Global } else { mask };
            RandomPolicy { id: 0, permit, principal, action, resource, condition, mask, row_filter }
        })
}

fn random_policies() -> impl Strategy<Value = Vec<RandomPolicy>> {
    prop::collection::vec(random_policy(), 0..10).prop_map(|mut policies| {
        for (position, policy) in policies.iter_mut().enumerate() {
            policy.id = position;
        }
        policies
    })
}

fn random_principal() -> impl Strategy<Value = Principal> {
    (
        prop::sample::select(vec!["ann", "bob"]),
        prop::sample::subsequence(vec!["g1", "g2"], 0..=2),
        prop::bool::ANY,
        prop::option::of(0i64..5),
        prop::option::of(prop::sample::select(vec!["JFK", "EWR"])),
        prop::option::of(prop::sample::select(vec!["audit", "fun"])),
    )
        .prop_map(|(user, groups, has_role, level, station, purpose)| {
            let mut caller = principal(user);
            for group in groups {
                caller = caller.in_group(group);
            }
            if has_role {
                caller = caller.with_role("r1");
            }
            if let Some(level) = level {
                caller = caller.with("level", AttributeValue::Integer(level));
            }
            if let Some(station) = station {
                caller = caller.with("station", text(station));
            }
            match purpose {
                Some(purpose) => caller.for_purpose(purpose),
                None => caller,
            }
        })
}

fn compile(policies: &[RandomPolicy]) -> Policies {
    let text: String = policies.iter().map(RandomPolicy::text).collect();
    match TestMesh::new().governance(&text).compile() {
        Ok((policies, _)) => policies,
        Err(report) => panic!("{text}\n{report}"),
    }
}

/// What Cedar decides of one column when it evaluates all policies.
fn by_cedar_alone(policies: &[RandomPolicy], caller: &Principal, column: &Column) -> (ColumnAccess, bool) {
    let text: String = policies.iter().map(RandomPolicy::text).collect();
    let set: PolicySet = text.parse().unwrap();
    let vocabulary = Vocabulary::new().unwrap();
    let uid = |kind, id: &str| vocabulary.entity(kind, id);
    let name = TableName::new("operations", "departures", "flights");
    let user = uid(EntityKind::User, &caller.user);
    let resource = uid(EntityKind::Column, &column_id(&name, &column.name));
    let parents: HashSet<EntityUid> = (caller.groups.iter().map(|group| uid(EntityKind::Group, group)))
        .chain(caller.roles.iter().map(|role| uid(EntityKind::Role, role)))
        .collect();
    let attributes = caller.attributes.iter().map(|(name, value)| {
        let value = match value {
            AttributeValue::Integer(value) => RestrictedExpression::new_long(*value),
            AttributeValue::String(value) => RestrictedExpression::new_string(value.clone()),
            other => panic!("{other:?}"),
        };
        (name.clone(), value)
    });
    let tags = column.tags.iter().cloned().map(RestrictedExpression::new_string);
    let column_attributes = HashMap::from([
        ("tags".to_owned(), RestrictedExpression::new_set(tags)),
        (
            "classification".to_owned(),
            RestrictedExpression::new_string(column.classification.clone().unwrap_or_default()),
        ),
        (
            "logical_type".to_owned(),
            RestrictedExpression::new_string(format!("{:?}", column.logical_type).to_lowercase()),
        ),
    ]);
    let table = uid(EntityKind::Table, FLIGHTS);
    let product = uid(EntityKind::Product, "operations.departures");
    let domain = uid(EntityKind::Domain, "operations");
    let entities = Entities::from_entities(
        [
            Entity::new(user.clone(), attributes.collect(), parents).unwrap(),
            Entity::new(resource.clone(), column_attributes, HashSet::from([table.clone()])).unwrap(),
            Entity::new_no_attrs(table, HashSet::from([product.clone()])),
            Entity::new_no_attrs(product, HashSet::from([domain])),
        ],
        None,
    )
    .unwrap();
    let context = Context::from_pairs(
        caller.purpose.iter().map(|purpose| ("purpose".to_owned(), RestrictedExpression::new_string(purpose.clone()))),
    )
    .unwrap();
    let ask = |action: &str| {
        let request =
            Request::new(user.clone(), uid(EntityKind::Action, action), resource.clone(), context.clone(), None);
        let response = Authorizer::new().is_authorized(&request.unwrap(), &set, &entities);
        assert_eq!(response.diagnostics().errors().count(), 0, "{text}");
        response
    };
    if ask("discover").decision() == Decision::Deny {
        return (ColumnAccess::Denied, false);
    }
    if column.classification.is_none() {
        return (ColumnAccess::Denied, true);
    }
    if ask("select").decision() == Decision::Allow {
        return (ColumnAccess::Raw, true);
    }
    let masked = ask("select_masked");
    let masks: Vec<Mask> = match masked.decision() {
        Decision::Deny => Vec::new(),
        Decision::Allow => {
            let annotations = masked.diagnostics().reason().map(|id| set.policy(id).unwrap().annotation("mask"));
            annotations.filter_map(|mask| Mask::from_name(mask?)).collect()
        }
    };
    let fits = masks.iter().all(|mask| mask.fits(column.logical_type));
    match Mask::strictest(&masks) {
        Some(mask) if fits => (ColumnAccess::Masked(mask), true),
        _ => (ColumnAccess::Denied, true),
    }
}

/// Whether `new` shows no more than `old` does.
fn is_no_wider(new: &ColumnGrant, old: &ColumnGrant) -> bool {
    let shows_no_more = match (new.access, old.access) {
        (ColumnAccess::Denied, _) | (_, ColumnAccess::Raw) => true,
        (ColumnAccess::Masked(new), ColumnAccess::Masked(old)) => new.is_at_least_as_strict_as(old),
        _ => false,
    };
    shows_no_more && (old.discoverable || !new.discoverable)
}

/// Which rows of a few show, filters evaluated: a row is a tail number.
fn visible_rows(rows: &RowAccess) -> Vec<Option<&'static str>> {
    let all = [None, Some("JFK"), Some("EWR"), Some("SFO")];
    let RowAccess::Filtered { any_of, none_of, attributes } = rows else {
        return if *rows == RowAccess::All { all.to_vec() } else { Vec::new() };
    };
    let holds = |sql: &str, row: Option<&str>| -> Option<bool> {
        match sql {
            "tailnum IS NULL" => Some(row.is_none()),
            "tailnum = principal.station" => {
                let AttributeValue::String(station) = &attributes["station"] else { panic!() };
                row.map(|row| row == station)
            }
            other => panic!("{other}"),
        }
    };
    all.into_iter()
        .filter(|row| any_of.is_empty() || any_of.iter().any(|filter| holds(&filter.sql, *row) == Some(true)))
        .filter(|row| none_of.iter().all(|filter| holds(&filter.sql, *row) == Some(false)))
        .collect()
}

fn flights_grant(policies: &[RandomPolicy], caller: &Principal) -> Grant {
    Grant::clone(&compile(policies).flights(caller))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    /// Slicing by scope, classes of columns and evaluating policies alone change nothing.
    #[test]
    fn decisions_are_cedars(policies in random_policies(), caller in random_principal()) {
        let grant = flights_grant(&policies, &caller);
        for (column, decided) in flights().columns.iter().zip(&grant.columns) {
            let expected = by_cedar_alone(&policies, &caller, column);
            prop_assert_eq!((decided.access, decided.discoverable), expected, "column {}", column.name);
            prop_assert_eq!(decided.access == ColumnAccess::Denied, decided.denial.is_some());
        }
    }

    #[test]
    fn a_forbid_never_widens(
        policies in random_policies(),
        added in random_policy(),
        caller in random_principal(),
    ) {
        let old = flights_grant(&policies, &caller);
        let mut more = policies.clone();
        more.push(RandomPolicy { id: 99, permit: false, ..added });
        let new = flights_grant(&more, &caller);
        for (new, old) in new.columns.iter().zip(&old.columns) {
            prop_assert!(is_no_wider(new, old), "{:?} {:?}", new, old);
        }
        let before = visible_rows(&old.rows);
        for row in visible_rows(&new.rows) {
            prop_assert!(before.contains(&row));
        }
    }

    /// A permit never narrows, with two exceptions that are meant: another mask can be stricter (or not fit, which
    /// denies), and the first policy about rows makes a table row-governed.
    #[test]
    fn a_permit_never_narrows_but_by_masks_and_row_governance(
        policies in random_policies(),
        added in random_policy(),
        caller in random_principal(),
    ) {
        let old = flights_grant(&policies, &caller);
        let mut more = policies.clone();
        let added = RandomPolicy { id: 99, permit: true, ..added };
        more.push(added.clone());
        let new = flights_grant(&more, &caller);
        let adds_mask = added.action.contains("select_masked");
        for (new, old) in new.columns.iter().zip(&old.columns) {
            let masked_more = adds_mask && match (old.access, new.access) {
                (ColumnAccess::Masked(_), ColumnAccess::Denied) => new.denial == Some(Denial::MaskUnfit),
                (ColumnAccess::Masked(old), ColumnAccess::Masked(new)) => {
                    new.is_at_least_as_strict_as(added.mask) && (new.is_at_least_as_strict_as(old) || old == Mask::Null)
                }
                _ => false,
            };
            prop_assert!(is_no_wider(old, new) || masked_more, "{:?} {:?}", old, new);
        }
        let was_governed = policies.iter().any(|policy| {
            (policy.action == ROWS || policy.action == "action")
                && !policy.resource.contains("Column") && !policy.resource.contains("fleet")
        });
        if was_governed {
            let after = visible_rows(&new.rows);
            for row in visible_rows(&old.rows) {
                prop_assert!(after.contains(&row), "{:?} {:?}", old.rows, new.rows);
            }
        }
    }

    #[test]
    fn the_order_of_policies_and_files_is_of_no_matter(
        policies in random_policies(),
        order in Just((0..10usize).collect::<Vec<_>>()).prop_shuffle(),
        split in 0..10usize,
        caller in random_principal(),
    ) {
        let in_file = |file: &[RandomPolicy]| file.iter().map(RandomPolicy::text).collect::<String>();
        let split = split.min(policies.len());
        let mut by_id: BTreeMap<usize, &RandomPolicy> = BTreeMap::new();
        for (position, policy) in policies.iter().enumerate() {
            by_id.insert(order[position], policy);
        }
        let first: HashSet<usize> = policies[..split].iter().map(|policy| policy.id).collect();
        let (shuffled_first, shuffled_second): (Vec<RandomPolicy>, Vec<RandomPolicy>) =
            by_id.values().map(|policy| (*policy).clone()).partition(|policy| first.contains(&policy.id));
        let straight = TestMesh::new().governance(&in_file(&policies[..split])).governance(&in_file(&policies[split..]));
        let shuffled = TestMesh::new().governance(&in_file(&shuffled_first)).governance(&in_file(&shuffled_second));
        let (straight, _) = straight.compile().unwrap();
        let (same, _) = shuffled.compile().unwrap();
        let (reversed, _) = shuffled.with_files_reversed().compile().unwrap();
        let expected = straight.flights(&caller);
        prop_assert_eq!(&same.flights(&caller), &expected);
        prop_assert_eq!(&reversed.flights(&caller), &expected);
        prop_assert_eq!(&straight.flights(&caller), &expected);
    }

    #[test]
    fn the_strictest_mask_is_at_least_as_strict_as_each(masks in prop::collection::vec(prop::sample::select(Mask::ALL.to_vec()), 1..6)) {
        let strictest = Mask::strictest(&masks).unwrap();
        for mask in &masks {
            prop_assert!(strictest.is_at_least_as_strict_as(*mask));
        }
        let mut reversed = masks.clone();
        reversed.reverse();
        prop_assert_eq!(Mask::strictest(&reversed), Some(strictest));
        prop_assert!(masks.contains(&strictest) || strictest == Mask::Null);
    }
}

#[test]
fn strictness_is_a_partial_order() {
    for one in Mask::ALL {
        assert!(one.is_at_least_as_strict_as(one));
        assert!(Mask::Null.is_at_least_as_strict_as(one));
        for other in Mask::ALL {
            assert!(one == other || !(one.is_at_least_as_strict_as(other) && other.is_at_least_as_strict_as(one)));
            for third in Mask::ALL {
                let chained = one.is_at_least_as_strict_as(other) && other.is_at_least_as_strict_as(third);
                assert!(!chained || one.is_at_least_as_strict_as(third), "{one} {other} {third}");
            }
        }
    }
    assert_eq!(Mask::strictest(&[]), None);
}
