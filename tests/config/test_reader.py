"""Reading configs: every fault at once, each where it stands, with what to do."""

import shlex
import textwrap
from dataclasses import dataclass
from itertools import product
from types import SimpleNamespace

import pytest

from initbench.claims.read import CLAIM
from initbench.config import bundled, describe_file, find_config, read_experiment, read_seeds
from initbench.config.files import CONFIG
from initbench.config.located import locate
from initbench.engine.blocks.dense import Dense
from initbench.errors import ConfigError, ParameterError, UsageError
from initbench.registry import architecture, find, initializer


@pytest.fixture
def read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def read_text(text, *changes, name="some.yaml"):
        path = tmp_path / name
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        return read_experiment(path.relative_to(tmp_path), changes)

    return read_text


def faults(read, text, *changes):
    with pytest.raises(ConfigError) as caught:
        read(text, *changes)
    return caught.value.faults


def only_fault(read, text, *changes):
    found = faults(read, text, *changes)
    assert len(found) == 1, [str(fault) for fault in found]
    return found[0]


def write_table(path):
    rows = "".join(f"{i},{i % 3},{'yes' if i % 2 else 'no'}\n" for i in range(40))
    path.write_text("a,b,c\n" + rows)


def test_a_data_file_that_does_not_hold_what_the_config_says_is_a_fault_at_its_place(read, tmp_path):
    write_table(tmp_path / "t.csv")
    fault = only_fault(read, "dataset: {csv: t.csv, target: d, drop: [b]}")
    assert (fault.line, fault.column) == (1, 31)
    assert "no column 'd'" in fault.message
    assert only_fault(read, "dataset: {csv: t.csv, target: c, drop: [e]}").column == 40
    (tmp_path / "t.csv").write_text("")
    assert only_fault(read, "dataset: {csv: t.csv, target: c}").column == 16
    assert "{csv: FILE, target: COLUMN}" in only_fault(read, "dataset: t.csv").hint


def test_an_empty_config_is_all_defaults(read):
    experiment = read("")
    assert experiment.name == "some"
    assert experiment.seeds == (0, 1, 2, 3, 4)
    assert experiment.swept == ()
    one = {key: values[0] for key, values in experiment.choices.items()}
    assert (one["depth"], one["width"], one["learning_rate"], one["batch_size"]) == (3, 64, 0.05, 64)
    assert [str(one[key]) for key in ("dataset", "activation", "initializer", "bias", "optimizer")] == [
        "digits",
        "relu",
        "he_normal",
        "zeros",
        "sgd",
    ]
    assert (one["clip_norm"], one["weight_decay"], one["train_rows"], one["dtype"]) == (None, 0.0, None, "float32")


def test_the_faults_of_a_file_come_all_at_once_each_with_its_place(read):
    found = faults(
        read,
        """\
        dataset: digts
        depth: -3
        activation: rellu
        initializer: [he_normal, he_norml, {normal: {sd: 0.1}}]
        epoch: 5
        learning_rate: fast
        """,
    )
    assert [(f.line, f.column) for f in found] == [(1, 10), (2, 8), (3, 13), (4, 26), (4, 46), (5, 1), (6, 16)]
    hints = [f.hint for f in found]
    for hint, word in zip(hints, ("digits", "depth: 3", "relu", "he_normal", "std", "epochs", "0.05"), strict=True):
        assert word in hint
    assert str(found[3]) == (
        "some.yaml:4:26: unknown initializer 'he_norml'\n"
        "  initializer: [he_normal, he_norml, {normal: {sd: 0.1}}]\n"
        "                           ^^^^^^^^\n"
        "  nearest name: he_normal    all names: initbench list initializers"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("depth: 2.5", "depth is 2.5 and must be a whole number"),
        ("depth: true", "depth is true and must be a whole number"),
        ("depth: [2, 2]", "2 stands twice in depth"),
        ("depth: []", "depth is an empty list"),
        ("depth: {a: 1}", "depth is {a: 1} and must be a whole number"),
        ("epochs: [1, 2]", "epochs is [1, 2] and must be a whole number"),
        ("epochs: 0", "epochs is 0 and must be at least 1"),
        ("width: 1000000000", "width is 1000000000 and must be at most 100,000"),
        ("learning_rate: .nan", "learning_rate is .nan and must be at least 0"),
        ("learning_rate: .inf", "learning_rate is .inf and must be a number of at most 1e100"),
        ("learning_rate: 1.0e+101", "learning_rate is 1.0e+101 and must be a number of at most 1e100"),
        ("learning_rate: fast", "learning_rate is 'fast' and must be a number, at least 0"),
        ("learning_rate: {a: 1}", "learning_rate is '{a: 1}' and must be a number"),
        ("learning_rate: true", "learning_rate is true and must be a number"),
        ("learning_rate: -1", "learning_rate is -1 and must be at least 0"),
        ("clip_norm: 0", "clip_norm is 0 and must be above 0"),
        ("dtype: float16", "unknown dtype 'float16'"),
        ("target: 1.5", "target is 1.5 and must be above 0 and at most 1"),
        ("clock: 5", "clock needs a target, a validation accuracy to look for"),
        ("clock: 5\ntarget: null", "clock needs a target"),
        ("clock: 5\ntarget: 1.5", "target is 1.5 and must be"),
        ("target: 0.9\nclock: 0", "clock is 0 and must be at least 1"),
        ("target: 0.9\nclock: [1, 2]", "clock is [1, 2] and must be a whole number"),
        ("seeds: 0", "seeds is 0 and must be at least 1"),
        ("seeds: [1, 1]", "the seed 1 stands twice"),
        ("seeds: [-1]", "a seed is -1 and must be at least 0"),
        ("hidden: 5", "hidden is 5 and must be a list of widths"),
        ("hidden: [5, 0]", "a width in hidden is 0 and must be at least 1"),
        ("hidden: [5]\ndepth: 2", "depth cannot stand beside hidden"),
        ("record: [curves, layer]", "unknown record 'layer'"),
        ("record: [weights]", "record must hold curves"),
        ("name: ../../x", "the name '../../x' cannot be a folder under the results"),
        ("name: .hidden", "the name '.hidden' cannot be a folder under the results"),
        ("description: [1]", "description must be one line of text"),
        ("dataset: {csv: no.csv, target: y}", "no file or folder 'no.csv'"),
        ("initializer: {normal: {std: -1}}", "std is -1 and must be at least 0"),
        ("initializer: {normal: {std: wide}}", "std is 'wide' and must be a number"),
        ("initializer: {normal: 3}", "the parameters of 'normal' must be a mapping"),
        ("initializer: {normal: {}, zeros: {}}", "initializer takes one name, and this mapping has 2 keys"),
        ("initializer: {uniform: {low: 1, high: 0}}", "'uniform(low=1, high=0)': "),
        (
            "initializer: [normal, {normal: {std: 0.05}}]",
            "{normal: {std: 0.05}} ('normal') stands twice in initializer",
        ),
        ("initializer: [[zeros]]", "[zeros] is not the name of a part"),
        ("bias: he_normal", "unknown bias 'he_normal'"),
        ("normalization: no", "unknown normalization 'no'"),
        ("depth: 2\ndepth: 3", "the key 'depth' stands twice"),
        ("- 1", "a config is a mapping of keys to values"),
        ("depth: [1", "not valid YAML"),
        ("depth: \t3", "not valid YAML"),
        (
            "dataset: !!python/object/apply:os.system ['echo hi']",
            "the tag '!!python/object/apply:os.system' is not allowed",
        ),
        ("depth: !!binary aGk=", "the tag '!!binary' is not allowed"),
        ("? [a]\n: 1", "the key [a] is no name"),
        ("initializer: {normal: {std: 1" + "0" * 400 + "}}", "must be a number of at most 1e"),
        ("dataset: {csv: ~nosuchuser/x.csv, target: y}", "no file or folder '~nosuchuser/x.csv'"),
        ("dataset: {csv: " + "x" * 300 + ", target: y}", "no file or folder"),
        ("<<: {depth: 3}", "the tag '!!merge' is not allowed"),
        ("depth: &a [*a]", "the values are nested too deeply"),
        ("depth: " + "[" * 3000, "the values are nested too deeply"),
        ("depth: " + "9" * 5000, "a number of more than 3,000 digits"),
        ("depth: 0x" + "f" * 5000, "and must be a whole number"),
        ("depth: !!int ''", "not a value: '' is no int"),
        ("depth: !!bool maybe", "not a value: 'maybe' is no bool"),
        ("learning_rate: 1" + ":59" * 250 + ".5", "and must be a number"),
        ("depth: !!int 010", "not a value: '010' is no int"),
        ("depth: !!seq x", "not a value: 'x' is no seq"),
        ("depth: " + "{a: " * 60 + "1" + "}" * 60, "the values are nested too deeply"),
        ('name: "\\ud800"', "the control character U+D800 stands in a text"),
        ('description: "\\x1b[2J"', "the control character U+001B stands in a text"),
        ("learning_rate: {tune: []}", "learning_rate is tuned over [] and needs a list of two values or more"),
        ("learning_rate: {tune: [0.1]}", "learning_rate is tuned over [0.1] and needs a list of two values or more"),
        ("learning_rate: {tune: 0.1}", "learning_rate is tuned over 0.1 and needs a list of two values or more"),
        ("learning_rate: {tune: [0.1, -1]}", "learning_rate is -1 and must be at least 0"),
        ("learning_rate: {tune: [0.1, 1.0e-1]}", "1.0e-1 (0.1) stands twice in learning_rate"),
        ("learning_rate: {tune: [0.1, 1], seed: 3}", "unknown key 'seed' beside tune"),
        ("learning_rate: {tune: [0.1, 1], seeds: 0}", "seeds is 0 and must be at least 1"),
        ("learning_rate: {tune: [0.1, 1], seeds: [7]}", "seeds is [7] and must be a whole number"),
        ("learning_rate: [0.1, {tune: [0.1, 1]}]", "learning_rate is '{tune: [0.1, 1]}' and must be a number"),
        ("learning_rate: {tune: !foo [0.1, 1]}", "the tag '!foo' is not allowed"),
        ("activation: {tune: [relu, tanh]}", "activation cannot be tuned"),
        ("epochs: {tune: [1, 2]}", "epochs cannot be tuned"),
        ("hidden: {tune: [[4], [5]]}", "hidden cannot be tuned"),
        ("hidden: [5]\nwidth: {tune: [4, 5]}", "width cannot stand beside hidden"),
        (
            "depth: {tune: [1, 2], seeds: 2}\nwidth: {tune: [4, 5], seeds: 3}",
            "width is tuned with 3 seeds, and depth with 2",
        ),
    ],
)
def test_a_fault_says_what_was_wrong(read, text, message):
    assert message in only_fault(read, text).message


ODD_NUMBERS = [  # what YAML 1.1 or Python makes of each is another number than what stands there, or no decimal one
    *("0100", "010", "08", "00", "-012", "+07", "0_1", "1_000", "1_0.5", "_1", "1:30", "1:30.5", "-1:00:00", "0x10"),
    *("0o17", "0b11", "1,5", "1,250", "1,250.75", "\u0663", "1e", "e5", ".", "+", "0x", "Infinity", "NaN", "1 000"),
]


@pytest.mark.parametrize(
    ("key", "written"),
    [
        *product(["width", "learning_rate"], ODD_NUMBERS),
        *product(["seeds"], [odd for odd in ODD_NUMBERS if odd != "1:30"]),  # which is a range there
    ],
)
def test_a_number_that_is_not_plainly_decimal_is_refused(read, key, written):
    for quoted in (written, f"'{written}'"):
        fault = only_fault(read, f"{key}: {quoted}")
        assert written in fault.message
        assert (fault.line, fault.column) == (1, len(key) + 3)
    assert written in only_fault(read, "", f"{key}={written}").message


@pytest.mark.parametrize(
    ("written", "hint"),
    [
        ("0100", "0100 is octal in YAML 1.1, for 64; write 100 or 64"),
        ("-012", "-012 is octal in YAML 1.1, for -10; write -12 or -10"),
        ("007", "007 is octal in YAML 1.1, for 7; write 7"),
        ("0o17", "0o17 is octal, for 15; write 15"),
        ("089", "089 begins with 0; write 89"),
        ("00", "00 begins with 0; write 0"),
        ("0x1F", "0x1F is hexadecimal, for 31; write 31"),
        ("0b11", "0b11 is binary, for 3; write 3"),
        ("0_1", "0_1 has a _, which YAML 1.1 leaves out; write the number without it"),
        ("1_2:30", "1_2:30 has a _, which YAML 1.1 leaves out; write the number without it"),
        ("1:30", "1:30 is to base 60 in YAML 1.1, for 90; write 90"),
        ("190:20:30.15", "190:20:30.15 is to base 60 in YAML 1.1, for 685230.15; write a decimal number"),
        ("-1:30.5", "-1:30.5 is to base 60 in YAML 1.1, for -90.5; write -90.5"),
        ("0,5", "0,5 has a comma; write 0.5 for a half and 1000 for a thousand"),
    ],
)
def test_the_refusal_of_an_odd_number_says_what_to_write(read, written, hint):
    assert only_fault(read, f"depth: {written}").hint == hint
    assert only_fault(read, f"depth:\n- 1\n- {written}").hint == hint
    quoted = only_fault(read, f"depth: [1, '{written}']").hint
    assert quoted == f"'{written}' in quotes is a text; for example: depth: 3"
    assert only_fault(read, f"learning_rate: {written}").hint == hint
    assert only_fault(read, f"initializer:\n  normal:\n    std: {written}").hint == hint
    quoted = only_fault(read, f"initializer: {{normal: {{std: '{written}'}}}}").hint
    assert quoted == f"'{written}' in quotes is a text"


@pytest.mark.parametrize(
    "written", ["010", "no", "yes", "on", "1e3", "1.50", "1_000", "0x1F", "2024-01-01", "true", "12", "6.02e23"]
)
def test_a_text_is_taken_as_it_is_written(read, tmp_path, written):
    text = (
        f"name: {written}\ndescription: {written}\ndataset: {{csv: {written}, target: {written}, drop: [{written}x]}}"
    )
    rows = "".join(f"{i},{i % 3},{'ab'[i % 2]}\n" for i in range(40))
    (tmp_path / written).write_text(f"a,{written}x,{written}\n{rows}")
    for experiment in (read(text), read("", *(line.replace(": ", "=", 1) for line in text.split("\n")))):
        assert (experiment.name, experiment.description) == (written, written)
        parameters = dict(experiment.choices["dataset"][0].parameters)
        assert (parameters["target"], parameters["drop"]) == (written, (f"{written}x",))
        assert read(experiment.to_yaml(), name="again.yaml") == experiment


def test_the_items_of_a_list_of_texts_are_taken_as_they_are_written(read):
    (fault,) = faults(read, "dataset: {csv: 'no.csv', target: 0, drop: [yes, 010, 12:30, null, ~, 2024, 1.0]}")
    assert fault.message == "no file or folder 'no.csv'"
    (columns,) = (p for p in find("dataset", "csv").parameters.values() if p.name == "drop")
    value = locate("[yes, 010, 12:30, null, ~, 2024, 1.0]", "here", [])
    assert [item.written for item in value.data] == ["yes", "010", "12:30", "null", "~", "2024", "1.0"]
    assert columns.check([item.written for item in value.data]) == ("yes", "010", "12:30", "null", "~", "2024", "1.0")


def test_the_options_of_a_table_arrive_as_they_are_written(read, tmp_path):
    (tmp_path / "t.csv").write_text("".join(f"{i},{'xy'[i % 2]},{i % 7 or -200}\n" for i in range(40)))
    text = (
        "{csv: t.csv, target: no, header: [010, no, 1e3], missing: [-200, NA, none, null], positive: y, separator: ','}"
    )
    experiment = read(f"dataset: {text}")
    (part,) = experiment.choices["dataset"]
    found = dict(part.parameters)
    assert (found["target"], found["header"], found["positive"]) == ("no", ("010", "no", "1e3"), "y")
    assert found["missing"] == ("-200", "NA", "none", "null")
    assert read(experiment.to_yaml(), name="again.yaml") == experiment
    for wrong in ("{a: 1}", "[a, [b], c]", "[a, {b: 1}, c]"):
        fault = only_fault(read, f"dataset: {{csv: t.csv, target: c, header: {wrong}}}")
        assert "and must be true or false, or a list of names, or null" in fault.message
        assert wrong in fault.message
    assert "target is '{a: 1}' and must be a text" in only_fault(read, "dataset: {csv: t.csv, target: {a: 1}}").message


@pytest.mark.parametrize("written", ["null", "~", "Null"])
def test_null_is_no_text_unless_it_stands_in_quotes(read, written):
    for key in ("name", "description"):
        fault = only_fault(read, f"{key}: {written}")
        assert f"'{written}'" in fault.hint
    assert read(f"description: '{written}'").description == written


@pytest.mark.parametrize(("written", "flag"), [("yes", True), ("Off", False), ("true", True), ("no", False)])
def test_a_boolean_is_read_in_every_usual_spelling(read, written, flag):
    (part,) = read(f"activation: {{gelu: {{approximate: {written}}}}}").choices["activation"]
    assert dict(part.parameters)["approximate"] is flag


def test_a_whole_number_is_exact_and_none_becomes_zero(read):
    assert read("seeds: [9007199254740993.0, 1e3, 2.]").seeds == (9007199254740993, 1000, 2)
    for written in ("1e-400", "0.0e-1", "1e400", "-1e-400"):
        if written == "0.0e-1":
            assert read(f"weight_decay: {written}").choices["weight_decay"] == (0.0,)
        else:
            assert written in only_fault(read, f"weight_decay: {written}").message


@pytest.mark.parametrize(("written", "first", "stop"), [("100:120", 100, 120), ("1:30", 1, 30), ("0:1", 0, 1)])
def test_seeds_take_a_range(read, written, first, stop):
    assert read(f"seeds: {written}").seeds == tuple(range(first, stop))
    assert read("", f"seeds={written}").seeds == tuple(range(first, stop))
    assert read_seeds(written) == tuple(range(first, stop))
    assert read_seeds(f"{first}:", count=stop - first) == tuple(range(first, stop))


@pytest.mark.parametrize(
    "written", ["9:5", "5:5", "-1:3", "1:2:3", "08:10", "1.5:3", ":3", "a:b", "0:1000001", "1:9223372036854775809"]
)
def test_a_range_that_is_none_is_refused(read, written):
    fault = only_fault(read, f"seeds: '{written}'")
    assert f"seeds is {written} and must be FROM:TO" in fault.message
    with pytest.raises(ConfigError, match=f"^--seeds {written}: "):
        read_seeds(written)


@pytest.mark.parametrize(("written", "shown"), [("", "''"), ("  ", "  "), ("# three", "# three"), ("---", "---")])
def test_an_option_without_a_value_is_reported_as_empty(read, written, shown):
    with pytest.raises(ConfigError, match=f"^--seeds {shown}: seeds is empty\n"):
        read_seeds(written)
    (fault,) = faults(read, "", f"clip_norm={written}")
    assert str(fault).startswith(f"-s clip_norm={written}: clip_norm is empty\n")


@pytest.mark.parametrize("option", ["dept=3", "depth=-1", "depth=[1, x]", "activation=rellu", "depth=[1"])
def test_a_fault_of_an_option_has_no_line_and_one_of_a_file_has(read, option):
    key, _, value = option.partition("=")
    (of_option,), (of_file,) = faults(read, "", f"{key}={value}"), faults(read, f"{key}: {value}")
    assert str(of_option).startswith(f"-s {option}: {of_option.message}\n")
    assert str(of_file).startswith(f"some.yaml:{of_file.line}:{of_file.column}: ")


@pytest.mark.parametrize("text", ["---\n", "---", "# why\n---\n# because\n", "---\n...\n"])
def test_a_document_without_content_is_an_empty_config(read, text):
    assert read(text) == read("")


TEXTS_THAT_NEED_QUOTES = [
    *(
        "Churn?",
        "?Churn",
        "Is it? yes",
        "%x",
        "@x",
        "`x`",
        "*x",
        "!x",
        "&x",
        "&Co Ltd",
        "# of rooms",
        "Size #1",
        "- x",
        ">x",
    ),
    *("|", "Size [cm]", "x{y}", "a: b", "::", ":", "'a' b", '"Ch"urn'),
]


@pytest.mark.parametrize("text", TEXTS_THAT_NEED_QUOTES)
@pytest.mark.parametrize(
    "lines",
    [
        "dataset: {{csv: a.csv, target: {}}}",
        "depth: 1\ndataset: {{csv: a.csv, target: {}, drop: [b]}}\nwidth: 4",
        "dataset:\n  {{csv: a.csv, drop: [a, {}, b],\n  target: c}}\nwidth: 4",
    ],
)
def test_a_text_that_needs_quotes_is_shown_with_them(read, text, lines):
    (hint,) = (fault.hint for fault in faults(read, lines.format(text)) if "write" in fault.hint)
    assert locate(hint.rpartition("write ")[2], "hint", []).data == text, hint


@pytest.mark.parametrize("text", TEXTS_THAT_NEED_QUOTES)
def test_a_text_that_needs_quotes_is_shown_with_them_where_it_was_typed(read, text):
    fault = only_fault(read, "", f"dataset={{csv: a.csv, target: {text}}}")
    assert locate(fault.hint.rpartition("write ")[2], "hint", []).data == text
    assert fault.source.startswith("-s dataset=")


@pytest.mark.parametrize("text", ["# of rooms", "!x y", "&x y", "%x", "a: b", "? x", '"a" b'])
def test_a_text_that_needs_quotes_in_a_block_is_shown_with_them(read, text):
    for key in ("description", "dataset:\n  csv: a.csv\n  target"):
        (hint,) = (fault.hint for fault in faults(read, f"depth: 1\n{key}: {text}\nwidth: 4") if "write" in fault.hint)
        assert locate(hint.rpartition("write ")[2], "hint", []).data == text, hint


@pytest.mark.parametrize("text", ["a: b", "a:", "[b]", "# b"])
def test_an_item_that_is_no_text_is_blamed_in_its_place(read, text):
    (tmp,) = [
        fault
        for fault in faults(read, f"dataset:\n  csv: a.csv\n  target: c\n  drop:\n  - a\n  - {text}\n")
        if fault.line == 6
    ]
    assert locate(tmp.hint.rpartition("write ")[2], "hint", []).data == text


@pytest.mark.parametrize("written", ["[?, x]", "[x, ?]", "[ ? ]", "[x,? ]", "[? b c]", "[x, ?Churn]", "\n  - ?\n  - x"])
def test_a_question_mark_in_a_list_is_one_fault_with_the_text_in_quotes(read, written):
    head = "dataset:\n  csv: a.csv\n  target: c\n  missing: "
    (fault,) = (fault for fault in faults(read, head + written) if "no file" not in fault.message)
    assert "?" in fault.message
    text = fault.hint.removeprefix("for a text, write ")
    assert text == ("'? b c'" if "b c" in written else "'?Churn'" if "Churn" in written else "'?'")
    assert not any("?" in fault.message for fault in faults(read, head + written.replace(text.strip("'"), text)))


@pytest.mark.parametrize("text", [",", "@x", "%a", '"a', "`x`", "'it", "%$a", " : "])
def test_an_option_that_is_not_yaml_is_shown_as_it_is_typed_in_a_shell(read, text):
    for change in (f"description={text}", f"name={text}"):
        hint = only_fault(read, "", change).hint
        assert "indented" not in hint
        _, changed = shlex.split(hint[hint.index("-s ") :])
        assert locate(changed.partition("=")[2], "hint", []).data == text
    assert read("", changed.replace("name", "description")).description == text.strip()


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ('epochs: "010"', "'010' in quotes is a text; for example: epochs: 10"),
        ("depth: '1_0'", "'1_0' in quotes is a text; for example: depth: 3"),
        ("learning_rate: '1:30'", "'1:30' in quotes is a text; for example: learning_rate: 0.05"),
        ("initializer: {normal: {std: '0x1'}}", "'0x1' in quotes is a text"),
        ("epochs: !!float 3", "leave out the tag !!float, which is not needed: 3"),
        ("epochs: !!int 3.5", "leave out the tag !!int, which is not needed: 3.5"),
        ("name: !!null x", "leave out the tag !!null, which is not needed: x"),
        ("clip_norm: None", "for example: clip_norm: 1.0, or null"),
        ("target: none", "for example: target: 0.9, or null"),
        ("clock: off", "for example: clock: 10, or null"),
        ("train_rows: All", "for example: train_rows: 1000, or all"),
    ],
)
def test_what_is_no_number_is_answered_with_what_to_write(read, text, hint):
    assert only_fault(read, text).hint == hint


@pytest.mark.parametrize("written", [",", "@x", '"5'])
def test_an_option_of_seeds_that_is_not_yaml_shows_what_it_takes(written):
    with pytest.raises(ConfigError, match="for example 5, or 100:120"):
        read_seeds(written)


DEVICES = [
    "con",
    "CON",
    "nul.txt",
    "COM1",
    "aux.tar",
    "LPT9",
    "COM\u00b9",
    "Prn",
    "com0",
    "lpt\u00b3.x.y",
    "nul ",
    "nul .txt",
]


@pytest.mark.parametrize("word", [*DEVICES, "a.", "a ", ".a", "a/b", "a:b", "a?", "-a", "a" * 151])
def test_a_name_that_some_system_cannot_have_as_a_folder_is_refused(read, word):
    assert "cannot be a folder" in only_fault(read, f"name: '{word}'").message
    assert "cannot be a folder" in only_fault(read, "", f"name='{word}'").message
    if word in DEVICES:
        assert "is a device on Windows" in only_fault(read, f"name: '{word}'").hint


@pytest.mark.parametrize("word", ["console", "con_1", "COM10", "auxiliary", "nul-l", "lpt", "a.con", "010", "no"])
def test_a_name_that_every_system_can_have_is_taken(read, word):
    assert read(f"name: {word}").name == word


@pytest.mark.parametrize("stem", ["con", "nul.x", "-a"])
def test_the_stem_of_a_file_is_a_name_too(read, stem):
    with pytest.raises(ConfigError, match=f"the file's name '{stem}' cannot be a folder"):
        read("depth: 1", name=f"{stem}.yaml")
    assert read("name: fine", name=f"{stem}.yaml").name == "fine"


@pytest.mark.parametrize("text", ["&x y" + " z" * 200, "&x\n  y", "&x y"])
def test_an_anchor_that_nothing_repeats_cuts_no_text(read, text):
    assert "&x is a mark of YAML's" in only_fault(read, f"description: {text}").message


def test_quotes_are_offered_only_where_they_help(read):
    fault = only_fault(read, "depth: 1\nhidden: [1, 2")
    assert fault.hint == "is the bracket closed that opens on line 2?"
    assert "indented" in only_fault(read, "  depth: 1\nwidth: 2").hint
    assert read("dataset: &data digits\ndescription: *data").description == "digits"


def test_a_range_of_seeds_has_an_end_and_stands_alone(read):
    with pytest.raises(ConfigError, match="the range 100: has no end"):
        read_seeds("100:")
    with pytest.raises(ConfigError, match="has no end"):
        read_seeds("x:", count=3)
    fault = only_fault(read, "seeds: [1, 5:9]")
    assert (fault.column, fault.hint) == (12, "write it alone: seeds: 5:9")


@pytest.mark.parametrize("written", ["0", "x", "2.5", "010", "[1, 1]", "[", "!x 1"])
def test_a_fault_of_the_option_seeds_names_the_option(written):
    with pytest.raises(ConfigError) as caught:
        read_seeds(written)
    assert all(fault.source == f"--seeds {written}" for fault in caught.value.faults)


def test_the_fault_check_notices_a_config_without_fault(read):
    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
        only_fault(read, "depth: 2")


def test_aliases_that_multiply_are_refused_quickly(read):
    lines = ["a: &a [1,1,1,1,1,1,1,1,1,1]"]
    lines += [f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 10)}]" for i in range(8)]
    assert "more than" in only_fault(read, "\n".join(lines)).message


@pytest.mark.parametrize(
    ("text", "value"), [("1e-3", 1e-3), ("1.0e6", 1e6), ("'0.5'", 0.5), ("1", 1.0), ("0", 0.0), ("1" + "0" * 30, 1e30)]
)
def test_numbers_are_read_in_every_usual_spelling(read, text, value):
    assert read(f"learning_rate: {text}").choices["learning_rate"] == (value,)


@pytest.mark.parametrize(
    "text", ["{normal: {std: 0.01}}", "{name: normal, std: 0.01}", "{normal: {std: 1e-2, mean: 0}}"]
)
def test_a_part_with_parameters_is_written_either_way(read, text):
    (part,) = read(f"initializer: {text}").choices["initializer"]
    assert str(part) == "normal(std=0.01)"
    assert dict(part.parameters) == {"mean": 0.0, "std": 0.01}
    assert part == read("initializer: {normal: {std: 0.01}}").choices["initializer"][0]


def test_lists_sweep_and_hidden_takes_a_list_of_lists(read):
    experiment = read("initializer: [zeros, he_normal]\nhidden: [[32, 16], [8]]\nseeds: [3, 5]")
    assert experiment.swept == ("hidden", "initializer")
    assert experiment.choices["hidden"] == ((32, 16), (8,))
    assert read("hidden: [32, 16]").choices["hidden"] == ((32, 16),)
    assert experiment.size == 8


def test_changes_override_the_file_and_go_through_the_same_checks(read):
    experiment = read("depth: 3\nwidth: 8", "depth=[5,20]", "depth=[6,20]", "initializer={normal: {std: 0.1}}")
    assert experiment.choices["depth"] == (6, 20)
    assert read("depth: 3\nwidth: 8", "hidden=[4,4]").choices["hidden"] == ((4, 4),)
    fault = only_fault(read, "depth: 3", "depth=[5,-2]")
    assert (fault.source, fault.line, fault.column) == ("-s depth=[5,-2]", 1, 4)
    assert "unknown key 'dept'" in only_fault(read, "", "dept=3").message
    with pytest.raises(UsageError, match="write KEY=VALUE"):
        read("", "depth")


def test_the_resolved_config_is_the_same_experiment(read, tmp_path):
    write_table(tmp_path / "table.csv")
    experiment = read(
        """\
        description: "a: line with 'quotes'"
        dataset: [digits, {csv: table.csv, target: c, drop: [b]}]
        initializer: [zeros, {uniform: {low: -0.3, high: 0.3}}]
        output_initializer: [same, zeros]
        clip_norm: [null, 1]
        train_rows: [all, 100]
        target: 0.9
        clock: 5
        seeds: [4, 7]
        """
    )
    again = read(experiment.to_yaml(), name="again.yaml")
    assert again == experiment
    with_hidden = read("hidden: [4, 3]")
    assert read(with_hidden.to_yaml()) == with_hidden


def test_a_data_file_is_found_beside_the_config_and_shown_as_typed(read, tmp_path, monkeypatch):
    (tmp_path / "sub").mkdir()
    write_table(tmp_path / "sub" / "t.csv")
    experiment = read("dataset: {csv: t.csv, target: c}", name="sub/some.yaml")
    (part,) = experiment.choices["dataset"]
    assert str(part) == "csv(t.csv, target=c)"
    assert dict(part.parameters)["file"] == str(tmp_path / "sub" / "t.csv")


def test_a_file_that_is_no_text_or_too_large_is_refused(tmp_path):
    latin = tmp_path / "latin.yaml"
    latin.write_bytes("description: caf\xe9\n".encode("latin-1"))
    with pytest.raises(ConfigError, match=r"latin.yaml:1:17: not UTF-8 text: byte 0xe9"):
        read_experiment(latin)
    large = tmp_path / "large.yaml"
    large.write_bytes(b"#" * 1_000_001)
    with pytest.raises(UsageError, match="a config of 1,000,001 bytes"):
        read_experiment(large)


def test_a_character_that_yaml_forbids_is_told_in_its_place(read):
    fault = only_fault(read, "depth: 1\nwidth: 4\x00")
    assert (fault.line, fault.column) == (2, 9)
    assert fault.message == "not valid YAML: the character U+0000 is not allowed"


def test_a_long_list_of_faults_ends_with_a_word(read):
    found = faults(read, f"initializer: [{'x,' * 1200}]")
    assert len(found) == 1001
    assert found[-1].message == "from here on initializer was not read: 1000 faults stand before"


def test_many_shapes_are_read_without_trying_each(read, monkeypatch):
    tried = []
    monkeypatch.setattr("initbench.config.trials.layers_of", lambda network: tried.append(network) or [])
    monkeypatch.setattr("initbench.config.trials.MOST_LAYERS", 50)
    monkeypatch.setattr(
        "initbench.config.trials.LayerSetting.network", lambda setting, change: SimpleNamespace(layers=[])
    )
    read(f"depth: {list(range(1, 400))}\nwidth: {list(range(1, 400))}")
    assert 0 < len(tried) < 20


def test_too_many_cells_are_refused(read):
    with pytest.raises(UsageError, match=r"its lists make 9,000,000 cells; the most is 1,000,000"):
        read("seeds: 1000000\ndepth: [1,2,3,4,5,6,7,8,9]")


@pytest.mark.parametrize("name", sorted(bundled()))
def test_every_bundled_config_opens_with_its_question_and_names_itself(name, tmp_path):
    path = find_config(name)
    assert path.read_text(encoding="utf-8").startswith("# ")
    assert "?" in path.read_text(encoding="utf-8").partition("\n")[0]


def test_a_config_is_found_by_bare_name_or_the_nearest_is_named():
    assert find_config("relu_deep").name == "relu_deep.yaml"
    with pytest.raises(UsageError, match=r"nearest bundled config: relu_deep\n  relu_deep  +Nine initializers"):
        find_config("relu_dep")
    with pytest.raises(UsageError, match=r"no config 'no_such.yaml'"):
        find_config("no_such.yaml")


@pytest.mark.parametrize(
    ("typed", "first"),
    [("my_rnu.yaml", "my_run.yaml"), ("my_run", "my_run.yaml"), ("my-run.yml", "my_run.yaml"), ("relu", "relu_deep")],
)
def test_close_names_come_first_files_beside_included(tmp_path, monkeypatch, typed, first):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my_run.yaml").write_text("description: Mine\n", encoding="utf-8")
    (tmp_path / "my_torn.yaml").write_text("a: [", encoding="utf-8")
    with pytest.raises(UsageError) as error:
        find_config(typed)
    lines = str(error.value).splitlines()
    assert lines[0].endswith(f": {first}")
    assert lines[1].split()[0] == first
    assert first != "my_run.yaml" or lines[1].split()[1] == "Mine"


@pytest.mark.parametrize(
    ("name", "shown"), [("other.yaml", "'other.yaml'"), ("a" * 60, f"'{'a' * 60}'"), ("a" * 300, f"'{'a' * 60}...'")]
)
def test_where_files_cannot_be_looked_up_bundled_names_are_found_and_others_shown_in_full(monkeypatch, name, shown):
    def refuse(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.is_file", refuse)
    assert find_config("relu_deep").stem == "relu_deep"
    with pytest.raises(UsageError, match=f"^no config {shown}: Permission denied$".replace(".", r"\.")):
        find_config(name)


def test_a_folder_in_place_of_a_config_shows_the_files_in_it(tmp_path):
    (tmp_path / "mine.yaml").write_text("description: Mine\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"is a folder; name a config file in it:\n  \S+mine.yaml  Mine\n"):
        find_config(str(tmp_path))


@pytest.mark.parametrize("kind", [CONFIG, CLAIM])
def test_every_bundled_file_says_what_it_is(kind):
    said = {name: describe_file(file, kind) for name, file in bundled(kind).items()}
    assert all(said.values())
    assert len(set(said.values())) == len(said)


def test_first_hidden_and_last_layer_may_have_initializers_of_their_own(read):
    text = "initializer: [he_normal, {first: lecun_normal, hidden: {orthogonal: {gain: 1.4}}, last: zeros}]"
    experiment = read(text)
    _, policy = experiment.choices["initializer"]
    assert str(policy) == "by_layer(first=lecun_normal, hidden=orthogonal(gain=1.4), last=zeros)"
    assert [policy.at(layer, 4).name for layer in range(4)] == ["lecun_normal", "orthogonal", "orthogonal", "zeros"]
    assert read(experiment.to_yaml()) == experiment
    assert "first without hidden" in only_fault(read, "initializer: {first: zeros}").message
    wrong = only_fault(read, "initializer: {hiden: zeros, hidden: zeros}")
    assert (wrong.column, wrong.hint) == (15, "did you mean 'hidden'?")
    assert "unknown initializer 'zeross'" in only_fault(read, "initializer: {hidden: zeross}").message


@dataclass(frozen=True)
class Recurrent(Dense):
    """A dense layer whose matrix stands for a recurrent one."""

    def slots(self, shape):
        return tuple(slot._replace(role="recurrent") for slot in super().slots(shape))


def test_recurrent_matrices_may_have_an_initializer_of_their_own(read):
    @architecture("loop")
    def loop(rows, outputs, *, hidden):
        return [Dense(hidden[0]), Recurrent(hidden[0]), Dense(outputs)]

    @initializer("oblong", family="constant")
    def oblong(shape, rng):
        raise ParameterError("not square")

    arms = "[{recurrent: identity, hidden: zeros}, {hidden: zeros, last: ones}]"
    text = f"architecture: loop\ndepth: 1\ninitializer: {arms}"
    named, unnamed = read(text).choices["initializer"]
    roles = ["hidden", "recurrent", "hidden"]
    assert str(named) == "by_layer(hidden=zeros, recurrent=identity)"
    assert [named.at(i, 3, role).name for i, role in enumerate(roles)] == ["zeros", "identity", "zeros"]
    assert [unnamed.at(i, 3, role).name for i, role in enumerate(roles)] == ["zeros", "zeros", "ones"]
    assert "recurrent" not in dict(unnamed.parameters)
    wrong = only_fault(read, text.replace("recurrent: identity", "recurrent: nothing"))
    assert "unknown initializer 'nothing'" in wrong.message
    assert "not square" in only_fault(read, text.replace("identity", "oblong")).message


def test_a_network_without_recurrent_matrix_refuses_an_initializer_for_it(read):
    fault = only_fault(read, "initializer: [zeros, {hidden: zeros, recurrent: identity}]")
    assert "mlp has no recurrent matrix" in fault.message
    assert fault.column == 38


@pytest.mark.parametrize("before", ["initializer: zeros\noutput_initializer: ", "initializer: {hidden: zeros, last: "])
def test_recurrent_is_refused_where_a_mapping_serves_some_layers_alone(read, before):
    fault = only_fault(read, f"{before}{{recurrent: identity, hidden: ones}}{'}' * before.count('{')}")
    assert "'recurrent' has no effect where an initializer is given to " in fault.message
    assert fault.column == len(before.splitlines()[-1]) + 2


def test_a_schedule_of_steps_lowers_the_learning_rate(read):
    read("schedule: {step: {every: 2, factor: 1}}")
    fault = only_fault(read, "schedule: {step: {every: 2, factor: 3}}")
    assert fault.message == "factor is 3 and must be above 0 and at most 1"


def test_a_key_that_stands_twice_or_a_tag_does_not_hide_other_faults(read):
    found = faults(read, "depth: 3\ndepth: 4\ndepht: 3\nepochs: 0\nwidth: !foo 3\nbatch_size: -1\n")
    assert [fault.line for fault in found] == [2, 3, 4, 5, 6]


def test_a_scheme_that_looks_at_the_whole_network_is_not_for_single_layers(read):
    fault = only_fault(read, "initializer: {first: zeros, hidden: lsuv}")
    assert "'lsuv' looks at the whole network" in fault.message
    assert fault.column == 37


def test_a_folder_is_no_file_of_weights(read, tmp_path):
    assert "is a folder" in only_fault(read, f"initializer: {{pretrained: {{file: '{tmp_path}'}}}}").message


def test_a_scheme_for_whole_networks_fills_all_layers_or_none(read):
    for name in ("lsuv", "{lsuv: {tol: 0.5}}"):
        fault = only_fault(read, f"output_initializer: [same, {name}]")
        assert (fault.line, fault.column) == (1, 28)
        assert fault.message == "'lsuv' looks at the whole network and cannot be given to its last layer alone"
        assert fault.hint == "write initializer: lsuv"
    fault = only_fault(read, "initializer: {first: lsuv, hidden: zeros}")
    assert fault.message == "'lsuv' looks at the whole network and cannot be given to some of its layers"
    assert fault.hint == "write initializer: lsuv, and output_initializer beside it"
    read("initializer: lsuv\noutput_initializer: [same, zeros]")


def test_the_layers_of_layers_are_read(read):
    (part,) = read("initializer: {hidden: {first: zeros, hidden: he_normal}}").choices["initializer"]
    assert [part.at(layer, 3).name for layer in range(3)] == ["zeros", "he_normal", "he_normal"]


def test_a_fault_of_a_tuned_key_stands_at_its_own_place(read):
    found = faults(read, "learning_rate: {tune: [0.1, x, -1], seeds: 0, epochs: 1}\ninitializer: {tune: [zeros, ones]}")
    assert [(fault.line, fault.column) for fault in found] == [(1, 29), (1, 32), (1, 44), (1, 47), (2, 14)]
    assert found[-1].hint == (
        "keys that can: depth, width, dropout, learning_rate, batch_size, clip_norm, weight_decay, train_rows"
    )


def test_tuned_keys_make_one_grid_and_are_written_as_they_were_read(read):
    text = "learning_rate: {tune: [0.1, 1e-2], seeds: 4}\ntrain_rows: {tune: [100, all]}\ndepth: [1, 2]\nseeds: [1, 4]"
    experiment = read(text)
    assert experiment.tuned == ("learning_rate", "train_rows")
    assert experiment.choices["learning_rate"] == (0.1, 0.01)
    assert experiment.tuning.seeds[:4] == (1_000_001, 2_000_001, 3_000_001, 4_000_001)
    assert (experiment.tuning.size, experiment.size) == (2 * 4 * 4 * 2, 2 * 2 * 2)
    assert read(experiment.to_yaml(), name="again.yaml").to_yaml() == experiment.to_yaml()
    tuning = read(experiment.tuning.to_yaml())
    assert tuning == experiment.tuning
    assert tuning.tuned == ()
    assert read("seeds: 3", "learning_rate={tune: [0.01, 0.1]}").tuning.seeds == (1_000_000, 1_000_001, 1_000_002)


@pytest.mark.parametrize("seeds", ["1", "5", "[0, 2, 4]", "[9223372036854775807]", "[7, 3, 5, 1]"])
@pytest.mark.parametrize("number", [1, 3, 10])
def test_each_seed_has_so_many_tuning_seeds_of_its_own_that_report_nothing(read, seeds, number):
    experiment = read(f"seeds: {seeds}\nwidth: {{tune: [4, 5], seeds: {number}}}")
    tuning = experiment.tuning.seeds
    assert len(set(tuning)) == number * len(experiment.seeds)
    assert not set(tuning) & set(experiment.seeds)
    assert 0 <= min(tuning) <= max(tuning) < 2**63
    assert experiment.tuning.choices == experiment.choices
    more = read(f"seeds: [77, {', '.join(map(str, experiment.seeds))}]\nwidth: {{tune: [4, 5], seeds: {number}}}")
    assert more.tuning.seeds[number:] == tuning  # those of a seed depend on no other seed


@pytest.mark.parametrize(
    "seeds", ["[0, 1000000]", "[5, 3000005]", "[9223372036854775807, 999999, 7]", "[4, 2000004, 1]"]
)
def test_seeds_that_would_tune_one_another_are_refused(read, seeds):
    (fault,) = faults(read, f"seeds: {seeds}\nwidth: {{tune: [4, 5], seeds: 3}}")
    assert (fault.line, fault.column) == (1, 8)
    assert fault.message == f"seeds is {seeds}, and some of these would be tuning seeds of others or share theirs"
    assert "1,000,000" in fault.hint
    assert read(f"seeds: {seeds}").size == seeds.count(",") + 1
    assert read("seeds: [0, 2000000]\nwidth: {tune: [4, 5], seeds: 1}").tuning.seeds == (1_000_000, 3_000_000)


def test_too_many_cells_are_refused_also_where_few_are_reported(read):
    with pytest.raises(UsageError, match=r"its lists make 12,000,000 cells"):
        read("seeds: 2\nwidth: {tune: [1, 2, 3, 4, 5, 6], seeds: 1000000}")
