//! `@id`, `@mask` and `@row_filter`.

use cedar_policy::EntityUid;
use meshgate_catalog::nearest;

use super::{
    Compilation, Draft,
    source::{Finding, Source},
};
use crate::{
    Mask, RowFilter, RowFilterError,
    entities::{Action, EntityKind, logical_type_name},
    scope::ResourceScope,
};

/// The annotations that mean something, and `@description`, which says something.
const ANNOTATIONS: [&str; 4] = ["id", "mask", "row_filter", "description"];

impl Compilation<'_> {
    /// A mistyped `@row_filter` would leave a permit for all rows: no annotation is passed over.
    pub(super) fn check_annotation_names(&self, source: &mut Source<'_>, draft: &Draft<'_>) {
        for (name, _) in draft.policy.annotations() {
            if !ANNOTATIONS.contains(&name) {
                let near = nearest(name, ANNOTATIONS).map(|near| format!("did you mean `@{near}`?"));
                let finding =
                    Finding::error("policy-annotation", format!("policy `{}`: unknown annotation `@{name}`", draft.id))
                        .hint(
                            near.unwrap_or_else(|| "known are `@id`, `@mask`, `@row_filter` and `@description`".into()),
                        );
                source.add(finding, draft.annotation_place(name));
            }
        }
    }

    pub(super) fn mask(&self, source: &mut Source<'_>, draft: &Draft<'_>) -> Option<Mask> {
        let place = draft.annotation_place("mask");
        let Some(name) = draft.policy.annotation("mask") else {
            // All actions at once are meant to show raw values; they mask nothing.
            if draft.is_permit() && !draft.actions.unconstrained && draft.actions.contains(Action::SelectMasked) {
                let message = format!("policy `{}` permits `select_masked` without saying how", draft.id);
                let finding =
                    Finding::error("policy-mask", message).hint("add `@mask(\"sha-256-global\")` or another mask");
                source.add(finding, draft.place());
            }
            return None;
        };
        let Some(mask) = Mask::from_name(name) else {
            let near = nearest(name, Mask::ALL.map(Mask::name)).map(|near| format!("did you mean `{near}`?"));
            let all = || format!("the masks are {}", Mask::ALL.map(Mask::name).join(", "));
            let finding = Finding::error("policy-mask", format!("policy `{}`: unknown mask `{name}`", draft.id))
                .hint(near.unwrap_or_else(all));
            source.add(finding, place);
            return None;
        };
        if !draft.is_permit() {
            let message = format!("policy `{}` forbids, and so masks nothing", draft.id);
            source.add(
                Finding::error("policy-mask", message).hint("`@mask` stands on a permit of `select_masked`"),
                place,
            );
        } else if !draft.actions.contains(Action::SelectMasked) {
            let message = format!("policy `{}` has a mask, but does not permit `select_masked`", draft.id);
            let hint = "write `action == Action::\"select_masked\"`";
            source.add(Finding::error("policy-mask", message).hint(hint), place);
        }
        if let Some(finding) = draft.resource.entity().and_then(|entity| self.unfit(mask, entity, draft)) {
            source.add(finding, place);
        }
        Some(mask)
    }

    /// That the mask does not fit the column that the scope names, or no column of the table that it names. (In a
    /// broader scope the columns that it doesn't fit are denied.)
    fn unfit(&self, mask: Mask, entity: &EntityUid, draft: &Draft<'_>) -> Option<Finding> {
        let id = entity.id().unescaped();
        match EntityKind::of(entity.type_name())? {
            EntityKind::Column => {
                let column = self.mesh.columns(id).find(|column| !mask.fits(column.logical_type))?;
                let type_name = logical_type_name(column.logical_type);
                let message =
                    format!("policy `{}`: `{mask}` does not fit `{id}`, whose type is `{type_name}`", draft.id);
                let fitting = Mask::ALL.into_iter().filter(|mask| mask.fits(column.logical_type)).map(Mask::name);
                let hint = format!("what fits is {}", fitting.collect::<Vec<_>>().join(", "));
                Some(Finding::error("policy-mask-type", message).hint(hint))
            }
            EntityKind::Table => {
                let scope = ResourceScope::Entity { entity: entity.clone(), inherited: false, kind: None };
                let mut columns = self.mesh.tables_in(&scope).flat_map(|table| &table.columns);
                if columns.any(|column| mask.fits(column.logical_type)) {
                    return None;
                }
                let message = format!("policy `{}`: `{mask}` fits no column of `{id}`", draft.id);
                Some(Finding::error("policy-mask-type", message).hint("take another mask"))
            }
            _ => None,
        }
    }

    pub(super) fn row_filter(&self, source: &mut Source<'_>, draft: &Draft<'_>) -> Option<RowFilter> {
        let sql = draft.policy.annotation("row_filter")?;
        let place = draft.annotation_place("row_filter");
        if !draft.actions.is_only(Action::ReadRows) {
            let message = format!("policy `{}` has a row filter, but is not about `read_rows` alone", draft.id);
            let hint = "write `action == Action::\"read_rows\"`, and a policy of its own for the columns";
            source.add(Finding::error("policy-row-filter", message).hint(hint), place);
        }
        let problem = |error: RowFilterError, tables: String| {
            Finding::error("policy-row-filter", format!("policy `{}`: {error}{tables}", draft.id))
                .maybe_hint(error.hint)
        };
        let filter = match RowFilter::parse(sql) {
            Ok(filter) => filter,
            Err(error) => {
                source.add(problem(error, String::new()), place);
                return None;
            }
        };
        if let Err(error) = filter.check_attributes(self.attributes) {
            source.add(problem(error, String::new()), place);
            return None;
        }
        let mut refusals = self.mesh.tables_in(&draft.resource).filter_map(|table| {
            let error = filter.check_table(table, self.attributes).err()?;
            Some((table, error))
        });
        if let Some((table, error)) = refusals.next() {
            let others = match refusals.count() {
                0 => format!(" (table `{}`)", table.name),
                1 => format!(" (table `{}` and 1 more)", table.name),
                more => format!(" (table `{}` and {more} more)", table.name),
            };
            source.add(problem(error, others), place);
            return None;
        }
        Some(filter)
    }
}
