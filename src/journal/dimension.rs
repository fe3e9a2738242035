//! Words of the filters that events can be grouped by as well: each has one value for every event.

use chrono_tz::Tz;

use super::compile::{PATTERN, PEOPLE};
use super::field::LEVELS;

/// The word as SQL; `None` if it is none of those with one value. Hours and days are on the clocks of `zone`, else on
/// those of each event's own zone.
pub(super) fn dimension(word: &str, zone: Option<Tz>) -> Option<String> {
    let local = |part: &str| {
        let zone = zone.map_or_else(|| "event_timezone".to_owned(), |zone| format!("'{}'", zone.name()));
        format!("local_part('{part}', event_time, {zone})")
    };
    Some(match word {
        "kind" => "CASE WHEN action IN ('create', 'delete') THEN action \
                   WHEN action IN ('update', 'complete', 'reopen') THEN 'update' \
                   WHEN action IS NOT NULL THEN 'other' END"
            .to_owned(),
        "actor_kind" => format!(
            "CASE WHEN actor_type IN {PEOPLE} THEN 'person' WHEN actor_type IN ('system', 'integration') THEN 'system' \
             WHEN actor_type = 'api_key' THEN 'api_key' END"
        ),
        "level" => {
            let whens = LEVELS.iter().rev().map(|(name, low)| format!(" WHEN severity_number >= {low} THEN '{name}'"));
            format!("CASE{} END", whens.collect::<String>())
        }
        "hour" => local("hour"),
        "weekday" => local("weekday"),
        "pattern" => PATTERN.to_owned(),
        _ => return None,
    })
}
