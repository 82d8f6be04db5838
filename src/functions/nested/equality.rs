//! Whether two values are the same, for types that Arrow's kernels do not compare.

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, DynComparator, MapArray, make_comparator};
use arrow::buffer::NullBuffer;
use arrow::compute::SortOptions;
use arrow::datatypes::{DataType, Float64Type};

/// Compares values of one column with values of another one of the same type.
pub struct Equality {
    left: ArrayRef,
    right: ArrayRef,
    kind: Kind,
}

enum Kind {
    Texts,
    Doubles,
    Other(DynComparator),
    List(Box<Equality>),
    Map(Box<(Equality, Equality)>),
    Struct(Vec<Equality>),
}

impl Equality {
    /// Errors: columns of different types.
    pub fn new(left: &ArrayRef, right: &ArrayRef) -> Result<Equality, String> {
        if !same_shape(left.data_type(), right.data_type()) {
            return Err(format!("cannot compare {} with {}", left.data_type(), right.data_type()));
        }
        let kind = match left.data_type() {
            DataType::Utf8 => Kind::Texts,
            DataType::Float64 => Kind::Doubles,
            DataType::List(_) => {
                let (l, r) = (left.as_list::<i32>().values(), right.as_list::<i32>().values());
                Kind::List(Box::new(Equality::new(l, r)?))
            }
            DataType::Map(..) => {
                let (l, r) = (left.as_map(), right.as_map());
                let (keys, values) =
                    (Equality::new(l.keys(), r.keys())?, Equality::new(l.values(), r.values())?);
                Kind::Map(Box::new((keys, values)))
            }
            DataType::Struct(_) => {
                let pairs = left.as_struct().columns().iter().zip(right.as_struct().columns());
                Kind::Struct(pairs.map(|(l, r)| Equality::new(l, r)).collect::<Result<_, _>>()?)
            }
            _ => {
                let order =
                    make_comparator(left, right, SortOptions::default()).map_err(|e| e.to_string())?;
                Kind::Other(order)
            }
        };
        Ok(Equality { left: left.clone(), right: right.clone(), kind })
    }

    /// Whether the left value of row `i` is the right value of row `j`. NULL is the same as NULL.
    pub fn equal(&self, i: usize, j: usize) -> bool {
        match (self.left.is_null(i), self.right.is_null(j)) {
            (true, true) => return true,
            (false, false) => {}
            _ => return false,
        }
        match &self.kind {
            Kind::Texts => self.left.as_string::<i32>().value(i) == self.right.as_string::<i32>().value(j),
            Kind::Doubles => {
                let (l, r) =
                    (self.left.as_primitive::<Float64Type>(), self.right.as_primitive::<Float64Type>());
                l.value(i) == r.value(j) || (l.value(i).is_nan() && r.value(j).is_nan())
            }
            Kind::Other(order) => order(i, j).is_eq(),
            Kind::Struct(fields) => fields.iter().all(|field| field.equal(i, j)),
            Kind::List(values) => {
                let (a, b) = (
                    range(self.left.as_list::<i32>().value_offsets(), i),
                    range(self.right.as_list::<i32>().value_offsets(), j),
                );
                a.len() == b.len() && a.zip(b).all(|(i, j)| values.equal(i, j))
            }
            Kind::Map(entries) => {
                let (keys, values) = entries.as_ref();
                let side = |maps: &MapArray, row| range(maps.value_offsets(), row);
                let (a, b) = (side(self.left.as_map(), i), side(self.right.as_map(), j));
                a.len() == b.len()
                    && a.into_iter().all(|i| b.clone().any(|j| keys.equal(i, j) && values.equal(i, j)))
            }
        }
    }
}

fn range(offsets: &[i32], row: usize) -> std::ops::Range<usize> {
    let at = |n: usize| offsets.get(n).and_then(|&offset| usize::try_from(offset).ok()).unwrap_or(0);
    at(row)..at(row + 1)
}

/// Whether types differ in no more than the names of what they are made of.
fn same_shape(a: &DataType, b: &DataType) -> bool {
    match (a, b) {
        (DataType::List(a), DataType::List(b)) | (DataType::Map(a, _), DataType::Map(b, _)) => {
            same_shape(a.data_type(), b.data_type())
        }
        (DataType::Struct(a), DataType::Struct(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_shape(a.data_type(), b.data_type()))
        }
        (a, b) => a == b,
    }
}

/// `left = right` row by row: NULL where either is. A side of one row stands for all rows.
pub fn equal(left: &ArrayRef, right: &ArrayRef, rows: usize) -> Result<BooleanArray, String> {
    let equality = Equality::new(left, right)?;
    let at = |side: &ArrayRef, row: usize| if side.len() == 1 { 0 } else { row };
    let values = (0..rows).map(|row| equality.equal(at(left, row), at(right, row))).collect();
    let valid = |row: usize| left.is_valid(at(left, row)) && right.is_valid(at(right, row));
    let nulls = NullBuffer::from_iter((0..rows).map(valid));
    Ok(BooleanArray::new(values, (nulls.null_count() > 0).then_some(nulls)))
}

/// Whether values are the same row by row; NULL is the same as NULL. A side of one row stands for all rows.
pub fn same(left: &ArrayRef, right: &ArrayRef, rows: usize) -> Result<BooleanArray, String> {
    let equality = Equality::new(left, right)?;
    let at = |side: &ArrayRef, row: usize| if side.len() == 1 { 0 } else { row };
    Ok((0..rows).map(|row| Some(equality.equal(at(left, row), at(right, row)))).collect())
}
