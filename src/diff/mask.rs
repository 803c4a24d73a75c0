//! Secrets in texts that are to be shown.

/// What stands where a secret was.
const MASK: &str = "<withheld>";
/// Parts of the names of environment variables whose values are secrets.
const SECRET_NAMES: [&str; 4] = ["PASSWORD", "SECRET", "TOKEN", "CREDENTIAL"];

/// `text` with its secrets withheld: passwords in URLs, join tokens, and environment variables that are called so.
pub(crate) fn masked(text: &str) -> String {
    let mut secret_name = false;
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let item = line.trim_start().trim_start_matches("- ");
        if let (true, Some((key, _))) = (secret_name && item.starts_with("value:"), line.split_once("value:"))
        {
            out.push_str(&format!("{key}value: {MASK}\n"));
        } else {
            out.push_str(&tokens(&passwords(line)));
        }
        let name = item.strip_prefix("name:").map(str::to_uppercase);
        secret_name = name.is_some_and(|n| SECRET_NAMES.iter().any(|s| n.contains(s)));
    }
    out
}

/// `https://user:password@host` without user and password.
fn passwords(line: &str) -> String {
    let mut parts = line.split("://");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c: char| c == '/' || c == '"' || c.is_whitespace()).unwrap_or(part.len());
        let (authority, rest) = part.split_at(end);
        out.push_str("://");
        match authority.rsplit_once('@') {
            Some((_, host)) => out.push_str(&format!("{MASK}@{host}")),
            None => out.push_str(authority),
        }
        out.push_str(rest);
    }
    out
}

/// A join token, `abcdef.0123456789abcdef`, without its secret half.
fn tokens(line: &str) -> String {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '.';
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(begin) = rest.find(is_word) {
        let (before, from) = rest.split_at(begin);
        let (word, after) = from.split_at(from.find(|c| !is_word(c)).unwrap_or(from.len()));
        out.push_str(before);
        match crate::config::token::split(word) {
            Some((id, _)) => out.push_str(&format!("{id}.{MASK}")),
            None => out.push_str(word),
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_go_and_the_rest_stays() {
        for (text, want) in [
            ("    - --etcd-servers=https://127.0.0.1:2379,http://a/b@c\n", None),
            ("    image: registry.k8s.io/pause:3.10.2\n", None),
            ("value: http://me:pw@proxy:3128\n", Some("value: http://<withheld>@proxy:3128\n")),
            ("\"abcdef.0123456789abcdef\" é\n", Some("\"abcdef.<withheld>\" é\n")),
            (
                "    - name: DB_PASSWORD\n      value: x\n    - name: A\n      value: y\n",
                Some("    - name: DB_PASSWORD\n      value: <withheld>\n    - name: A\n      value: y\n"),
            ),
        ] {
            assert_eq!(masked(text), want.unwrap_or(text));
        }
    }
}
