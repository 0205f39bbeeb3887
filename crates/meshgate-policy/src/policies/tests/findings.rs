//! What lint prints.

use crate::testing::{TestMesh, principal, text};

fn governance(text: &str) -> String {
    TestMesh::new().governance(text).findings()
}

fn operations(text: &str) -> String {
    TestMesh::new().domain("operations", text).findings()
}

#[test]
fn syntax() {
    insta::assert_snapshot!(governance("permit (principal, action, resource)\nwhen { resource.classification = \"public\" };"), @"error[policy-syntax] governance/policies/global.cedar:2:8: '=' is not a valid operator in Cedar; try using '==' instead");
    insta::assert_snapshot!(governance("// nothing but this\n\nallow (principal, action, resource);"), @"error[policy-syntax] governance/policies/global.cedar:3:1: invalid policy effect: allow; effect must be either `permit` or `forbid`");
    insta::assert_snapshot!(governance("permit (principal, action, resource);\n\npermit (principal, action, resource"), @"error[policy-syntax] governance/policies/global.cedar:3:36: unexpected end of input");
    insta::assert_snapshot!(governance(""), @"");
}

#[test]
fn unknown_words_of_the_model() {
    insta::assert_snapshot!(governance("permit (\n  principal in Grup::\"analysts\",\n  action,\n  resource\n);"), @"error[policy-schema] governance/policies/global.cedar:2:16: policy `policy0`: unrecognized entity type `Grup`; did you mean `Group`?");
    insta::assert_snapshot!(governance("permit (principal, action == Action::\"selct\", resource);"), @r#"error[policy-schema] governance/policies/global.cedar:1:30: policy `policy0`: unrecognized action `Action::"selct"`; did you mean `Action::"select"`?"#);
    insta::assert_snapshot!(governance("@id(\"typo\")\nforbid (principal, action == Action::\"select\", resource)\nwhen { resource.clasification == \"restricted\" };"), @"error[policy-schema] governance/policies/global.cedar:3:8: policy `typo`: attribute `clasification` on entity type `Column` not found; did you mean `classification`?");
    insta::assert_snapshot!(governance("@id(\"desk\")\npermit (principal, action, resource)\nwhen { principal has statoin && principal.statoin == \"JFK\" };"), @"error[policy-unknown-attribute] governance/policies/global.cedar:1:1: policy `desk`: `principal` never has the attribute `statoin`; did you mean `station`?");
    insta::assert_snapshot!(governance("@id(\"desk\")\npermit (principal, action, resource)\nwhen { principal.station == \"JFK\" };"), @"error[policy-schema] governance/policies/global.cedar:3:8: policy `desk`: unable to guarantee safety of access to optional attribute `station` on entity type `User`; not everyone has it: write `principal has station && principal.station …`");
    insta::assert_snapshot!(governance("@id(\"desk\")\npermit (principal, action, resource)\nwhen { principal has station && principal.station == 3 };"), @"error[policy-schema] governance/policies/global.cedar:3:33: policy `desk`: the types Long and String are not compatible; both operands to a `==` expression must have compatible types. Types must be exactly equal to be compatible");
    insta::assert_snapshot!(governance("@id(\"why\")\npermit (principal, action, resource)\nwhen { context.purpos == \"audit\" };"), @r#"error[policy-schema] governance/policies/global.cedar:3:8: policy `why`: attribute `purpos` in context for Action::"discover" not found; did you mean `purpose`?"#);
}

#[test]
fn unknown_entities() {
    insta::assert_snapshot!(governance("@id(\"t\")\npermit (principal, action, resource in Table::\"operations.departures.flight\");"), @r#"error[policy-unknown-entity] governance/policies/global.cedar:2:40: policy `t`: there is no `Table::"operations.departures.flight"`; did you mean `Table::"operations.departures.flights"`?"#);
    insta::assert_snapshot!(governance("@id(\"c\")\nforbid (principal, action == Action::\"select\", resource)\nwhen { resource == Column::\"operations.departures.flights.tail_num\" };"), @r#"error[policy-unknown-entity] governance/policies/global.cedar:3:20: policy `c`: there is no `Column::"operations.departures.flights.tail_num"`; did you mean `Column::"operations.departures.flights.tailnum"`?"#);
    insta::assert_snapshot!(governance("@id(\"d\")\npermit (principal, action, resource in Domain::\"zebra\");"), @r#"error[policy-unknown-entity] governance/policies/global.cedar:2:40: policy `d`: there is no `Domain::"zebra"`; a domain is written `Domain::"operations"`"#);
    insta::assert_snapshot!(governance("@id(\"g\")\npermit (principal in Group::\"analyst\", action, resource);"), @r#"warning[policy-unknown-principal] governance/policies/global.cedar:2:22: policy `g`: no known user is or has `Group::"analyst"`; did you mean `Group::"analysts"`?"#);
    insta::assert_snapshot!(governance("@id(\"r\")\npermit (principal in Role::\"restricted_readers\", action, resource);"), @r#"warning[policy-unknown-principal] governance/policies/global.cedar:2:22: policy `r`: no known user is or has `Role::"restricted_readers"`; did you mean `Role::"restricted_reader"`?"#);
}

#[test]
fn levels_and_tags() {
    insta::assert_snapshot!(governance("@id(\"level\")\nforbid (principal, action == Action::\"select\", resource)\nwhen { [\"restrcted\", \"confidential\"].contains(resource.classification) };"), @"error[policy-unknown-classification] governance/policies/global.cedar:1:1: policy `level`: there is no level of classification `restrcted`; did you mean `restricted`?");
    insta::assert_snapshot!(governance("@id(\"tag\")\nforbid (principal, action == Action::\"select\", resource)\nwhen { resource.tags.contains(\"aircraft-identy\") };"), @"warning[policy-unknown-tag] governance/policies/global.cedar:1:1: policy `tag`: nothing has the tag `aircraft-identy`; did you mean `aircraft-identity`?");
}

#[test]
fn ids_and_annotations() {
    insta::assert_snapshot!(governance("@id(\"one\")\npermit (principal, action, resource);\n@id(\"one\")\nforbid (principal, action, resource);"), @"error[policy-duplicate-id] governance/policies/global.cedar:3:1: two policies of this file have the id `one`; give each policy an id of its own");
    insta::assert_snapshot!(
        TestMesh::new()
            .domain("operations", "@id(\"one\") permit (principal, action, resource in Domain::\"operations\");")
            .domain("operations", "\n@id(\"one\") permit (principal, action, resource in Domain::\"operations\");")
            .domain("fleet", "@id(\"one\") permit (principal, action, resource in Domain::\"fleet\");")
            .findings(),
        @"error[policy-duplicate-id] domains/operations/policies/access1.cedar:2:1: the id `one` is taken by a policy of `domains/operations/policies/access.cedar`; give each policy an id of its own"
    );
    insta::assert_snapshot!(operations("@id(\"\")\npermit (principal, action, resource in Domain::\"operations\");"), @"error[policy-id] domains/operations/policies/access.cedar:1:1: `@id` is empty; give the policy a name, for instance `analysts-read`");
    insta::assert_snapshot!(operations("@id(\"rows\") @rowfilter(\"origin = 'JFK'\")\npermit (principal, action == Action::\"read_rows\", resource in Domain::\"operations\");"), @"error[policy-annotation] domains/operations/policies/access.cedar:1:13: policy `rows`: unknown annotation `@rowfilter`; did you mean `@row_filter`?");
}

#[test]
fn masks() {
    let masked = |annotation: &str, scope: &str| {
        operations(&format!(
            "@id(\"m\") {annotation}\npermit (principal, action == Action::\"select_masked\", {scope});"
        ))
    };
    let domain = "resource in Domain::\"operations\"";
    insta::assert_snapshot!(masked("@mask(\"sha-256-globl\")", domain), @"error[policy-mask] domains/operations/policies/access.cedar:1:10: policy `m`: unknown mask `sha-256-globl`; did you mean `sha-256-global`?");
    insta::assert_snapshot!(masked("@mask(\"rot13\")", domain), @"error[policy-mask] domains/operations/policies/access.cedar:1:10: policy `m`: unknown mask `rot13`; the masks are mask-alphanum, mask-to-fixed-value, replace-with-null, show-first-4, show-last-4, truncate-to-year, truncate-to-month, sha-256-global, sha-256-query-local");
    insta::assert_snapshot!(masked("", domain), @r#"error[policy-mask] domains/operations/policies/access.cedar:1:1: policy `m` permits `select_masked` without saying how; add `@mask("sha-256-global")` or another mask"#);
    insta::assert_snapshot!(masked("@mask(\"truncate-to-year\")", "resource == Column::\"operations.departures.flights.tailnum\""), @"error[policy-mask-type] domains/operations/policies/access.cedar:1:10: policy `m`: `truncate-to-year` does not fit `operations.departures.flights.tailnum`, whose type is `string`; what fits is mask-alphanum, mask-to-fixed-value, replace-with-null, show-first-4, show-last-4, sha-256-global, sha-256-query-local");
    insta::assert_snapshot!(masked("@mask(\"truncate-to-year\")", "resource in Table::\"operations.departures.flights\""), @"");
    insta::assert_snapshot!(operations("@id(\"m\") @mask(\"replace-with-null\")\npermit (principal, action == Action::\"select\", resource in Domain::\"operations\");"), @r#"error[policy-mask] domains/operations/policies/access.cedar:1:10: policy `m` has a mask, but does not permit `select_masked`; write `action == Action::"select_masked"`"#);
    insta::assert_snapshot!(operations("@id(\"m\") @mask(\"replace-with-null\")\nforbid (principal, action == Action::\"select_masked\", resource in Domain::\"operations\");"), @"error[policy-mask] domains/operations/policies/access.cedar:1:10: policy `m` forbids, and so masks nothing; `@mask` stands on a permit of `select_masked`");
    insta::assert_snapshot!(
        TestMesh::new()
            .domain("fleet", "@id(\"m\") @mask(\"truncate-to-year\")\npermit (principal, action == Action::\"select_masked\", resource in Table::\"fleet.aircraft.planes\");")
            .findings(),
        @"error[policy-mask-type] domains/fleet/policies/access.cedar:1:10: policy `m`: `truncate-to-year` fits no column of `fleet.aircraft.planes`; take another mask"
    );
}

#[test]
fn row_filters() {
    let filtered = |filter: &str| {
        operations(&format!(
            "@id(\"rows\")\n@row_filter(\"{filter}\")\npermit (principal, action == Action::\"read_rows\", resource in Domain::\"operations\");"
        ))
    };
    insta::assert_snapshot!(filtered("orgin = 'JFK'"), @"error[policy-row-filter] domains/operations/policies/access.cedar:2:1: policy `rows`: the row filter speaks of the unknown column `orgin` (table `operations.departures.flights`); did you mean `origin`?");
    insta::assert_snapshot!(filtered("origin = principal.staton"), @"error[policy-row-filter] domains/operations/policies/access.cedar:2:1: policy `rows`: the row filter speaks of `principal.staton`, an attribute that no user has; did you mean `principal.station`?");
    insta::assert_snapshot!(filtered("cast(tailnum as int) > 0"), @"error[policy-row-filter] domains/operations/policies/access.cedar:2:1: policy `rows`: `CAST(tailnum AS INT)` can fail on a row, and its error would tell what the row holds; use `try_cast(… AS …)`, which is NULL instead");
    insta::assert_snapshot!(filtered("dep_delay / 0 > 1"), @"error[policy-row-filter] domains/operations/policies/access.cedar:2:1: policy `rows`: `dep_delay / 0` can fail on a row (overflow, division by zero), and so tell what it holds; compare columns with literals and attributes, without arithmetic");
    insta::assert_snapshot!(filtered("origin ="), @"error[policy-row-filter] domains/operations/policies/access.cedar:2:1: policy `rows`: the row filter does not parse: sql parser error: Expected: an expression, found: EOF; write one SQL condition, for instance `origin = principal.station`");
    insta::assert_snapshot!(filtered("dep_delay = principal.station"), @"error[policy-row-filter] domains/operations/policies/access.cedar:2:1: policy `rows`: `dep_delay` is a number and `principal.station` is text: comparing them takes a cast, which can fail on a row (table `operations.departures.flights`); compare values of one type, or use `try_cast(… AS …)`");
    insta::assert_snapshot!(operations("@id(\"rows\") @row_filter(\"origin = 'JFK'\")\npermit (principal, action in [Action::\"select\", Action::\"read_rows\"], resource in Domain::\"operations\");"), @r#"error[policy-row-filter] domains/operations/policies/access.cedar:1:13: policy `rows` has a row filter, but is not about `read_rows` alone; write `action == Action::"read_rows"`, and a policy of its own for the columns"#);
    insta::assert_snapshot!(governance("@id(\"rows\") @row_filter(\"origin = 'JFK'\")\npermit (principal, action == Action::\"read_rows\", resource);"), @"error[policy-row-filter] governance/policies/global.cedar:1:13: policy `rows`: the row filter speaks of the unknown column `origin` (table `fleet.aircraft.planes`); name a column of the contract, or narrow the policy's scope");
}

#[test]
fn domains() {
    insta::assert_snapshot!(operations("@id(\"grab\")\npermit (\n  principal,\n  action,\n  resource in Domain::\"fleet\"\n);"), @r#"error[policy-domain] domains/operations/policies/access.cedar:5:15: policy `grab` of domain `operations` speaks of `Domain::"fleet"`, which is not the domain's; a domain's policies speak of `Domain::"operations"` and what is in it; move the policy to the folder of the owner or of governance"#);
    insta::assert_snapshot!(operations("@id(\"all\")\npermit (principal, action, resource);"), @r#"error[policy-domain] domains/operations/policies/access.cedar:1:1: policy `all` of domain `operations` does not say of which resource it speaks; write `resource in Domain::"operations"` or narrower; policies for all domains stand in `governance/policies`"#);
    insta::assert_snapshot!(operations("@id(\"is\")\npermit (principal, action == Action::\"select\", resource is Column);"), @r#"error[policy-domain] domains/operations/policies/access.cedar:1:1: policy `is` of domain `operations` does not say of which resource it speaks; write `resource in Domain::"operations"` or narrower; policies for all domains stand in `governance/policies`"#);
}

#[test]
fn templates_and_what_can_never_apply() {
    insta::assert_snapshot!(governance("@id(\"t\")\npermit (principal == ?principal, action, resource);"), @"error[policy-template] governance/policies/global.cedar:1:1: policy `t` is a template; name a principal and a resource instead of `?principal` and `?resource`");
    insta::assert_snapshot!(governance("@id(\"never\")\nforbid (principal, action == Action::\"select\", resource == Table::\"operations.departures.flights\");"), @"error[policy-never-applies] governance/policies/global.cedar:1:1: policy `never` can never apply; write `resource in …`: `==` is that one entity, not what is in it");
    insta::assert_snapshot!(governance("@id(\"never\")\nforbid (principal, action == Action::\"read_rows\", resource == Column::\"operations.departures.flights.origin\");"), @"error[policy-never-applies] governance/policies/global.cedar:1:1: policy `never` can never apply; `read_rows` is about tables, the other actions are about columns");
    insta::assert_snapshot!(governance("@id(\"off\")\npermit (principal, action, resource) when { false };"), @"warning[policy-never-applies] governance/policies/global.cedar:1:1: policy `off` can never apply; look at its scope and conditions: no request satisfies them all");
}

#[test]
fn attributes_of_two_types() {
    let mut mesh = TestMesh::new();
    mesh.user(principal("other").with("level", text("high")));
    insta::assert_snapshot!(mesh.findings(), @"error[user-attribute-type] users.yaml: attribute `level` is a whole number for user `desk` and text for user `other`; give `level` one type for all users");
}

#[test]
fn all_files_are_read_and_findings_sorted() {
    let findings = TestMesh::new()
        .governance("permit (principal, action, resource in Domain::\"operation\");\n\npermit (principal, action == Action::\"read\", resource);")
        .domain("operations", "permit (principal, action, resource);")
        .domain("fleet", "permit (principal, action, resource in Domain::\"operations\");")
        .findings();
    insta::assert_snapshot!(findings, @r#"
        error[policy-domain] domains/fleet/policies/access.cedar:1:40: policy `policy0` of domain `fleet` speaks of `Domain::"operations"`, which is not the domain's; a domain's policies speak of `Domain::"fleet"` and what is in it; move the policy to the folder of the owner or of governance
        error[policy-domain] domains/operations/policies/access.cedar:1:1: policy `policy0` of domain `operations` does not say of which resource it speaks; write `resource in Domain::"operations"` or narrower; policies for all domains stand in `governance/policies`
        error[policy-unknown-entity] governance/policies/global.cedar:1:40: policy `policy0`: there is no `Domain::"operation"`; did you mean `Domain::"operations"`?
        error[policy-schema] governance/policies/global.cedar:3:30: policy `policy1`: unrecognized action `Action::"read"`; did you mean `Action::"read_rows"`?
        "#);
}

#[test]
fn characters_count_in_columns_and_bytes_in_offsets() {
    let text = "// ä ö ü\n/* é */ permit (principal, action, resource in Domain::\"operation\");"
        .replace("/* é */ ", "@description(\"é\") ");
    let Err(report) = TestMesh::new().governance(&text).compile() else { panic!("accepted") };
    let span = report.diagnostics[0].span.unwrap();
    assert_eq!(&text[span.offset..span.offset + span.length], "Domain::\"operation\"");
    assert_eq!(span.line, 2);
    assert_eq!(span.column, text.lines().nth(1).unwrap().split("Domain").next().unwrap().chars().count() + 1);
}
