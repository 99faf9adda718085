//! Scalars, lists of them and mappings of them, each in the form of its key.

use super::super::interpolate::bool_of;
use super::super::short::{command, units};
use super::super::spec::Form;
use super::super::tree::{Map, Node, Place, Value, scalar_text};

/// Why a value is none of its form.
pub(super) struct Wrong {
    pub(super) at: Place,
    pub(super) message: String,
    pub(super) fix: &'static str,
}

/// The value, or nothing where there is nothing to print.
type Converted = Result<Option<Value>, Wrong>;

pub(super) fn convert(node: &Node, form: Form) -> Converted {
    match form {
        Form::Text => text(node),
        Form::Flag => Ok(Some(flag(node)?).filter(|flag| *flag).map(Value::Bool)),
        Form::SaidFlag => Ok(Some(Value::Bool(flag(node)?))),
        Form::Whole => Ok(Some(whole(node)?).filter(|int| *int != 0).map(Value::Int)),
        Form::Unsigned => Ok(Some(unsigned(node)?)
            .filter(|int| *int != 0)
            .map(Value::Int)),
        Form::SaidWhole => Ok(Some(Value::Int(whole(node)?))),
        Form::Float => Ok(Some(float(node)?)
            .filter(|float| *float != 0.0)
            .map(Value::Float)),
        Form::Bytes => bytes(node),
        Form::Duration => Ok(duration(node)?.filter(|text| text != "0s").map(Value::Text)),
        Form::SaidDuration => Ok(duration(node)?.map(Value::Text)),
        Form::Mode => Ok(Some(Value::Text(format!("0{:o}", mode(node)?)))),
        Form::Texts => Ok(Some(texts(node)?)
            .filter(|list| !list.is_empty())
            .map(Value::List)),
        Form::Command => commands(node),
        Form::Test => test(node),
        Form::Variables => pairs(node, Unset::Null),
        Form::Pairs => pairs(node, Unset::Empty),
        Form::Multi => multi(node),
        Form::Hosts => hosts(node),
        Form::Ssh => Ok(Some(ssh(node))
            .filter(|list| !list.is_empty())
            .map(Value::List)),
        Form::Count => Ok(Some(count(node)?).filter(|int| *int != 0).map(Value::Int)),
        Form::Ulimits => ulimits(node),
        Form::Hidden | Form::Fields(_) | Form::Whatever(_) | Form::Each(_) | Form::Named(_) => {
            Ok(None)
        }
    }
}

fn wrong(node: &Node, message: impl Into<String>, fix: &'static str) -> Wrong {
    Wrong {
        at: node.at.clone(),
        message: message.into(),
        fix,
    }
}

fn text(node: &Node) -> Converted {
    match &node.value {
        Value::Text(text) if text.is_empty() => Ok(None),
        Value::Text(_) => Ok(Some(node.value.clone())),
        Value::Int(int) => Ok(Some(Value::Text(int.to_string()))),
        _ => Err(wrong(node, "this is no text", "put it in quotes")),
    }
}

fn flag(node: &Node) -> Result<bool, Wrong> {
    let flag = match &node.value {
        Value::Bool(bool) => Some(*bool),
        Value::Text(text) => bool_of(text),
        _ => None,
    };
    flag.ok_or_else(|| {
        wrong(
            node,
            "this is not `true` or `false`",
            "write `true` or `false`",
        )
    })
}

fn whole(node: &Node) -> Result<i128, Wrong> {
    let int = match &node.value {
        Value::Text(text) => text.parse::<i64>().ok().map(i128::from),
        _ => number(node),
    };
    int.ok_or_else(|| wrong(node, "this is no whole number", "write digits"))
}

fn unsigned(node: &Node) -> Result<i128, Wrong> {
    let int = number(node).filter(|int| *int >= 0);
    int.ok_or_else(|| wrong(node, "this is no number", "write digits, without quotes"))
}

fn number(node: &Node) -> Option<i128> {
    match node.value {
        Value::Int(int) => Some(int),
        Value::Float(float) if float.is_finite() => Some(float as i128),
        _ => None,
    }
}

/// With the precision that Compose keeps.
fn float(node: &Node) -> Result<f64, Wrong> {
    let float = match &node.value {
        Value::Int(int) => Some(*int as f64),
        Value::Float(float) => Some(*float),
        Value::Text(text) => text.parse().ok(),
        _ => None,
    };
    let float = float.ok_or_else(|| wrong(node, "this is no number", "write digits"))?;
    Ok((float as f32).to_string().parse().unwrap_or(float))
}

fn bytes(node: &Node) -> Converted {
    let bytes = match &node.value {
        Value::Int(int) => Some(*int),
        Value::Text(text) => units::bytes(text).map(i128::from),
        // Compose takes a fraction for no size at all.
        _ => Some(0),
    };
    let fix = "write a number with b, k, m or g, as in `512m`";
    let bytes = bytes.ok_or_else(|| wrong(node, "this is no size", fix))?;
    Ok((bytes != 0).then(|| Value::Text(bytes.to_string())))
}

fn duration(node: &Node) -> Result<Option<String>, Wrong> {
    let text = scalar_text(&node.value).unwrap_or_default();
    let fix = "write numbers with units, as in `1m30s`";
    let nanos = units::nanoseconds(&text).ok_or_else(|| wrong(node, "this is no duration", fix))?;
    Ok(Some(units::duration_text(nanos)))
}

fn mode(node: &Node) -> Result<i128, Wrong> {
    let mode = match &node.value {
        Value::Text(text) => i128::from_str_radix(text, 8).ok(),
        Value::Int(int) => Some(*int),
        _ => None,
    };
    mode.ok_or_else(|| wrong(node, "this is no mode of a file", "write it like \"0440\""))
}

fn texts(node: &Node) -> Result<Vec<Node>, Wrong> {
    let items = match &node.value {
        Value::List(list) => list.as_slice(),
        _ => std::slice::from_ref(node),
    };
    let text = |item: &Node| {
        scalar_text(&item.value)
            .map(|text| item.text_here(text))
            .ok_or_else(|| wrong(item, "this is no text", "put it in quotes"))
    };
    items.iter().map(text).collect()
}

fn commands(node: &Node) -> Converted {
    let Value::Text(text) = &node.value else {
        return Ok(Some(Value::List(texts(node)?)));
    };
    let fix = "close its quotes, or write it as a list of words";
    let words = command::words(text);
    let words = words.ok_or_else(|| wrong(node, "the command cannot be read", fix))?;
    let words = words.into_iter().map(|word| node.text_here(word));
    Ok(Some(Value::List(words.collect())))
}

fn test(node: &Node) -> Converted {
    if node.text().is_some() {
        let words = vec![node.text_here("CMD-SHELL"), node.here(node.value.clone())];
        return Ok(Some(Value::List(words)));
    }
    Ok(Some(texts(node)?)
        .filter(|list| !list.is_empty())
        .map(Value::List))
}

/// What a name without a value has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unset {
    Null,
    Empty,
}

impl Unset {
    fn value(self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Empty => Value::Text(String::new()),
        }
    }
}

fn pairs(node: &Node, unset: Unset) -> Converted {
    let mut out = Map::new();
    for (name, value) in node.map().into_iter().flatten() {
        let text = match value.is_null() {
            true => unset.value(),
            false => Value::Text(
                scalar_text(&value.value)
                    .ok_or_else(|| wrong(value, "this is no text", "put it in quotes"))?,
            ),
        };
        out.insert(name.clone(), value.clone().with(text));
    }
    for item in node.list().unwrap_or_default() {
        let text = scalar_text(&item.value).unwrap_or_default();
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Value::Text(value.to_owned())),
            None => (text.as_str(), unset.value()),
        };
        if unset == Unset::Null && name.ends_with(char::is_whitespace) {
            let message = format!("the name {name:?} ends with a space");
            return Err(wrong(item, message, "take the space away"));
        }
        out.insert(name.to_owned(), item.here(value));
    }
    out.sort_unstable_keys();
    Ok((!out.is_empty()).then_some(Value::Map(out)))
}

fn multi(node: &Node) -> Converted {
    let mut out = Map::new();
    for (name, value) in node.map().into_iter().flatten() {
        let list = texts(value)?;
        if !list.is_empty() {
            out.insert(name.clone(), value.clone().with(Value::List(list)));
        }
    }
    out.sort_unstable_keys();
    Ok((!out.is_empty()).then_some(Value::Map(out)))
}

fn hosts(node: &Node) -> Converted {
    let mut hosts: Vec<Node> = Vec::new();
    let mut add = |name: &str, address: &str, at: &Node| {
        let fix = "write host=address";
        if name.is_empty() || name.contains([':', '=']) {
            return Err(wrong(at, format!("{name:?} is no name of a host"), fix));
        }
        let bare = address
            .strip_prefix('[')
            .and_then(|text| text.strip_suffix(']'));
        let address = bare.filter(|bare| !bare.is_empty()).unwrap_or(address);
        hosts.push(at.text_here(format!("{name}={address}")));
        Ok(())
    };
    for (name, value) in node.map().into_iter().flatten() {
        match &value.value {
            Value::List(list) => {
                for item in list {
                    add(name, &scalar_text(&item.value).unwrap_or_default(), item)?;
                }
            }
            other => add(name, &scalar_text(other).unwrap_or_default(), value)?,
        }
    }
    for item in node.list().unwrap_or_default() {
        let text = scalar_text(&item.value).unwrap_or_default();
        let pair = text.split_once('=').or_else(|| text.split_once(':'));
        let (name, addresses) =
            pair.ok_or_else(|| wrong(item, "the address is missing", "write host=address"))?;
        for address in addresses.split(',') {
            add(name, address, item)?;
        }
    }
    hosts.sort_by(|a, b| a.text().cmp(&b.text()));
    Ok((!hosts.is_empty()).then_some(Value::List(hosts)))
}

fn ssh(node: &Node) -> Vec<Node> {
    let keys = node.map().into_iter().flatten();
    let mut keys: Vec<Node> = keys
        .map(|(id, path)| match scalar_text(&path.value) {
            Some(path_text) if !path_text.is_empty() => path.text_here(format!("{id}={path_text}")),
            _ => path.text_here(id),
        })
        .collect();
    keys.sort_by(|a, b| a.text().cmp(&b.text()));
    keys
}

fn count(node: &Node) -> Result<i128, Wrong> {
    match &node.value {
        Value::Text(text) if text.eq_ignore_ascii_case("all") => Ok(-1),
        _ => whole(node).map_err(|wrong| Wrong {
            message: "this is neither `all` nor a number".into(),
            fix: "write `all`, or how many",
            ..wrong
        }),
    }
}

fn ulimits(node: &Node) -> Converted {
    let mut out = Map::new();
    for (name, limit) in node.map().into_iter().flatten() {
        let value = match limit.map() {
            None => Value::Int(unsigned_or_negative(limit)?),
            Some(map) => {
                let mut both = Map::new();
                for side in ["soft", "hard"] {
                    let value = map.get(side).map_or(Ok(0), unsigned_or_negative)?;
                    if value != 0 {
                        both.insert(side.into(), limit.here(Value::Int(value)));
                    }
                }
                Value::Map(both)
            }
        };
        let value = match value {
            Value::Int(0) => Value::Map(Map::new()),
            value => value,
        };
        out.insert(name.clone(), limit.clone().with(value));
    }
    out.sort_unstable_keys();
    Ok((!out.is_empty()).then_some(Value::Map(out)))
}

/// A limit; -1 is none.
fn unsigned_or_negative(node: &Node) -> Result<i128, Wrong> {
    match node.value {
        Value::Int(int) => Ok(int),
        _ => Err(wrong(
            node,
            "this is no number",
            "write digits, without quotes",
        )),
    }
}
