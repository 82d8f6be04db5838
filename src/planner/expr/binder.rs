//! The walk over the syntax tree. One arm a kind of node; what needs more than a few lines is in a file of its own.

use std::sync::Arc;

use datafusion::logical_expr::Operator;
use datafusion::physical_expr::expressions::{IsNotNullExpr, IsNullExpr, NotExpr};
use sqlparser::ast::{
    BinaryOperator, CastKind, CeilFloorKind, DateTimeField, Expr, TrimWhereField, UnaryOperator,
};

use super::names::{Names, fold};
use super::{
    Bound, arithmetic, call, case, compare, convert, in_list, lambda, lazy, literal, nested, position_of,
    require_boolean,
};
use crate::sql::{SqlError, SqlType, sqlstate};

/// How deep expressions may nest: each level is a few kilobytes of stack, here and in every evaluation.
const MAX_DEPTH: usize = 100;

/// Binds an expression over names.
pub fn bind(expr: &Expr, names: &mut dyn Names) -> Result<Bound, SqlError> {
    Binder { names, lambdas: Vec::new(), depth: 0 }.bind(expr)
}

pub struct Binder<'a> {
    pub names: &'a mut dyn Names,
    /// The lambdas around the expression at hand, from the outside in.
    pub lambdas: Vec<lambda::Frame>,
    depth: usize,
}

impl Binder<'_> {
    pub fn bind(&mut self, expr: &Expr) -> Result<Bound, SqlError> {
        if self.depth >= MAX_DEPTH {
            return Err(SqlError::new("54001", "the expression is nested too deeply")
                .detail(format!("at most {MAX_DEPTH} levels are allowed"))
                .at(position_of(expr)));
        }
        self.depth += 1;
        // What a grouping expression is called in a lambda may be one of its parameters.
        let whole = if self.lambdas.is_empty() { self.names.whole(expr) } else { Ok(None) };
        let bound = match whole {
            Ok(Some(bound)) => Ok(bound),
            Ok(None) => self.node(expr),
            Err(error) => Err(error),
        };
        self.depth -= 1;
        bound.map_err(|e| e.at(position_of(expr)))
    }

    fn node(&mut self, expr: &Expr) -> Result<Bound, SqlError> {
        match expr {
            Expr::Nested(inner) => self.bind(inner),
            Expr::Value(value) => literal::value(&value.value, false),
            Expr::TypedString(typed) => literal::typed(typed),
            Expr::Identifier(ident) if lambda::variable(&self.lambdas, &fold(ident)).is_some() => {
                lambda::variable(&self.lambdas, &fold(ident)).ok_or_else(|| unsupported(expr))
            }
            Expr::Identifier(ident) => self.names.column(None, &fold(ident), position_of(expr)),
            Expr::CompoundIdentifier(parts) => match parts.as_slice() {
                [qualifier, name] => {
                    self.names.column(Some(&fold(qualifier)), &fold(name), position_of(expr))
                }
                _ => Err(unsupported(expr)),
            },
            Expr::UnaryOp { op, expr: operand } => self.unary(op, operand, expr),
            Expr::BinaryOp { left, op, right } => self.binary(left, op, right, expr),
            Expr::IsNull(operand) => {
                let operand = self.bind(operand)?;
                let text = format!("({} IS NULL)", operand.text);
                Ok(boolean(Arc::new(IsNullExpr::new(operand.expr)), text))
            }
            Expr::IsNotNull(operand) => {
                let operand = self.bind(operand)?;
                let text = format!("({} IS NOT NULL)", operand.text);
                Ok(boolean(Arc::new(IsNotNullExpr::new(operand.expr)), text))
            }
            Expr::IsDistinctFrom(left, right) => self.compare(left, Operator::IsDistinctFrom, right),
            Expr::IsNotDistinctFrom(left, right) => self.compare(left, Operator::IsNotDistinctFrom, right),
            Expr::Between { expr: operand, negated, low, high } => self.between(operand, *negated, low, high),
            Expr::InList { expr: operand, list, negated } => in_list::bind(self, operand, list, *negated),
            Expr::Like { negated, any: false, expr: operand, pattern, escape_char } => {
                let (operand, pattern) = (self.bind(operand)?, self.bind(pattern)?);
                convert::like(operand, pattern, escape_char.as_ref(), *negated)
            }
            Expr::Case { operand, conditions, else_result, .. } => {
                case::bind(self, operand.as_deref(), conditions, else_result.as_deref())
            }
            Expr::Cast {
                kind: CastKind::Cast | CastKind::DoubleColon,
                expr: operand,
                data_type,
                array: false,
                format: None,
            } => {
                let to = convert::type_named(data_type, &|name| self.names.custom_type(name))?;
                convert::cast(self.bind(operand)?, to)
            }
            Expr::Array(array) => nested::array(self, &array.elem),
            Expr::CompoundFieldAccess { root, access_chain } => {
                nested::access(self, root, access_chain, expr)
            }
            Expr::Function(function) => call::bind(self, function, expr),
            Expr::Ceil { expr: operand, field: CeilFloorKind::DateTimeField(DateTimeField::NoDateTime) } => {
                call::scalar(self, "CEIL", &[operand])
            }
            Expr::Floor { expr: operand, field: CeilFloorKind::DateTimeField(DateTimeField::NoDateTime) } => {
                call::scalar(self, "FLOOR", &[operand])
            }
            Expr::Substring { expr: operand, substring_from, substring_for, .. } => {
                let mut args: Vec<&Expr> = vec![operand];
                args.extend(substring_from.as_deref());
                args.extend(substring_for.as_deref());
                call::scalar(self, "SUBSTRING", &args)
            }
            Expr::Trim { .. } => trim(self, expr),
            Expr::Position { expr: wanted, r#in: text } => call::scalar(self, "STRPOS", &[text, wanted]),
            Expr::Extract { field, expr: operand, .. } => {
                let field = literal::string(&field.to_string());
                call::apply("EXTRACT", vec![field, self.bind(operand)?])
            }
            Expr::Overlay { expr: operand, overlay_what, overlay_from, overlay_for } => {
                let mut args: Vec<&Expr> = vec![operand, overlay_what, overlay_from];
                args.extend(overlay_for.as_deref());
                call::scalar(self, "OVERLAY", &args)
            }
            _ => Err(unsupported(expr)),
        }
    }

    fn unary(&mut self, op: &UnaryOperator, operand: &Expr, whole: &Expr) -> Result<Bound, SqlError> {
        match op {
            UnaryOperator::Minus => match operand {
                // The sign belongs to the number: -9223372036854775808 is a BIGINT, without its sign it is none.
                Expr::Value(value) if literal::is_number(&value.value) => literal::value(&value.value, true),
                _ => arithmetic::negate(self.bind(operand)?),
            },
            UnaryOperator::Plus => {
                let bound = self.bind(operand)?;
                match bound.ty {
                    Some(ref ty) if !ty.is_numeric() => Err(arithmetic::no_operator("+", None, &bound)),
                    _ => Ok(bound),
                }
            }
            UnaryOperator::Not => {
                let bound = require_boolean(self.bind(operand)?, "NOT", operand)?;
                let text = format!("(NOT {})", bound.text);
                Ok(boolean(Arc::new(NotExpr::new(bound.expr)), text))
            }
            _ => Err(unsupported(whole)),
        }
    }

    fn binary(
        &mut self,
        left: &Expr,
        op: &BinaryOperator,
        right: &Expr,
        whole: &Expr,
    ) -> Result<Bound, SqlError> {
        let operator = match op {
            BinaryOperator::Plus => Operator::Plus,
            BinaryOperator::Minus => Operator::Minus,
            BinaryOperator::Multiply => Operator::Multiply,
            BinaryOperator::Divide => Operator::Divide,
            BinaryOperator::Modulo => Operator::Modulo,
            BinaryOperator::StringConcat => Operator::StringConcat,
            BinaryOperator::Eq => Operator::Eq,
            BinaryOperator::NotEq => Operator::NotEq,
            BinaryOperator::Lt => Operator::Lt,
            BinaryOperator::LtEq => Operator::LtEq,
            BinaryOperator::Gt => Operator::Gt,
            BinaryOperator::GtEq => Operator::GtEq,
            BinaryOperator::And => return self.logic(left, Operator::And, right),
            BinaryOperator::Or => return self.logic(left, Operator::Or, right),
            _ => return Err(unsupported(whole)),
        };
        if operator.is_numerical_operators() || operator == Operator::StringConcat {
            let bound = arithmetic::bind(self.bind(left)?, operator, self.bind(right)?)?;
            Ok(if self.lambdas.is_empty() { bound } else { lambda::required(bound) })
        } else {
            self.compare(left, operator, right)
        }
    }

    fn logic(&mut self, left: &Expr, op: Operator, right: &Expr) -> Result<Bound, SqlError> {
        let name = if op == Operator::And { "AND" } else { "OR" };
        // A chain of a thousand ANDs is one level, not a thousand: it is put together as a balanced tree.
        let mut operands = vec![right];
        let mut rest = left;
        while let Expr::BinaryOp { left, op: inner, right } = rest {
            if !matches!(
                (inner, op),
                (BinaryOperator::And, Operator::And) | (BinaryOperator::Or, Operator::Or)
            ) {
                break;
            }
            operands.push(right);
            rest = left;
        }
        operands.push(rest);
        let bound: Result<Vec<_>, _> =
            operands.into_iter().rev().map(|e| require_boolean(self.bind(e)?, name, e)).collect();
        let bound = bound?;
        let texts: Vec<_> = bound.iter().map(|b| b.text.as_str()).collect();
        let text = format!("({})", texts.join(&format!(" {name} ")));
        let exprs = bound.into_iter().map(|b| b.expr).collect();
        Ok(boolean(lazy::logical(op, exprs).ok_or_else(|| SqlError::internal("no operands"))?, text))
    }

    fn compare(&mut self, left: &Expr, op: Operator, right: &Expr) -> Result<Bound, SqlError> {
        compare::bind(self.bind(left)?, op, self.bind(right)?)
    }

    fn between(&mut self, operand: &Expr, negated: bool, low: &Expr, high: &Expr) -> Result<Bound, SqlError> {
        let (operand, low, high) = (self.bind(operand)?, self.bind(low)?, self.bind(high)?);
        let not = if negated { "NOT " } else { "" };
        let text = format!("({} {not}BETWEEN {} AND {})", operand.text, low.text, high.text);
        let (lower, upper, op) = if negated {
            (Operator::Lt, Operator::Gt, Operator::Or)
        } else {
            (Operator::GtEq, Operator::LtEq, Operator::And)
        };
        let bounds =
            vec![compare::bind(operand.clone(), lower, low)?.expr, compare::bind(operand, upper, high)?.expr];
        Ok(boolean(lazy::logical(op, bounds).ok_or_else(|| SqlError::internal("no operands"))?, text))
    }
}

/// `TRIM([BOTH | LEADING | TRAILING] [characters] FROM text)`.
fn trim(binder: &mut Binder<'_>, whole: &Expr) -> Result<Bound, SqlError> {
    let Expr::Trim { trim_where, trim_what, expr: operand, trim_characters } = whole else {
        return Err(unsupported(whole));
    };
    let characters = match (trim_what, trim_characters.as_deref()) {
        (what, None) => what.as_deref(),
        (None, Some([characters])) => Some(characters),
        _ => return Err(unsupported(whole)),
    };
    let name = match trim_where {
        Some(TrimWhereField::Leading) => "LTRIM",
        Some(TrimWhereField::Trailing) => "RTRIM",
        Some(TrimWhereField::Both) => "BTRIM",
        None if characters.is_some() => "BTRIM",
        None => "TRIM",
    };
    let mut args: Vec<&Expr> = vec![operand];
    args.extend(characters);
    call::scalar(binder, name, &args)
}

/// A condition.
pub fn boolean(expr: Arc<dyn datafusion::physical_expr::PhysicalExpr>, text: String) -> Bound {
    Bound { expr: super::constant::fold(expr), ty: Some(SqlType::Boolean), text }
}

/// The error of an expression that is not built yet.
pub fn unsupported(expr: &Expr) -> SqlError {
    let what = match expr {
        Expr::Subquery(_) | Expr::Exists { .. } | Expr::InSubquery { .. } => {
            "subqueries in continuous queries".to_owned()
        }
        Expr::CompoundFieldAccess { .. } => "slices of arrays and fields behind a point".to_owned(),
        Expr::ILike { .. } => "ILIKE".to_owned(),
        Expr::AtTimeZone { .. } => "AT TIME ZONE".to_owned(),
        other => {
            // A stated bound: the text may be as long as the statement.
            let text: String = other.to_string().chars().take(60).collect();
            format!("the expression {text}")
        }
    };
    SqlError { sqlstate: sqlstate::NOT_SUPPORTED, ..SqlError::not_supported(what) }.at(position_of(expr))
}
