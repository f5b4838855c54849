//! Rows that give one fact its name in every column: events, health components, error types, metrics.

use std::collections::BTreeSet;

use serde::Deserialize;

/// Who has a name of its own for things.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Column {
    /// Python: FastAPI, and everything that is not Django's alone.
    Python,
    /// Django; what has no name of its own is called as in Python.
    Django,
    Ruby,
    TypeScript,
    Rust,
}

impl Column {
    /// All of them, in the order of tables.
    pub const ALL: [Self; 5] = [
        Self::Python,
        Self::Django,
        Self::Ruby,
        Self::TypeScript,
        Self::Rust,
    ];

    /// The column's name in the tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Python => "python",
            Self::Django => "django",
            Self::Ruby => "ruby",
            Self::TypeScript => "typescript",
            Self::Rust => "rust",
        }
    }
}

/// A row with names.
pub trait Row {
    /// The constant's name in lower case.
    fn key(&self) -> &str;
    /// What an column calls it, if the row says so.
    fn named(&self, column: Column) -> Option<&str>;
    /// Whether the column has it at all.
    fn is_in(&self, _: Column) -> bool {
        true
    }
    /// What an column calls it; rows that lack a name are refused when the table is read.
    fn of(&self, column: Column) -> &str {
        self.named(column).unwrap_or_else(|| self.key())
    }
    /// The first version that has it; the file's is filled in when the table is read.
    fn since(&mut self) -> &mut Option<String>;
}

/// What a field of an event is.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// In snake case.
    pub name: String,
    /// See the head of `events.toml`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What a number counts.
    pub unit: Option<String>,
    pub min: Option<f64>,
    /// It may be null.
    #[serde(default)]
    pub optional: bool,
    /// Where Core has it: `Class.attribute` of `tasker-py`.
    pub core: Option<String>,
    #[serde(default)]
    pub doc: String,
}

/// A field of a health answer.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HealthField {
    /// `live` or `ready`, then the path in the answer.
    pub path: String,
    #[serde(rename = "type")]
    pub kind: String,
    /// Accepted words; any if empty.
    #[serde(default)]
    pub choices: Vec<String>,
    #[serde(default)]
    pub doc: String,
}

/// A struct for a row: serde cannot refuse unknown columns of a flattened struct, so the name columns are repeated in each.
macro_rules! row {
    ($(#[$doc:meta])* $name:ident { $($(#[$column_doc:meta])* $column:ident: $kind:ty,)* } $($more:tt)*) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            /// The constant's name in lower case.
            pub key: String,
            name: Option<String>,
            python: Option<String>,
            django: Option<String>,
            ruby: Option<String>,
            typescript: Option<String>,
            rust: Option<String>,
            $($(#[$column_doc])* pub $column: $kind,)*
            /// The first version of the packages that has it.
            pub since: Option<String>,
            pub doc: String,
        }

        impl Row for $name {
            fn key(&self) -> &str {
                &self.key
            }

            fn named(&self, column: Column) -> Option<&str> {
                let own = match column {
                    Column::Python => &self.python,
                    Column::Django if self.django.is_some() => &self.django,
                    Column::Django => &self.python,
                    Column::Ruby => &self.ruby,
                    Column::TypeScript => &self.typescript,
                    Column::Rust => &self.rust,
                };
                own.as_ref().or(self.name.as_ref()).map(String::as_str)
            }

            fn since(&mut self) -> &mut Option<String> {
                &mut self.since
            }

            $($more)*
        }
    };
}

row! {
    Event {
        /// Core's own event behind it.
        core: Option<String>,
        /// What it carries besides the fields of every event.
        #[serde(default)]
        data: Vec<Field>,
        /// Who emits it; everybody if empty.
        #[serde(default)]
        only: Vec<Column>,
    }

    fn is_in(&self, column: Column) -> bool {
        self.only.is_empty() || self.only.contains(&column)
    }
}

row! {
    /// A component of the readiness answer.
    Component {
        /// What of Core is looked at: `Class.attribute` of `tasker-py`.
        core: Option<String>,
    }
}

row! {
    /// A type of error that a failed step carries.
    ErrorType {
        /// Core's own constant, as in Python and TypeScript.
        core: Option<String>,
        /// What Core's Ruby package calls it.
        core_ruby: Option<String>,
        /// Whether Core will try again.
        retryable: bool,
    }
}

row! {
    Metric {
        /// `counter`, `gauge` or `histogram`.
        kind: String,
        /// `seconds`, `steps` …
        #[serde(default)]
        unit: String,
        #[serde(default)]
        labels: Vec<String>,
        /// Values of the label `outcome`.
        #[serde(default)]
        outcomes: Vec<String>,
    }
}

/// What is wrong with rows as a whole: the key to point at and the reason.
pub fn problem<R: Row>(rows: &[R]) -> Option<(String, String)> {
    let mut keys = BTreeSet::new();
    let mut names = BTreeSet::new();
    for row in rows {
        let key = row.key();
        if !keys.insert(key) {
            return Some((key.to_owned(), format!("`{key}` is there twice")));
        }
        for column in Column::ALL.into_iter().filter(|column| row.is_in(*column)) {
            let Some(name) = row.named(column) else {
                let column = column.name();
                let why = format!(
                    "`{key}` has no name in `{column}`; add `{column} = \"…\"`, or `name = \"…\"` for all"
                );
                return Some((key.to_owned(), why));
            };
            if !names.insert((column, name)) {
                let why = format!("`{name}` is the `{}` name of two rows", column.name());
                return Some((key.to_owned(), why));
            }
        }
    }
    None
}

/// `pool_size` as TypeScript writes it: `poolSize`.
pub fn camel_case(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |mut name, word| {
        let mut letters = word.chars();
        name.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
        name.push_str(letters.as_str());
        name
    })
}
