//! Kernels over ARRAY, MAP and STRUCT columns: making them, taking them apart, comparing them, writing them as text.
//!
//! Columns have the Arrow types of [`SqlType::arrow`](crate::sql::SqlType::arrow). Inside of a value NULLs are equal to NULLs,
//! and a map is a set of entries; arrays count from 1, or from the end by negative numbers (dialect 10.1).

mod access;
mod construct;
mod equality;
mod text;

pub use access::{element, field, value_of_key};
pub use construct::{array, map, map_of, structure};
pub use equality::{Equality, equal, same};
pub use text::texts;
