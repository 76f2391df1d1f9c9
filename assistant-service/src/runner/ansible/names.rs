//! Names of variables: identifiers, and none by which Ansible itself is told what to do.

/// Longer ones say nothing more.
const LONGEST_BYTES: usize = 64;

/// Ansible's special variables that do not begin with its name, what its templates call functions, and the words of a play
/// that a variable may stand for.
const RESERVED: [&str; 45] = [
    "become",
    "become_method",
    "become_user",
    "connection",
    "delegate_to",
    "environment",
    "gather_facts",
    "group_names",
    "groups",
    "hosts",
    "hostvars",
    "inventory_dir",
    "inventory_file",
    "inventory_hostname",
    "inventory_hostname_short",
    "item",
    "local_action",
    "lookup",
    "loop",
    "module_defaults",
    "name",
    "no_log",
    "now",
    "omit",
    "play_hosts",
    "playbook_dir",
    "port",
    "q",
    "query",
    "register",
    "remote_user",
    "role_name",
    "role_names",
    "role_path",
    "roles",
    "strategy",
    "tags",
    "tasks",
    "timezone_offset",
    "undef",
    "vars",
    "vars_files",
    "vars_prompt",
    "when",
    "with_items",
];

/// Whether a variable, or a member of one, may have this name.
pub(super) fn is_free(name: &str, is_variable: bool) -> bool {
    let mut bytes = name.bytes();
    let is_identifier = bytes.next().is_some_and(|first| first.is_ascii_alphabetic())
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && name.len() <= LONGEST_BYTES;
    let small = name.to_ascii_lowercase();
    is_identifier && !small.starts_with("ansible") && !(is_variable && RESERVED.contains(&small.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_by_which_ansible_is_told_what_to_do_are_not_free() {
        for name in ["version", "replicas2", "Target_Host", "a"] {
            assert!(is_free(name, true), "{name}");
        }
        for name in [
            "",
            "2nd",
            "_private",
            "__ansible_unsafe",
            "ansible_connection",
            "ansible_python_interpreter",
            "Ansible_host",
            "hostvars",
            "inventory_hostname",
            "lookup",
            "a-b",
            "a b",
            "a: b",
            "a\n",
            "{{ a }}",
            "ä",
        ] {
            assert!(!is_free(name, true), "{name:?}");
        }
        assert!(is_free("name", false) && !is_free("ansible_host", false));
        assert!(RESERVED.is_sorted());
    }
}
