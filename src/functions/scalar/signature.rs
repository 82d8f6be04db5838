//! Overloads of scalar functions, and how well they fit a call.

use std::fmt;

use arrow::array::ArrayRef;

use super::{Args, common};
use crate::functions::types::{decimal_parts, widening};
use crate::sql::SqlType;

/// The type of a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Param {
    Is(SqlType),
    /// A DECIMAL of any precision and scale.
    Decimal,
    /// Any type; the same one for all parameters `T` of a call.
    T,
}

/// The type of a result.
#[derive(Debug, Clone, Copy)]
pub enum Returns {
    Type(SqlType),
    /// The type of the first argument.
    First,
}

impl Returns {
    pub fn resolve(self, params: &[SqlType]) -> SqlType {
        match self {
            Returns::Type(ty) => ty,
            Returns::First => params.first().copied().unwrap_or(SqlType::String),
        }
    }
}

/// A kernel with its types.
#[derive(Debug)]
pub struct Overload {
    pub params: &'static [Param],
    /// Any number of further arguments of this type.
    pub rest: Option<Param>,
    pub returns: Returns,
    /// Gives a column of `args.rows` rows. Errors: the text of the first row that fails.
    pub kernel: fn(&Args) -> Result<ArrayRef, String>,
}

impl Overload {
    pub const fn new(
        params: &'static [Param],
        returns: Returns,
        kernel: fn(&Args) -> Result<ArrayRef, String>,
    ) -> Self {
        Self { params, rest: None, returns, kernel }
    }

    pub const fn variadic(
        params: &'static [Param],
        rest: Param,
        returns: Returns,
        kernel: fn(&Args) -> Result<ArrayRef, String>,
    ) -> Self {
        Self { params, rest: Some(rest), returns, kernel }
    }

    /// The i-th of `count` parameters.
    fn param(&self, i: usize) -> Option<Param> {
        self.params.get(i).copied().or(self.rest)
    }

    /// How the overload fits a call, None where it does not.
    pub fn fit(&self, args: &[Option<SqlType>]) -> Option<Fit<'_>> {
        if args.len() < self.params.len() {
            return None;
        }
        let mut generic: Option<SqlType> = None;
        for (i, arg) in args.iter().enumerate() {
            if self.param(i)? == Param::T
                && let Some(arg) = *arg
            {
                generic = Some(generic.map_or(Some(arg), |seen| common(seen, arg))?);
            }
        }
        let mut fit =
            Fit { overload: self, params: Vec::with_capacity(args.len()), cost: (false, false, 0, 0) };
        for (i, arg) in args.iter().enumerate() {
            let param = self.param(i)?;
            let ty = match param {
                Param::Is(ty) => Some(ty),
                Param::T => generic,
                Param::Decimal => match arg {
                    None => Some(SqlType::Decimal { precision: 38, scale: 18 }),
                    Some(arg) => {
                        let (precision, scale) = decimal_parts(*arg)?;
                        Some(SqlType::Decimal { precision, scale })
                    }
                },
            };
            if let (Some(arg), Some(ty)) = (*arg, ty) {
                let distance = widening(arg, ty)?;
                fit.cost.2 += u32::from(arg != ty);
                fit.cost.3 += distance;
            }
            fit.cost.0 |= param == Param::T;
            fit.params.push(ty);
        }
        fit.cost.1 = self.rest.is_some();
        Some(fit)
    }

    /// Whether arguments of exactly these types are what the kernel takes.
    pub fn takes(&self, args: &[SqlType]) -> bool {
        args.len() >= self.params.len()
            && args.iter().enumerate().all(|(i, arg)| match self.param(i) {
                Some(Param::Is(ty)) => ty == *arg,
                Some(Param::Decimal) => matches!(arg, SqlType::Decimal { .. }),
                Some(Param::T) => true,
                None => false,
            })
    }
}

/// An overload that fits, with the type of each argument (None: nothing says), and its price: less is better.
#[derive(Debug)]
pub struct Fit<'a> {
    pub overload: &'a Overload,
    pub params: Vec<Option<SqlType>>,
    /// Generic, variadic, conversions, their distance.
    pub cost: (bool, bool, u32, u32),
}

impl fmt::Display for Overload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(")?;
        for (i, param) in self.params.iter().enumerate() {
            write!(f, "{}{param}", if i > 0 { ", " } else { "" })?;
        }
        if let Some(rest) = self.rest {
            write!(f, "{}{rest}...", if self.params.is_empty() { "" } else { ", " })?;
        }
        f.write_str(")")
    }
}

impl fmt::Display for Param {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Param::Is(ty) => ty.fmt(f),
            Param::Decimal => f.write_str("DECIMAL"),
            Param::T => f.write_str("T"),
        }
    }
}
