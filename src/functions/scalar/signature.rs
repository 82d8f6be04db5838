//! Signatures of scalar functions, and how well they fit a call.
//!
//! A signature is written as users read it, `(str STRING, pos INT) -> STRING`, and parsed once, when the registry is made:
//!
//! - a parameter is a name and a type; `T...` behind the last one's name takes any number of arguments, also none;
//! - a single capital letter is a type variable: the same type for all its uses in a call, namely the common type of the
//!   arguments;
//! - `DECIMAL` stands for a decimal of any precision and scale. In a result it is the type of the first decimal argument;
//! - `UNIT` is a time unit, which a call names by a bare word and a kernel gets as text in upper case, such as `DAYS`;
//! - `(T, K) => R` is a lambda function.

use std::fmt;

use arrow::array::ArrayRef;

use super::Args;
use crate::functions::types::{common, decimal_parts, widening};
use crate::sql::SqlType;

/// A kernel with its types, as a family's table declares it.
#[derive(Debug, Clone, Copy)]
pub struct Overload {
    pub signature: &'static str,
    /// Gives a column of `args.rows` rows. Errors: the text of the first row that fails.
    pub kernel: Kernel,
    /// The result's type where the signature's own words cannot say it, from the types of the arguments.
    pub returns: Option<fn(&[SqlType]) -> SqlType>,
}

pub type Kernel = fn(&Args) -> Result<ArrayRef, String>;

impl Overload {
    pub const fn new(signature: &'static str, kernel: Kernel) -> Self {
        Self { signature, kernel, returns: None }
    }

    pub const fn returning(
        signature: &'static str,
        returns: fn(&[SqlType]) -> SqlType,
        kernel: Kernel,
    ) -> Self {
        Self { signature, kernel, returns: Some(returns) }
    }
}

/// A type as a signature writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pattern {
    /// A type without parts.
    Is(SqlType),
    /// A DECIMAL of any precision and scale.
    Decimal,
    /// Any type; the same one for all uses of the letter.
    Var(char),
    Array(Box<Pattern>),
    Map(Box<(Pattern, Pattern)>),
    Struct(Vec<(String, Pattern)>),
    /// A bare time unit.
    Unit,
    /// Types of the parameters, type of the result.
    Lambda(Vec<Pattern>, Box<Pattern>),
}

#[derive(Debug, Clone)]
pub struct Param {
    pub name: String,
    pub pattern: Pattern,
}

/// A parsed signature.
#[derive(Debug, Clone)]
pub struct Signature {
    pub params: Vec<Param>,
    /// The last parameter takes any number of arguments.
    pub variadic: bool,
    pub returns: Pattern,
}

/// What the type variables of a call stand for.
#[derive(Debug, Clone, Default)]
pub struct Bindings(Vec<(char, SqlType)>);

impl Bindings {
    pub fn get(&self, var: char) -> Option<&SqlType> {
        self.0.iter().find(|(name, _)| *name == var).map(|(_, ty)| ty)
    }

    /// Whether all variables stand for the same types.
    pub fn same(&self, other: &Bindings) -> bool {
        self.0 == other.0
    }

    /// Adds a use of a variable. None: it has no type in common with the uses so far.
    pub fn unite(&mut self, var: char, ty: &SqlType) -> Option<()> {
        match self.0.iter_mut().find(|(name, _)| *name == var) {
            Some((_, seen)) => *seen = common(seen, ty)?,
            None => self.0.push((var, ty.clone())),
        }
        Some(())
    }
}

/// A signature that fits, with the type of each argument (None: nothing says), and its price: less is better.
#[derive(Debug)]
pub struct Fit {
    pub params: Vec<Option<SqlType>>,
    pub bindings: Bindings,
    /// Generic, variadic, conversions, their distance.
    pub cost: (bool, bool, u32, u32),
}

impl Signature {
    /// The i-th parameter of a call.
    pub fn param(&self, i: usize) -> Option<&Param> {
        match self.params.get(i) {
            None if self.variadic => self.params.last(),
            param => param,
        }
    }

    /// How the signature fits a call, None where it does not. None among the arguments is the literal NULL.
    pub fn fit(&self, args: &[Option<SqlType>]) -> Option<Fit> {
        let needed = if self.variadic { self.params.len() - 1 } else { self.params.len() };
        if args.len() < needed {
            return None;
        }
        let mut bindings = Bindings::default();
        for (i, arg) in args.iter().enumerate() {
            let pattern = &self.param(i)?.pattern;
            if let Some(arg) = arg {
                pattern.collect(arg, &mut bindings)?;
            }
        }
        let decimal = args.iter().flatten().find(|arg| matches!(arg, SqlType::Decimal { .. }));
        let mut fit = Fit { params: Vec::with_capacity(args.len()), bindings, cost: (false, false, 0, 0) };
        for (i, arg) in args.iter().enumerate() {
            let pattern = &self.param(i)?.pattern;
            // A NULL among decimals is one of theirs.
            let known = arg.as_ref().or(if *pattern == Pattern::Decimal { decimal } else { None });
            let ty = pattern.argument(known, &fit.bindings)?;
            if let (Some(arg), Some(ty)) = (arg, &ty) {
                let distance = conversion(arg, ty)?;
                fit.cost.2 += u32::from(arg != ty);
                fit.cost.3 += distance;
            }
            fit.cost.0 |= pattern.is_generic();
            fit.params.push(ty);
        }
        fit.cost.1 = self.variadic;
        Some(fit)
    }

    /// Whether arguments of exactly these types are what the kernel takes.
    pub fn takes(&self, args: &[SqlType]) -> bool {
        let args: Vec<_> = args.iter().cloned().map(Some).collect();
        self.fit(&args).is_some_and(|fit| fit.params == args)
    }

    /// The type of the result. `params` are the types of the arguments after conversion. None: nothing says.
    pub fn result(&self, params: &[SqlType], bindings: &Bindings) -> Option<SqlType> {
        match &self.returns {
            Pattern::Decimal => params.iter().find(|p| matches!(p, SqlType::Decimal { .. })).cloned(),
            pattern => pattern.resolve(bindings),
        }
    }
}

/// How far the conversion of an argument goes. Beside numbers that widen, texts become dates and times, at more cost than
/// any number: `GREATEST(day, '2020-01-01')`.
fn conversion(from: &SqlType, to: &SqlType) -> Option<u32> {
    match (from, to) {
        (SqlType::String, SqlType::Date | SqlType::Time | SqlType::Timestamp) => Some(10),
        _ => widening(from, to),
    }
}

impl Pattern {
    fn is_generic(&self) -> bool {
        match self {
            Pattern::Var(_) => true,
            Pattern::Array(element) => element.is_generic(),
            Pattern::Map(map) => map.0.is_generic() || map.1.is_generic(),
            Pattern::Struct(fields) => fields.iter().any(|(_, pattern)| pattern.is_generic()),
            _ => false,
        }
    }

    /// Binds the variables of this pattern to the parts of an argument's type. None: the argument has another shape.
    pub fn collect(&self, arg: &SqlType, bindings: &mut Bindings) -> Option<()> {
        match (self, arg) {
            (Pattern::Var(var), _) => bindings.unite(*var, arg),
            (Pattern::Array(element), SqlType::Array(arg)) => element.collect(arg, bindings),
            (Pattern::Map(map), SqlType::Map(arg)) => {
                map.0.collect(&arg.key, bindings)?;
                map.1.collect(&arg.value, bindings)
            }
            (Pattern::Struct(fields), SqlType::Struct(args)) if fields.len() == args.len() => {
                fields.iter().zip(args).try_for_each(|((_, field), arg)| field.collect(&arg.ty, bindings))
            }
            (Pattern::Array(_) | Pattern::Map(_) | Pattern::Struct(_), _) => None,
            _ => Some(()),
        }
    }

    /// What an argument is to be converted to: Some(None) where nothing says, None where it cannot be.
    fn argument(&self, arg: Option<&SqlType>, bindings: &Bindings) -> Option<Option<SqlType>> {
        Some(match self {
            Pattern::Decimal => match arg {
                None => Some(SqlType::Decimal { precision: 38, scale: 18 }),
                Some(arg) => {
                    let (precision, scale) = decimal_parts(arg)?;
                    Some(SqlType::Decimal { precision, scale })
                }
            },
            Pattern::Lambda(..) => return None,
            pattern => pattern.resolve(bindings),
        })
    }

    /// The type that the pattern stands for, None where a variable is not bound.
    pub fn resolve(&self, bindings: &Bindings) -> Option<SqlType> {
        Some(match self {
            Pattern::Is(ty) => ty.clone(),
            Pattern::Unit => SqlType::String,
            Pattern::Var(var) => bindings.get(*var)?.clone(),
            Pattern::Array(element) => SqlType::array(element.resolve(bindings)?),
            Pattern::Map(map) => SqlType::map(map.0.resolve(bindings)?, map.1.resolve(bindings)?),
            Pattern::Struct(fields) => {
                let field =
                    |(name, pattern): &(String, Pattern)| Some((name.clone(), pattern.resolve(bindings)?));
                SqlType::structure(fields.iter().map(field).collect::<Option<Vec<_>>>()?)
            }
            Pattern::Decimal | Pattern::Lambda(..) => return None,
        })
    }
}

/// Parses a signature. Errors: what was expected, and the text that was found; the registry's own test meets them.
pub fn parse(text: &str) -> Result<Signature, String> {
    let mut reader = Reader(text);
    let mut params = Vec::new();
    let mut variadic = false;
    reader.expect("(")?;
    while !reader.accept(")") {
        if variadic || (!params.is_empty() && !reader.accept(",")) {
            return reader.fail("a comma, or ) behind the last parameter");
        }
        let name = reader.word()?.to_owned();
        let pattern = reader.pattern()?;
        variadic = reader.accept("...");
        params.push(Param { name, pattern });
    }
    reader.expect("->")?;
    let returns = reader.pattern()?;
    if reader.0.trim().is_empty() {
        Ok(Signature { params, variadic, returns })
    } else {
        reader.fail("the end")
    }
}

struct Reader<'a>(&'a str);

impl<'a> Reader<'a> {
    fn accept(&mut self, token: &str) -> bool {
        let rest = self.0.trim_start().strip_prefix(token);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    fn expect(&mut self, token: &str) -> Result<(), String> {
        if self.accept(token) { Ok(()) } else { self.fail(token) }
    }

    fn fail<T>(&self, wanted: &str) -> Result<T, String> {
        Err(format!("{wanted} was expected at \"{}\"", self.0))
    }

    fn word(&mut self) -> Result<&'a str, String> {
        let text = self.0.trim_start();
        let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
        let (word, rest) = text.split_at(end);
        if word.is_empty() {
            return self.fail("a word");
        }
        self.0 = rest;
        Ok(word)
    }

    fn pattern(&mut self) -> Result<Pattern, String> {
        if self.accept("(") {
            let mut params = Vec::new();
            while !self.accept(")") {
                if !params.is_empty() {
                    self.expect(",")?;
                }
                params.push(self.pattern()?);
            }
            self.expect("=>")?;
            return Ok(Pattern::Lambda(params, Box::new(self.pattern()?)));
        }
        Ok(match self.word()? {
            "BOOLEAN" => Pattern::Is(SqlType::Boolean),
            "INT" => Pattern::Is(SqlType::Int),
            "BIGINT" => Pattern::Is(SqlType::BigInt),
            "DOUBLE" => Pattern::Is(SqlType::Double),
            "STRING" => Pattern::Is(SqlType::String),
            "BYTES" => Pattern::Is(SqlType::Bytes),
            "DATE" => Pattern::Is(SqlType::Date),
            "TIME" => Pattern::Is(SqlType::Time),
            "TIMESTAMP" => Pattern::Is(SqlType::Timestamp),
            "DECIMAL" => Pattern::Decimal,
            "UNIT" => Pattern::Unit,
            "ARRAY" => {
                self.expect("<")?;
                let element = self.pattern()?;
                self.expect(">")?;
                Pattern::Array(Box::new(element))
            }
            "MAP" => {
                self.expect("<")?;
                let key = self.pattern()?;
                self.expect(",")?;
                let value = self.pattern()?;
                self.expect(">")?;
                Pattern::Map(Box::new((key, value)))
            }
            "STRUCT" => {
                self.expect("<")?;
                let mut fields = Vec::new();
                while !self.accept(">") {
                    if !fields.is_empty() {
                        self.expect(",")?;
                    }
                    fields.push((self.word()?.to_owned(), self.pattern()?));
                }
                Pattern::Struct(fields)
            }
            word => match word.as_bytes() {
                [letter @ b'A'..=b'Z'] => Pattern::Var(char::from(*letter)),
                _ => return self.fail(&format!("a type, not {word},")),
            },
        })
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(")?;
        for (i, param) in self.params.iter().enumerate() {
            write!(f, "{}{} {}", if i > 0 { ", " } else { "" }, param.name, param.pattern)?;
        }
        write!(f, "{}) -> {}", if self.variadic { "..." } else { "" }, self.returns)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Pattern::Is(SqlType::Int) => f.write_str("INT"),
            Pattern::Is(ty) => ty.fmt(f),
            Pattern::Decimal => f.write_str("DECIMAL"),
            Pattern::Var(var) => var.fmt(f),
            Pattern::Array(element) => write!(f, "ARRAY<{element}>"),
            Pattern::Map(map) => write!(f, "MAP<{}, {}>", map.0, map.1),
            Pattern::Struct(fields) => {
                f.write_str("STRUCT<")?;
                for (i, (name, pattern)) in fields.iter().enumerate() {
                    write!(f, "{}{name} {pattern}", if i > 0 { ", " } else { "" })?;
                }
                f.write_str(">")
            }
            Pattern::Unit => f.write_str("UNIT"),
            Pattern::Lambda(params, result) => {
                let params: Vec<_> = params.iter().map(Pattern::to_string).collect();
                write!(f, "({}) => {result}", params.join(", "))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(signature: &str, args: &[Option<SqlType>], expected: Expect) {
        let parsed = match parse(signature) {
            Ok(parsed) => parsed,
            Err(error) => return expected.assert_eq(&error),
        };
        assert_eq!(parsed.to_string(), signature);
        let Some(fit) = parsed.fit(args) else { return expected.assert_eq("no fit") };
        let text = |ty: &Option<SqlType>| ty.as_ref().map_or("?".to_owned(), SqlType::to_string);
        let params: Vec<_> = fit.params.iter().map(text).collect();
        let known: Vec<_> = fit.params.iter().flatten().cloned().collect();
        let result = text(&parsed.result(&known, &fit.bindings));
        expected.assert_eq(&format!("{} -> {result} at {:?}", params.join(", "), fit.cost));
    }

    #[test]
    fn fits() {
        use SqlType::*;
        let ints = Some(SqlType::array(Int));
        let decimal = Decimal { precision: 4, scale: 2 };
        check(
            "(str STRING, pos INT) -> STRING",
            &[Some(String), None],
            expect!["STRING, INTEGER -> STRING at (false, false, 0, 0)"],
        );
        check(
            "(array ARRAY<T>, value T) -> ARRAY<T>",
            &[ints.clone(), Some(BigInt)],
            expect!["ARRAY<BIGINT>, BIGINT -> ARRAY<BIGINT> at (true, false, 1, 1)"],
        );
        check(
            "(array ARRAY<T>, value T) -> BOOLEAN",
            &[Some(SqlType::array(BigInt)), Some(Int)],
            expect!["ARRAY<BIGINT>, BIGINT -> BOOLEAN at (true, false, 1, 1)"],
        );
        check(
            "(value DECIMAL) -> DECIMAL",
            &[Some(decimal)],
            expect!["DECIMAL(4, 2) -> DECIMAL(4, 2) at (false, false, 0, 0)"],
        );
        check(
            "(first T, others T...) -> T",
            &[Some(Int)],
            expect!["INTEGER -> INTEGER at (true, true, 0, 0)"],
        );
        check(
            "(map MAP<STRING, V>) -> ARRAY<STRUCT<K STRING, V V>>",
            &[Some(SqlType::map(String, Double))],
            expect!["MAP<STRING, DOUBLE> -> ARRAY<STRUCT<K STRING, V DOUBLE>> at (true, false, 0, 0)"],
        );
        check("(array ARRAY<T>) -> INT", &[Some(Int)], expect!["no fit"]);
        check(
            "(unit UNIT, n INT) -> INT",
            &[Some(String), Some(Int)],
            expect!["STRING, INTEGER -> INTEGER at (false, false, 0, 0)"],
        );
        check("(a INTEGER) -> INT", &[], expect![[r#"a type, not INTEGER, was expected at ") -> INT""#]]);
    }
}
