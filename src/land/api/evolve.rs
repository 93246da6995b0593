//! What a stream's state says of its shape, and how a new shape gets into it.

use super::super::state::Area;
use super::shape::Shape;
use super::state::{GroupState, StreamState};
use crate::error::{Error, Result};
use crate::model::contract::ColumnType;
use crate::model::source::stream::{Origin, StreamSpec};

/// Whether a pass may read all that a stream has, so that keys which do not come are gone.
pub(super) fn may_be_whole(stream: &StreamSpec) -> bool {
    let is_listed = match &stream.origin {
        Origin::Requests(requests) => {
            (requests.cursor.is_none() && requests.window.is_none())
                || requests.cursor.as_ref().is_some_and(|cursor| cursor.retention.is_some())
        }
        Origin::Pushed => true,
        Origin::Inside(_) | Origin::Files(_) => false,
    };
    is_listed || stream.full_scan_days.is_some()
}

/// Takes a stream's shape into its state; what is worth telling about the difference.
///
/// # Errors
/// A column's type or the key changed (64): what was landed cannot be read as the new shape.
pub(super) fn evolve(name: &str, state: &mut StreamState, shape: &Shape) -> Result<Vec<String>> {
    let mut notes = Vec::new();
    if state.columns.is_empty() {
        state.key.clone_from(&shape.key);
    }
    let again = |error: Error| {
        error
            .help(format!("land it anew: tailwater replay JOB --stream {} --anew", shape.name))
            .help("what was landed before stays")
    };
    if state.key != shape.key {
        let (old, new) = (state.key.join(", "), shape.key.join(", "));
        return Err(again(Error::usage(format!("the key of {name} was ({old}) and is ({new}) now"))));
    }
    let is_known = !state.columns.is_empty();
    for (column, ty) in &shape.columns {
        match state.columns.iter().find(|(known, _)| known == column) {
            Some((_, known)) if *known == ty.to_string() => {}
            Some((_, known)) => {
                let difference = format!("column {column} of {name} was landed as {known} and is {ty} now");
                return Err(again(Error::usage(difference)));
            }
            None => {
                if is_known {
                    notes.push(format!("{name} has a new column {column} ({ty})"));
                }
                state.columns.push((column.clone(), ty.to_string()));
            }
        }
    }
    Ok(notes)
}

/// The types of a stream's columns as its state names them.
///
/// # Errors
/// A type that no version of this program writes (70).
pub(super) fn columns_of(state: &StreamState) -> Result<Vec<(String, ColumnType)>> {
    let column = |(name, ty): &(String, String)| {
        let ty = ColumnType::parse(ty)
            .ok_or_else(|| Error::bug(format!("a landed column {name} has the unknown type {ty}")))?;
        Ok((name.clone(), ty))
    };
    state.columns.iter().map(column).collect()
}

/// The state of the group that holds `stream`.
///
/// # Errors
/// It cannot be read (75, 70).
pub(super) fn state_of(area: Area<'_>, source: &str, group: &str) -> Result<Option<GroupState>> {
    Ok(GroupState::read(area.store, &area.api_state_key(source, group))?.map(|(state, _)| state))
}
