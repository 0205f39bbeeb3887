//! The attacks of the design that end in this crate, by their numbers there.

use meshgate_catalog::{AttributeValue, CatalogSnapshot, Severity};

use crate::{
    ColumnAccess::{Denied, Raw},
    Denial, Policies, Principal, RowAccess,
    testing::{TestMesh, flights, planes, principal, table, text},
};

const OPEN: &str = r#"
    @id("open") permit (principal, action in [Action::"discover", Action::"select"], resource in Domain::"operations");
"#;

/// 26
#[test]
fn a_domain_policy_cannot_speak_of_another_domain() {
    for scope in [
        r#"resource in Domain::"fleet""#,
        r#"resource in Product::"fleet.aircraft""#,
        r#"resource in Table::"fleet.aircraft.planes""#,
        r#"resource == Column::"fleet.aircraft.planes.tailnum""#,
        r#"resource is Column in Domain::"fleet""#,
        "resource",
        "resource is Column",
        // Not the domain, though it begins like it.
        r#"resource in Domain::"operations2""#,
        r#"resource in Product::"operations2.departures""#,
    ] {
        let like_it = table("operations2.departures.flights", flights().columns);
        let mesh = TestMesh::of(vec![flights(), planes(), like_it])
            .domain("operations", &format!("permit (principal, action, {scope});"));
        let Err(report) = mesh.compile() else { panic!("{scope} was accepted") };
        assert!(report.diagnostics.iter().any(|finding| finding.rule == "policy-domain"), "{report}");
        assert!(report.diagnostics.iter().all(|finding| finding.span.is_some()), "{report}");
    }
    // The same words are fine for whom they are about.
    TestMesh::new().domain("fleet", r#"permit (principal, action, resource in Domain::"fleet");"#).policies();
}

/// 27
#[test]
fn a_forbid_that_cannot_be_evaluated_denies() {
    let overflow = "principal has level && principal.level * 9223372036854775807 < 0";
    let caller = || principal("x").with("level", AttributeValue::Integer(3));
    for (action, rows_only) in [("select", false), ("discover", false), ("read_rows", true)] {
        let policies = TestMesh::new()
            .domain("operations", OPEN)
            .governance(r#"@id("rows") permit (principal, action == Action::"read_rows", resource);"#)
            .governance(&format!(
                r#"@id("bad") forbid (principal, action == Action::"{action}", resource) when {{ {overflow} }};"#
            ))
            .policies();
        let grant = policies.flights(&caller());
        let origin = grant.column("origin").unwrap();
        if rows_only {
            assert_eq!(grant.rows, RowAccess::Nothing);
            assert_eq!(grant.policies.iter().filter(|policy| policy.id == "bad").count(), 1);
        } else {
            assert_eq!((origin.access, origin.denial), (Denied, Some(Denial::PolicyError)), "{action}");
            assert_eq!(origin.policies.len(), 1);
            assert_eq!(origin.policies[0].id, "bad");
        }
        // Who has no level is not concerned.
        let grant = policies.flights(&principal("y"));
        assert_eq!(grant.column("origin").unwrap().access, Raw);
        assert_eq!(grant.rows, RowAccess::All);
    }
}

/// 27: a permit that fails denies as well, though another permit is satisfied.
#[test]
fn any_policy_that_cannot_be_evaluated_denies() {
    let policies = TestMesh::new()
        .domain("operations", OPEN)
        .governance(
            r#"permit (principal, action == Action::"select", resource == Column::"operations.departures.flights.origin")
               when { principal has level && principal.level + 9223372036854775807 > 0 };"#,
        )
        .policies();
    let grant = policies.flights(&principal("x").with("level", AttributeValue::Integer(1)));
    assert_eq!(grant.column("origin").unwrap().denial, Some(Denial::PolicyError));
    assert_eq!(grant.column("carrier").unwrap().access, Raw);
}

/// 27: a comparison with a value of another type is quietly false in Cedar, and a forbid would not apply.
#[test]
fn an_attribute_of_another_type_denies_everything() {
    let policies = TestMesh::new()
        .domain("operations", OPEN)
        .governance(
            r#"forbid (principal, action == Action::"select", resource) when { principal has level && principal.level > 2 };"#,
        )
        .policies();
    assert_eq!(policies.flights(&principal("x")).column("origin").unwrap().access, Raw);
    let forged = principal("x").with("level", text("3"));
    let grant = policies.flights(&forged);
    assert!(grant.columns.iter().all(|column| column.access == Denied && !column.discoverable));
    assert_eq!(grant.column("origin").unwrap().denial, Some(Denial::PolicyError));
    assert_eq!(grant.rows, RowAccess::Nothing);
    // An attribute that no policy can speak of is of no matter.
    assert_eq!(policies.flights(&principal("x").with("shoe_size", text("9"))).column("origin").unwrap().access, Raw);
}

/// 28: governance's tag stays when the contract's is gone.
#[test]
fn a_domain_cannot_remove_a_tag_of_governance() {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write(
        "mesh.yaml",
        "name: test\nclassifications: [public, restricted]\ntags: [aircraft-identity]\ngovernance:\n  - {address: operations.departures.flights.tailnum, tags: [aircraft-identity]}\n",
    );
    write(
        "domains/operations/domain.yaml",
        "name: operations\nowner: operations-owner\ndescription: Departures.\nsupport: [{channel: \"#ops\"}]\n",
    );
    write(
        "governance/policies/tags.cedar",
        r#"
        @id("open") permit (principal, action, resource);
        @id("no-identity") forbid (principal, action == Action::"select", resource) when { resource.tags.contains("aircraft-identity") };
        "#,
    );
    write(
        "domains/operations/departures/departures.odps.yaml",
        "apiVersion: v1.0.0\nkind: DataProduct\nid: urn:p\nversion: 1.0.0\nname: departures\nstatus: active\ndomain: operations\noutputPorts:\n  - {name: flights, version: 1.0.0, contractId: \"urn:c\"}\n",
    );
    let contract = |tags: &str, classification: &str| {
        format!(
            "apiVersion: v3.1.0\nkind: DataContract\nid: urn:c\nversion: 1.0.0\nstatus: active\ndomain: operations\ndataProduct: departures\nservers:\n  - {{server: lake, type: local, path: ./lake, format: delta}}\nschema:\n  - name: flights\n    properties:\n      - {{name: origin, logicalType: string, classification: public}}\n      - {{name: tailnum, logicalType: string, classification: {classification}{tags}}}\n"
        )
    };
    let grant = |contract: &str| {
        write("domains/operations/departures/flights.odcs.yaml", contract);
        let (snapshot, _) = CatalogSnapshot::load(folder.path()).unwrap_or_else(|report| panic!("{report}"));
        let (policies, _) = Policies::compile(snapshot.into()).unwrap_or_else(|report| panic!("{report}"));
        policies.flights(&principal("x"))
    };
    let before = grant(&contract(", tags: [aircraft-identity]", "restricted"));
    assert_eq!(before.column("tailnum").unwrap().denial, Some(Denial::Forbidden));
    assert_eq!(before.column("origin").unwrap().access, Raw);
    let after = grant(&contract("", "public"));
    assert_eq!(after.column("tailnum").unwrap().denial, Some(Denial::Forbidden));
    assert_eq!(after.column("origin").unwrap().access, Raw);
}

/// 29
#[test]
fn names_are_no_memberships() {
    let policies = TestMesh::new()
        .domain(
            "operations",
            r#"
            permit (principal in Group::"analysts", action, resource in Domain::"operations");
            permit (principal in Role::"reader", action, resource in Domain::"operations");
            permit (principal == User::"root", action, resource in Domain::"operations");
            permit (principal, action, resource in Domain::"operations") when { context has purpose && context.purpose == "audit" };
            "#,
        );
    let (policies, _) = policies.compile().unwrap();
    let sees = |caller: &Principal| policies.flights(caller).is_discoverable();
    assert!(sees(&principal("a").in_group("analysts")));
    assert!(sees(&principal("a").with_role("reader")));
    assert!(sees(&principal("root")));
    assert!(sees(&principal("a").for_purpose("audit")));
    for forged in [
        principal("analysts"),
        principal("reader"),
        principal("a").in_group("reader"),
        principal("a").with_role("analysts"),
        principal("a").in_group("root"),
        principal("a").in_group("Analysts"),
        principal("a").in_group("analysts "),
        principal("a").in_group("Group::\"analysts\""),
        principal("x\" in [Group::\"analysts\"]"),
        principal("a").in_group("\"analysts\""),
        principal("a").in_group("x\"), Group::\"analysts"),
        principal("a").in_group("analysts\0"),
        principal("User::\"root\""),
        principal("root\"").in_group(""),
        principal("a").with("purpose", text("audit")),
        principal("a").with("groups", AttributeValue::Strings(["analysts".to_owned()].into())),
        principal("a").for_purpose("audit\" || true || \"").in_group("\n"),
        principal("a").for_purpose(""),
    ] {
        assert!(!sees(&forged), "{forged:?}");
    }
}

/// 29: attribute values are values.
#[test]
fn attribute_values_are_not_interpreted() {
    let policies = TestMesh::new()
        .domain("operations", OPEN)
        .domain(
            "operations",
            r#"
            @row_filter("origin = principal.station")
            permit (principal, action == Action::"read_rows", resource in Domain::"operations") when { principal has station && principal.station != "blocked" };
            "#,
        )
        .policies();
    let hostile = "JFK' OR '1' = '1";
    let grant = policies.flights(&principal("x").with("station", text(hostile)));
    let RowAccess::Filtered { any_of, attributes, .. } = &grant.rows else { panic!("{:?}", grant.rows) };
    assert_eq!(any_of[0].sql, "origin = principal.station");
    assert_eq!(attributes.get("station"), Some(&text(hostile)));
    assert_eq!(policies.flights(&principal("x").with("station", text("blocked"))).rows, RowAccess::Nothing);
    let quoted = "\" == \"\" || \"";
    assert!(matches!(policies.flights(&principal("x").with("station", text(quoted))).rows, RowAccess::Filtered { .. }));
}

/// 19
#[test]
fn decisions_are_remembered_by_the_whole_principal() {
    let policies = TestMesh::new()
        .domain("operations", OPEN)
        .domain(
            "operations",
            r#"
            @row_filter("origin = principal.station")
            permit (principal, action == Action::"read_rows", resource in Domain::"operations");
            "#,
        )
        .governance(
            r#"
            forbid (principal, action == Action::"select", resource) when { resource.classification == "internal" && !(principal in Role::"insider") };
            forbid (principal, action == Action::"select", resource == Column::"operations.departures.flights.carrier") unless { principal in Group::"carriers" };
            forbid (principal, action == Action::"select", resource == Column::"operations.departures.flights.time_hour") unless { context has purpose && context.purpose == "audit" };
            forbid (principal, action == Action::"select", resource == Column::"operations.departures.flights.tailnum") when { principal == User::"other" };
            "#,
        )
        .policies();
    let base = || principal("x").with("station", text("JFK"));
    let variants = [
        base(),
        principal("x").with("station", text("EWR")),
        base().with_role("insider"),
        base().in_group("carriers"),
        base().for_purpose("audit"),
        principal("other").with("station", text("JFK")),
    ];
    // Twice, so that the second time answers are remembered ones.
    let grants: Vec<_> = variants.iter().map(|variant| policies.flights(variant)).collect();
    for (position, variant) in variants.iter().enumerate() {
        let again = policies.flights(variant);
        assert!(std::sync::Arc::ptr_eq(&again, &grants[position]), "{variant:?} was not remembered");
        for (other, grant) in grants.iter().enumerate() {
            assert_eq!(position == other, again == *grant, "{variant:?} and {:?}", variants[other]);
        }
    }
}

/// 19: the memory is bounded, and right when it forgets.
#[test]
fn many_principals_do_not_fill_the_memory() {
    let policies = TestMesh::new()
        .domain("operations", OPEN)
        .domain(
            "operations",
            r#"@row_filter("origin = principal.station") permit (principal, action == Action::"read_rows", resource in Domain::"operations");"#,
        )
        .policies();
    let first = principal("x").with("station", text("0"));
    let remembered = policies.flights(&first);
    for number in 0..20_000 {
        let station = number.to_string();
        let grant = policies.flights(&principal("x").with("station", text(&station)));
        let RowAccess::Filtered { attributes, .. } = &grant.rows else { panic!("{:?}", grant.rows) };
        assert_eq!(attributes.get("station"), Some(&text(&station)));
    }
    assert_eq!(policies.flights(&first), remembered);
    let heaviest = 100;
    let bound = 2 * 16 * (16_384 + heaviest);
    assert!(policies.memo.weight() <= bound, "{}", policies.memo.weight());
}

#[test]
fn findings_that_do_not_load_are_errors() {
    let Err(report) = TestMesh::new().governance("permit (principal, action, resource)").compile() else { panic!() };
    assert!(report.diagnostics.iter().all(|finding| finding.severity == Severity::Error));
}
