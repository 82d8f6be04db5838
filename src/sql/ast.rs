//! The statements of the dialect. Expressions and the body of a SELECT are sqlparser's own types; what
//! ksqlDB adds around them (windows, EMIT, PARTITION BY, key columns) is ours.

use sqlparser::ast as sp;

use super::{Position, SqlError, SqlType, quote_ident, sqlstate};

/// One statement with its text and its place in the file it came from.
#[derive(Debug, Clone)]
pub struct Statement {
    pub kind: StatementKind,
    /// The statement's own text, variables replaced, without the closing semicolon.
    pub text: String,
    /// Where the statement begins in the text that was parsed.
    pub position: Position,
}

#[derive(Debug, Clone)]
pub enum StatementKind {
    CreateSource(CreateSource),
    CreateAsSelect(CreateAsSelect),
    /// `SELECT … EMIT CHANGES|FINAL [LIMIT n]`: a transient continuous query.
    Push(Query),
    /// A SELECT (or WITH, VALUES, TABLE) without EMIT: any SQL, for DataFusion. Unquoted names are upper case already.
    AdHoc(Box<sp::Query>),
    InsertValues(InsertValues),
    InsertSelect(InsertSelect),
    DropSource(DropSource),
    /// `ALTER STREAM|TABLE name ADD [COLUMN] …`.
    AlterSource(AlterSource),
    /// `CREATE TYPE [IF NOT EXISTS] name AS type`.
    CreateType(CreateType),
    /// `DROP TYPE [IF EXISTS] name`.
    DropType {
        name: Name,
        if_exists: bool,
    },
    /// `TERMINATE id` or `TERMINATE ALL` (`query` is None).
    Terminate {
        query: Option<Name>,
    },
    /// `PAUSE id` or `PAUSE ALL` (`query` is None).
    Pause {
        query: Option<Name>,
    },
    /// `RESUME id` or `RESUME ALL` (`query` is None).
    Resume {
        query: Option<Name>,
    },
    AssertTopic(AssertTopic),
    Show(Show),
    Describe(Describe),
    Explain(Explain),
    /// `SET 'property' = 'value'` of ksqlDB, or `SET name TO value` of Postgres (`quoted` is false).
    Set {
        name: Name,
        value: String,
        quoted: bool,
    },
    /// `UNSET 'property'`, `RESET name`; RESET ALL has no name.
    Unset {
        name: Option<Name>,
    },
    /// `DEFINE variable = 'value'`.
    Define {
        name: String,
        value: String,
    },
    Undefine {
        name: String,
    },
    Print(Print),
    Copy(Copy),
    /// Statements of Postgres sessions: transactions, cursors, prepared statements and the like.
    Session(SessionStatement),
}

/// A name as the catalog knows it: unquoted names are folded to upper case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    pub value: String,
    pub position: Position,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum SourceKind {
    Stream,
    Table,
}

impl std::fmt::Display for SourceKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            SourceKind::Stream => "stream",
            SourceKind::Table => "table",
        })
    }
}

#[derive(Debug, Clone)]
pub struct CreateSource {
    pub kind: SourceKind,
    /// `CREATE SOURCE …`: it can be read only.
    pub read_only: bool,
    pub or_replace: bool,
    pub if_not_exists: bool,
    pub name: Name,
    pub columns: Vec<ColumnDef>,
    pub with: Vec<Property>,
}

#[derive(Debug, Clone)]
pub struct ColumnDef {
    pub name: Name,
    pub ty: TypeName,
    pub role: ColumnRole,
}

/// A type as a statement writes it. What custom types stand for is known to the catalog only, and read once, when the
/// statement runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TypeName {
    Known(SqlType),
    /// A name that CREATE TYPE gave.
    Custom(Name),
    Array(Box<TypeName>),
    /// Keys, values.
    Map(Box<(TypeName, TypeName)>),
    /// Fields in order; unquoted names are upper case.
    Struct(Vec<(String, TypeName)>),
}

impl TypeName {
    /// The type, with custom types as `custom` knows them.
    ///
    /// # Errors
    /// 42704 for a name that is no type.
    pub fn resolve(&self, custom: &dyn Fn(&str) -> Option<SqlType>) -> Result<SqlType, SqlError> {
        Ok(match self {
            TypeName::Known(ty) => ty.clone(),
            TypeName::Custom(name) => custom(&name.value).ok_or_else(|| {
                SqlError::new(sqlstate::UNDEFINED_OBJECT, format!("type \"{}\" does not exist", name.value))
                    .hint(
                        "types are BOOLEAN, INT, BIGINT, DOUBLE, DECIMAL(p, s), STRING, BYTES, DATE, TIME, TIMESTAMP, \
                         ARRAY<T>, MAP<K, V>, STRUCT<name T, …> and those of SHOW TYPES",
                    )
                    .at(Some(name.position))
            })?,
            TypeName::Array(element) => SqlType::array(element.resolve(custom)?),
            TypeName::Map(map) => SqlType::map(map.0.resolve(custom)?, map.1.resolve(custom)?),
            TypeName::Struct(fields) => {
                let field = |(name, ty): &(String, TypeName)| Ok((name.clone(), ty.resolve(custom)?));
                SqlType::structure(fields.iter().map(field).collect::<Result<Vec<_>, SqlError>>()?)
            }
        })
    }
}

impl std::fmt::Display for TypeName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            TypeName::Known(ty) => ty.fmt(f),
            TypeName::Custom(name) => f.write_str(&quote_ident(&name.value)),
            TypeName::Array(element) => write!(f, "ARRAY<{element}>"),
            TypeName::Map(map) => write!(f, "MAP<{}, {}>", map.0, map.1),
            TypeName::Struct(fields) => {
                f.write_str("STRUCT<")?;
                for (i, (name, ty)) in fields.iter().enumerate() {
                    write!(f, "{}{} {ty}", if i > 0 { ", " } else { "" }, quote_ident(name))?;
                }
                f.write_str(">")
            }
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ColumnRole {
    Value,
    /// `KEY`
    Key,
    /// `PRIMARY KEY`
    PrimaryKey,
    /// `HEADERS`
    Headers,
    /// `HEADER('key')`
    Header(String),
}

/// One `NAME = literal` of a WITH clause. The name is upper case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Property {
    pub name: Name,
    pub value: PropertyValue,
    pub value_position: Position,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PropertyValue {
    String(String),
    /// As written.
    Number(String),
    Boolean(bool),
}

#[derive(Debug, Clone)]
pub struct CreateAsSelect {
    pub kind: SourceKind,
    pub or_replace: bool,
    pub if_not_exists: bool,
    pub name: Name,
    pub with: Vec<Property>,
    pub query: Query,
}

/// A continuous query.
#[derive(Debug, Clone)]
pub struct Query {
    /// The SELECT as sqlparser reads it once the clauses below are lifted out: projection, FROM, WHERE, GROUP BY, HAVING.
    pub select: Box<sp::Select>,
    pub window: Option<Window>,
    pub partition_by: Option<PartitionBy>,
    /// None where a CREATE … AS SELECT has no EMIT: it means EMIT CHANGES.
    pub emit: Option<Emit>,
    pub limit: Option<u64>,
    pub position: Position,
}

#[derive(Debug, Clone)]
pub struct PartitionBy {
    /// Empty for `PARTITION BY NULL`.
    pub exprs: Vec<sp::Expr>,
    pub position: Position,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Emit {
    Changes,
    Final,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    pub kind: WindowKind,
    pub retention_ms: Option<i64>,
    pub grace_ms: Option<i64>,
    pub position: Position,
}

/// All sizes in milliseconds, above zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WindowKind {
    Tumbling { size_ms: i64 },
    Hopping { size_ms: i64, advance_ms: i64 },
}

#[derive(Debug, Clone)]
pub struct InsertValues {
    pub name: Name,
    /// Empty: all columns in the order of the declaration.
    pub columns: Vec<Name>,
    pub rows: Vec<Vec<sp::Expr>>,
}

/// `INSERT INTO stream [WITH (QUERY_ID = 'id')] SELECT …`: a persistent query that writes a stream that is there.
#[derive(Debug, Clone)]
pub struct InsertSelect {
    pub name: Name,
    /// As written in WITH; None: one is made.
    pub query_id: Option<Name>,
    pub query: Query,
}

#[derive(Debug, Clone)]
pub struct DropSource {
    pub kind: SourceKind,
    pub if_exists: bool,
    pub name: Name,
    pub delete_topic: bool,
}

/// New columns, each a value at the end.
#[derive(Debug, Clone)]
pub struct AlterSource {
    pub kind: SourceKind,
    pub name: Name,
    pub columns: Vec<ColumnDef>,
}

/// A name for a type.
#[derive(Debug, Clone)]
pub struct CreateType {
    pub name: Name,
    pub if_not_exists: bool,
    pub ty: TypeName,
}

/// `ASSERT [NOT EXISTS] TOPIC name [WITH (…)] [TIMEOUT n unit]`.
#[derive(Debug, Clone)]
pub struct AssertTopic {
    /// As written: topics have no upper case.
    pub topic: Name,
    /// False for NOT EXISTS.
    pub exists: bool,
    pub with: Vec<Property>,
    /// How long to wait for it to become true, in milliseconds; None: the setting says.
    pub timeout_ms: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Show {
    Streams {
        extended: bool,
    },
    Tables {
        extended: bool,
    },
    Queries {
        extended: bool,
    },
    /// ALL shows the server's own, too.
    Topics {
        all: bool,
        extended: bool,
    },
    Functions,
    Types,
    Properties,
    Variables,
    /// A run-time parameter of Postgres: `SHOW server_version`. Lower case, words joined by a blank.
    Parameter(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Describe {
    /// `DESCRIBE name [EXTENDED]`
    Source { name: Name, extended: bool },
    /// `DESCRIBE STREAMS|TABLES [EXTENDED]`
    All { kind: SourceKind, extended: bool },
    /// `DESCRIBE FUNCTION name`; the name in upper case.
    Function(Name),
}

#[derive(Debug, Clone)]
pub enum Explain {
    Query(Name),
    Statement(Box<Statement>),
}

#[derive(Debug, Clone)]
pub struct Print {
    pub topic: Name,
    pub from_beginning: bool,
    pub limit: Option<u64>,
    /// `INTERVAL n` or `SAMPLE n`: every n-th record.
    pub interval: Option<u64>,
}

#[derive(Debug, Clone)]
pub enum Copy {
    /// `COPY name [(columns)] FROM STDIN …`
    From { name: Name, columns: Vec<Name>, options: CopyOptions },
    /// `COPY (query) TO STDOUT …` or `COPY name [(columns)] TO STDOUT …`
    To { query: Box<Statement>, options: CopyOptions },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyOptions {
    pub format: CopyFormat,
    pub delimiter: Option<char>,
    pub null: Option<String>,
    pub header: bool,
    pub quote: Option<char>,
    pub escape: Option<char>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CopyFormat {
    Text,
    Csv,
    Binary,
}

/// What drivers send around their queries.
#[derive(Debug, Clone)]
pub enum SessionStatement {
    Begin {
        read_only: bool,
    },
    Commit,
    Rollback,
    Savepoint(String),
    ReleaseSavepoint(String),
    RollbackTo(String),
    /// `SET TRANSACTION …`, `SET SESSION CHARACTERISTICS …`: accepted, no effect.
    SetTransaction,
    DiscardAll,
    /// `DEALLOCATE name`; ALL has no name.
    Deallocate(Option<String>),
    /// `DECLARE name [NO SCROLL] CURSOR [WITH HOLD] FOR query`
    Declare {
        name: String,
        query: Box<Statement>,
    },
    /// `FETCH [FORWARD] n|ALL [FROM] name`; ALL has no count.
    Fetch {
        name: String,
        count: Option<u64>,
    },
    /// `CLOSE name`; ALL has no name.
    Close(Option<String>),
    /// LISTEN, UNLISTEN, NOTIFY: accepted, no effect; the word is the command tag.
    Accepted(&'static str),
}
