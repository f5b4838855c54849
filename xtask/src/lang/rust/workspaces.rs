//! The manifest with the `[workspace]` that a package belongs to: where `workspace = true` and `[patch]` lead.

use toml::{Table, Value};

use crate::unit::{lookup, resolve, Found};

/// The workspace of one package.
pub struct Workspace {
    folder: String,
    manifest: Table,
}

impl Workspace {
    /// The nearest one, in the package's own folder or above; cargo stops there.
    pub fn around(found: &Found<'_>) -> Self {
        let mut folder = found.folder.to_owned();
        loop {
            let text = std::fs::read_to_string(found.root.join(&folder).join("Cargo.toml"));
            let manifest: Table = text.unwrap_or_default().parse().unwrap_or_default();
            if manifest.contains_key("workspace") || folder.is_empty() {
                return Self { folder, manifest };
            }
            folder = folder
                .rsplit_once('/')
                .map_or_else(String::new, |(above, _)| above.to_owned());
        }
    }

    /// The folder of a dependency that has its path in `[workspace.dependencies]`.
    pub fn dependency(&self, name: &str) -> Option<String> {
        let dependency = lookup(&self.manifest, "workspace.dependencies")?.get(name)?;
        resolve(&self.folder, dependency.get("path")?.as_str()?)
    }

    /// Folders that `[patch]` and `[replace]` put in the place of packages. Whatever a package needs may need one of them, so they count for all.
    pub fn patched(&self, found: &Found<'_>) -> Vec<String> {
        let patches = lookup(&self.manifest, "patch").and_then(Value::as_table);
        let replaced = lookup(&self.manifest, "replace").and_then(Value::as_table);
        let tables = patches
            .into_iter()
            .flat_map(Table::values)
            .filter_map(Value::as_table);
        tables
            .chain(replaced)
            .flat_map(Table::values)
            .filter_map(|package| resolve(&self.folder, package.get("path")?.as_str()?))
            .filter(|folder| folder != found.folder)
            .collect()
    }
}
