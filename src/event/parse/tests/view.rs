//! Cells of rows in the forms that tests compare.

use crate::event::columns::{ColumnData, Rows};
use crate::event::model::{COLUMNS, Kind, find};

/// One cell.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell {
    Text(String),
    Int(i64),
    Float(f32),
    Bool(bool),
    /// Items with their text fields; an attachment's size stands in its place as digits.
    List(Vec<Vec<Option<String>>>),
}

/// One row.
#[derive(Clone, Copy)]
pub(crate) struct Row<'a>(pub(crate) &'a Rows, pub(crate) usize);

impl Row<'_> {
    pub(crate) fn cell(&self, column: usize) -> Option<Cell> {
        let Row(rows, row) = *self;
        let utf8 = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("columns hold UTF-8");
        match rows.peek(column) {
            ColumnData::Text(text) => text.is_valid(row).then(|| Cell::Text(utf8(text.value(row)))),
            ColumnData::I64(numbers) => numbers.value(row).map(Cell::Int),
            ColumnData::I32(numbers) => numbers.value(row).map(|number| Cell::Int(number.into())),
            ColumnData::F32(numbers) => numbers.value(row).map(Cell::Float),
            ColumnData::Bool(truths) => truths.value(row).map(|truth| Cell::Bool(truth != 0)),
            ColumnData::List(list) => list.is_valid(row).then(|| {
                let fields = match COLUMNS[column].kind {
                    Kind::TextList => 1,
                    Kind::TextMap => 2,
                    Kind::Attachments => 6,
                    _ => 4,
                };
                let item = |item| {
                    let text = |at: usize| list.field(at).is_valid(item).then(|| utf8(list.item_text(at, item)));
                    let mut texts: Vec<_> = (0..fields).map(text).collect();
                    if COLUMNS[column].kind == Kind::Attachments {
                        texts.insert(3, list.sizes().value(item).map(|size| size.to_string()));
                    }
                    texts
                };
                Cell::List(list.items_of(row).map(item).collect())
            }),
        }
    }

    pub(crate) fn named(&self, column: &str) -> Option<Cell> {
        self.cell(find(column).expect("a column of the model"))
    }

    pub(crate) fn text(&self, column: &str) -> Option<String> {
        match self.named(column)? {
            Cell::Text(text) => Some(text),
            other => panic!("{column} holds {other:?}"),
        }
    }

    pub(crate) fn int(&self, column: &str) -> Option<i64> {
        match self.named(column)? {
            Cell::Int(number) => Some(number),
            other => panic!("{column} holds {other:?}"),
        }
    }
}
