//! The nine mask actions, as expressions that can't fail.
//!
//! What each does, to which types, follows the read restrictions of the Iceberg REST catalog (apache/iceberg#13879,
//! `open-api/rest-catalog-open-api.yaml`), with two differences: hashes are keyed, so that few possible values can't
//! be tried one by one, and a mask also fits the Arrow types that Iceberg lacks where its meaning is plain. NULL stays
//! NULL, except under `mask-to-fixed-value`.

mod date;
mod fit;
mod fixed;
mod hash;
mod text;

use std::{fmt, hash::Hash, sync::Arc};

use datafusion::{
    arrow::{array::ArrayRef, compute::cast, datatypes::DataType},
    common::{Result, ScalarValue, exec_err},
    logical_expr::{
        ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
        expr::ScalarFunction,
    },
};
use meshgate_policy::Mask;

use super::MaskKey;
pub(super) use fit::fits;
use hash::HashKey;

/// The masks of one query: they hold the keys of the hashes.
#[derive(Debug)]
pub(super) struct Masks {
    global: Arc<HashKey>,
    query_local: Arc<HashKey>,
}

impl Masks {
    /// Masks whose global hashes are keyed by `key`, and whose query-local ones by a random key of their own.
    pub(super) fn new(key: &MaskKey) -> Self {
        let query_local = rand::random::<[u8; 32]>();
        Self { global: Arc::new(HashKey::new(key.secret())), query_local: Arc::new(HashKey::new(&query_local)) }
    }

    /// `column`, of type `raw`, masked. `None` if the mask doesn't fit that type.
    pub(super) fn expression(&self, mask: Mask, column: Expr, raw: &DataType) -> Option<Expr> {
        let masked = fits(mask, raw)?;
        // Constants stand as literals: the column is then not even read.
        let operation = match mask {
            Mask::Null => return Some(Expr::Literal(ScalarValue::try_new_null(&masked).ok()?, None)),
            Mask::FixedValue => return Some(Expr::Literal(fixed::value(&masked)?, None)),
            Mask::Alphanumeric => Operation::Text(text::Shown::Nothing),
            Mask::ShowFirst4 => Operation::Text(text::Shown::First4),
            Mask::ShowLast4 => Operation::Text(text::Shown::Last4),
            Mask::TruncateToYear => Operation::Truncate(date::Precision::Year),
            Mask::TruncateToMonth => Operation::Truncate(date::Precision::Month),
            Mask::Sha256Global => Operation::Hash(self.global.clone()),
            Mask::Sha256QueryLocal => Operation::Hash(self.query_local.clone()),
        };
        let function = Arc::new(ScalarUDF::from(MaskFunction::new(mask, operation)));
        Some(Expr::ScalarFunction(ScalarFunction::new_udf(function, vec![column])))
    }
}

/// What a mask function does to an array.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Operation {
    Text(text::Shown),
    Truncate(date::Precision),
    Hash(Arc<HashKey>),
}

/// A mask over one column. Total: whatever `fits` lets through comes out with the same number of rows.
#[derive(PartialEq, Eq, Hash)]
struct MaskFunction {
    mask: Mask,
    operation: Operation,
    signature: Signature,
}

impl MaskFunction {
    fn new(mask: Mask, operation: Operation) -> Self {
        Self { mask, operation, signature: Signature::any(1, Volatility::Immutable) }
    }

    fn apply(&self, array: &ArrayRef) -> Result<ArrayRef> {
        match array.data_type() {
            DataType::Dictionary(_, values) => self.apply(&cast(array, values)?),
            _ => match &self.operation {
                Operation::Text(shown) => text::redact(array, *shown),
                Operation::Truncate(precision) => date::truncate(array, *precision),
                Operation::Hash(key) => hash::hash(array, key),
            },
        }
    }
}

impl fmt::Debug for MaskFunction {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "MaskFunction({})", self.mask)
    }
}

impl ScalarUDFImpl for MaskFunction {
    fn name(&self) -> &str {
        self.mask.name()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        match arguments {
            [raw] => fits(self.mask, raw).map_or_else(|| exec_err!("mask `{}` does not fit {raw}", self.mask), Ok),
            _ => exec_err!("mask `{}` takes one column", self.mask),
        }
    }

    fn return_field_from_args(&self, arguments: ReturnFieldArgs<'_>) -> Result<datafusion::arrow::datatypes::FieldRef> {
        let types: Vec<_> = arguments.arg_fields.iter().map(|field| field.data_type().clone()).collect();
        Ok(Arc::new(datafusion::arrow::datatypes::Field::new(self.name(), self.return_type(&types)?, true)))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match arguments.args.as_slice() {
            [argument] => {
                let array = argument.to_array(arguments.number_rows)?;
                Ok(ColumnarValue::Array(self.apply(&array)?))
            }
            _ => exec_err!("mask `{}` takes one column", self.mask),
        }
    }
}

#[cfg(test)]
mod tests;
