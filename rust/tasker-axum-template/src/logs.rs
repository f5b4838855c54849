//! Logs as JSON, one object a line, with the ids of the request, the task and the step.

use std::io::Write as _;

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime as _, SystemTime};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::Layer;

use crate::telemetry::Telemetry;

/// Whose lines are shown at the level that is set; those of other crates from `warn` on.
const OURS: [&str; 2] = ["app", "tasker_contrib_axum"];

/// What spans give to the lines within them: the field, and the key of the line.
const FROM_SPANS: [(&str, &str); 6] = [
    ("request_id", "request_id"),
    ("correlation_id", "correlation_id"),
    ("task_id", "task_uuid"),
    ("step_id", "step_uuid"),
    ("step", "step"),
    ("attempt", "attempt"),
];

/// Makes this process write such lines to its standard output.
pub fn install(level: Level, telemetry: Option<&Telemetry>) {
    subscriber(level, std::io::stdout, telemetry).init();
}

/// What takes events and spans: the lines and, if there is telemetry, its traces.
///
/// One filter is for both: with one for each layer, that of OpenTelemetry makes the other one lose spans, and lines have no ids.
pub fn subscriber<W>(level: Level, writer: W, telemetry: Option<&Telemetry>) -> impl Subscriber
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let shown = filter_fn(move |about| {
        if about.is_span() {
            return is_ours(about) && *about.level() <= Level::INFO;
        }
        let most = if is_ours(about) {
            level
        } else {
            level.min(Level::WARN)
        };
        *about.level() <= most
    });
    tracing_subscriber::registry()
        .with(shown)
        .with(telemetry.map(Telemetry::layer))
        .with(JsonLines { writer })
}

fn is_ours(about: &Metadata<'_>) -> bool {
    let root = about.target().split("::").next().unwrap_or_default();
    OURS.contains(&root)
}

struct JsonLines<W> {
    writer: W,
}

/// The fields of a span or an event.
#[derive(Default)]
struct Fields(Map<String, Value>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let text = format!("{value:?}");
        self.0.insert(field.name().to_owned(), text.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl<S, W> Layer<S> for JsonLines<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut line = Map::new();
        let mut time = String::new();
        let _ = SystemTime.format_time(&mut Writer::new(&mut time));
        line.insert("time".to_owned(), time.into());
        let level = event.metadata().level().as_str().to_lowercase();
        line.insert("level".to_owned(), level.into());
        line.insert("target".to_owned(), event.metadata().target().into());
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(Fields(fields)) = span.extensions().get() {
                for (field, key) in FROM_SPANS {
                    if let (Some(value), false) = (fields.get(field), line.contains_key(key)) {
                        line.insert(key.to_owned(), value.clone());
                    }
                }
            }
        }
        let mut fields = Fields(line);
        event.record(&mut fields);
        let text = format!("{}\n", Value::Object(fields.0));
        // There is nobody to tell when the output is closed.
        let _ = self.writer.make_writer().write_all(text.as_bytes());
    }
}
