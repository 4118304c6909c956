//! The texts of all statements, the same for both databases, and how their rows are read.
//!
//! Table names are made of letters, digits and `_` alone; everything else is bound.

use std::fmt::Write;
use std::sync::Arc;

use bytes::Bytes;
use sqlx::{ColumnIndex, Decode, Row, Type};

use crate::credential::opaque::sha256;
use crate::store::{Key, Kind};

/// A statement's text, cloned for every use.
pub(super) type Text = Arc<str>;

/// Longest beginning of a table's name: with a kind behind it, it stays below the 63 bytes of PostgreSQL.
const LONGEST_PREFIX: usize = 40;

/// Two processes that make the tables at once must not meet in PostgreSQL's catalogue: one waits for this lock.
const SCHEMA_LOCK: i64 = 0x6175_7468_6265_6e63;

/// All statements of one store.
#[derive(Debug)]
pub(super) struct Statements {
    prefix: String,
    /// Makes the tables.
    pub(super) schema: String,
    kinds: Vec<KindStatements>,
    /// Deletes what has ended.
    pub(super) sweeps: Vec<Text>,
    /// Deletes what has ended from a user's place in the index.
    pub(super) forget: Text,
    pub(super) members: Text,
}

/// The statements on one kind's table.
#[derive(Debug)]
pub(super) struct KindStatements {
    pub(super) put_new: Text,
    pub(super) get: Text,
    pub(super) get_and_touch: Text,
    pub(super) take: Text,
    pub(super) replace_if: Text,
}

impl Statements {
    pub(super) fn new(prefix: &str, postgres: bool) -> Self {
        let prefix = table_prefix(prefix);
        let (binary, number) = if postgres { ("BYTEA", "BIGINT") } else { ("BLOB", "INTEGER") };
        // SQLite keeps such a table in its primary key; PostgreSQL knows no such choice.
        let keyed = if postgres { "" } else { " WITHOUT ROWID" };
        let mut schema = String::from("BEGIN;");
        if postgres {
            let _ = write!(schema, "SELECT pg_advisory_xact_lock({SCHEMA_LOCK});");
        }
        let mut sweeps = Vec::new();
        for kind in Kind::ALL {
            let table = format!("{prefix}_{}", kind.name());
            let columns = if kind == Kind::Index {
                format!("owner {binary}, id {binary}, until {number} NOT NULL, PRIMARY KEY (owner, id)")
            } else {
                format!("id {binary} PRIMARY KEY, value {binary} NOT NULL, until {number} NOT NULL")
            };
            let _ = write!(schema, "CREATE TABLE IF NOT EXISTS {table} ({columns}){keyed};");
            sweeps.push(format!("DELETE FROM {table} WHERE until <= $1").into());
        }
        schema.push_str("COMMIT;");
        let index = format!("{prefix}_index");
        Self {
            schema,
            kinds: Kind::ALL.map(|kind| KindStatements::new(&format!("{prefix}_{}", kind.name()))).into(),
            sweeps,
            forget: format!("DELETE FROM {index} WHERE owner = $1 AND until <= $2").into(),
            members: format!("SELECT id, until FROM {index} WHERE owner = $1 AND until > $2").into(),
            prefix,
        }
    }

    pub(super) fn of(&self, kind: Kind) -> &KindStatements {
        &self.kinds[kind.slot()]
    }

    /// One statement for all keys: each row is a value and the place of its key. `$1` is the time, the ids follow.
    pub(super) fn get_many(&self, keys: &[Key<'_>]) -> String {
        let mut sql = String::with_capacity(keys.len() * 96);
        for (place, key) in keys.iter().enumerate() {
            let (union, table) = (if place == 0 { "" } else { " UNION ALL " }, key.kind.name());
            let (prefix, parameter) = (&self.prefix, place + 2);
            let _ = write!(
                sql,
                "{union}SELECT value, CAST({place} AS BIGINT) FROM {prefix}_{table} WHERE id = ${parameter} AND until > $1"
            );
        }
        sql
    }

    /// Id, value and end of each entry, in this order.
    pub(super) fn put_all(&self, kind: Kind, count: usize) -> String {
        let (prefix, table, rows) = (&self.prefix, kind.name(), triples(count));
        format!(
            "INSERT INTO {prefix}_{table} (id, value, until) VALUES {rows} \
             ON CONFLICT (id) DO UPDATE SET value = excluded.value, until = excluded.until"
        )
    }

    /// The ids; each row is an id that was there and its end.
    pub(super) fn take_all(&self, kind: Kind, count: usize) -> String {
        let (prefix, table, ids) = (&self.prefix, kind.name(), list(1, count));
        format!("DELETE FROM {prefix}_{table} WHERE id IN ({ids}) RETURNING id, until")
    }

    /// The owner, then the ids.
    pub(super) fn remove(&self, count: usize) -> String {
        let (prefix, ids) = (&self.prefix, list(2, count));
        format!("DELETE FROM {prefix}_index WHERE owner = $1 AND id IN ({ids})")
    }

    /// Owner, id and end of each member, in this order.
    pub(super) fn add_all(&self, count: usize) -> String {
        let (prefix, rows) = (&self.prefix, triples(count));
        format!(
            "INSERT INTO {prefix}_index (owner, id, until) VALUES {rows} \
             ON CONFLICT (owner, id) DO UPDATE SET until = excluded.until"
        )
    }
}

impl KindStatements {
    fn new(table: &str) -> Self {
        Self {
            // What is past its end is as good as absent.
            put_new: format!(
                "INSERT INTO {table} AS present (id, value, until) VALUES ($1, $2, $3) ON CONFLICT (id) DO UPDATE \
                 SET value = excluded.value, until = excluded.until WHERE present.until <= $4"
            )
            .into(),
            get: format!("SELECT value FROM {table} WHERE id = $1 AND until > $2").into(),
            get_and_touch: format!("UPDATE {table} SET until = $2 WHERE id = $1 AND until > $3 RETURNING value")
                .into(),
            take: format!("DELETE FROM {table} WHERE id = $1 RETURNING CASE WHEN until > $2 THEN value END").into(),
            replace_if: format!(
                "UPDATE {table} SET value = $3, until = $4 WHERE id = $1 AND value = $2 AND until > $5"
            )
            .into(),
        }
    }
}

/// The beginning of table names: the prefix itself if it is a plain name, or one made of its digest.
fn table_prefix(prefix: &str) -> String {
    let plain = prefix.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    if plain && prefix.len() <= LONGEST_PREFIX && prefix.starts_with(|first: char| first.is_ascii_lowercase())
    {
        return prefix.to_owned();
    }
    let mut name = String::from("ab");
    for byte in &sha256(prefix.as_bytes())[..8] {
        let _ = write!(name, "{byte:02x}");
    }
    name
}

/// `$1,$2,$3` and so on.
fn list(first: usize, count: usize) -> String {
    let mut text = String::with_capacity(count * 6);
    for at in first..first + count {
        let _ = write!(text, "{}${at}", if at == first { "" } else { "," });
    }
    text
}

/// `($1,$2,$3),($4,$5,$6)` and so on.
fn triples(count: usize) -> String {
    let mut text = String::with_capacity(count * 20);
    for at in 0..count {
        let comma = if at == 0 { "" } else { "," };
        let _ = write!(text, "{comma}(${},${},${})", at * 3 + 1, at * 3 + 2, at * 3 + 3);
    }
    text
}

/// The first column of a row, where there is a row and something in it.
pub(super) fn value_of<R>(row: Option<R>) -> Result<Option<Bytes>, sqlx::Error>
where
    R: Row,
    usize: ColumnIndex<R>,
    for<'r> Option<Vec<u8>>: Decode<'r, R::Database> + Type<R::Database>,
{
    let Some(row) = row else { return Ok(None) };
    Ok(row.try_get::<Option<Vec<u8>>, _>(0)?.map(Bytes::from))
}

/// Rows of bytes and a number.
pub(super) fn rows_of<R>(rows: &[R]) -> Result<Vec<(Bytes, i64)>, sqlx::Error>
where
    R: Row,
    usize: ColumnIndex<R>,
    for<'r> Vec<u8>: Decode<'r, R::Database> + Type<R::Database>,
    for<'r> i64: Decode<'r, R::Database> + Type<R::Database>,
{
    rows.iter()
        .map(|row| Ok((Bytes::from(row.try_get::<Vec<u8>, _>(0)?), row.try_get::<i64, _>(1)?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Statements, table_prefix};
    use crate::store::{Key, Kind};

    #[test]
    fn table_names_are_plain_whatever_the_prefix() {
        assert_eq!(table_prefix("ab"), "ab");
        for odd in ["authbench-1:row", "", "1a", "a;DROP TABLE b", "\"", &"a".repeat(41), "Ab"] {
            let name = table_prefix(odd);
            assert!(
                name.len() == 18 && name.bytes().all(|byte| byte.is_ascii_alphanumeric()),
                "{odd} {name}"
            );
            assert_eq!(name, table_prefix(odd), "the same on every replica");
        }
        assert_ne!(table_prefix("a-b"), table_prefix("a_b"));
    }

    #[test]
    fn parameters_are_numbered_in_the_order_they_are_bound() {
        let statements = Statements::new("x", true);
        let keys = [Key { kind: Kind::Live, id: b"a" }, Key { kind: Kind::User, id: b"b" }];
        assert_eq!(
            statements.get_many(&keys),
            "SELECT value, CAST(0 AS BIGINT) FROM x_live WHERE id = $2 AND until > $1 UNION ALL \
             SELECT value, CAST(1 AS BIGINT) FROM x_user WHERE id = $3 AND until > $1"
        );
        assert!(statements.put_all(Kind::Deny, 2).contains("VALUES ($1,$2,$3),($4,$5,$6) "));
        assert!(statements.take_all(Kind::Deny, 2).contains("IN ($1,$2)"));
        assert!(statements.remove(2).contains("owner = $1 AND id IN ($2,$3)"));
    }
}
