//! Which source file of a crate uses which, read from their paths (`use crate::…`, `super::…`), and whether that goes round in a circle.
//!
//! A `mod` declaration and a re-export of a root or parent module are how a file is reached, not uses; a name counts for the file
//! that defines it. Test modules may use what they like.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use syn::visit::Visit;
use syn::{Attribute, ItemMod, ItemUse, UseTree, Visibility};

/// A path from the crate's root, such as `client::error::ClientError`.
type Names = Vec<String>;

#[derive(Default)]
struct File {
    shown: String,
    is_parent: bool,
    uses: Vec<Names>,
    reexports: BTreeMap<String, Names>,
}

/// A cycle between the files below `src`, as `a.rs → b.rs → a.rs`, if there is one.
pub fn cycle(src: &Path) -> Option<String> {
    let mut files = BTreeMap::new();
    read(src, &Vec::new(), &mut files);
    let edges: BTreeMap<&Names, BTreeSet<Names>> = files
        .iter()
        .map(|(module, file)| {
            let used = file.uses.iter().map(|path| home(path, &files, 0));
            (module, used.filter(|other| other != module).collect())
        })
        .collect();
    let mut done = BTreeSet::new();
    let found = files
        .keys()
        .find_map(|module| walk(module, &edges, &mut Vec::new(), &mut done))?;
    let shown: Vec<&str> = found.iter().map(|module| &*files[module].shown).collect();
    Some(shown.join(" → "))
}

fn walk(
    module: &Names,
    edges: &BTreeMap<&Names, BTreeSet<Names>>,
    way: &mut Vec<Names>,
    done: &mut BTreeSet<Names>,
) -> Option<Vec<Names>> {
    if let Some(start) = way.iter().position(|before| before == module) {
        return Some([&way[start..], std::slice::from_ref(module)].concat());
    }
    if done.contains(module) {
        return None;
    }
    way.push(module.clone());
    let found = edges[module]
        .iter()
        .find_map(|next| walk(next, edges, way, done));
    way.pop();
    done.insert(module.clone());
    found
}

/// The module whose file defines what a path names.
fn home(path: &[String], files: &BTreeMap<Names, File>, depth: usize) -> Names {
    let module = (0..=path.len())
        .rev()
        .map(|length| &path[..length])
        .find(|prefix| files.contains_key(*prefix))
        .unwrap_or_default();
    let name = path.get(module.len());
    match name.and_then(|name| files[module].reexports.get(name)) {
        Some(target) if depth < 8 => home(target, files, depth + 1),
        _ => module.to_vec(),
    }
}

fn read(folder: &Path, module: &[String], files: &mut BTreeMap<Names, File>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let child = [module, std::slice::from_ref(&stem)].concat();
        if path.is_dir() {
            read(&path, &child, files);
        } else if path.extension().is_some_and(|end| end == "rs") {
            let is_parent = ["lib", "main", "mod"].contains(&stem.as_str());
            let here = if is_parent { module.to_vec() } else { child };
            let name = path.file_name().unwrap().to_str().unwrap();
            let shown = [module, &[name.to_owned()]].concat().join("/");
            files.insert(here.clone(), uses(&path, here, shown, is_parent));
        }
    }
}

fn uses(path: &Path, here: Names, shown: String, is_parent: bool) -> File {
    let tree = syn::parse_file(&fs::read_to_string(path).unwrap()).unwrap();
    let mut reader = Reader {
        children: tree
            .items
            .iter()
            .filter_map(|item| match item {
                syn::Item::Mod(module) => Some(module.ident.to_string()),
                _ => None,
            })
            .collect(),
        here,
        file: File {
            shown,
            is_parent,
            ..File::default()
        },
    };
    reader.visit_file(&tree);
    reader.file
}

struct Reader {
    here: Names,
    children: BTreeSet<String>,
    file: File,
}

impl Reader {
    /// A path from the crate's root, if it is one of this crate.
    fn own(&self, path: &[String]) -> Option<Names> {
        let (first, rest) = path.split_first()?;
        let from = |depth: usize| self.here[..depth].to_vec();
        let start = match first.as_str() {
            "crate" => Vec::new(),
            "self" => from(self.here.len()),
            "super" => from(self.here.len().checked_sub(1)?),
            child if self.children.contains(child) => {
                return Some([&self.here[..], path].concat());
            }
            _ => return None,
        };
        Some([start, rest.to_vec()].concat())
    }
}

impl<'a> Visit<'a> for Reader {
    fn visit_item_mod(&mut self, item: &'a ItemMod) {
        if !is_for_tests(&item.attrs) {
            syn::visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'a ItemUse) {
        if is_for_tests(&item.attrs) {
            return;
        }
        let mut leaves = Vec::new();
        flatten(&item.tree, &mut Vec::new(), &mut leaves);
        for (path, name) in leaves {
            let Some(path) = self.own(&path) else {
                continue;
            };
            let shown = !matches!(item.vis, Visibility::Inherited);
            if shown {
                self.file.reexports.insert(name, path.clone());
            }
            if !(shown && self.file.is_parent) {
                self.file.uses.push(path);
            }
        }
    }

    fn visit_path(&mut self, path: &'a syn::Path) {
        let names = path.segments.iter().map(|part| part.ident.to_string());
        let names: Names = names.collect();
        if names.len() > 1 && path.leading_colon.is_none() {
            self.file.uses.extend(self.own(&names));
        }
        syn::visit::visit_path(self, path);
    }
}

fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let list = attribute.meta.require_list();
        list.is_ok_and(|list| list.path.is_ident("cfg") && list.tokens.to_string() == "test")
    })
}

/// Each name that a `use` brings in: its path, and what it is called here.
fn flatten(tree: &UseTree, above: &mut Names, leaves: &mut Vec<(Names, String)>) {
    let leaf = |last: &syn::Ident| [&above[..], &[last.to_string()]].concat();
    match tree {
        UseTree::Path(path) => {
            above.push(path.ident.to_string());
            flatten(&path.tree, above, leaves);
            above.pop();
        }
        UseTree::Name(name) if name.ident == "self" => {
            leaves.push((above.clone(), above.last().cloned().unwrap_or_default()));
        }
        UseTree::Name(name) => leaves.push((leaf(&name.ident), name.ident.to_string())),
        UseTree::Rename(name) => leaves.push((leaf(&name.ident), name.rename.to_string())),
        UseTree::Glob(_) => leaves.push((above.clone(), "*".to_owned())),
        UseTree::Group(group) => {
            for tree in &group.items {
                flatten(tree, above, leaves);
            }
        }
    }
}
