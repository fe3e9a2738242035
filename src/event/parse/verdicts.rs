//! What became of each record of a body: stored in the log beside it, so that replay repeats it.
//!
//! Stored form: nothing when all were accepted; else runs of `verdict: u8, length: LEB128`, in order,
//! the last accepted run left out.

use thiserror::Error;

use super::{DATASET_NOT_ALLOWED, EVENT_ID_CONFLICT, MODULE_NOT_ALLOWED, TENANT_NOT_ALLOWED, UNIT_NOT_ALLOWED};
use crate::event::leb128;

/// Most records that stored verdicts may speak of: above what the settings allow in one body.
const RECORDS_MAX: usize = 16 << 20;

/// What became of one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(u8)]
pub enum Verdict {
    /// It became a row.
    #[default]
    Accepted = 0,
    /// Its id was known, with the same content.
    Duplicate = 1,
    /// It cannot be read, or may not be stored.
    Rejected = 2,
    /// Its id was known, with other content.
    Conflict = 3,
    /// It became a row with the module `_other`.
    Overflow = 4,
    /// The sender's key is for other modules. Stored as [`Verdict::Rejected`].
    ModuleNotAllowed = 5,
    /// The sender's key is for other tenants. Stored as [`Verdict::Rejected`].
    TenantNotAllowed = 6,
    /// The sender's key is for other datasets. Stored as [`Verdict::Rejected`].
    DatasetNotAllowed = 7,
    /// The sender's key is for other locations. Stored as [`Verdict::Rejected`].
    UnitNotAllowed = 8,
}

impl Verdict {
    /// Whether the record becomes a row.
    #[must_use]
    pub fn is_stored(self) -> bool {
        matches!(self, Self::Accepted | Self::Overflow)
    }

    /// Code and message of a record that was judged to be refused; of others, and of those that the parser refused, the
    /// parser tells by itself, or there is nothing to tell.
    #[must_use]
    pub fn refusal(self) -> Option<(&'static str, &'static str)> {
        Some(match self {
            Self::Conflict => {
                (EVENT_ID_CONFLICT, "another event with this tenant_id, source, dataset and event_id is stored")
            }
            Self::ModuleNotAllowed => (MODULE_NOT_ALLOWED, "the key that was sent is for other modules"),
            Self::TenantNotAllowed => (TENANT_NOT_ALLOWED, "the key that was sent is for other tenants"),
            Self::DatasetNotAllowed => (DATASET_NOT_ALLOWED, "the key that was sent is for other datasets"),
            Self::UnitNotAllowed => (UNIT_NOT_ALLOWED, "the key that was sent is for other locations"),
            Self::Accepted | Self::Overflow | Self::Duplicate | Self::Rejected => return None,
        })
    }

    /// Whether the sender's key is not for the record.
    fn is_not_allowed(self) -> bool {
        match self {
            Self::ModuleNotAllowed | Self::TenantNotAllowed | Self::DatasetNotAllowed | Self::UnitNotAllowed => true,
            Self::Accepted | Self::Duplicate | Self::Rejected | Self::Conflict | Self::Overflow => false,
        }
    }

    /// Replay only has to know that there is no row.
    fn stored(self) -> Self {
        if self.is_not_allowed() { Self::Rejected } else { self }
    }

    fn from_byte(byte: u8) -> Option<Self> {
        Some(match byte {
            0 => Self::Accepted,
            1 => Self::Duplicate,
            2 => Self::Rejected,
            3 => Self::Conflict,
            4 => Self::Overflow,
            _ => return None,
        })
    }
}

/// Why stored verdicts cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum VerdictsError {
    /// The bytes end inside a run.
    #[error("the stored verdicts are cut off")]
    CutOff,
    /// A verdict that does not exist, or runs of an impossible length.
    #[error("the stored verdicts are damaged at byte {0}")]
    Damaged(usize),
}

/// One verdict a record; those not set are accepted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verdicts(Vec<Verdict>);

impl Verdicts {
    /// Every record was accepted.
    #[must_use]
    pub fn all_accepted() -> Self {
        Self::default()
    }

    /// Sets the verdict of a record.
    pub fn set(&mut self, record: u32, verdict: Verdict) {
        let at = record as usize;
        if at >= self.0.len() {
            if verdict == Verdict::Accepted {
                return;
            }
            self.0.resize(at + 1, Verdict::Accepted);
        }
        self.0[at] = verdict;
    }

    /// The verdict on a record.
    #[inline]
    #[must_use]
    pub fn get(&self, record: u32) -> Verdict {
        self.0.get(record as usize).copied().unwrap_or_default()
    }

    /// Whether all were accepted as they are.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.0.iter().all(|verdict| *verdict == Verdict::Accepted)
    }

    /// Whether a record was refused because of the sender's key.
    #[must_use]
    pub fn any_not_allowed(&self) -> bool {
        self.0.iter().any(|verdict| verdict.is_not_allowed())
    }

    /// Number of records with this verdict, of `records` in all.
    #[must_use]
    pub fn count(&self, verdict: Verdict, records: u32) -> u32 {
        (0..records).map(|record| u32::from(self.get(record) == verdict)).sum()
    }

    /// Appends the stored form.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let told = self.0.iter().rposition(|verdict| *verdict != Verdict::Accepted).map_or(0, |at| at + 1);
        for run in self.0[..told].chunk_by(|a, b| a.stored() == b.stored()) {
            out.push(run[0].stored() as u8);
            leb128::put(out, run.len() as u64);
        }
    }

    /// Reads the stored form.
    ///
    /// # Errors
    /// Bytes that [`Verdicts::encode`] does not write.
    pub fn decode(bytes: &[u8]) -> Result<Self, VerdictsError> {
        let mut verdicts = Vec::new();
        let mut at = 0;
        while at < bytes.len() {
            let verdict = Verdict::from_byte(bytes[at]).ok_or(VerdictsError::Damaged(at))?;
            at += 1;
            let (mut length, mut shift) = (0_usize, 0);
            loop {
                let byte = *bytes.get(at).ok_or(VerdictsError::CutOff)?;
                length |= usize::from(byte & 0x7F) << shift;
                if length + verdicts.len() > RECORDS_MAX || shift > 28 {
                    return Err(VerdictsError::Damaged(at));
                }
                at += 1;
                shift += 7;
                if byte < 0x80 {
                    break;
                }
            }
            verdicts.resize(verdicts.len() + length, verdict);
        }
        Ok(Self(verdicts))
    }
}
