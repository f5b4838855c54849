//! Every rule about plugins has a plugin that breaks it. The plugins are a good one with one thing changed.

use std::fs;
use std::path::Path;

use xtask::plugin::rules::problems;

const FILES: [(&str, &str); 5] = [
    (
        "tasker-plugin.toml",
        "[plugin]\nname = \"demo\"\ndescription = \"Demo.\"\nversion = \"0.1.0\"\nlanguage = \"python\"\n\n\
         [[templates]]\nname = \"step\"\npath = \"templates/step\"\ndescription = \"A step.\"\n",
    ),
    (
        "templates/step/template.toml",
        "name = \"step\"\ndescription = \"A step.\"\n\n[[parameters]]\nname = \"name\"\ndescription = \"Its name.\"\nrequired = true\n\n\
         [[parameters]]\nname = \"namespace\"\ndescription = \"Its namespace.\"\n\n\
         [[outputs]]\ntemplate = \"a.tera\"\nfilename = \"{{ name | snake_case }}.py\"\n\n\
         [[outputs]]\ntemplate = \"b.tera\"\nfilename = \"{{ name | snake_case }}.md\"\nsubdir = \"docs\"\n",
    ),
    ("templates/step/a.tera", "# {{ name }}{% if namespace %} of {{ namespace }}{% endif %}\n"),
    ("templates/step/b.tera", "{% include \"part.tera\" %}\n"),
    ("templates/step/part.tera", "{{ name | upper }}\n"),
];

const TESTS: &str = "sets.plain = { name = \"a\" }\nsets.namespaced = { name = \"b\" }\nsets.awkward = { name = \"c\" }\n\n\
                     [templates.step]\nalone = true\n\n[[checks]]\nname = \"test\"\nrun = [\"true\"]\n";

fn good(folder: &Path) {
    for (name, text) in FILES.into_iter().chain([("template-tests.toml", TESTS)]) {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

/// Problems after `from` became `to` in a file.
fn broken(file: &str, from: &str, to: &str) -> Vec<String> {
    let folder = tempfile::TempDir::new().unwrap();
    good(folder.path());
    let path = folder.path().join(file);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{file} has no {from:?}");
    fs::write(path, text.replacen(from, to, 1)).unwrap();
    problems(folder.path())
}

#[test]
fn a_good_plugin_has_no_problems() {
    assert_eq!(broken("templates/step/a.tera", "#", "#"), [""; 0]);
}

#[test]
#[allow(clippy::too_many_lines, reason = "a list of cases")]
fn each_mistake_is_named_with_its_file() {
    let (manifest, template, tests) = (
        "tasker-plugin.toml",
        "templates/step/template.toml",
        "template-tests.toml",
    );
    let table = [
        // The manifest.
        (manifest, "language = \"python\"", "language = \"\"", "tasker-plugin.toml: [plugin] needs a string `language`"),
        (manifest, "version = \"0.1.0\"\n", "", "tasker-plugin.toml:1: missing field `version`"),
        (manifest, "0.1.0", "first", "tasker-plugin.toml: version `first` is not of the form 1.2.3, so no profile can pin it"),
        (manifest, "path =", "folder =", "tasker-plugin.toml:9: unknown field `folder`, expected one of `name`, `path`, `description`"),
        (manifest, "A step.", "", "tasker-plugin.toml: template `step` needs a description"),
        (
            manifest,
            "[[templates]]",
            "[[templates]]\nname = \"STEP\"\npath = \"templates/step\"\ndescription = \"x\"\n[[templates]]",
            "tasker-plugin.toml: template `step` is listed twice; the second is never found",
        ),
        (
            manifest,
            "templates/step",
            "../step",
            "tasker-plugin.toml: template `step` has the path `../step`, which leads out of the plugin",
        ),
        (
            manifest,
            "[[templates]]\nname = \"step\"\npath = \"templates/step\"\ndescription = \"A step.\"\n",
            "",
            "templates/step/template.toml: tasker-plugin.toml does not list it, so it is never found",
        ),
        // A template.
        (template, "name = \"step\"", "name = \"stop\"", "templates/step/template.toml: name is `stop`, but the manifest lists `step`"),
        (template, "required = true", "required = 1", "templates/step/template.toml:7: invalid type: integer `1`, expected a boolean"),
        (template, "Its name.", "", "templates/step/template.toml: parameter `name` needs a description"),
        (
            template,
            "required = true",
            "required = true\ndefault = \"x\"",
            "templates/step/template.toml: parameter `name` is required and has a default; `required` has no effect",
        ),
        (template, "name = \"namespace\"", "name = \"name\"", "templates/step/template.toml: parameter `name` is declared twice"),
        (
            template,
            "name = \"namespace\"",
            "name = \"namespaces\"",
            "templates/step/a.tera:1: `namespace` is not a parameter of the template; did you mean `namespaces`?",
        ),
        (
            template,
            "[[outputs]]",
            "[[parameters]]\nname = \"port\"\ndescription = \"x\"\n\n[[outputs]]",
            "templates/step/template.toml: parameter `port` is never used",
        ),
        (
            template,
            "a.tera",
            "c.tera",
            "templates/step/template.toml: `c.tera` is not a file of the template's folder",
        ),
        (
            template,
            "a.tera",
            "sub/a.txt",
            "templates/step/template.toml: `sub/a.txt` must be a *.tera file of the template's own folder; tasker-ctl loads no other files",
        ),
        (
            template,
            ".md\"\nsubdir = \"docs\"",
            ".py\"\nsubdir = \".\"",
            "templates/step/template.toml: outputs `a.tera` and `b.tera` make the same file `{{ name | snake_case }}.py`; the second overwrites the first",
        ),
        (
            template,
            "subdir = \"docs\"",
            "subdir = \"../docs\"",
            "templates/step/template.toml: output `../docs/{{ name | snake_case }}.md` leads out of the folder it is generated in",
        ),
        (
            template,
            "subdir = \"docs\"",
            "subdir = \"/etc\"",
            "templates/step/template.toml: output `/etc/{{ name | snake_case }}.md` leads out of the folder it is generated in",
        ),
        (
            template,
            "{{ name | snake_case }}.py",
            "{{ name }}.py",
            "templates/step/template.toml: output `{{ name }}.py` takes `name` as it is, so `../` or a first `/` in its value leads out of the folder; add a filter such as snake_case",
        ),
        (
            template,
            "subdir = \"docs\"",
            "subdir = \"{{ name | replace(from='.', to='/') }}\"",
            "templates/step/template.toml: output `{{ name | replace(from='.', to='/') }}/{{ name | snake_case }}.md` takes `name` as it is",
        ),
        (
            template,
            "subdir = \"docs\"",
            "subdir = \"{{ other | snake_case }}\"",
            "templates/step/template.toml: `other` is not a parameter of the template",
        ),
        // Its files.
        ("templates/step/a.tera", "# {{ name }}", "#\n{{ nam }}", "templates/step/a.tera:2: `nam` is not a parameter of the template; did you mean `name`?"),
        ("templates/step/part.tera", "{{ name", "{{ nme", "templates/step/part.tera:1: `nme` is not a parameter of the template; did you mean `name`?"),
        (
            "templates/step/b.tera",
            "{% include \"part.tera\" %}",
            "text",
            "templates/step/part.tera: no output and no other file uses it",
        ),
        // How it is proven.
        (tests, "sets.awkward = { name = \"c\" }\n", "", "template-tests.toml: has 2 sets; a template is proven with at least 3: plain, namespaced, awkward"),
        (tests, "[templates.step]", "[templates.stop]", "template-tests.toml: [templates.stop] is not a template of the plugin"),
        (
            tests,
            "alone = true",
            "sets.plan = { name = \"x\" }",
            "template-tests.toml: [templates.step] has values for `plan`, which is not in [sets]",
        ),
        (tests, "[\"true\"]", "[]", "template-tests.toml: check `test` has nothing to run"),
        (tests, "sets.plain", "copies = [\"../x\"]\nsets.plain", "template-tests.toml: copies `../x`, which is not a file of the repository"),
        (tests, "sets.plain", "project = \"../x\"\nsets.plain", "template-tests.toml: project `../x` is not a folder of the plugin"),
    ];
    for (file, from, to, expected) in table {
        let found = broken(file, from, to);
        assert!(
            found.iter().any(|problem| problem.starts_with(expected)),
            "{file}: {from:?} became {to:?}; expected {expected:?}, found {found:#?}"
        );
    }
}

#[test]
fn a_dotted_name_becomes_folders_when_it_can_lead_nowhere_else() {
    let tame = "subdir = \"{{ name | replace(from='/', to='') | trim_start_matches(pat='.') | replace(from='.', to='/') }}\"";
    assert_eq!(
        broken("templates/step/template.toml", "subdir = \"docs\"", tame),
        [""; 0]
    );
    // Dots that become slashes must be gone from the beginning by then.
    let wild = "subdir = \"{{ name | trim_start_matches(pat='.') | replace(from='/', to='') | replace(from='.', to='/') }}\"";
    assert_eq!(
        broken("templates/step/template.toml", "subdir = \"docs\"", wild).len(),
        1
    );
}

#[test]
fn a_plugin_without_an_output_or_without_tests() {
    let folder = tempfile::TempDir::new().unwrap();
    good(folder.path());
    fs::write(
        folder.path().join("templates/step/template.toml"),
        "name = \"step\"\ndescription = \"x\"\n",
    )
    .unwrap();
    fs::remove_file(folder.path().join("template-tests.toml")).unwrap();
    let found = problems(folder.path());
    for expected in [
        "templates/step/template.toml: there is no [[outputs]], so it generates nothing",
        "template-tests.toml is missing, so nothing proves the templates",
    ] {
        assert!(
            found.iter().any(|problem| problem == expected),
            "{found:#?}"
        );
    }
}

#[test]
fn checks_must_not_be_empty() {
    let folder = tempfile::TempDir::new().unwrap();
    good(folder.path());
    let tests = folder.path().join("template-tests.toml");
    fs::write(
        &tests,
        format!("checks = []\n{}", TESTS.split("[[checks]]").next().unwrap()),
    )
    .unwrap();
    assert_eq!(
        problems(folder.path()),
        ["template-tests.toml: has no [[checks]], so nothing is proven"]
    );
}
