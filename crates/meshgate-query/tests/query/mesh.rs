//! The mesh that the tests share.

use std::sync::Arc;

use datafusion::arrow::{
    array::{ArrayRef, Date32Array, Float64Array, Int64Array, StringArray, StructArray},
    datatypes::{DataType, Field},
    record_batch::RecordBatch,
};
use meshgate_testkit::{MeshBuilder, TableBuilder, TestMesh, UserBuilder, batch};

/// Who may see what: the owner all; the analyst no `email` in clear (masked), no `card` at all, and not that there is a
/// `note`; the desk only what its region sold; the guest of the shop's products alone; the stranger nothing.
const SALES: &str = r#"
@id("owners-read") permit (principal in Group::"owners", action, resource in Domain::"sales");
@id("staff-discover") permit (principal in Group::"staff", action == Action::"discover", resource in Domain::"sales")
  unless { resource.tags.contains("hidden") };
@id("staff-select") permit (principal in Group::"staff", action == Action::"select", resource in Domain::"sales")
  unless { resource.tags.contains("hidden") };
@id("emails-hashed") @mask("sha-256-global")
permit (principal in Group::"staff", action == Action::"select_masked", resource in Product::"sales.orders")
  when { resource.tags.contains("email") };
@id("owners-all-rows") permit (principal in Group::"owners", action == Action::"read_rows", resource == Table::"sales.orders.items");
@id("analysts-all-rows") permit (principal in Group::"analysts", action == Action::"read_rows", resource == Table::"sales.orders.items");
@id("east-by-pattern") @row_filter("region LIKE 'e%' AND amount IS DISTINCT FROM 99")
permit (principal in Group::"likers", action == Action::"read_rows", resource == Table::"sales.orders.items");
@id("desk-own-region") @row_filter("region = principal.region")
permit (principal in Group::"desk", action == Action::"read_rows", resource == Table::"sales.orders.items");
"#;

const SHOP: &str = r#"
@id("all-read-products")
permit (principal in Group::"guests", action in [Action::"discover", Action::"select"], resource in Product::"shop.stock");
@id("staff-read-products")
permit (principal in Group::"staff", action in [Action::"discover", Action::"select"], resource in Product::"shop.stock");
@id("owners-read-shop")
permit (principal in Group::"owners", action in [Action::"discover", Action::"select"], resource in Domain::"shop");
"#;

const GOVERNANCE: &str = r#"
@id("no-restricted-in-clear")
forbid (principal, action == Action::"select", resource) when { resource.classification == "restricted" }
unless { principal in Role::"restricted_reader" };
"#;

/// Meshes that agree on everything that someone may see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum World {
    /// The one that the answers in tests are of.
    One,
    /// With other cards, notes and addresses: the same to all staff.
    OtherColumns,
    /// With other rows, more of them and in more files, in regions that don't begin with `e`: the same to the desks.
    OtherRows,
}

/// Sales in two files, with something to hide in each.
pub(crate) fn items(world: World) -> Vec<RecordBatch> {
    let hidden = |one: &'static str, other: &'static str| match world {
        World::OtherColumns => other,
        World::One | World::OtherRows => one,
    };
    let address = |cities: Vec<&'static str>, streets: Vec<&'static str>| -> ArrayRef {
        Arc::new(StructArray::from(vec![
            (Arc::new(Field::new("city", DataType::Utf8, true)), Arc::new(StringArray::from(cities)) as ArrayRef),
            (Arc::new(Field::new("street", DataType::Utf8, true)), Arc::new(StringArray::from(streets)) as ArrayRef),
        ]))
    };
    let rows = |ids: Vec<i64>, regions: Vec<&'static str>, amounts: Vec<Option<f64>>, cards: Vec<&'static str>| {
        let emails: Vec<String> = ids.iter().map(|id| format!("u{}@example.org", id % 3)).collect();
        let days: Vec<i32> = ids.iter().map(|id| 19_000 + i32::try_from(*id).unwrap()).collect();
        let home = address(vec!["Oslo"; ids.len()], cards.clone());
        batch([
            ("id", Arc::new(Int64Array::from(ids)) as ArrayRef),
            ("region", Arc::new(StringArray::from(regions))),
            ("amount", Arc::new(Float64Array::from(amounts))),
            ("sold_on", Arc::new(Date32Array::from(days))),
            ("email", Arc::new(StringArray::from(emails))),
            ("card", Arc::new(StringArray::from(cards.clone()))),
            ("note", Arc::new(StringArray::from(cards))),
            ("home", home),
        ])
    };
    if world == World::OtherRows {
        return vec![
            rows(vec![1, 3], vec!["east", "east"], vec![Some(10.0), None], vec!["4111", "4333"]),
            rows(
                vec![500, 5, 0, 700],
                vec!["17", "east", "", "north"],
                vec![Some(1e300), Some(0.5), None, Some(-4.0)],
                vec!["8", "", "9", "x"],
            ),
            rows(vec![901, 902], vec!["12", "zzz"], vec![None, Some(f64::NAN)], vec!["1", "2"]),
        ];
    }
    vec![
        rows(
            vec![1, 2, 3],
            vec!["east", "west", "east"],
            vec![Some(10.0), Some(20.0), None],
            vec![hidden("4111", "x9"), hidden("n/a", "4222"), hidden("4333", "0")],
        ),
        rows(
            vec![4, 5, 6],
            vec!["west", "east", "west"],
            vec![Some(40.0), Some(0.5), Some(7.0)],
            vec![hidden("4444", "-"), hidden("", "4555"), hidden("4666", "zz")],
        ),
    ]
}

/// The mesh of [`World::One`].
pub(crate) async fn mesh() -> TestMesh {
    mesh_of(World::One).await
}

/// The mesh of that world.
pub(crate) async fn mesh_of(world: World) -> TestMesh {
    let stock = batch([
        ("sku", Arc::new(StringArray::from(vec!["a", "b", "c"])) as ArrayRef),
        ("price", Arc::new(Int64Array::from(vec![Some(5), None, Some(7)]))),
    ]);
    let secret = batch([("sku", Arc::new(StringArray::from(vec!["a"])) as ArrayRef)]);
    MeshBuilder::new()
        .with_user(UserBuilder::new("owner", &["owners"]).role("restricted_reader"))
        .with_user(UserBuilder::new("analyst", &["staff", "analysts"]))
        .with_user(UserBuilder::new("desk", &["staff", "desk"]).attribute("region", "east"))
        .user("liker", &["staff", "likers"])
        .user("guest", &["guests"])
        .user("stranger", &[])
        .table(
            TableBuilder::new("sales.orders.items", items(world))
                .classified("email", "restricted")
                .tagged("email", "email")
                .classified("card", "restricted")
                .classified("note", "restricted")
                .tagged("note", "hidden")
                .classified("home", "restricted")
                .primary_key(&["id"]),
        )
        .table(TableBuilder::new("shop.stock.products", vec![stock.clone()]).primary_key(&["sku"]))
        .table(TableBuilder::new("shop.secret.plans", vec![secret]))
        .table(TableBuilder::new("shop.stock.products", vec![stock.project(&[0]).unwrap()]).major(2))
        .domain_policy("sales", SALES)
        .domain_policy("shop", SHOP)
        .governance_policy(GOVERNANCE)
        .build()
        .await
}
