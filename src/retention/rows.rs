//! What an erasure does to rows: those of its subject go, in others the value is blanked, those under a hold stay.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, ListArray, MapArray, StringArray, StructArray};
use arrow::buffer::BooleanBuffer;
use arrow::compute::filter_record_batch;
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use parking_lot::Mutex;

use super::hold::Covers;
use super::needle::Needle;
use super::subject::{Subject, Test};
use super::{Hold, NewHold, RetentionError};
use crate::event::model::{COLUMNS, Kind, find, index_of};
use crate::table::{DataFile, Judged, RowEdit};

/// The column of attachments.
const ATTACHMENTS: &str = "attachments";

/// Holds of a project, for its rows.
#[derive(Debug, Clone, Default)]
pub struct HeldRows {
    holds: Vec<NewHold>,
}

impl HeldRows {
    /// Of these holds, which are in force for one project.
    #[must_use]
    pub fn new<'a>(holds: impl IntoIterator<Item = &'a Hold>) -> Self {
        Self { holds: holds.into_iter().map(|hold| hold.what.clone()).collect() }
    }

    /// Columns that must be read to tell.
    fn columns(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.holds.iter().flat_map(NewHold::tests).flatten().map(|test| test.column())
    }

    /// Whether rows of a file may be held.
    fn may_hold(&self, file: &DataFile) -> bool {
        self.holds.iter().any(|hold| match hold.covers(file.date, file.module.as_deref()) {
            Covers::Nothing => false,
            Covers::All => true,
            Covers::Rows => hold.tests().iter().all(|any| any.iter().any(|test| test.may_pass(file))),
        })
    }

    /// Which rows of a file are held.
    fn of(&self, file: &DataFile, rows: &RecordBatch) -> Result<BooleanBuffer, ArrowError> {
        let mut held = BooleanBuffer::new_unset(rows.num_rows());
        for hold in &self.holds {
            match hold.covers(file.date, file.module.as_deref()) {
                Covers::Nothing => {}
                Covers::All => return Ok(BooleanBuffer::new_set(rows.num_rows())),
                Covers::Rows => held = &held | &hold.rows(rows)?,
            }
        }
        Ok(held)
    }
}

impl NewHold {
    fn rows(&self, rows: &RecordBatch) -> Result<BooleanBuffer, ArrowError> {
        let mut held = BooleanBuffer::new_set(rows.num_rows());
        for alternatives in self.tests() {
            held = &held & &any(&alternatives, rows)?;
        }
        Ok(held)
    }
}

fn any(tests: &[Test], rows: &RecordBatch) -> Result<BooleanBuffer, ArrowError> {
    let mut passes = BooleanBuffer::new_unset(rows.num_rows());
    for test in tests {
        passes = &passes | test.passes(rows)?.values();
    }
    Ok(passes)
}

/// Rows that are held are looked for, and nothing is changed: what [`RowEdit::judge`] tells as held.
impl RowEdit for HeldRows {
    fn concerns(&self, file: &DataFile) -> bool {
        self.may_hold(file)
    }

    fn columns(&self) -> Option<Vec<&'static str>> {
        Some(self.columns().collect())
    }

    fn judge(&self, file: &DataFile, rows: &RecordBatch) -> Result<Judged, ArrowError> {
        Ok(Judged { held: self.of(file, rows)?.count_set_bits() as u64, ..Judged::default() })
    }

    fn edit(&self, _file: &DataFile, rows: &RecordBatch) -> Result<RecordBatch, ArrowError> {
        Ok(rows.clone())
    }
}

/// An erasure's way with rows.
#[derive(Debug)]
pub struct Eraser {
    /// Whose rows go; `None`: nobody's.
    test: Option<Test>,
    /// What is blanked in the others.
    needle: Option<Needle>,
    held: HeldRows,
    /// SHA-256 of the attachments of rows that go.
    attachments: Mutex<BTreeSet<String>>,
}

impl Eraser {
    /// Removes rows of `subject`, and blanks `needle` in all others; but for rows that are held.
    ///
    /// # Errors
    /// Nothing can be about such a subject.
    pub fn new(subject: Option<&Subject>, needle: Option<Needle>, held: HeldRows) -> Result<Self, RetentionError> {
        Ok(Self { test: subject.map(Subject::test).transpose()?, needle, held, attachments: Mutex::default() })
    }

    /// The attachments (SHA-256 in hex) that rows name which were found to go.
    #[must_use]
    pub fn attachments(&self) -> BTreeSet<String> {
        self.attachments.lock().clone()
    }

    /// Which rows go, and which are held although they would.
    fn going(&self, file: &DataFile, rows: &RecordBatch) -> Result<(BooleanBuffer, BooleanBuffer), ArrowError> {
        let held = self.held.of(file, rows)?;
        let subject = match &self.test {
            Some(test) => test.passes(rows)?.values().clone(),
            None => BooleanBuffer::new_unset(rows.num_rows()),
        };
        Ok((&subject & &!&held, held))
    }

    /// Which rows tell of the value although they are about something else.
    fn mentions(&self, rows: &RecordBatch) -> BooleanBuffer {
        let Some(needle) = &self.needle else { return BooleanBuffer::new_unset(rows.num_rows()) };
        let mut found = BooleanBuffer::new_unset(rows.num_rows());
        for column in rows.columns() {
            if let Some(rows) = mentioned(needle, column) {
                found = &found | &rows;
            }
        }
        found
    }
}

impl RowEdit for Eraser {
    fn concerns(&self, file: &DataFile) -> bool {
        self.needle.is_some() || self.test.as_ref().is_some_and(|test| test.may_pass(file))
    }

    fn columns(&self) -> Option<Vec<&'static str>> {
        match self.needle {
            Some(_) => None,
            None => {
                let own = self.test.iter().map(Test::column).chain([ATTACHMENTS]);
                Some(own.chain(self.held.columns()).collect())
            }
        }
    }

    fn judge(&self, file: &DataFile, rows: &RecordBatch) -> Result<Judged, ArrowError> {
        let (going, held) = self.going(file, rows)?;
        let mentions = self.mentions(rows);
        let subject = match &self.test {
            Some(test) => test.passes(rows)?.values().clone(),
            None => BooleanBuffer::new_unset(rows.num_rows()),
        };
        if going.count_set_bits() > 0 {
            self.attachments.lock().extend(attached(rows, |row| going.value(row)));
        }
        let count = |bits: BooleanBuffer| bits.count_set_bits() as u64;
        Ok(Judged {
            removed: count(going.clone()),
            held: count(&(&subject | &mentions) & &held),
            changed: count(&(&mentions & &!&going) & &!&held),
        })
    }

    fn edit(&self, file: &DataFile, rows: &RecordBatch) -> Result<RecordBatch, ArrowError> {
        let (going, held) = self.going(file, rows)?;
        let staying = BooleanArray::new(!&going, None);
        let kept = filter_record_batch(rows, &staying)?;
        let Some(needle) = &self.needle else { return Ok(kept) };
        let held = BooleanArray::new(held, None);
        let held = arrow::compute::filter(&held, &staying)?;
        let schema = kept.schema();
        let blanked = schema.fields().iter().zip(kept.columns()).map(|(field, column)| {
            let kind = find(field.name()).map(|at| COLUMNS[at].kind);
            let json = matches!(kind, Some(Kind::Json | Kind::Changes));
            let Some(blanked) = blank(needle, column, json)? else { return Ok(Arc::clone(column)) };
            arrow::compute::kernels::zip::zip(held.as_boolean(), column, &blanked)
        });
        let columns = blanked.collect::<Result<Vec<_>, ArrowError>>()?;
        RecordBatch::try_new(Arc::clone(&schema), columns)
    }
}

/// Which of some attachments rows still name: looked for, and nothing is changed.
#[derive(Debug)]
pub struct StillNamed {
    wanted: BTreeSet<String>,
    found: Mutex<BTreeSet<String>>,
}

impl StillNamed {
    /// Looks for these, by their SHA-256 in hex.
    #[must_use]
    pub fn new(wanted: BTreeSet<String>) -> Self {
        Self { wanted, found: Mutex::default() }
    }

    /// Those that no row named.
    #[must_use]
    pub fn unnamed(&self) -> Vec<String> {
        let found = self.found.lock();
        self.wanted.iter().filter(|id| !found.contains(*id)).cloned().collect()
    }
}

impl RowEdit for StillNamed {
    fn concerns(&self, file: &DataFile) -> bool {
        let none = file.stats_of(index_of(ATTACHMENTS)).is_some_and(|stats| stats.nulls == file.rows);
        !none && !self.wanted.is_empty()
    }

    fn columns(&self) -> Option<Vec<&'static str>> {
        Some(vec![ATTACHMENTS])
    }

    fn judge(&self, _file: &DataFile, rows: &RecordBatch) -> Result<Judged, ArrowError> {
        let named = attached(rows, |_| true).filter(|id| self.wanted.contains(id));
        self.found.lock().extend(named);
        Ok(Judged::default())
    }

    fn edit(&self, _file: &DataFile, rows: &RecordBatch) -> Result<RecordBatch, ArrowError> {
        Ok(rows.clone())
    }
}

/// SHA-256, in lower case, of the attachments of the rows for which `of` holds.
fn attached(rows: &RecordBatch, of: impl Fn(usize) -> bool) -> impl Iterator<Item = String> {
    let lists = rows.column_by_name(ATTACHMENTS).and_then(|column| column.as_list_opt::<i32>());
    let mut found = Vec::new();
    if let Some(lists) = lists
        && let Some(hashes) = lists.values().as_struct_opt().and_then(|items| items.column_by_name("sha256"))
        && let Some(hashes) = hashes.as_string_opt::<i32>()
    {
        let offsets = lists.value_offsets();
        for row in (0..rows.num_rows()).filter(|row| lists.is_valid(*row) && of(*row)) {
            let items = offsets[row] as usize..offsets[row + 1] as usize;
            found.extend(items.filter(|at| hashes.is_valid(*at)).map(|at| hashes.value(at).to_ascii_lowercase()));
        }
    }
    found.into_iter()
}

/// Rows of a column that hold the value; `None` where none does.
fn mentioned(needle: &Needle, column: &ArrayRef) -> Option<BooleanBuffer> {
    match column.data_type() {
        DataType::Utf8 => {
            let texts = column.as_string::<i32>();
            let bits =
                BooleanBuffer::collect_bool(texts.len(), |row| texts.is_valid(row) && needle.is_in(texts.value(row)));
            (bits.count_set_bits() > 0).then_some(bits)
        }
        DataType::List(_) => {
            let lists = column.as_list::<i32>();
            of_items(mentioned(needle, lists.values())?, lists.value_offsets())
        }
        DataType::Map(..) => {
            let maps = column.as_map();
            let entries: ArrayRef = Arc::new(maps.entries().clone());
            of_items(mentioned(needle, &entries)?, maps.value_offsets())
        }
        DataType::Struct(_) => {
            let members = column.as_struct().columns().iter().filter_map(|member| mentioned(needle, member));
            members.reduce(|left, right| &left | &right)
        }
        _ => None,
    }
}

fn of_items(items: BooleanBuffer, offsets: &[i32]) -> Option<BooleanBuffer> {
    let any = |row: usize| (offsets[row] as usize..offsets[row + 1] as usize).any(|at| items.value(at));
    let bits = BooleanBuffer::collect_bool(offsets.len() - 1, any);
    (bits.count_set_bits() > 0).then_some(bits)
}

/// A column without the value; `None` where it is not there.
fn blank(needle: &Needle, column: &ArrayRef, json: bool) -> Result<Option<ArrayRef>, ArrowError> {
    if mentioned(needle, column).is_none() {
        return Ok(None);
    }
    let whole =
        |array: &ArrayRef| Ok::<_, ArrowError>(blank(needle, array, json)?.unwrap_or_else(|| Arc::clone(array)));
    let blanked: ArrayRef = match column.data_type() {
        DataType::Utf8 => {
            let one = |text: &str| if json { needle.blank_json(text) } else { needle.blank(text) };
            let texts = column.as_string::<i32>().iter();
            Arc::new(
                texts
                    .map(|text| text.map(|text| one(text).unwrap_or_else(|| text.to_owned())))
                    .collect::<StringArray>(),
            )
        }
        DataType::List(field) => {
            let lists = column.as_list::<i32>();
            let items = whole(lists.values())?;
            Arc::new(ListArray::try_new(Arc::clone(field), lists.offsets().clone(), items, lists.nulls().cloned())?)
        }
        DataType::Map(field, ordered) => {
            let maps = column.as_map();
            let entries: ArrayRef = Arc::new(maps.entries().clone());
            let entries = whole(&entries)?.as_struct().clone();
            let nulls = maps.nulls().cloned();
            Arc::new(MapArray::try_new(Arc::clone(field), maps.offsets().clone(), entries, nulls, *ordered)?)
        }
        DataType::Struct(fields) => {
            let group = column.as_struct();
            let members = group.columns().iter().map(whole).collect::<Result<Vec<_>, _>>()?;
            Arc::new(StructArray::try_new(fields.clone(), members, group.nulls().cloned())?)
        }
        _ => return Ok(None),
    };
    Ok(Some(blanked))
}
