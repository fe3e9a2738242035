//! From a mapping to the plan that the parser follows.

use chrono_tz::Tz;

use super::check;
use super::error::{MappingError, RuleProblem, nearest};
use super::file::{ColumnRule, Literal, MappingFile, RelatedRule};
use super::path::KeyPath;
use crate::event::model::{COLUMNS, Origin, find, index_of};
use crate::event::plan::{ATTRIBUTES, Late, LateRule, NONE, Plan, RelatedTemplate, Rule};

/// Most different paths of a mapping; far below what the plan's 16-bit numbers can name.
pub(super) const MAX_PATHS: usize = 4_096;

const RELATED: usize = index_of("related");

impl MappingFile {
    /// The plan that reads events by this mapping. `source` is not in it: a key's own source goes
    /// before the mapping's, so whoever reads a batch decides.
    ///
    /// # Errors
    /// An unknown column, or a rule that cannot work, each with its key in the mapping.
    pub fn compile(&self) -> Result<Plan, MappingError> {
        let zone = self.zone.as_deref().map(check::zone_of).transpose();
        let zone = zone.map_err(|problem| MappingError::rule("zone", problem))?;
        let mut compiler = Compiler { plan: Plan::empty(), zone };
        compiler.head(self)?;
        for (name, functions) in &self.columns {
            let column = writable(name)?;
            compiler
                .column(column, functions)
                .map_err(|problem| MappingError::rule(format!("columns.{name}"), problem))?;
        }
        compiler.related(self)?;
        compiler.finish()
    }
}

/// The column called `name`, if a mapping may fill it.
fn writable(name: &str) -> Result<usize, MappingError> {
    let column = find(name).ok_or_else(|| MappingError::UnknownColumn {
        column: name.to_string(),
        nearest: nearest(name, COLUMNS.iter().map(|column| column.name)),
    })?;
    match COLUMNS[column].origin {
        Origin::Wire | Origin::WireOrDerived => Ok(column),
        Origin::System | Origin::Derived => Err(MappingError::rule(format!("columns.{name}"), RuleProblem::NotYours)),
    }
}

struct Compiler {
    plan: Plan,
    zone: Option<Tz>,
}

impl Compiler {
    /// What stands above the columns.
    fn head(&mut self, file: &MappingFile) -> Result<(), MappingError> {
        for (name, text) in [("dataset", &file.dataset), ("tenant_id", &file.tenant_id), ("source", &file.source)] {
            let Some(text) = text else { continue };
            if text.is_empty() {
                return Err(MappingError::rule(name, RuleProblem::Empty));
            }
            if name != "source" && file.columns.get(name).is_none_or(|rule| rule.default.is_none()) {
                self.plan.defaults.push((writable(name)?, text.clone().into_bytes()));
            }
        }
        if let Some(wrapper) = &file.wrapper {
            let key = wrapper.strip_suffix("[]").unwrap_or(wrapper);
            if key.is_empty() {
                return Err(MappingError::rule("wrapper", RuleProblem::Empty));
            }
            self.plan.wrapper = Some(key.as_bytes().to_vec());
        }
        self.plan.keep_raw = file.keep_raw;
        Ok(())
    }

    fn column(&mut self, column: usize, functions: &ColumnRule) -> Result<(), RuleProblem> {
        let source = source(functions)?;
        if column == ATTRIBUTES {
            return self.attributes(functions);
        }
        let rule = check::rule(column, functions, self.zone)?;
        let done_to = match source {
            "concat" | "constant" => table_function(functions),
            _ => None,
        };
        if let Some(function) = done_to {
            return Err(RuleProblem::NotForSource { function, source_kind: source });
        }
        if let Some(value) = &functions.default {
            self.default(column, value, source)?;
        }
        match source {
            "path" => {
                let slot = self.slot(functions.path.as_ref());
                self.plan.direct[slot as usize].push(rule);
            }
            "first_of" => self.first_of(functions, &rule)?,
            "concat" => {
                let slots = functions.concat.iter().map(|path| self.slot(Some(path))).collect();
                self.late(Late::Concat(slots, functions.separator.clone().unwrap_or_default()), rule);
            }
            _ => {
                let text = functions.constant.as_ref().map(|value| check::literal(column, value)).transpose()?;
                self.late(Late::Constant(text.unwrap_or_default()), rule);
            }
        }
        Ok(())
    }

    /// Each alternative in turn; those without functions of their own share the column's.
    fn first_of(&mut self, functions: &ColumnRule, rule: &Rule) -> Result<(), RuleProblem> {
        for alternative in &functions.first_of {
            nested(alternative)?;
            let own =
                if alternative.is_plain() { None } else { Some(check::rule(rule.column, alternative, self.zone)?) };
            let rule = own.unwrap_or_else(|| rule.clone());
            let slot = self.slot(alternative.path.as_ref());
            match self.plan.late.last_mut() {
                Some(LateRule { source: Late::FirstOf(slots), rule: last }) if *last == rule => slots.push(slot),
                _ => self.late(Late::FirstOf(vec![slot]), rule),
            }
        }
        Ok(())
    }

    fn default(&mut self, column: usize, value: &Literal, source: &'static str) -> Result<(), RuleProblem> {
        if source == "constant" {
            return Err(RuleProblem::NotForSource { function: "default", source_kind: source });
        }
        self.plan.defaults.push((column, check::literal(column, value)?));
        Ok(())
    }

    fn attributes(&mut self, functions: &ColumnRule) -> Result<(), RuleProblem> {
        if !functions.is_plain() {
            return Err(RuleProblem::Attributes);
        }
        self.plan.attributes = self.slot(functions.path.as_ref());
        Ok(())
    }

    fn related(&mut self, file: &MappingFile) -> Result<(), MappingError> {
        if file.related.is_empty() {
            return Ok(());
        }
        if file.columns.contains_key("related") {
            return Err(MappingError::rule("related", RuleProblem::RelatedTwice));
        }
        let mut templates = Vec::new();
        for (at, RelatedRule { object_type, id, name, role }) in file.related.iter().enumerate() {
            if object_type.is_empty() {
                return Err(MappingError::rule(format!("related[{at}].type"), RuleProblem::Empty));
            }
            templates.push(RelatedTemplate {
                object_type: object_type.clone().into_bytes(),
                id: self.slot(Some(id)),
                name: name.as_ref().map_or(NONE, |path| self.slot(Some(path))),
                role: role.clone().map(String::into_bytes),
            });
        }
        self.late(Late::Related(templates), Rule::plain(RELATED));
        Ok(())
    }

    fn finish(self) -> Result<Plan, MappingError> {
        let paths = self.plan.nodes.iter().map(|node| node.entries.len()).sum();
        if paths > MAX_PATHS {
            return Err(MappingError::TooManyPaths(paths));
        }
        let slot = self.plan.attributes;
        if slot != NONE
            && (!self.plan.direct[slot as usize].is_empty() || self.plan.late.iter().any(|late| uses(late, slot)))
        {
            return Err(MappingError::rule("columns.attributes", RuleProblem::Attributes));
        }
        Ok(self.plan)
    }

    fn late(&mut self, source: Late, rule: Rule) {
        self.plan.late.push(LateRule { source, rule });
    }

    /// The slot of `path`; a rule without one was refused before.
    fn slot(&mut self, path: Option<&KeyPath>) -> u16 {
        path.map_or(NONE, |path| self.plan.slot(path.keys()))
    }
}

fn uses(late: &LateRule, slot: u16) -> bool {
    match &late.source {
        Late::FirstOf(slots) | Late::Concat(slots, _) => slots.contains(&slot),
        Late::Constant(_) => false,
        Late::Related(templates) => templates.iter().any(|template| template.id == slot || template.name == slot),
    }
}

/// The one thing that says where a column's value comes from.
fn source(functions: &ColumnRule) -> Result<&'static str, RuleProblem> {
    let given = [
        ("path", functions.path.is_some()),
        ("first_of", !functions.first_of.is_empty()),
        ("concat", !functions.concat.is_empty()),
        ("constant", functions.constant.is_some()),
    ];
    let mut given = given.into_iter().filter(|(_, given)| *given).map(|(name, _)| name);
    match (given.next(), given.next()) {
        (None, _) => Err(RuleProblem::NoSource),
        (Some(one), None) => Ok(one),
        (Some(one), Some(other)) => Err(RuleProblem::TwoSources(one, other)),
    }
}

/// A function that is done to one sent value, so not to a joined or constant text.
fn table_function(functions: &ColumnRule) -> Option<&'static str> {
    let used = [
        ("values", !functions.values.is_empty() || functions.otherwise.is_some() || functions.only_listed),
        ("lower", functions.lower),
        ("scale", functions.scale.is_some()),
    ];
    used.into_iter().find(|(_, used)| *used).map(|(name, _)| name)
}

/// Inside `first_of` stand paths with functions, nothing that fills a column by itself.
fn nested(alternative: &ColumnRule) -> Result<(), RuleProblem> {
    let refused = [
        ("first_of", !alternative.first_of.is_empty()),
        ("concat", !alternative.concat.is_empty()),
        ("constant", alternative.constant.is_some()),
        ("default", alternative.default.is_some()),
    ];
    match refused.into_iter().find(|(_, used)| *used) {
        Some((name, _)) => Err(RuleProblem::Nested(name)),
        None if alternative.path.is_none() => Err(RuleProblem::NoSource),
        None => Ok(()),
    }
}
