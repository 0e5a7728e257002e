"""The exit status and the messages of each verb."""

from __future__ import annotations

import textwrap

import pytest

from converter.cli import cli, main
from converter.cli.common import BAD_INPUT, FINDINGS, OK, WRONG_USAGE
from tests.support.cli import BASE, BURST, run, write

STATUSES: list[tuple[str, int, str, str]] = [
    # command, exit status, part of standard output, part of standard error; an empty part: nothing at all; *: anything
    ("--version", OK, "sigma-convert 0.", ""),
    ("--help", OK, "Without a verb, sigma-convert converts", ""),
    ("", OK, "Usage: sigma-convert", ""),
    ("convert -h", OK, "RULE is a file, a folder, or -", ""),
    # limits, which every verb has
    ("eval rule.yml --logs log.ndjson --limit rows=10 --limit value-bytes=1.5G", OK, "*", "*"),
    ("run -L kql kind:bad --logs log.ndjson --limit rows=10", OK, "*", "*"),
    ("check rule.yml --limit regex-seconds=0.5", OK, "*", "*"),
    ("-t splunk rule.yml --limit regex-seconds=0.5", OK, "bad", "*"),
    ("test --limit row=10", WRONG_USAGE, "", "unknown limit 'row'\n  hint: did you mean 'rows'?"),
    ("test --limit nonsense=10", WRONG_USAGE, "", "hint: the names: regex-seconds, regex-bytes, rows"),
    ("test --limit rows", WRONG_USAGE, "", "--limit rows: expected NAME=VALUE"),
    ("test --limit rows=many", WRONG_USAGE, "", "--limit rows=many: expected a number above 0, such as 1000000"),
    ("test --limit rows=1K", WRONG_USAGE, "", "expected a number above 0, such as 1000000"),
    ("test --limit case-bytes=x", WRONG_USAGE, "", "expected a number above 0, such as 64M"),
    ("test --limit regex-seconds=0", WRONG_USAGE, "", "--limit regex-seconds=0: expected a number above 0"),
    ("test --limit rows=1 --limit rows=2", WRONG_USAGE, "", "--limit rows is given twice"),
    # convert
    ("-t splunk rule.yml", OK, "bad", "warning: splunk: no mapping for splunk has the field kind"),
    ("convert -t kql --without-pipeline rule.yml", OK, "kind", "assumes: kql: the values of kind have the case"),
    ("-t splunk -t esql --allow-unmapped rule.yml", OK, "*", "# esql: bad_thing"),
    ("--target splunk,esql --allow-unmapped rule.yml", OK, "*", "# splunk: bad_thing"),
    (
        "-t splunk,esql rule.yml",
        BAD_INPUT,
        "*",
        "rule.yml:6:17: refused: esql: no mapping for elastic has the field kind",
    ),
    (
        "-t esql rule.yml",
        BAD_INPUT,
        "",
        "hint: no mapping for test is built in: name a pipeline with -p; or give --allow",
    ),
    ("-t eql rule.yml", BAD_INPUT, "", "and a query fails on a field that no index has"),
    ("-t elastic-toml -O rule_type=esql rule.yml", BAD_INPUT, "", "refused: elastic-toml:rule_type=esql: no mapping"),
    ("-t elastic-toml,kql -d out rule.yml", OK, "", "warning: elastic-toml, kql: no mapping for elastic has the field"),
    ("-t esql --without-pipeline rule.yml", OK, "kind", "limit: esql"),
    ("-t esql --allow-unmapped --strict-fields rule.yml", WRONG_USAGE, "", "cannot be used together"),
    ("rule.yml", WRONG_USAGE, "", "no target: name one with -t TARGET"),
    ("-t splnk rule.yml", WRONG_USAGE, "", "there is no target 'splnk'\n  hint: did you mean 'splunk'?"),
    ("-t splunk", WRONG_USAGE, "", "Missing argument 'RULE...'"),
    ("-t splunk -f savedsearch rule.yml", WRONG_USAGE, "", "did you mean 'savedsearches'?"),
    ("-t splunk:nope rule.yml", WRONG_USAGE, "", "splunk has no format 'nope'"),
    ("-t splunk -O intervall=5m rule.yml", WRONG_USAGE, "", "did you mean 'interval'?"),
    ("-t splunk -O interval rule.yml", WRONG_USAGE, "", "expected KEY=VALUE"),
    ("-t splunk -p nosuch rule.yml", WRONG_USAGE, "", "nosuch"),
    ("-t splunk -o a -d b rule.yml", WRONG_USAGE, "", "-o and -d cannot be used together"),
    ("-t splunk,esql -o a rule.yml", WRONG_USAGE, "", "use -d DIR"),
    ("-t splunk -o rule.yml/x rule.yml", WRONG_USAGE, "", "cannot write"),
    ("-t splunk -d rule.yml rule.yml", WRONG_USAGE, "", "cannot write"),
    ("--nope", WRONG_USAGE, "", "No such option"),
    ("tset", WRONG_USAGE, "", "no such verb or file: tset (did you mean 'test'?)"),
    ("-t splunk nosuch.yml", BAD_INPUT, "", "no such file or folder: nosuch.yml"),
    ("-t splunk mixed", BAD_INPUT, "bad", "mixed/b.yml:"),
    ("-t splunk -s mixed", OK, "bad", "1 rule, 1 target: 1 query; 1 skipped"),
    ("-t splunk -s mixed/b.yml", BAD_INPUT, "", "mixed/b.yml:"),
    ("-t kql kql", BAD_INPUT, "", "refused: kql: KQL cannot count events"),
    ("-t kql -s kql", BAD_INPUT, "", "0 queries; 1 skipped"),
    ("-t kql -s kql rule.yml", OK, "bad", "1 query; 1 skipped"),
    ("-t all --allow-unmapped -d out kql", OK, "", "5 targets: 4 queries in out; 1 refused"),
    ("-t all -d out kql", OK, "", "5 targets: 2 queries in out; 3 refused"),
    ("-t all,kql --allow-unmapped -d out kql", BAD_INPUT, "", "5 targets: 4 queries in out; 1 error"),
    ("-t splunk -s rule.yml nosuch.yml", BAD_INPUT, "bad", "no such file or folder: nosuch.yml"),
    ("-t splunk -s rule.yml nothing", BAD_INPUT, "bad", "no rule (*.yml) in nothing"),
    ("-t splunk empty.yml", BAD_INPUT, "", "empty.yml:1:1: rule error: there is no rule in this file"),
    ("-t splunk half.yml", BAD_INPUT, "", "half.yml:17:15: rule error: correlation.timespan must be a positive"),
    # check
    ("check rule.yml", OK, "bad_thing (rule.yml:1)", "1 rule, 0 errors, 2 warnings"),
    (
        "check rule.yml",
        OK,
        "rule.yml:6:17: warning: splunk: no mapping for splunk has the field kind [unmapped",
        "2 warn",
    ),
    ("check rule.yml --without-pipeline", OK, "bad_thing (rule.yml:1)", "1 rule, 0 errors, 0 warnings"),
    ("check rule.yml --fail-on warning", FINDINGS, "no mapping for splunk", "2 warnings"),
    ("check rule.yml --fail-on warning --without-pipeline", OK, "bad_thing", "0 warnings"),
    ("check rule.yml --fail-on warning --ignore unmapped-field", OK, "bad_thing", "0 warnings"),
    ("check rule.yml --fail-on refused", FINDINGS, "eql, esql", "2 refusals"),
    ("check rule.yml -t splunk --fail-on warning,refused", FINDINGS, "bad_thing", "1 warning"),
    ("check rule.yml --fail-on bounded,unjudged", OK, "bad_thing", "2 warnings"),
    ("check rule.yml --fail-on warnings", WRONG_USAGE, "", "did you mean 'warning'?"),
    ("check rule.yml -t esql", FINDINGS, "(unmapped field, line 6)", "1 refusal"),
    ("check rule.yml -t esql --allow-unmapped", OK, "no mapping for elastic", "1 warning"),
    ("check burst.yml -t kql", FINDINGS, "refused", "2 rules, 0 errors, 0 warnings, 1 refusal"),
    ("check burst.yml", OK, "KQL cannot count events", "2 rules, 0 errors, 4 warnings"),
    ("check rule.yml -t splunk --strict-fields", FINDINGS, "no mapping for splunk has the field kind", "1 refusal"),
    ("check mixed", BAD_INPUT, "mixed/b.yml:2:1: rule error", "1 rule, 1 error"),
    ("check doubtful.yml", FINDINGS, "did you mean 'level'?", "1 rule, 0 errors, 3 warnings"),
    ("check doubtful.yml --ignore x,unknown-key", OK, "bad_thing", "2 warnings"),
    ("check doubtful.yml --lint-only", FINDINGS, "[unknown-key]", "1 warning"),
    ("check doubtful.yml --format sarif", FINDINGS, '"ruleId": "unknown-key"', "1 warning"),
    ("check rule.yml -t nope", WRONG_USAGE, "", "there is no target 'nope'"),
    ("check rule.yml -t all,pysigma:splunk", OK, "unjudged", "0 errors"),
    ("check", WRONG_USAGE, "", "Missing argument 'RULE...'"),
    ("check nosuch.yml", BAD_INPUT, "no such file or folder: nosuch.yml", "0 rules, 1 error"),
    # eval
    ("eval rule.yml --logs log.ndjson", OK, "bad_thing: 2026-01-01T00:00:01Z: event e1", "4 events read, 1 rule"),
    ("eval burst.yml --logs log.ndjson", OK, "3 events: user=ann", "1 rule evaluated, 1 alert in"),
    ("eval burst.yml --logs quiet.ndjson", OK, "", "1 event read, 1 rule evaluated, 0 alerts in"),
    ("eval burst.yml --logs quiet.ndjson log.ndjson", OK, "burst", "5 events read"),
    ("eval burst.yml -l quiet.ndjson -l log.ndjson", OK, "burst", "5 events read"),
    ("eval --logs log.ndjson burst.yml", OK, "burst", "4 events read"),
    ("eval burst.yml", WRONG_USAGE, "", "Missing option '--logs'"),
    ("eval --logs log.ndjson", WRONG_USAGE, "", "Missing argument 'RULE...'"),
    ("eval burst.yml --logs nosuch", BAD_INPUT, "", "cannot read nosuch"),
    ("eval burst.yml --logs nosuch", BAD_INPUT, "", "0 events read, 1 log not read to the end, 1 rule"),
    ("eval burst.yml --logs log.ndjson open.json", BAD_INPUT, "burst", "open.json:1:1: log error: this array is not"),
    ("eval nosuch.yml --logs log.ndjson", BAD_INPUT, "", "no such file or folder: nosuch.yml"),
    ("eval mixed --logs log.ndjson", BAD_INPUT, "bad_thing", "1 rule evaluated, 1 error in rules"),
    ("eval - --logs -", WRONG_USAGE, "", "standard input can be read only once"),
    ("eval burst.yml --logs log.ndjson --format yaml", WRONG_USAGE, "", "'yaml' is not one of"),
    # run
    ("run --language spl kind=bad --logs log.ndjson", OK, '"_id":"e1"', "4 events read, 3 rows in"),
    ("run -L kql kind:good --logs log.ndjson quiet.ndjson", OK, '"_id":"e2"', "5 events read, 2 rows in"),
    ("run -L kql --logs log.ndjson kind:good", OK, '"_id":"e2"', "1 row in"),
    ("run -L sql x --logs log.ndjson", WRONG_USAGE, "", "did you mean 'esql'?"),
    ("run -L kql kind:( --logs log.ndjson", BAD_INPUT, "", "<query>:1:"),
    ("run -L kql @nosuch --logs log.ndjson", BAD_INPUT, "", "cannot read nosuch"),
    ("run -L kql @rule.yml --logs log.ndjson", BAD_INPUT, "", "rule.yml:2:3: query error"),
    ("run -L kql x --logs log.ndjson --logsource a/b/c/d", WRONG_USAGE, "", "expected PRODUCT/SERVICE"),
    ("run -L kql kind:bad --logs log.ndjson --logsource aws", OK, "*", "did you mean aws/cloudtrail?"),
    ("run -L kql kind:bad --logs log.ndjson --logsource aws/cloudtrial", OK, "*", "did you mean 'aws/cloudtrail'?"),
    ("run -L spl kind=bad --logs log.ndjson --logsource a/b", OK, "*", "warning: splunk has no view of a/b: each"),
    ("run -L spl kind=bad --logs log.ndjson --logsource AWS/CloudTrail", OK, "*", "4 events read, 3 rows in"),
    ("run -L spl kind=bad --logs nosuch", BAD_INPUT, "", "0 events read, 1 log not read to the end, 0 rows in"),
    ("run -L kql @- --logs -", WRONG_USAGE, "", "standard input can be read only once"),
    (
        "run -L kql log.ndjson --logs log.ndjson",
        WRONG_USAGE,
        "",
        """write '@log.ndjson' to run the query in it, or '"log""",
    ),
    ("run -L eql rule.yml --logs log.ndjson", WRONG_USAGE, "", "hint: write '@rule.yml' to run the query in it\n"),
    ("run -L kql kql --logs log.ndjson", OK, "", "0 rows"),  # the name of a folder
    ("run -L kql x", WRONG_USAGE, "", "Missing option '--logs'"),
    # test
    ("test --target splunk cases.yml", OK, "three in a minute", ""),
    ("test --target splunk,esql -k boundary .", OK, "1 case, 2 replays", ""),
    ("test cases.yml --target pysigma:splunk", OK, "divergence  over a boundary  pysigma:splunk", ""),
    ("test -t kql,splunk --without-pipeline cases.yml", FINDINGS, "refused by a target that was named, or", ""),
    ("test -t kql,splunk --without-pipeline cases.yml --accept refused", OK, "3 refused\n", ""),
    ("test -t splunk cases.yml --fail-on agree", FINDINGS, "agree, which fails here (--fail-on)", ""),
    ("test -t kql --without-pipeline cases.yml --accept refused", OK, "ok for the reference; every target refuses", ""),
    ("test --accept asumption cases.yml", WRONG_USAGE, "", "unknown outcome 'asumption' (did you mean 'assumption'?)"),
    ("test --fail-on x cases.yml", WRONG_USAGE, "", "unknown outcome 'x' (agree, bounded,"),
    ("test --fail-on stale,error --accept error cases.yml", WRONG_USAGE, "", "both name error"),
    ("test --target splunk -k nope cases.yml", WRONG_USAGE, "", "no case has 'nope' in its name"),
    ("test --target nope cases.yml", WRONG_USAGE, "", "there is no target 'nope'"),
    ("test", BAD_INPUT, "", "samples"),
    ("test nosuch", BAD_INPUT, "", "no such file or folder: nosuch"),
    ("test --target splunk burst.yml", BAD_INPUT, "", "burst.yml:10:1: case error"),
    # targets
    ("targets", OK, "splunk ", ""),
    ("targets --format json", OK, '"name": "pysigma:esql"', ""),
    ("targets extra", WRONG_USAGE, "", "unexpected extra argument"),
]


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(("command", "status", "out", "err"), STATUSES, ids=[row[0] or "nothing" for row in STATUSES])
def test_status(capsys: pytest.CaptureFixture[str], command: str, status: int, out: str, err: str) -> None:
    found = run(capsys, command)
    assert found[0] == status, found
    for expected, text in ((out, found[1]), (err, found[2])):
        assert expected in text or expected == "*"
        assert expected or not text
    assert "Traceback" not in found[2]


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("name", "text", "error"),
    [
        ("a YAML error", "title: [\n", "bad.yml:2:1: rule error"),
        ("an unknown modifier", BASE.replace("kind:", "kind|contians:"), "bad.yml:6:22: rule error: unknown modifier"),
        ("a dangling reference", BASE + BURST.replace("[bad_thing]", "[bad_thign]"), "did you mean 'bad_thing'?"),
        ("a bad timespan", BASE + BURST.replace("1m", "1 minute"), "timespan"),
    ],
)
def test_bad_rule_is_shown_with_its_place(capsys: pytest.CaptureFixture[str], name: str, text: str, error: str) -> None:
    del name
    write("bad.yml", text)
    for command in ("-t splunk bad.yml good", "eval bad.yml --logs log.ndjson"):
        status, _, err = run(capsys, command)
        assert status == BAD_INPUT
        assert error in err
        assert "\n  " in err
        assert "^" in err


def test_every_verb_has_help(capsys: pytest.CaptureFixture[str]) -> None:
    for name, verb in cli.commands.items():
        assert main([name, "--help"]) == OK
        text = capsys.readouterr().out
        assert textwrap.shorten(verb.help or "", 40, placeholder="") in " ".join(text.split())
