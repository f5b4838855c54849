//! `docs/architecture/xtask-json.md`, and the records that the sources print.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use syn::parse::{ParseStream, Parser};
use syn::visit::{self, Visit};

type Fields = BTreeSet<String>;

/// Names of fields per event, as `docs/architecture/xtask-json.md` lists them.
pub fn documented() -> BTreeMap<String, Fields> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/architecture/xtask-json.md");
    let text = fs::read_to_string(page).unwrap();
    let mut events = BTreeMap::new();
    for section in text.split("\n## ").skip(1) {
        let names = section.lines().next().unwrap().split(", ");
        let rows = section
            .lines()
            .filter_map(|line| line.strip_prefix("| `")?.split('`').next());
        let fields: Fields = rows
            .map(str::to_owned)
            .chain(["event".to_owned()])
            .collect();
        events.extend(names.map(|name| (name.to_owned(), fields.clone())));
    }
    events
}

/// Each `json!({ "event": "…", … })` of xtask and its benchmarks: file, event, names of fields.
pub fn in_sources() -> Vec<(String, String, Fields)> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    for folder in ["src", "bench/src"] {
        collect(&here.join(folder), &mut found);
    }
    found
}

fn collect(folder: &Path, found: &mut Vec<(String, String, Fields)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, found);
            continue;
        }
        if path.extension().is_none_or(|ending| ending != "rs") {
            continue;
        }
        let mut records = Records::default();
        records.visit_file(&syn::parse_file(&fs::read_to_string(&path).unwrap()).unwrap());
        let name = path.display().to_string();
        let named = records.0.into_iter();
        found.extend(named.map(|(event, fields)| (name.clone(), event, fields)));
    }
}

#[derive(Default)]
struct Records(Vec<(String, Fields)>);

impl<'ast> Visit<'ast> for Records {
    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        if call.path.segments.last().unwrap().ident == "json" {
            self.0.extend(record.parse2(call.tokens.clone()).ok());
        } else {
            // `print(&json!(…))` is an expression, `vec![json!(…)]` is inside of another macro.
            let inner = syn::punctuated::Punctuated::<syn::Expr, syn::Token![,]>::parse_terminated;
            for expression in inner.parse2(call.tokens.clone()).iter().flatten() {
                self.visit_expr(expression);
            }
        }
        visit::visit_macro(self, call);
    }
}

/// Event and fields of `{ "event": "name", "field": anything, … }`.
fn record(input: ParseStream<'_>) -> syn::Result<(String, Fields)> {
    let content;
    syn::braced!(content in input);
    let (mut event, mut fields) = (None, Fields::new());
    while !content.is_empty() {
        let key = content.parse::<syn::LitStr>()?.value();
        content.parse::<syn::Token![:]>()?;
        if key == "event" {
            event = Some(content.parse::<syn::LitStr>()?.value());
        }
        while !content.is_empty() && !content.peek(syn::Token![,]) {
            content.parse::<proc_macro2::TokenTree>()?;
        }
        let _ = content.parse::<syn::Token![,]>();
        fields.insert(key);
    }
    let event = event.ok_or_else(|| content.error("not a record"))?;
    Ok((event, fields))
}
