//! The results, for machines.

use serde_json::{Value, json};

use crate::in_memory::measure::{Compared, Effort};

/// Everything that was measured, with all repetitions. Times are nanoseconds for each message.
pub(crate) fn report(transfer: usize, effort: Effort, all: &[Compared]) -> Value {
    json!({
        "repetitions": effort.repetitions,
        "turn_ms": effort.turn.as_millis() as u64,
        "transfer": transfer,
        "cells": all.iter().map(cell).collect::<Vec<_>>(),
    })
}

fn cell(compared: &Compared) -> Value {
    let cell = &compared.cell;
    let subjects = compared.subjects.iter().map(|subject| {
        let (low, high) = subject.quartiles();
        let ratio = |other: Option<&_>| other.map(|other| subject.ratio(other));
        json!({
            "subject": subject.name,
            "peer": subject.is_peer,
            "median_ns": subject.median(),
            "quartiles_ns": [low, high],
            "gigabytes_per_second": cell.size.0 as f64 / subject.median(),
            "ratio_to_tungstenite": ratio(compared.reference()),
            "ratio_to_fastest_peer": ratio(compared.fastest_peer()),
            "transfers_per_message": subject.transfers,
            "times_ns": subject.times,
        })
    });
    json!({
        "task": cell.task.name(),
        "role": cell.task.role().name(),
        "content": cell.content.name(),
        "one_at_a_time": !cell.is_full(),
        "size": cell.size.0,
        "messages_per_pass": compared.messages,
        "verified": true,
        "subjects": subjects.collect::<Vec<_>>(),
    })
}
