//! The `input_schema`s of local task templates.

use std::collections::BTreeMap;
use std::path::Path;

use jsonschema::Validator;
use serde_json::Value;

use super::ClientError;
use crate::nearest::hint;
use crate::{templates, Error};

/// By `namespace/name version`; templates without a schema are listed, too.
#[derive(Debug, Default)]
pub(super) struct Schemas(BTreeMap<String, Option<Validator>>);

impl Schemas {
    pub(super) fn load(folder: &Path) -> Result<Self, Error> {
        let mut schemas = BTreeMap::new();
        let mut problems = Vec::new();
        for (file, template) in templates::load(folder)? {
            let place = format!(
                "{}/{} {}",
                template.namespace_name, template.name, template.version
            );
            match template
                .input_schema
                .as_ref()
                .map(jsonschema::validator_for)
            {
                None => schemas.insert(place, None),
                Some(Ok(validator)) => schemas.insert(place, Some(validator)),
                Some(Err(error)) => {
                    problems.push(format!(
                        "{}: input_schema is not a JSON Schema: {error}",
                        file.display()
                    ));
                    None
                }
            };
        }
        if problems.is_empty() {
            Ok(Self(schemas))
        } else {
            Err(Error::Config(problems))
        }
    }

    pub(super) fn check(&self, place: &str, context: &Value) -> Result<(), ClientError> {
        let Some(Some(schema)) = self.0.get(place) else {
            return Ok(());
        };
        // A value may be a secret: the rule that it breaks is named, not the value.
        let problems: Vec<String> = schema
            .iter_errors(context)
            .map(|error| {
                let path = error.instance_path().to_string();
                let path = if path.is_empty() { "(context)" } else { &path };
                format!("{path}: {}", error.masked())
            })
            .collect();
        if problems.is_empty() {
            return Ok(());
        }
        let text = format!(
            "the context does not match the input_schema of {place}: {}",
            problems.join("; ")
        );
        Err(ClientError::invalid(text)
            .with_code(Some("INPUT_SCHEMA".to_owned()))
            .with_problems(problems))
    }

    /// What may be wrong when the server does not know a template.
    pub(super) fn hint(&self, place: &str) -> String {
        if self.0.contains_key(place) {
            return "; it is in the template folder: is a worker running?".to_owned();
        }
        hint(place, self.0.keys().map(String::as_str))
    }
}
