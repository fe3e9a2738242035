//! Which partitions of a version a policy lets go, and what that amounts to.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3;

use super::hold::Covers;
use super::{Hold, Rules, day_text};
use crate::event::names::ProjectName;
use crate::table::{DataFile, TableVersion};

/// One UTC day of one module, all of whose events are older than its policy.
#[derive(Debug, Clone)]
pub struct Partition {
    /// Days since 1970.
    pub date: i32,
    /// The module.
    pub module: Option<String>,
    /// Its files.
    pub files: Vec<Arc<DataFile>>,
    /// Ids of holds that cover all of it.
    holds: Vec<String>,
}

/// Partitions that a policy lets go.
#[derive(Debug, Clone, Default)]
pub struct Selected {
    /// Those that may go.
    pub going: Vec<Partition>,
    /// Those that a hold keeps.
    pub held: Vec<Partition>,
    /// Those of which a hold may cover rows: somebody must look.
    pub unsure: Vec<Partition>,
}

/// What a run would do, or did.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Plan {
    /// The project.
    pub project: String,
    /// Name of exactly this plan, by which a run confirms it.
    pub plan: String,
    /// Events that go.
    pub rows: u64,
    /// Their size in files, in bytes.
    pub bytes: u64,
    /// Files that go.
    pub files: u64,
    /// Partitions (a UTC day of a module) that go.
    pub partitions: u64,
    /// Oldest day that goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oldest: Option<String>,
    /// Newest day that goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub newest: Option<String>,
    /// Share of the project's stored events that goes, in percent, rounded up.
    pub percent: u64,
    /// Whether a run must confirm the plan: more than `retention.share_max` would go, or the clock looks wrong.
    pub needs_confirmation: bool,
    /// Why the clock looks wrong; absent where it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clock: Option<String>,
    /// The same by module.
    pub modules: Vec<ModulePlan>,
    /// What a legal hold keeps of what the policy would let go.
    pub held: HeldPlan,
}

/// What goes of one module.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ModulePlan {
    /// The module; absent for events without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub module: Option<String>,
    /// How long its events are kept.
    pub keep: String,
    /// Partitions.
    pub partitions: u64,
    /// Files.
    pub files: u64,
    /// Events.
    pub rows: u64,
    /// Bytes.
    pub bytes: u64,
    /// Oldest day.
    pub oldest: String,
    /// Newest day.
    pub newest: String,
}

/// What a hold keeps.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct HeldPlan {
    /// Partitions.
    pub partitions: u64,
    /// Events in them.
    pub rows: u64,
    /// Bytes.
    pub bytes: u64,
    /// Ids of the holds.
    pub holds: Vec<String>,
}

impl Partition {
    /// Events in it.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.files.iter().map(|file| file.rows).sum()
    }

    /// Its size.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.size).sum()
    }
}

impl Selected {
    /// The partitions of `version` that `rules` let go now.
    #[must_use]
    pub fn of(version: &TableVersion, rules: &Rules, holds: &[Hold], now_us: i64) -> Self {
        let mut partitions: BTreeMap<(i32, Option<&str>), Vec<Arc<DataFile>>> = BTreeMap::new();
        for file in &version.files {
            let module = file.module.as_deref();
            if rules.first_kept(module, now_us).is_some_and(|first| file.date < first) {
                partitions.entry((file.date, module)).or_default().push(Arc::clone(file));
            }
        }
        let mut selected = Self::default();
        for ((date, module), files) in partitions {
            let covers = |hold: &&Hold| hold.what.covers(date, module);
            let all = holds.iter().filter(|hold| covers(hold) == Covers::All).map(|hold| hold.id.clone());
            let module = module.map(str::to_owned);
            let partition = Partition { date, holds: all.collect(), module, files };
            let unsure = holds.iter().any(|hold| hold.what.covers(date, partition.module.as_deref()) == Covers::Rows);
            match (partition.holds.is_empty(), unsure) {
                (false, _) => selected.held.push(partition),
                (true, true) => selected.unsure.push(partition),
                (true, false) => selected.going.push(partition),
            }
        }
        selected
    }

    /// Decides about a partition that was unsure: held by `holds`, or by none.
    pub fn settle(&mut self, mut partition: Partition, holds: Vec<String>) {
        partition.holds = holds;
        if partition.holds.is_empty() { self.going.push(partition) } else { self.held.push(partition) }
    }

    /// What it amounts to; `version` is what it was selected from.
    #[must_use]
    pub fn plan(&self, project: &ProjectName, version: &TableVersion, rules: &Rules, share_max: u64) -> Plan {
        let mut going: Vec<&Partition> = self.going.iter().collect();
        going.sort_by(|a, b| (&a.module, a.date).cmp(&(&b.module, b.date)));
        let rows: u64 = going.iter().map(|partition| partition.rows()).sum();
        let all = version.rows();
        let percent = if all == 0 { 0 } else { rows.saturating_mul(100).div_ceil(all) };
        let day = |date: Option<i32>| date.map(day_text);
        Plan {
            project: project.to_string(),
            plan: name_of(project, &going),
            rows,
            bytes: going.iter().map(|partition| partition.bytes()).sum(),
            files: going.iter().map(|partition| partition.files.len() as u64).sum(),
            partitions: going.len() as u64,
            oldest: day(going.iter().map(|partition| partition.date).min()),
            newest: day(going.iter().map(|partition| partition.date).max()),
            percent,
            needs_confirmation: percent > share_max,
            clock: None,
            modules: by_module(&going, rules),
            held: self.held_plan(),
        }
    }

    fn held_plan(&self) -> HeldPlan {
        let mut holds: Vec<String> = self.held.iter().flat_map(|partition| partition.holds.clone()).collect();
        holds.sort_unstable();
        holds.dedup();
        HeldPlan {
            partitions: self.held.len() as u64,
            rows: self.held.iter().map(Partition::rows).sum(),
            bytes: self.held.iter().map(Partition::bytes).sum(),
            holds,
        }
    }
}

/// Sums of each module, of partitions in the order (module, date).
fn by_module(going: &[&Partition], rules: &Rules) -> Vec<ModulePlan> {
    let mut modules: Vec<ModulePlan> = Vec::new();
    for partition in going {
        let day = day_text(partition.date);
        if modules.last().is_none_or(|last| last.module != partition.module) {
            modules.push(ModulePlan {
                module: partition.module.clone(),
                keep: rules.keep(partition.module.as_deref()).to_string(),
                oldest: day.clone(),
                ..ModulePlan::default()
            });
        }
        if let Some(of) = modules.last_mut() {
            of.partitions += 1;
            of.files += partition.files.len() as u64;
            of.rows += partition.rows();
            of.bytes += partition.bytes();
            of.newest = day;
        }
    }
    modules
}

/// The same for the same events, whatever files hold them.
fn name_of(project: &ProjectName, going: &[&Partition]) -> String {
    let mut hash = Xxh3::new();
    hash.update(project.as_str().as_bytes());
    for partition in going {
        hash.update(format!("\n{:?} {} {}", partition.module, partition.date, partition.rows()).as_bytes());
    }
    format!("{:016x}", hash.digest())
}
