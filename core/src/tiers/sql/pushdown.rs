//! Filters of a query, as far as Iceberg understands them.
//!
//! What is handed over decides which files and rows are read at all; the engine filters what comes back once more, so a filter may be
//! handed over when it lets through *at least* what the query asks for.

use datafusion::logical_expr::expr::InList;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};
use datafusion::scalar::ScalarValue;
use iceberg::expr::{Predicate, Reference};
use iceberg::spec::{Datum, PrimitiveType, Schema};

/// A longer list costs more to compare with than it saves.
const LONGEST_LIST: usize = 200;

/// What of `filter` Iceberg can judge; `None` for what it can not.
///
/// NOT is left to the engine: negating something that lets through too much would let through too little.
pub(super) fn predicate(filter: &Expr, schema: &Schema) -> Option<Predicate> {
    match filter {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => {
            match (predicate(left, schema), predicate(right, schema)) {
                (Some(left), Some(right)) => Some(left.and(right)),
                // Either half alone lets through more than both.
                (one, other) => one.or(other),
            }
        }
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right }) => {
            Some(predicate(left, schema)?.or(predicate(right, schema)?))
        }
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => match (left.as_ref(), right.as_ref()) {
            (Expr::Column(column), Expr::Literal(value, _)) => comparison(&column.name, *op, value, schema),
            (Expr::Literal(value, _), Expr::Column(column)) => comparison(&column.name, op.swap()?, value, schema),
            _ => None,
        },
        Expr::InList(InList { expr, list, negated: false }) if list.len() <= LONGEST_LIST => {
            let Expr::Column(column) = expr.as_ref() else { return None };
            let values: Option<Vec<Datum>> = list
                .iter()
                .map(|value| match value {
                    Expr::Literal(value, _) => datum(&column.name, value, schema),
                    _ => None,
                })
                .collect();
            Some(Reference::new(&column.name).is_in(values?))
        }
        Expr::IsNull(inner) => known_column(inner, schema).map(Reference::is_null),
        Expr::IsNotNull(inner) => known_column(inner, schema).map(Reference::is_not_null),
        _ => None,
    }
}

fn known_column(expr: &Expr, schema: &Schema) -> Option<Reference> {
    let Expr::Column(column) = expr else { return None };
    schema.field_by_name(&column.name).map(|_| Reference::new(&column.name))
}

fn comparison(column: &str, operator: Operator, value: &ScalarValue, schema: &Schema) -> Option<Predicate> {
    let datum = datum(column, value, schema)?;
    let reference = Reference::new(column);
    Some(match operator {
        Operator::Eq => reference.equal_to(datum),
        Operator::NotEq => reference.not_equal_to(datum),
        Operator::Lt => reference.less_than(datum),
        Operator::LtEq => reference.less_than_or_equal_to(datum),
        Operator::Gt => reference.greater_than(datum),
        Operator::GtEq => reference.greater_than_or_equal_to(datum),
        _ => return None,
    })
}

/// A value in the column's own type. Decimals stay with the engine: a price is in no file's partition, and hardly narrows one.
fn datum(column: &str, value: &ScalarValue, schema: &Schema) -> Option<Datum> {
    let kind = schema.field_by_name(column)?.field_type.as_primitive_type()?;
    Some(match (kind, value) {
        (PrimitiveType::Long, ScalarValue::Int64(Some(value))) => Datum::long(*value),
        (PrimitiveType::Int, ScalarValue::Int32(Some(value))) => Datum::int(*value),
        (
            PrimitiveType::String,
            ScalarValue::Utf8(Some(value)) | ScalarValue::Utf8View(Some(value)) | ScalarValue::LargeUtf8(Some(value)),
        ) => Datum::string(value),
        (PrimitiveType::Timestamptz, ScalarValue::TimestampMicrosecond(Some(value), Some(_))) => {
            Datum::timestamptz_micros(*value)
        }
        _ => return None,
    })
}
