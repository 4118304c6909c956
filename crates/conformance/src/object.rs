//! A JSON object as text in a stated order, so that it can hold what no JSON library would write.

use serde_json::Value;

/// Members in order: the name as it stands between its quotes, and the value as JSON text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Object(Vec<(String, String)>);

impl Object {
    /// The members of a JSON object; none of any other value.
    #[must_use]
    pub fn of(value: &Value) -> Self {
        let members = value.as_object().into_iter().flatten();
        Self(members.map(|(name, value)| (name.clone(), value.to_string())).collect())
    }

    /// With this value in place of the member's, or as a new last member.
    #[must_use]
    pub fn with(mut self, name: &str, json: impl Into<String>) -> Self {
        let json = json.into();
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some((_, value)) => *value = json,
            None => self.0.push((name.to_owned(), json)),
        }
        self
    }

    /// As [`Self::with`], for a text.
    #[must_use]
    pub fn with_text(self, name: &str, text: &str) -> Self {
        self.with(name, quoted(text))
    }

    /// Without this member.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.0.retain(|(known, _)| known != name);
        self
    }

    /// With one more member at the end, whether or not it is there already.
    #[must_use]
    pub fn also(mut self, name: &str, json: impl Into<String>) -> Self {
        self.0.push((name.to_owned(), json.into()));
        self
    }

    /// With one more member at the beginning, whether or not it is there already.
    #[must_use]
    pub fn before(mut self, name: &str, json: impl Into<String>) -> Self {
        self.0.insert(0, (name.to_owned(), json.into()));
        self
    }

    /// The JSON text of a member.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The whole as JSON text.
    #[must_use]
    pub fn render(&self) -> String {
        let members: Vec<String> = self.0.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
        format!("{{{}}}", members.join(","))
    }
}

/// A text as JSON.
#[must_use]
pub fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_written_as_they_were_put_in() {
        let object = Object::of(&serde_json::json!({ "a": 1, "b": "x" }));
        let object =
            object.with("a", "1e0").with_text("c", "\"").also("a", "2").before("b", "[]").without("none");
        assert_eq!(object.render(), r#"{"b":[],"a":1e0,"b":"x","c":"\"","a":2}"#);
        assert_eq!(object.clone().without("a").get("a"), None);
        assert_eq!(object.get("a"), Some("1e0"));
    }
}
