//! Logging.

use std::fmt;
use std::io::{self, IsTerminal};

use clap::ValueEnum;
use serde::Serialize;
use serde_json::{Map, Value};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Subscriber};
use tracing_serde::fields::{AsMap, SerializeFieldMap};
use tracing_subscriber::fmt::format::{JsonFields, Writer};
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

/// How much is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Level {
    /// Nothing
    Off,
    /// What went wrong in this program: a sandbox that failed
    Error,
    /// Also trouble with upstreams, and limits of the gate that are reached
    Warn,
    /// Also a line when a connection opens, and one when it ends
    Info,
    /// Also connections that don't open: probes, plain requests, requests that are refused
    Debug,
}

/// In which form it is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Text,
    /// For programs: a JSON object a line
    Json,
}

/// Starts logging to stderr.
pub(crate) fn start(level: Level, format: Format) {
    let level = match level {
        Level::Off => LevelFilter::OFF,
        Level::Error => LevelFilter::ERROR,
        Level::Warn => LevelFilter::WARN,
        Level::Info => LevelFilter::INFO,
        Level::Debug => LevelFilter::DEBUG,
    };
    let log = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(io::stderr);
    match format {
        Format::Text => log
            .with_target(false)
            .with_ansi(io::stderr().is_terminal())
            .init(),
        Format::Json => log
            .with_ansi(false)
            .fmt_fields(JsonFields::new())
            .event_format(Flat)
            .init(),
    }
}

/// Formats an event as one flat JSON object, with its fields and those of its spans.
struct Flat;

#[derive(Serialize)]
struct Line<'a> {
    timestamp: String,
    level: &'static str,
    #[serde(flatten)]
    spans: Map<String, Value>,
    #[serde(flatten)]
    event: SerializeFieldMap<'a, Event<'a>>,
}

impl<S> FormatEvent<S, JsonFields> for Flat
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, JsonFields>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut timestamp = String::new();
        SystemTime.format_time(&mut Writer::new(&mut timestamp))?;
        let mut spans = Map::new();
        for span in context.event_scope().into_iter().flatten() {
            let extensions = span.extensions();
            let fields = extensions.get::<FormattedFields<JsonFields>>();
            if let Some(Ok(Value::Object(fields))) =
                fields.map(|fields| serde_json::from_str(fields))
            {
                spans.extend(fields);
            }
        }
        let line = Line {
            timestamp,
            level: event.metadata().level().as_str(),
            spans,
            event: event.field_map(),
        };
        let line = serde_json::to_string(&line).map_err(|_| fmt::Error)?;
        writeln!(writer, "{line}")
    }
}
