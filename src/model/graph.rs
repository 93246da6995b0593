//! The graph of models: what each layer may read, cycles, order, and what may never stand upstream.

use super::document::suggestion;
use super::query::span_of;
use super::{Input, Layer, Model};
use crate::error::{Error, Place};
use std::collections::{BTreeMap, BTreeSet};

/// The list of what the sample planted: the answers, which no model may read.
const ANSWERS: &str = "planted";

/// The tables of the schema `run`.
pub const RUN_TABLES: [&str; 2] = ["landed", "quarantine"];

/// Every model after all it reads, ties by name; or every problem of the graph.
pub fn order(models: &BTreeMap<String, Model>) -> Result<Vec<String>, Vec<Error>> {
    let mut errors: Vec<Error> = models.values().flat_map(|model| wrong_inputs(model, models)).collect();
    let order = match sorted(models) {
        Ok(order) => order,
        Err(cycle) => {
            errors.push(cycle);
            Vec::new()
        }
    };
    if errors.is_empty() {
        errors.extend(models.values().flat_map(|model| forbidden_upstream(model, models)));
    }
    if errors.is_empty() { Ok(order) } else { Err(errors) }
}

/// The place of `input` in the model's file.
pub fn place_of(model: &Model, input: &Input) -> Place {
    place(model, span_of(&model.sql, input))
}

fn place(model: &Model, span: std::ops::Range<usize>) -> Place {
    Place::in_text(&model.file, &model.text, span)
}

/// What is wrong with the tables one model reads.
pub fn wrong_inputs(model: &Model, models: &BTreeMap<String, Model>) -> Vec<Error> {
    model.inputs.iter().filter_map(|input| wrong_input(model, input, models)).collect()
}

fn wrong_input(model: &Model, input: &Input, models: &BTreeMap<String, Model>) -> Option<Error> {
    let unknown = |what: &str, known: Vec<&str>| {
        let message = format!("unknown {what} `{input}`");
        Some(Error::usage(message).at(place_of(model, input)).help(suggestion(input.table(), known)))
    };
    let of_layer = |layer: Layer| models.values().filter(move |known| known.layer == layer);
    if input.table() == ANSWERS {
        let message = "`planted` holds the answers: no model may read it";
        return Some(Error::usage(message).at(place_of(model, input)));
    }
    match input {
        Input::Model(name) if !models.contains_key(name) => {
            return unknown("table", models.keys().map(String::as_str).collect());
        }
        Input::Provided(name) if !of_layer(Layer::Entity).any(|entity| entity.name == *name) => {
            return unknown("entity", of_layer(Layer::Entity).map(|entity| entity.name.as_str()).collect());
        }
        Input::Published(name) if !models.get(name).is_some_and(|known| known.publish) => {
            let published = models.values().filter(|known| known.publish);
            return unknown("published table", published.map(|known| known.name.as_str()).collect());
        }
        Input::Run(name) if !RUN_TABLES.contains(&name.as_str()) => {
            return unknown("table", RUN_TABLES.to_vec());
        }
        _ => {}
    }
    let read = match input {
        Input::Model(name) => models.get(name).map(|known| known.layer),
        _ => None,
    };
    if may_read(model.layer, input, read) {
        return None;
    }
    let what = match read {
        Some(layer) => format!("`{input}`, which is in sql/{}/", layer.folder()),
        None => format!("`{input}`"),
    };
    let message = format!("a model in sql/{}/ may not read {what}", model.layer.folder());
    Some(Error::usage(message).at(place_of(model, input)).help(may_read_text(model.layer)))
}

fn may_read(layer: Layer, input: &Input, read: Option<Layer>) -> bool {
    match layer {
        Layer::Source => matches!(input, Input::Landed(_)),
        Layer::Rollup => matches!(input, Input::Model(name) if name == "usage_event" || name == "feature"),
        Layer::Entity => matches!(input, Input::Provided(_)) || matches!(read, Some(Layer::Entity | Layer::Rollup)),
        Layer::Intermediate => {
            matches!(input, Input::Published(_)) || matches!(read, Some(Layer::Entity | Layer::Intermediate))
        }
        Layer::Mart | Layer::Check => !matches!(input, Input::Landed(_)) && read != Some(Layer::Check),
    }
}

fn may_read_text(layer: Layer) -> &'static str {
    match layer {
        Layer::Source => "it reads landed.<input> only",
        Layer::Rollup => "it reads usage_event and feature only",
        Layer::Entity => "it reads provided.<entity>, roll-ups and other entities",
        Layer::Intermediate => "it reads entities, other intermediates and published.<table>",
        Layer::Mart | Layer::Check => "it reads anything but checks and landed.<input>",
    }
}

/// Depth first, by name; a cycle is an error that shows its path.
fn sorted(models: &BTreeMap<String, Model>) -> Result<Vec<String>, Error> {
    let mut done: Vec<String> = Vec::new();
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    for name in models.keys() {
        visit(name, models, &mut Vec::new(), &mut seen, &mut done)?;
    }
    Ok(done)
}

fn visit<'m>(
    name: &'m str,
    models: &'m BTreeMap<String, Model>,
    path: &mut Vec<&'m str>,
    seen: &mut BTreeSet<&'m str>,
    done: &mut Vec<String>,
) -> Result<(), Error> {
    let Some(model) = models.get(name) else { return Ok(()) };
    if let Some(start) = path.iter().position(|earlier| *earlier == name) {
        let mut cycle: Vec<&str> = path[start..].to_vec();
        cycle.push(name);
        let error = Error::usage(format!("models read each other in a circle: {}", cycle.join(" -> ")));
        let last = path.last().and_then(|last| models.get(*last));
        return Err(match last {
            Some(last) => error.at(place_of(last, &Input::Model(name.to_owned()))),
            None => error,
        });
    }
    if !seen.contains(name) {
        path.push(name);
        for read in model.reads() {
            visit(read, models, path, seen, done)?;
        }
        path.pop();
        seen.insert(name);
        done.push(name.to_owned());
    }
    Ok(())
}

/// `never_reads`, held over everything upstream; what an earlier run published counts as read.
fn forbidden_upstream(model: &Model, models: &BTreeMap<String, Model>) -> Vec<Error> {
    let mut errors = Vec::new();
    for forbidden in &model.never_reads {
        let list = model.text.find("never_reads").unwrap_or_default();
        let at = super::text::find_word(&model.text[list..], forbidden).unwrap_or_default();
        let at = list + at.start..list + at.end;
        let error = if models.contains_key(forbidden) {
            let Some(path) = path_to(model, forbidden, models) else { continue };
            Error::usage(format!("`{}` must never read `{forbidden}`, but does: {}", model.name, path.join(" -> ")))
        } else {
            let known = models.keys().map(String::as_str);
            Error::usage(format!("unknown table `{forbidden}`")).help(suggestion(forbidden, known))
        };
        errors.push(error.at(place(model, at)));
    }
    errors
}

/// The shortest way upstream from `model` to the table `wanted`.
fn path_to(model: &Model, wanted: &str, models: &BTreeMap<String, Model>) -> Option<Vec<String>> {
    let mut seen: BTreeSet<String> = BTreeSet::from([model.name.clone()]);
    let mut open = std::collections::VecDeque::from([vec![model.name.clone()]]);
    while let Some(path) = open.pop_front() {
        let Some(here) = path.last().and_then(|name| models.get(name)) else { continue };
        for input in &here.inputs {
            let own = matches!(input, Input::Provided(name) if *name == here.name);
            if own || matches!(input, Input::Landed(_) | Input::Run(_)) || !seen.insert(input.table().to_owned()) {
                continue;
            }
            let mut longer = path.clone();
            longer.push(input.table().to_owned());
            if input.table() == wanted {
                return Some(longer);
            }
            open.push_back(longer);
        }
    }
    None
}
