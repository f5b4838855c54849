//! The tasks that fetch pinned tools.

use std::path::Path;

use super::task::{Action, Task, CARGO_BUILD};
use crate::error::Result;
use crate::tools::{PinnedTool, Tools};

/// The tasks that install a tool and what compiling it takes; the last one installs the tool itself.
pub fn install_tasks(tools: &Tools, tool: &PinnedTool, logs: &Path) -> Result<Vec<Task>> {
    let mut tasks = Vec::new();
    let mut task = install_task(tool, logs);
    for name in tool.build.iter().flat_map(|build| &build.needs) {
        let needed = tools.get(name)?;
        if !needed.is_installed() {
            let before = install_tasks(tools, &needed, logs)?;
            task.needs.extend(before.last().map(|task| task.id.clone()));
            tasks.extend(before);
        }
    }
    tasks.push(task);
    Ok(tasks)
}

/// The task that installs it.
fn install_task(tool: &PinnedTool, logs: &Path) -> Task {
    Task {
        id: format!("tools:{}", tool.name),
        unit: "tools".to_owned(),
        label: tool.name.clone(),
        share: tool.build.as_ref().map(|_| CARGO_BUILD),
        note: Some(format!(
            "{} {} from {} into {}{}",
            tool.name,
            tool.version,
            tool.origin(),
            tool.folder_name(),
            if tool.build.is_some() {
                ", compiled here (minutes, once)"
            } else {
                ""
            }
        )),
        actions: vec![Action::Install(Box::new(tool.clone()))],
        log: logs.join(format!("tools-{}.log", tool.name)),
        rerun: format!("cargo xtask setup {}", tool.name),
        ..Task::default()
    }
}
