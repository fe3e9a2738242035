//! Parses the text and looks at the tree before anything is planned.
//!
//! What is multiplied in planning is counted here: a common table expression stands once in the text
//! and as often in the plan as it is used, a cube of *n* columns is 2ⁿ groupings.

use std::ops::ControlFlow;

use datafusion::sql::parser::{DFParserBuilder, Statement};
use datafusion::sql::sqlparser::ast::{
    Expr, GroupByExpr, Query, Select, SetExpr, Statement as SqlStatement, TableFactor, Visit, Visitor,
};

use crate::config::Guard;
use crate::query::dialect::EventsDialect;
use crate::query::error::QueryError;
use crate::query::params::Failure;

/// Exactly one statement, which must be a query or EXPLAIN of one.
pub(crate) fn parse(sql: &str, guard: &Guard) -> Result<Statement, Failure> {
    let mut statements = DFParserBuilder::new(sql)
        .with_dialect(&EventsDialect)
        .with_recursion_limit(guard.nesting_max)
        .build()?
        .parse_statements()?;
    match (statements.pop_front(), statements.len()) {
        (Some(statement), 0) if query_of(&statement).is_some() => Ok(statement),
        (Some(statement), 0) => {
            let text = statement.to_string();
            let word = text.split_whitespace().next().unwrap_or_default().to_uppercase();
            Err(QueryError::NotAQuery(format!("`{word}` is not run")).into())
        }
        (None, _) => Err(QueryError::NotAQuery("the SQL text is empty".into()).into()),
        (Some(_), more) => Err(QueryError::NotAQuery(format!("{} statements", more + 1)).into()),
    }
}

/// The query that the statement runs or explains.
fn query_of(statement: &Statement) -> Option<&Query> {
    match statement {
        Statement::Statement(statement) => match &**statement {
            SqlStatement::Query(query) => {
                let changes = matches!(
                    *query.body,
                    SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_)
                );
                (!changes).then_some(query)
            }
            _ => None,
        },
        Statement::Explain(explain) => query_of(&explain.statement),
        _ => None,
    }
}

/// Refuses a statement that would grow beyond a limit of `guard` when it is planned.
pub(super) fn check(statement: &Statement, guard: &Guard) -> Result<(), QueryError> {
    let Some(query) = query_of(statement) else { return Ok(()) };
    let mut walk = Walk { guard, frames: Vec::new(), ctes: 0, joins: 0 };
    match query.visit(&mut walk) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(*error),
    }
}

/// One query that the walk is inside of.
struct Frame {
    /// Where its common table expressions stand, by address, with their names.
    own: Vec<(*const Query, String)>,
    /// Those that were walked, with the number of tables that each stands for.
    known: Vec<(String, usize)>,
    /// Tables of this query so far.
    relations: usize,
}

struct Walk<'a> {
    guard: &'a Guard,
    frames: Vec<Frame>,
    ctes: usize,
    joins: usize,
}

type Step = ControlFlow<Box<QueryError>>;

fn limited(count: usize, limit: usize, what: &'static str, setting: &'static str) -> Step {
    if count <= limit {
        return ControlFlow::Continue(());
    }
    ControlFlow::Break(Box::new(QueryError::TooComplex { what, limit: limit as u64, setting, position: None }))
}

fn refused(what: &str) -> Step {
    ControlFlow::Break(Box::new(QueryError::Unsupported(what.into())))
}

impl Walk<'_> {
    /// Counts `more` tables for the query that is being walked.
    fn relate(&mut self, more: usize) -> Step {
        let Some(frame) = self.frames.last_mut() else { return ControlFlow::Continue(()) };
        frame.relations = frame.relations.saturating_add(more);
        let count = frame.relations;
        limited(count, self.guard.relations_max, "tables, common table expressions in place", "relations_max")
    }

    /// Tables that a name stands for: what its common table expression reads, else one.
    fn weight(&self, name: &str) -> usize {
        let known = self.frames.iter().rev().flat_map(|frame| frame.known.iter().rev());
        known.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map_or(1, |(_, weight)| *weight)
    }
}

impl Visitor for Walk<'_> {
    type Break = Box<QueryError>;

    fn pre_visit_query(&mut self, query: &Query) -> Step {
        if query.settings.is_some() || query.format_clause.is_some() || query.for_clause.is_some() {
            return refused("SETTINGS, FORMAT and FOR XML or JSON");
        }
        if !query.locks.is_empty() {
            return refused("FOR UPDATE and FOR SHARE");
        }
        let mut own = Vec::new();
        if let Some(with) = &query.with {
            if with.recursive {
                return refused("WITH RECURSIVE");
            }
            self.ctes += with.cte_tables.len();
            limited(self.ctes, self.guard.ctes_max, "common table expressions", "ctes_max")?;
            own = with.cte_tables.iter().map(|cte| (&raw const *cte.query, cte.alias.name.value.clone())).collect();
        }
        self.frames.push(Frame { own, known: Vec::new(), relations: 0 });
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &Query) -> Step {
        let Some(done) = self.frames.pop() else { return ControlFlow::Continue(()) };
        let address = &raw const *query;
        if let Some(outer) = self.frames.last_mut()
            && let Some((_, name)) = outer.own.iter().find(|(own, _)| std::ptr::eq(*own, address))
        {
            outer.known.push((name.clone(), done.relations.max(1)));
            return ControlFlow::Continue(());
        }
        self.relate(done.relations)
    }

    fn pre_visit_select(&mut self, select: &Select) -> Step {
        if select.into.is_some() {
            return refused("SELECT INTO");
        }
        limited(select.projection.len(), self.guard.columns_max, "columns in one SELECT", "columns_max")?;
        let joined: usize = select.from.iter().map(|from| from.joins.len()).sum();
        self.joins += joined + select.from.len().saturating_sub(1);
        limited(self.joins, self.guard.joins_max, "joins", "joins_max")?;
        limited(grouping_sets(&select.group_by), self.guard.grouping_sets_max, "grouping sets", "grouping_sets_max")
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> Step {
        match factor {
            TableFactor::Table { name, args: None, .. } => {
                let weight = match name.0.as_slice() {
                    [one] => one.as_ident().map_or(1, |ident| self.weight(&ident.value)),
                    _ => 1,
                };
                self.relate(weight)
            }
            // What they hold is walked on its own.
            TableFactor::Derived { .. } | TableFactor::NestedJoin { .. } => ControlFlow::Continue(()),
            _ => self.relate(1),
        }
    }
}

/// How many groupings a GROUP BY stands for.
fn grouping_sets(group_by: &GroupByExpr) -> usize {
    let (expressions, modifiers) = match group_by {
        GroupByExpr::All(modifiers) => (&[][..], modifiers),
        GroupByExpr::Expressions(expressions, modifiers) => (expressions.as_slice(), modifiers),
    };
    let of = |expression: &Expr| match expression {
        Expr::Cube(sets) => power_of_two(sets.len()),
        Expr::Rollup(sets) => sets.len() + 1,
        Expr::GroupingSets(sets) => sets.len().max(1),
        _ => 1,
    };
    let sets = expressions.iter().map(of).fold(1_usize, usize::saturating_mul);
    // `GROUP BY a, b WITH CUBE`: over all of them.
    if modifiers.is_empty() { sets } else { sets.saturating_mul(power_of_two(expressions.len())) }
}

fn power_of_two(exponent: usize) -> usize {
    u32::try_from(exponent).ok().and_then(|exponent| 1_usize.checked_shl(exponent)).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests;
