//! A strict reader of our own HTML and SVG: every tag closed, every attribute quoted.

/// A piece of the page.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Piece {
    /// An element begins: its name and attributes.
    Open(String, Vec<(String, String)>),
    /// It ends.
    Close(String),
    /// Text between tags, entities replaced.
    Text(String),
}

const VOID: [&str; 5] = ["meta", "link", "br", "hr", "input"];

/// Reads the page, or says where it is not well formed.
pub(crate) fn read(page: &str) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    let mut open: Vec<String> = Vec::new();
    let mut rest = page.strip_prefix("<!DOCTYPE html>").ok_or("no doctype")?;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix("</") {
            let (name, after) = after.split_once('>').ok_or("a closing tag does not end")?;
            if open.pop().as_deref() != Some(name) {
                return Err(format!("</{name}> closes nothing that is open"));
            }
            pieces.push(Piece::Close(name.to_owned()));
            rest = after;
        } else if let Some(after) = rest.strip_prefix('<') {
            let (name, attributes, after) = tag(after)?;
            pieces.push(Piece::Open(name.clone(), attributes));
            rest = after;
            // Of SVG, where an empty element may close itself.
            if let Some(after) = rest.strip_prefix("/>") {
                rest = after;
                pieces.push(Piece::Close(name));
                continue;
            }
            rest = rest.strip_prefix('>').ok_or("a tag does not end")?;
            if matches!(name.as_str(), "style" | "script") {
                let end = format!("</{name}>");
                rest = rest.split_once(&end).ok_or("a script or style does not end")?.1;
                pieces.push(Piece::Close(name));
            } else if VOID.contains(&name.as_str()) {
                pieces.push(Piece::Close(name));
            } else {
                open.push(name);
            }
        } else {
            let end = rest.find('<').unwrap_or(rest.len());
            pieces.push(Piece::Text(text(&rest[..end])?));
            rest = &rest[end..];
        }
    }
    if open.is_empty() { Ok(pieces) } else { Err(format!("left open: {open:?}")) }
}

type Tag<'a> = (String, Vec<(String, String)>, &'a str);

fn tag(start: &str) -> Result<Tag<'_>, String> {
    let end = start.find([' ', '>', '/']).ok_or("a tag does not end")?;
    let name = start[..end].to_owned();
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric()) {
        return Err(format!("not a tag: <{name}"));
    }
    let mut rest = start[end..].trim_start();
    let mut attributes: Vec<(String, String)> = Vec::new();
    while !rest.starts_with(['>', '/']) {
        let end = rest.find(['=', ' ', '>']).ok_or("an attribute does not end")?;
        let key = rest[..end].to_owned();
        rest = &rest[end..];
        let mut value = String::new();
        if let Some(after) = rest.strip_prefix("=\"") {
            let (quoted, after) = after.split_once('"').ok_or("an attribute's value does not end")?;
            value = text(quoted)?;
            rest = after;
        }
        if attributes.iter().any(|(other, _)| *other == key) {
            return Err(format!("<{name}> has {key} twice"));
        }
        attributes.push((key, value));
        rest = rest.trim_start();
    }
    Ok((name, attributes, rest))
}

fn text(raw: &str) -> Result<String, String> {
    if raw.contains(['<', '>']) {
        return Err(format!("a bare angle bracket in {raw:?}"));
    }
    let text = raw.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"");
    let bare = text.replace("&amp;", "").contains('&');
    if bare { Err(format!("a bare ampersand in {raw:?}")) } else { Ok(text.replace("&amp;", "&")) }
}
