//! The design's rules, one by one.

use crate::{
    ColumnAccess::{Denied, Masked, Raw},
    Denial, Grant, Mask, RowAccess,
    testing::{TestMesh, column, flights, planes, principal, table, text},
};
use meshgate_catalog::LogicalType;

const OPEN: &str = r#"
    @id("open")
    permit (principal, action in [Action::"discover", Action::"select"], resource in Domain::"operations");
"#;

fn ids(policies: &[crate::PolicyReference]) -> Vec<&str> {
    policies.iter().map(|policy| policy.id.as_str()).collect()
}

/// `name access (policies)`, a line a column.
fn columns(grant: &Grant) -> String {
    let mut lines = String::new();
    for column in &grant.columns {
        let access = match (column.access, column.denial) {
            (Raw, _) => "raw".to_owned(),
            (Masked(mask), _) => format!("{mask}"),
            (Denied, Some(denial)) => format!("denied: {denial}"),
            (Denied, None) => "denied".to_owned(),
        };
        let known = if column.discoverable { "" } else { ", hidden" };
        lines += &format!("{} {access}{known} {:?}\n", column.name, ids(&column.policies));
    }
    lines
}

#[test]
fn the_designs_example() {
    let policies = TestMesh::new()
        .governance(
            r#"
            @id("no-restricted-in-clear")
            forbid (principal, action == Action::"select", resource)
            when { resource.classification == "restricted" } unless { principal in Role::"restricted_reader" };
            "#,
        )
        .domain(
            "operations",
            r#"
            @id("analysts-read-departures")
            permit (principal in Group::"analysts", action in [Action::"discover", Action::"select"], resource in Product::"operations.departures");

            @id("analysts-see-tail-hash") @mask("sha-256-global")
            permit (principal in Group::"analysts", action == Action::"select_masked", resource == Column::"operations.departures.flights.tailnum");

            @id("analysts-all-rows")
            permit (principal in Group::"analysts", action == Action::"read_rows", resource in Product::"operations.departures");

            @id("jfk-desk") @row_filter("origin = principal.station")
            permit (principal in Group::"station_desk", action == Action::"read_rows", resource == Table::"operations.departures.flights");
            "#,
        )
        .policies();
    let analyst = principal("analyst").in_group("analysts");
    let grant = policies.flights(&analyst);
    insta::assert_snapshot!(columns(&grant), @r#"
        origin raw ["analysts-read-departures"]
        carrier raw ["analysts-read-departures"]
        tailnum sha-256-global ["analysts-read-departures", "analysts-see-tail-hash", "no-restricted-in-clear"]
        dep_delay raw ["analysts-read-departures"]
        time_hour raw ["analysts-read-departures"]
        cancelled raw ["analysts-read-departures"]
        crew denied: forbidden ["no-restricted-in-clear"]
        stops raw ["analysts-read-departures"]
        Gate raw ["analysts-read-departures"]
        odd.name raw ["analysts-read-departures"]
        fresh denied: unclassified []
        "#);
    assert_eq!(grant.rows, RowAccess::All);
    assert_eq!(
        ids(&grant.policies),
        ["no-restricted-in-clear", "analysts-all-rows", "analysts-read-departures", "analysts-see-tail-hash"]
            .into_iter()
            .collect::<std::collections::BTreeSet<_>>()
            .into_iter()
            .collect::<Vec<_>>()
    );

    let reader = analyst.with_role("restricted_reader");
    let grant = policies.flights(&reader);
    assert_eq!(grant.column("tailnum").unwrap().access, Raw);
    assert_eq!(grant.column("crew").unwrap().access, Raw);

    let desk = principal("desk").in_group("station_desk").with("station", text("JFK"));
    let grant = policies.flights(&desk);
    assert!(!grant.is_discoverable());
    let RowAccess::Filtered { any_of, none_of, attributes } = &grant.rows else { panic!("{:?}", grant.rows) };
    assert_eq!(any_of.len(), 1);
    assert_eq!(any_of[0].sql, "origin = principal.station");
    assert_eq!(any_of[0].policy.id, "jfk-desk");
    assert_eq!(any_of[0].policy.file.to_str(), Some("domains/operations/policies/access.cedar"));
    assert!(none_of.is_empty());
    assert_eq!(attributes.get("station"), Some(&text("JFK")));

    let nobody = policies.flights(&principal("newcomer"));
    assert!(nobody.columns.iter().all(|column| column.access == Denied && column.policies.is_empty()));
    assert_eq!(nobody.rows, RowAccess::Nothing);
}

#[test]
fn default_deny_names_no_policy() {
    let policies = TestMesh::new().policies();
    let grant = policies.flights(&principal("anyone"));
    assert_eq!(grant.columns.len(), flights().columns.len());
    for column in &grant.columns {
        assert_eq!((column.access, column.denial, column.discoverable), (Denied, Some(Denial::NotPermitted), false));
        assert!(column.policies.is_empty());
    }
    assert!(grant.policies.is_empty());
    assert!(!grant.is_free());
}

#[test]
fn an_unfiltered_open_table_is_free() {
    let policies =
        TestMesh::new().domain("fleet", r#"permit (principal, action, resource in Domain::"fleet");"#).policies();
    assert!(policies.grant(&principal("anyone"), "fleet.aircraft.planes").is_free());
}

#[test]
fn select_without_discover_grants_nothing() {
    let policies = TestMesh::new()
        .domain(
            "operations",
            r#"
            @id("raw") permit (principal, action == Action::"select", resource in Domain::"operations");
            @id("hashed") @mask("replace-with-null")
            permit (principal, action == Action::"select_masked", resource in Domain::"operations");
            @id("found") permit (principal, action == Action::"discover", resource == Column::"operations.departures.flights.origin");
            "#,
        )
        .policies();
    let grant = policies.flights(&principal("anyone"));
    assert_eq!(grant.column("origin").unwrap().access, Raw);
    assert_eq!(ids(&grant.column("origin").unwrap().policies), ["found", "raw"]);
    let carrier = grant.column("carrier").unwrap();
    assert_eq!((carrier.access, carrier.discoverable), (Denied, false));
}

#[test]
fn a_forbid_on_discover_hides_and_a_forbid_on_select_names_itself() {
    let policies = TestMesh::new()
        .domain("operations", OPEN)
        .governance(
            r#"
            @id("hide") forbid (principal, action == Action::"discover", resource == Column::"operations.departures.flights.carrier");
            @id("no-tags") forbid (principal, action == Action::"select", resource) when { resource.tags.contains("aircraft-identity") };
            "#,
        )
        .policies();
    let grant = policies.flights(&principal("anyone"));
    let carrier = grant.column("carrier").unwrap();
    assert_eq!((carrier.access, carrier.denial, carrier.discoverable), (Denied, Some(Denial::Forbidden), false));
    assert_eq!(ids(&carrier.policies), ["hide"]);
    let tailnum = grant.column("tailnum").unwrap();
    assert_eq!((tailnum.access, tailnum.denial, tailnum.discoverable), (Denied, Some(Denial::Forbidden), true));
    assert_eq!(ids(&tailnum.policies), ["no-tags"]);
    assert_eq!(grant.column("origin").unwrap().access, Raw);
}

#[test]
fn a_forbid_on_select_masked_denies_the_masked_column() {
    let mesh = TestMesh::new().domain(
        "operations",
        r#"
        permit (principal, action == Action::"discover", resource in Domain::"operations");
        @mask("replace-with-null") permit (principal, action == Action::"select_masked", resource in Domain::"operations");
        "#,
    );
    assert_eq!(mesh.policies().flights(&principal("x")).column("origin").unwrap().access, Masked(Mask::Null));
    let policies =
        mesh.governance(r#"@id("none") forbid (principal, action == Action::"select_masked", resource);"#).policies();
    let grant = policies.flights(&principal("x"));
    let origin = grant.column("origin").unwrap();
    assert_eq!((origin.access, origin.denial), (Denied, Some(Denial::Forbidden)));
    assert_eq!(ids(&origin.policies), ["none"]);
}

#[test]
fn the_strictest_mask_wins_and_incomparable_ones_become_null() {
    let masked = |masks: &[&str], column: &str| {
        let mut text =
            r#"permit (principal, action == Action::"discover", resource in Domain::"operations");"#.to_owned();
        for mask in masks {
            text += &format!(
                r#"@mask("{mask}") permit (principal, action == Action::"select_masked", resource in Domain::"operations");"#
            );
        }
        let policies = TestMesh::new().domain("operations", &text).policies();
        let grant = policies.flights(&principal("x"));
        let column = grant.column(column).unwrap();
        (column.access, column.denial)
    };
    assert_eq!(masked(&["sha-256-global"], "origin"), (Masked(Mask::Sha256Global), None));
    assert_eq!(masked(&["sha-256-global", "sha-256-query-local"], "origin"), (Masked(Mask::Sha256QueryLocal), None));
    assert_eq!(masked(&["show-last-4", "mask-alphanum", "show-first-4"], "origin"), (Masked(Mask::Alphanumeric), None));
    assert_eq!(masked(&["show-last-4", "show-first-4"], "origin"), (Masked(Mask::Null), None));
    assert_eq!(masked(&["sha-256-global", "mask-alphanum"], "origin"), (Masked(Mask::Null), None));
    assert_eq!(masked(&["truncate-to-month", "truncate-to-year"], "time_hour"), (Masked(Mask::TruncateToYear), None));
    // What fits texts does not fit a timestamp, alone or beside a mask that does.
    assert_eq!(masked(&["sha-256-global"], "time_hour"), (Denied, Some(Denial::MaskUnfit)));
    assert_eq!(masked(&["sha-256-global", "truncate-to-year"], "time_hour"), (Denied, Some(Denial::MaskUnfit)));
    assert_eq!(masked(&["mask-to-fixed-value"], "crew"), (Denied, Some(Denial::MaskUnfit)));
    assert_eq!(masked(&["replace-with-null"], "crew"), (Masked(Mask::Null), None));
}

#[test]
fn raw_beats_masked() {
    let policies = TestMesh::new()
        .domain("operations", OPEN)
        .domain(
            "operations",
            r#"@mask("replace-with-null") permit (principal, action == Action::"select_masked", resource in Domain::"operations");"#,
        )
        .policies();
    assert_eq!(policies.flights(&principal("x")).column("origin").unwrap().access, Raw);
}

#[test]
fn a_permit_of_all_actions_masks_nothing() {
    let policies = TestMesh::new()
        .domain("operations", r#"permit (principal, action, resource in Domain::"operations");"#)
        .governance(r#"@id("no") forbid (principal, action == Action::"select", resource == Column::"operations.departures.flights.origin");"#)
        .policies();
    let grant = policies.flights(&principal("x"));
    assert_eq!(grant.column("origin").unwrap().access, Denied);
    assert_eq!(ids(&grant.column("origin").unwrap().policies), ["no"]);
    assert_eq!(grant.column("carrier").unwrap().access, Raw);
    assert_eq!(grant.rows, RowAccess::All);
}

#[test]
fn an_unclassified_column_is_denied_where_there_are_levels() {
    let mesh = TestMesh::new().domain("operations", OPEN);
    let grant = mesh.policies().flights(&principal("x"));
    let fresh = grant.column("fresh").unwrap();
    assert_eq!((fresh.access, fresh.denial, fresh.discoverable), (Denied, Some(Denial::Unclassified), true));
    let grant = mesh.levels(&[]).policies().flights(&principal("x"));
    assert_eq!(grant.column("fresh").unwrap().access, Raw);
}

#[test]
fn a_table_without_row_policies_shows_all_rows() {
    let policies = TestMesh::new().domain("operations", OPEN).policies();
    assert_eq!(policies.flights(&principal("x")).rows, RowAccess::All);
}

#[test]
fn a_table_is_row_governed_by_scope_alone() {
    for scope in [
        r#"resource == Table::"operations.departures.flights""#,
        r#"resource in Table::"operations.departures.flights""#,
        r#"resource in Product::"operations.departures""#,
        r#"resource in Domain::"operations""#,
        r#"resource is Table in Domain::"operations""#,
        "resource is Table",
        "resource",
    ] {
        for effect in ["permit", "forbid"] {
            // Neither the principal nor the condition fits the caller.
            let policies = TestMesh::new()
                .governance(OPEN)
                .governance(&format!(
                    r#"{effect} (principal == User::"somebody_else", action == Action::"read_rows", {scope}) when {{ principal has level && principal.level > 100 }};"#
                ))
                .policies();
            assert_eq!(policies.flights(&principal("x")).rows, RowAccess::Nothing, "{effect} {scope}");
        }
    }
    // Another table, and a policy about columns, govern nothing here.
    let policies = TestMesh::new()
        .governance(OPEN)
        .governance(r#"permit (principal, action == Action::"read_rows", resource in Domain::"fleet");"#)
        .policies();
    assert_eq!(policies.flights(&principal("x")).rows, RowAccess::All);
}

/// Filters of a grant, sorted: `any_of | none_of`.
fn rows(text: &str, caller: &crate::Principal) -> String {
    let policies = TestMesh::new().domain("operations", text).policies();
    match &policies.flights(caller).rows {
        RowAccess::All => "all".into(),
        RowAccess::Nothing => "nothing".into(),
        RowAccess::Filtered { any_of, none_of, attributes } => {
            let texts = |filters: &[crate::FilterSource]| {
                filters.iter().map(|filter| filter.sql.clone()).collect::<Vec<_>>().join(" or ")
            };
            let names: Vec<_> = attributes.keys().map(String::as_str).collect();
            format!("{} | {} | {}", texts(any_of), texts(none_of), names.join(","))
        }
    }
}

#[test]
fn rows_are_any_permits_and_no_forbids() {
    let caller =
        principal("x").with("station", text("JFK")).with("level", meshgate_catalog::AttributeValue::Integer(1));
    let permit = |id: &str, filter: &str| {
        format!(
            r#"@id("{id}") {filter} permit (principal, action == Action::"read_rows", resource in Domain::"operations");"#
        )
    };
    let forbid = |id: &str, filter: &str| {
        format!(
            r#"@id("{id}") {filter} forbid (principal, action == Action::"read_rows", resource in Domain::"operations");"#
        )
    };
    let station = r#"@row_filter("origin = principal.station")"#;
    let carrier = r#"@row_filter("carrier = 'AA'")"#;
    let late = r#"@row_filter("dep_delay > principal.level")"#;
    assert_eq!(rows(&permit("a", ""), &caller), "all");
    assert_eq!(rows(&forbid("a", ""), &caller), "nothing");
    assert_eq!(
        rows(&(permit("a", station) + &permit("b", carrier)), &caller),
        "origin = principal.station or carrier = 'AA' |  | station"
    );
    // One permit of all rows makes the others' filters moot, but no forbid's.
    assert_eq!(rows(&(permit("a", station) + &permit("b", "")), &caller), "all");
    assert_eq!(
        rows(&(permit("a", "") + &permit("b", station) + &forbid("c", late)), &caller),
        " | dep_delay > principal.level | level"
    );
    // A satisfied forbid hides neither the permits' filters nor the other forbids'.
    assert_eq!(
        rows(&(permit("a", station) + &forbid("b", carrier) + &forbid("c", late)), &caller),
        "origin = principal.station | carrier = 'AA' or dep_delay > principal.level | level,station"
    );
    assert_eq!(rows(&(permit("a", "") + &forbid("b", "")), &caller), "nothing");
    assert_eq!(rows(&forbid("b", carrier), &caller), "nothing");
}

#[test]
fn an_absent_attribute_shows_no_row() {
    let caller = principal("x");
    let station = r#"@row_filter("origin = principal.station")"#;
    let permit = format!(
        r#"@id("p") {station} permit (principal, action == Action::"read_rows", resource in Domain::"operations");"#
    );
    let open = r#"@id("q") permit (principal, action == Action::"read_rows", resource in Domain::"operations");"#;
    let forbid = format!(
        r#"@id("f") {station} forbid (principal, action == Action::"read_rows", resource in Domain::"operations");"#
    );
    let carrier = r#"@id("c") @row_filter("carrier = 'AA'") permit (principal, action == Action::"read_rows", resource in Domain::"operations");"#;
    assert_eq!(rows(&permit, &caller), "nothing");
    assert_eq!(rows(&format!("{permit}{carrier}"), &caller), "carrier = 'AA' |  | ");
    assert_eq!(rows(&format!("{open}{forbid}"), &caller), "nothing");
}

#[test]
fn conditions_read_attributes_purpose_and_tags() {
    let policies = TestMesh::new()
        .domain(
            "operations",
            r#"
            permit (principal, action in [Action::"discover", Action::"select"], resource in Domain::"operations")
            when { principal has regions && principal.regions.contains("east") && context has purpose && context.purpose == "planning" }
            unless { resource.tags.contains("personal") || resource.logical_type == "timestamp" };
            "#,
        )
        .policies();
    let east = || principal("x").with("regions", meshgate_catalog::AttributeValue::Strings(["east".to_owned()].into()));
    let access = |caller: &crate::Principal, column: &str| policies.flights(caller).column(column).unwrap().access;
    assert_eq!(access(&east().for_purpose("planning"), "origin"), Raw);
    assert_eq!(access(&east().for_purpose("planning"), "crew"), Denied);
    assert_eq!(access(&east().for_purpose("planning"), "time_hour"), Denied);
    assert_eq!(access(&east().for_purpose("fun"), "origin"), Denied);
    assert_eq!(access(&east(), "origin"), Denied);
    assert_eq!(access(&principal("x").for_purpose("planning"), "origin"), Denied);
}

#[test]
fn columns_are_told_apart_by_name_even_in_conditions() {
    let policies = TestMesh::new()
        .domain("operations", OPEN)
        .domain(
            "operations",
            r#"
            @id("odd") forbid (principal, action == Action::"select", resource in Domain::"operations")
            when { resource == Column::"operations.departures.flights.\"odd.name\"" };
            "#,
        )
        .policies();
    let grant = policies.flights(&principal("x"));
    assert_eq!(grant.column("odd.name").unwrap().access, Denied);
    assert_eq!(grant.column("Gate").unwrap().access, Raw);
    assert_eq!(grant.column("dep_delay").unwrap().access, Raw);
}

#[test]
fn two_majors_of_one_product_are_decided_each_by_its_own_columns() {
    let v2 = table("operations.departures.flights", vec![column("origin", LogicalType::String, Some("public"), &[])]);
    let v1 = table("operations.departures.flights", vec![column("old", LogicalType::String, Some("restricted"), &[])]);
    let policies = TestMesh::of(vec![v2, v1, planes()])
        .domain("operations", OPEN)
        .governance(r#"forbid (principal, action == Action::"select", resource) when { resource.classification == "restricted" };"#)
        .policies();
    let newest = policies.grant(&principal("x"), "operations.departures.flights");
    let pinned = policies.grant(&principal("x"), "operations.departures_v1.flights");
    assert_eq!((newest.columns[0].name.as_str(), newest.columns[0].access), ("origin", Raw));
    assert_eq!((pinned.columns[0].name.as_str(), pinned.columns[0].access), ("old", Denied));
}

#[test]
fn a_table_that_is_not_the_snapshots_own_is_decided_by_what_it_says() {
    let policies = TestMesh::new()
        .domain("operations", OPEN)
        .governance(r#"forbid (principal, action == Action::"select", resource) when { resource.classification == "restricted" };"#)
        .policies();
    let mut changed = flights();
    assert_eq!(policies.decide(&principal("x"), &changed).column("origin").unwrap().access, Raw);
    changed.columns[0].classification = Some("restricted".into());
    assert_eq!(policies.decide(&principal("x"), &changed).column("origin").unwrap().access, Denied);
}

#[test]
fn users_may_come_from_elsewhere() {
    let mesh = TestMesh::new().domain(
        "operations",
        r#"permit (principal, action in [Action::"discover", Action::"select"], resource in Domain::"operations") when { principal has clearance && principal.clearance > 3 };"#,
    );
    assert!(mesh.compile().is_err());
    let user = meshgate_catalog::User {
        name: "a".into(),
        password_hash: None,
        groups: Default::default(),
        roles: Default::default(),
        attributes: [("clearance".to_owned(), meshgate_catalog::AttributeValue::Integer(4))].into(),
    };
    let caller = crate::Principal::from(&user);
    let users = [user].into_iter().collect();
    let (policies, _) = crate::Policies::compile_for(mesh.snapshot(), Some(&users)).unwrap();
    assert_eq!(policies.flights(&caller).column("origin").unwrap().access, Raw);
    assert_eq!(policies.flights(&principal("b")).column("origin").unwrap().access, Denied);
}

#[test]
fn policies_are_shared_by_threads() {
    fn is_shared<T: Send + Sync + 'static>() {}
    is_shared::<crate::Policies>();
}
