//! Languages, and texts in several of them.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The language of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// The product's own.
    #[default]
    Original,
    /// Polish.
    Pl,
    /// Russian.
    Ru,
    /// English.
    En,
}

impl Language {
    /// The values of `lang`.
    pub const NAMES: &'static str = "original, pl, ru, en";

    /// This one, or the product's own where that is asked for.
    #[must_use]
    pub fn or(self, own: Self) -> Self {
        if self == Self::Original { own } else { self }
    }
}

impl FromStr for Language {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "original" => Ok(Self::Original),
            "pl" => Ok(Self::Pl),
            "ru" => Ok(Self::Ru),
            "en" => Ok(Self::En),
            _ => Err(format!("`lang` is one of {}, not `{text}`", Self::NAMES)),
        }
    }
}

/// A name as the product writes it, and in English.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Title {
    /// In the product's language.
    pub original: String,
    /// In English.
    pub en: String,
}

impl Title {
    /// The title in `language`; English where the product's language is another and there is no translation.
    #[must_use]
    pub fn text(&self, language: Language, own: Language) -> &str {
        if language.or(own) == own { &self.original } else { &self.en }
    }
}

/// A meaning in all three languages.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Words {
    /// In Polish.
    pub pl: String,
    /// In Russian.
    pub ru: String,
    /// In English.
    pub en: String,
}

impl Words {
    /// The meaning in `language`; in English where the product's own is asked for and there is no product.
    #[must_use]
    pub fn text(&self, language: Language) -> &str {
        match language {
            Language::Pl => &self.pl,
            Language::Ru => &self.ru,
            Language::En | Language::Original => &self.en,
        }
    }
}

/// Adds a member `text` in the wanted language beside the languages of each title and meaning below `value`.
pub fn add_texts(value: &mut Value, language: Language, own: Language) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| add_texts(item, language, own)),
        Value::Object(members) => {
            members.values_mut().for_each(|member| add_texts(member, language, own));
            let whole = Value::Object(members.clone());
            let text = if members.contains_key("original") {
                Title::deserialize(&whole).ok().map(|title| title.text(language, own).to_owned())
            } else if members.contains_key("pl") {
                Words::deserialize(&whole).ok().map(|words| words.text(language.or(own)).to_owned())
            } else {
                None
            };
            if let Some(text) = text {
                members.insert("text".into(), json!(text));
            }
        }
        _ => {}
    }
}
