//! Which file of a crate uses which: read from its sources, without those of tests.
//!
//! A path leads to the file that defines what it names, through `pub use` if need be, so a module that passes a child's names on is not tied
//! to its users. `mod` lines tie nothing either.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use syn::visit::{self, Visit};

/// A crate's modules by their paths: `["lang", "rust"]`; the root is the empty one.
pub struct Modules {
    source: PathBuf,
    by_path: BTreeMap<Vec<String>, Module>,
}

struct Module {
    file: PathBuf,
    children: BTreeSet<String>,
    /// Names that it passes on, with the paths that they stand for.
    passed_on: BTreeMap<String, Vec<String>>,
    /// Absolute paths that its code names, each with the words of the source.
    used: Vec<Vec<String>>,
}

impl Modules {
    /// Reads the sources in a folder with `lib.rs` or `main.rs`.
    pub fn read(source: &Path) -> Self {
        let mut modules = Self {
            source: source.to_owned(),
            by_path: BTreeMap::new(),
        };
        for root in ["lib.rs", "main.rs"] {
            if source.join(root).is_file() {
                modules.add(Vec::new(), &source.join(root), source);
                break;
            }
        }
        assert!(
            modules.by_path.len() > 1,
            "{} has no modules",
            source.display()
        );
        modules
    }

    fn add(&mut self, path: Vec<String>, file: &Path, folder: &Path) {
        let text = std::fs::read_to_string(file).unwrap();
        let parsed =
            syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let mut found = Uses {
            own: path.clone(),
            children: BTreeSet::new(),
            passed_on: BTreeMap::new(),
            used: Vec::new(),
        };
        // Children first: a path may begin with one.
        for item in &parsed.items {
            if let syn::Item::Mod(module) = item {
                if module.content.is_none() && !is_test(&module.attrs) {
                    found.children.insert(module.ident.to_string());
                }
            }
        }
        found.visit_file(&parsed);
        let children = found.children.clone();
        self.by_path.insert(
            path.clone(),
            Module {
                file: file.to_owned(),
                children: found.children,
                passed_on: found.passed_on,
                used: found.used,
            },
        );
        for child in children {
            let (flat, nested) = (folder.join(format!("{child}.rs")), folder.join(&child));
            let file = if flat.is_file() {
                flat
            } else {
                nested.join("mod.rs")
            };
            self.add([path.clone(), vec![child]].concat(), &file, &nested);
        }
    }

    /// The file that defines what a path names, as its module's path; none if it is not the crate's.
    fn home(&self, path: &[String], depth: usize) -> Option<&Vec<String>> {
        assert!(depth < 20, "{path:?} leads nowhere");
        let mut at = Vec::new();
        for (place, name) in path.iter().enumerate() {
            let (key, module) = self.by_path.get_key_value(&at)?;
            if module.children.contains(name) {
                at.push(name.clone());
                continue;
            }
            let Some(to) = module.passed_on.get(name) else {
                return Some(key);
            };
            let whole = [to.as_slice(), &path[place + 1..]].concat();
            return self.home(&whole, depth + 1);
        }
        self.by_path.get_key_value(&at).map(|(key, _)| key)
    }

    /// For each module the modules that its code uses.
    pub fn uses(&self) -> BTreeMap<&Vec<String>, BTreeSet<&Vec<String>>> {
        self.by_path
            .iter()
            .map(|(path, module)| {
                let used = module.used.iter().filter_map(|used| self.home(used, 0));
                (path, used.filter(|used| *used != path).collect())
            })
            .collect()
    }

    /// A module's file, relative to the sources.
    pub fn file(&self, path: &[String]) -> String {
        let file = &self.by_path[path].file;
        file.strip_prefix(&self.source)
            .unwrap_or(file)
            .display()
            .to_string()
    }

    /// Groups of files that use each other in a circle, directly or not; sorted.
    pub fn cycles(&self) -> Vec<Vec<String>> {
        let uses = self.uses();
        let reach = |from: &Vec<String>| {
            let mut found: BTreeSet<&Vec<String>> = BTreeSet::new();
            let mut open: Vec<&Vec<String>> = uses[from].iter().copied().collect();
            while let Some(next) = open.pop() {
                if found.insert(next) {
                    open.extend(&uses[next]);
                }
            }
            found
        };
        let reached: BTreeMap<&Vec<String>, BTreeSet<&Vec<String>>> =
            uses.keys().map(|path| (*path, reach(path))).collect();
        let mut cycles = BTreeSet::new();
        for (path, to) in &reached {
            let tied: Vec<String> = to
                .iter()
                .filter(|other| reached[**other].contains(*path))
                .map(|path| self.file(path))
                .collect();
            if tied.len() > 1 {
                cycles.insert(tied);
            }
        }
        cycles.into_iter().collect()
    }
}

fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute
                .parse_args::<syn::Path>()
                .is_ok_and(|path| path.is_ident("test"))
    })
}

/// Collects the paths of one file.
struct Uses {
    own: Vec<String>,
    children: BTreeSet<String>,
    passed_on: BTreeMap<String, Vec<String>>,
    used: Vec<Vec<String>>,
}

impl Uses {
    /// The path from the crate's root, if it is one of the crate's.
    fn absolute(&self, words: &[String]) -> Option<Vec<String>> {
        let ups = words.iter().take_while(|word| *word == "super").count();
        let rest = words[ups.max(1).min(words.len())..].to_vec();
        Some(match words.first()?.as_str() {
            "crate" => rest,
            "self" if words.len() > 1 => [self.own.clone(), rest].concat(),
            "super" => [self.own[..self.own.len().checked_sub(ups)?].to_vec(), rest].concat(),
            child if words.len() > 1 && self.children.contains(child) => {
                [self.own.clone(), words.to_vec()].concat()
            }
            _ => return None,
        })
    }

    fn tree(&mut self, tree: &syn::UseTree, before: &mut Vec<String>, is_public: bool) {
        match tree {
            syn::UseTree::Path(path) => {
                before.push(path.ident.to_string());
                self.tree(&path.tree, before, is_public);
                before.pop();
            }
            syn::UseTree::Group(group) => {
                for tree in &group.items {
                    self.tree(tree, before, is_public);
                }
            }
            syn::UseTree::Name(name) => self.named(&name.ident, &name.ident, before, is_public),
            syn::UseTree::Rename(name) => self.named(&name.ident, &name.rename, before, is_public),
            syn::UseTree::Glob(_) => self.used.extend(self.absolute(before)),
        }
    }

    fn named(
        &mut self,
        name: &syn::Ident,
        called: &syn::Ident,
        before: &[String],
        is_public: bool,
    ) {
        let mut words = before.to_vec();
        if name != "self" {
            words.push(name.to_string());
        }
        // `use child;` inside of the parent names a module as `use child::Name` does.
        let Some(path) = self.absolute(&words).or_else(|| {
            let child = words.first().filter(|word| self.children.contains(*word))?;
            Some([self.own.clone(), vec![child.clone()]].concat())
        }) else {
            return;
        };
        if is_public {
            self.passed_on.insert(called.to_string(), path);
        } else {
            self.used.push(path);
        }
    }
}

impl<'ast> Visit<'ast> for Uses {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        let attributes = match item {
            syn::Item::Mod(item) => &item.attrs,
            syn::Item::Fn(item) => &item.attrs,
            syn::Item::Use(item) => &item.attrs,
            _ => return visit::visit_item(self, item),
        };
        if !is_test(attributes) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        let is_public = !matches!(item.vis, syn::Visibility::Inherited);
        self.tree(&item.tree, &mut Vec::new(), is_public);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let words: Vec<String> = path
            .segments
            .iter()
            .map(|part| part.ident.to_string())
            .collect();
        let used = self.absolute(&words).filter(|_| words.len() > 1);
        self.used.extend(used);
        visit::visit_path(self, path);
    }

    /// What is inside a macro's call is no syntax tree; paths from the crate's root are found in its words.
    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        let text = call.tokens.to_string().replace(" :: ", "::");
        for word in text.split(|c: char| !c.is_alphanumeric() && c != '_' && c != ':') {
            let words: Vec<String> = word.split("::").map(str::to_owned).collect();
            if words.len() > 1 {
                let used = self.absolute(&words);
                self.used.extend(used);
            }
        }
        visit::visit_macro(self, call);
    }
}
