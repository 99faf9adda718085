//! Writes into `landfall.toml` that the app takes over a Compose project. All else in the file
//! stays as it is, comments and layout included.

use landfall_model::EnvironmentName;
use toml_edit::{DocumentMut, InlineTable, Item, Table, Value, value};

/// The key that names Compose files.
const COMPOSE: &str = "compose";

/// The text of a `landfall.toml` whose Compose files adopt `project` in an environment.
///
/// Where the file has environments, only the one that is meant adopts: two that did would write to
/// the same volumes.
///
/// # Errors
/// When the text is not TOML, or names no Compose files; the message says which.
pub fn adopting(
    text: &str,
    environment: &EnvironmentName,
    project: &str,
) -> Result<String, String> {
    let mut document: DocumentMut = text
        .parse()
        .map_err(|error: toml_edit::TomlError| format!("it is not TOML: {}", error.message()))?;
    if !names_files(document.as_table()) {
        return Err("it names no Compose files: it has no `compose`".to_owned());
    }
    let environment = environment.as_str();
    match document.contains_key("environment") {
        false => adopt(document.as_table_mut(), None, project),
        true => {
            let common = document.get(COMPOSE).cloned();
            let own = table_in(document.as_table_mut(), "environment")?;
            own.set_implicit(true);
            let own = table_in(own, environment)?;
            adopt(own, common, project);
        }
    }
    Ok(document.to_string())
}

/// Whether the top level or an environment names Compose files.
fn names_files(document: &Table) -> bool {
    let environments = document.get("environment").and_then(Item::as_table_like);
    let in_one = environments.is_some_and(|all| {
        let mut tables = all.iter().filter_map(|(_, item)| item.as_table_like());
        tables.any(|table| table.contains_key(COMPOSE))
    });
    document.contains_key(COMPOSE) || in_one
}

/// The table under a key, which is made where it is missing.
fn table_in<'a>(table: &'a mut Table, key: &str) -> Result<&'a mut Table, String> {
    let item = table.entry(key).or_insert_with(|| {
        let mut made = Table::new();
        made.set_implicit(false);
        Item::Table(made)
    });
    if let Item::Value(Value::InlineTable(inline)) = item {
        *item = Item::Table(inline.clone().into_table());
    }
    item.as_table_mut()
        .ok_or_else(|| format!("`{key}` is not a table in it"))
}

/// `common` are the Compose files of all environments, for one that has none of its own.
fn adopt(table: &mut Table, common: Option<Item>, project: &str) {
    let own = table.get(COMPOSE).cloned();
    let is_there = own.is_some();
    let mut item = own.or(common).unwrap_or_default();
    match item.as_table_like_mut() {
        Some(compose) => {
            compose.insert("adopt", value(project));
        }
        None => item = replaced(item, project),
    }
    match is_there {
        // In its old place, with what stands before and after it.
        true => table[COMPOSE] = item,
        false => drop(table.insert(COMPOSE, undecorated(item))),
    }
}

fn replaced(files: Item, project: &str) -> Item {
    let decor = files.as_value().map(|value| value.decor().clone());
    let mut table = value(inline(files, project));
    if let (Some(value), Some(decor)) = (table.as_value_mut(), decor) {
        *value.decor_mut() = decor;
    }
    table
}

fn inline(files: Item, project: &str) -> InlineTable {
    let mut table = InlineTable::new();
    if let Ok(mut files) = files.into_value() {
        files.decor_mut().clear();
        // One file may stand alone at the top, not in the table.
        let files = match files {
            Value::String(file) => Value::Array([Value::String(file)].into_iter().collect()),
            other => other,
        };
        table.insert("files", files);
    }
    table.insert("adopt", project.into());
    table
}

fn undecorated(mut item: Item) -> Item {
    if let Some(table) = item.as_table_mut() {
        table.decor_mut().clear();
        table.set_position(None);
    }
    item
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(environment: &str, before: &str, after: &str) {
        let environment = environment.parse().unwrap();
        let written = adopting(before, &environment, "old").unwrap();
        assert_eq!(written, after);
        let again = adopting(&written, &environment, "old").unwrap();
        assert_eq!(again, after, "a second time changes nothing");
    }

    #[test]
    fn a_list_of_files_becomes_a_table_and_all_else_stays() {
        check(
            "local",
            "# Shop\napp     = \"shop\"\ncompose = [\"a.yaml\", \"b.yaml\"] # both\n\n[service.web]\nport = 80\n",
            "# Shop\napp     = \"shop\"\ncompose = { files = [\"a.yaml\", \"b.yaml\"], adopt = \"old\" } # both\n\n[service.web]\nport = 80\n",
        );
    }

    #[test]
    fn one_file_becomes_a_list_of_one() {
        check(
            "local",
            "app = \"shop\"\ncompose = \"a.yaml\"\n",
            "app = \"shop\"\ncompose = { files = [\"a.yaml\"], adopt = \"old\" }\n",
        );
    }

    #[test]
    fn a_table_gets_one_key_more() {
        check(
            "local",
            "app = \"shop\"\n\n[compose]\nfiles = [\"a.yaml\"]\n\n[[route]]\nto = \"web\"\n",
            "app = \"shop\"\n\n[compose]\nfiles = [\"a.yaml\"]\nadopt = \"old\"\n\n[[route]]\nto = \"web\"\n",
        );
    }

    #[test]
    fn of_several_environments_only_the_one_that_is_meant_adopts() {
        check(
            "local",
            "app = \"shop\"\ncompose = [\"a.yaml\"]\n\n[environment.staging]\nserver = \"x@y\"\n",
            "app = \"shop\"\ncompose = [\"a.yaml\"]\n\n[environment.staging]\nserver = \"x@y\"\n\n[environment.local]\ncompose = { files = [\"a.yaml\"], adopt = \"old\" }\n",
        );
        check(
            "staging",
            "app = \"shop\"\n[environment.staging]\ncompose = [\"b.yaml\"]\n",
            "app = \"shop\"\n[environment.staging]\ncompose = { files = [\"b.yaml\"], adopt = \"old\" }\n",
        );
    }

    #[test]
    fn a_file_without_compose_files_is_refused() {
        let refused = adopting("app = \"shop\"\n", &"local".parse().unwrap(), "old");
        assert!(refused.unwrap_err().contains("no Compose files"));
    }
}
