"""Run the vendor's own code as referee: a node of Elasticsearch on loopback, from the artifacts that Maven has.

    tests/referee/node (pom.xml, Java) ──Maven, javac──> .referee ──java──> a node ──HTTP──> tests/referee, for one run

    python tools/referee.py [--examples N] [--serve] [PYTEST ARGUMENT...]

`make referee` and `make referee-long` call it. Without a JDK 21 or Maven it says so in one line and ends with 0; with
`--require`, with 1. The node keeps its data in a temporary folder, listens on a free port of the loopback address only,
and ends with this process, however that ends: it runs until its standard input does. docs/referee.md says what it can
be asked.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPConnection
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "tests" / "referee" / "node"
BUILD = ROOT / ".referee"
URL, EXAMPLES = "SIGMA_CONVERT_REFEREE", "SIGMA_CONVERT_REFEREE_EXAMPLES"
JAVA_AT_LEAST = 21
IDLE_SECONDS = 20  # less than the 30 that a server of the JDK keeps a connection
START_SECONDS, ANSWER_SECONDS, STOP_SECONDS, MAVEN_SECONDS = 120, 120, 20, 900
# A plugin of the node: the jars whose names begin so, the folder of ours that is compiled into it, its class.
PLUGINS = {
    "kql": (("x-pack-kql", "antlr4-runtime"), "shim", "org.elasticsearch.xpack.kql.KqlPlugin"),
    "referee": (("x-pack-esql", "antlr4-runtime"), "src", "sigmaconvert.referee.RefereePlugin"),
}
DESCRIPTOR = (
    "name={name}\ndescription={name}\nversion=1\njava.version=21\nelasticsearch.version={version}\nclassname={main}\n"
)


class RefereeError(Exception):
    """The referee cannot be built or started; the message has what the tools said."""


class NodeError(Exception):
    """The node answered with an error: its HTTP status, and the parsed body."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(f"{status}: {_reason(body)}")
        self.status = status
        self.body = body
        self.reason = _reason(body)


@dataclass(slots=True)
class Node:
    """A node at an address, spoken to over one connection.

    Attributes:
        url: its address, without a path.
        version: of Elasticsearch.
    """

    url: str
    version: str = ""
    _connection: HTTPConnection = field(init=False, repr=False)
    _numbers: Iterator[int] = field(init=False, repr=False, default_factory=count)
    _used: float = field(init=False, repr=False, default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self._connection = HTTPConnection(urlsplit(self.url).netloc, timeout=ANSWER_SECONDS)
        nodes = self.call("GET", "/_nodes/_local?filter_path=nodes.*.version")["nodes"]
        self.version = next(iter(nodes.values()))["version"]

    def close(self) -> None:
        """Close the connection; the node runs on."""
        self._connection.close()

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Return the parsed answer to a request with a JSON body. Raises NodeError."""
        return self._call(method, path, None if body is None else json.dumps(body), "application/json")

    def call_lines(self, method: str, path: str, lines: Sequence[Any]) -> Any:
        """Return the parsed answer to a request whose body is a line of JSON for each value. Raises NodeError."""
        return self._call(method, path, "".join(json.dumps(line) + "\n" for line in lines), "application/x-ndjson")

    def _call(self, method: str, path: str, body: str | None, kind: str) -> Any:
        data = None if body is None else body.encode("utf-8", "surrogatepass")
        if time.monotonic() - self._used > IDLE_SECONDS:  # the node may have closed it; the next request opens another
            self._connection.close()
        try:
            self._connection.request(method, path, data, {} if data is None else {"Content-Type": kind})
            answer = self._connection.getresponse()
            text = answer.read()
        except TimeoutError:
            self._connection.close()
            raise NodeError(HTTPStatus.REQUEST_TIMEOUT, f"no answer within {ANSWER_SECONDS} s") from None
        self._used = time.monotonic()
        parsed = json.loads(text) if text.lstrip()[:1] in (b"{", b"[") else text.decode("utf-8", "replace")
        if answer.status >= HTTPStatus.BAD_REQUEST:
            raise NodeError(answer.status, parsed)
        return parsed

    @contextmanager
    def index(self, mapping: Mapping[str, Any], documents: Sequence[Mapping[str, Any]] = ()) -> Iterator[str]:
        """Make a fresh index for a while; the documents are called by their `_id`, else by their 1-based position.

        Raises:
            NodeError: the mapping is wrong, or does not take a document.
        """
        name = f"referee-{os.getpid()}-{next(self._numbers)}"
        self.call(
            "PUT",
            f"/{name}",
            {
                "settings": {"number_of_shards": 1, "number_of_replicas": 0, "mapping.total_fields.limit": 10_000},
                "mappings": mapping,
            },
        )
        try:
            self.add(name, documents)
            yield name
        finally:
            self.call("DELETE", f"/{name}")

    def add(self, index: str, documents: Sequence[Mapping[str, Any]]) -> None:
        """Put documents into an index, ready to be found. Raises NodeError for the first that it does not take."""
        lines: list[Any] = []
        for position, document in enumerate(documents, 1):
            lines.append({"index": {"_id": str(document.get("_id", position))}})
            lines.append({name: value for name, value in document.items() if name != "_id"})
        if not lines:
            return
        answer = self.call_lines("POST", f"/{index}/_bulk?refresh=true", lines)
        for item in answer["items"]:
            if "error" in item["index"]:
                raise NodeError(item["index"]["status"], {"error": item["index"]["error"], "_id": item["index"]["_id"]})

    def search_ids(self, index: str, queries: Sequence[Mapping[str, Any]]) -> list[set[str] | NodeError]:
        """Return for each query in Query DSL the ids of all documents that it finds (at most 10,000), or its error."""
        lines: list[Any] = []
        for query in queries:
            lines.append({"index": index})
            lines.append({"query": query, "size": 10_000, "_source": False, "track_scores": False, "sort": ["_doc"]})
        found: list[set[str] | NodeError] = []
        for answer in self.call_lines("POST", "/_msearch", lines)["responses"] if lines else ():
            if "error" in answer:
                found.append(NodeError(answer["status"], answer))
            else:
                found.append({hit["_id"] for hit in answer["hits"]["hits"]})
        return found

    def esql_errors(self, queries: Sequence[str]) -> list[str | None]:
        """Return for each text of ES|QL the first error by the vendor's grammar, `line:column: message`, or None."""
        errors: list[str | None] = self.call("POST", "/_referee/esql", {"queries": list(queries)})["errors"]
        return errors


def _reason(body: Any) -> str:
    """Return the innermost reason of an error's body."""
    if not isinstance(body, dict):
        return str(body)
    error = body.get("error", body)
    if not isinstance(error, dict):
        return str(error)
    while isinstance(error.get("caused_by"), dict):
        error = error["caused_by"]
    causes = error.get("root_cause") or error.get("failed_shards")
    if causes and isinstance(causes[0], dict) and "reason" not in error:
        error = causes[0].get("reason", causes[0])
    return str(error.get("reason", error))


def find_java() -> Path | None:
    """Return the folder of a JDK that is new enough: `JAVA_HOME`, that of `java`, or one beside it."""
    homes = [Path(home) for home in (os.environ.get("JAVA_HOME"),) if home]
    if command := shutil.which("javac"):
        homes.append(Path(command).resolve().parent.parent)
    homes.extend(sorted(Path("/usr/lib/jvm").glob("*"), reverse=True))
    for home in homes:
        release = home / "release"
        if (home / "bin" / "javac").is_file() and release.is_file():
            version = re.search(r'^JAVA_VERSION="(\d+)', release.read_text(encoding="utf-8"), re.MULTILINE)
            if version and int(version[1]) >= JAVA_AT_LEAST:
                return home
    return None


def build(java: Path, maven: str) -> None:
    """Resolve the artifacts and compile what is ours, unless both are as they were. Raises RefereeError."""
    sources = sorted(path for path in SOURCES.rglob("*") if path.is_file())
    state = hashlib.sha256(b"".join(path.read_bytes() for path in (*sources, Path(__file__)))).hexdigest()
    stamp = BUILD / "stamp"
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == state:
        return
    shutil.rmtree(BUILD, ignore_errors=True)
    library = BUILD / "library"
    resolve = [maven, "-q", "-B", "-f", str(SOURCES / "pom.xml"), "dependency:copy-dependencies"]
    _run([*resolve, f"-DoutputDirectory={library}"], java, MAVEN_SECONDS)
    every = os.pathsep.join(map(str, sorted(library.glob("*.jar"))))
    for folder in ("main", *(folder for _, folder, _ in PLUGINS.values())):
        files = [str(path) for path in sorted((SOURCES / folder).rglob("*.java"))]
        compiled = BUILD / folder
        release = ["--release", str(JAVA_AT_LEAST)]
        _run([str(java / "bin" / "javac"), "-nowarn", *release, "-d", str(compiled), "-cp", every, *files], java)
        if folder != "main":
            _run([str(java / "bin" / "jar"), "cf", str(BUILD / f"{folder}.jar"), "-C", str(compiled), "."], java)
    stamp.write_text(state, encoding="utf-8")


def _run(command: Sequence[str], java: Path, seconds: int = 300) -> None:
    environment = {**os.environ, "JAVA_HOME": str(java)}
    try:
        done = subprocess.run(
            command,
            env=environment,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        raise RefereeError(f"{Path(command[0]).name} took longer than {seconds} s") from None
    if done.returncode:
        raise RefereeError(f"{Path(command[0]).name} failed:\n{(done.stdout + done.stderr)[-4000:]}")


def lay_out(home: Path) -> None:
    """Lay out what the node reads: configuration, and its plugins with their descriptors."""
    jars = sorted((BUILD / "library").glob("*.jar"))
    version = next(
        jar.stem.rpartition("-")[2] for jar in jars if re.fullmatch(r"elasticsearch-\d[\d.]*\.jar", jar.name)
    )
    for folder in ("config", "modules", "tmp"):
        (home / folder).mkdir()
    shutil.copy(SOURCES / "log4j2.properties", home / "config")
    for name, (parts, folder, main) in PLUGINS.items():
        plugin = home / "plugins" / name
        plugin.mkdir(parents=True)
        (plugin / "plugin-descriptor.properties").write_text(
            DESCRIPTOR.format(name=name, version=version, main=main), encoding="utf-8"
        )
        for jar in (*(jar for jar in jars if jar.name.startswith(parts)), BUILD / f"{folder}.jar"):
            (plugin / jar.name).symlink_to(jar)


@contextmanager
def running_node(java: Path) -> Iterator[str]:
    """Start a node, give its address once it answers, and stop it. Raises RefereeError with the end of its log."""
    with tempfile.TemporaryDirectory(prefix="referee-", ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        lay_out(home)
        of_plugins = tuple(part for parts, _, _ in PLUGINS.values() for part in parts)
        jars = [str(jar) for jar in sorted((BUILD / "library").glob("*.jar")) if not jar.name.startswith(of_plugins)]
        command = [
            str(java / "bin" / "java"),
            "-Xms256m",
            "-Xmx2g",
            f"-Djava.io.tmpdir={home / 'tmp'}",
            "--add-modules=jdk.incubator.vector",
            "--enable-native-access=ALL-UNNAMED",
            "-cp",
            os.pathsep.join((str(BUILD / "main"), *jars)),
            "sigmaconvert.referee.Main",
            str(home),
        ]
        log = home / "log"
        with log.open("wb") as output:
            # Of a session of its own, so that Ctrl-C reaches only this process, which then stops it.
            process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
            )
        try:
            yield _await_address(process, home)
        finally:
            assert process.stdin is not None  # noqa: S101  it is a pipe
            process.stdin.close()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _await_address(process: subprocess.Popen[bytes], home: Path) -> str:
    address = home / "address"
    until = time.monotonic() + START_SECONDS
    while not address.is_file():
        if process.poll() is not None or time.monotonic() > until:
            said = (home / "log").read_text(encoding="utf-8", errors="replace")[-4000:]
            why = "did not answer in time" if process.poll() is None else f"ended with {process.returncode}"
            raise RefereeError(f"the node {why}:\n{said}")
        time.sleep(0.1)
    return address.read_text(encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Build, start, run the tests, stop."""
    parser = argparse.ArgumentParser(description="Run tests/referee against a node of Elasticsearch.")
    parser.add_argument("--examples", type=int, default=400, metavar="N", help="random pairs in all; default: 400")
    parser.add_argument("--serve", action="store_true", help="start the node, print its address, wait for Ctrl-C")
    parser.add_argument("--require", action="store_true", help="fail where Java or Maven cannot be used")
    options, rest = parser.parse_known_args(arguments)
    java, maven = find_java(), shutil.which("mvn")
    if java is None or maven is None:
        missing = f"no JDK {JAVA_AT_LEAST} or newer" if java is None else "no Maven (mvn)"
        sys.stdout.write(f"referee: skipped, {missing}\n")
        return int(options.require)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        build(java, maven)
        with running_node(java) as url:
            node = Node(url)
            node.close()
            sys.stdout.write(f"referee: Elasticsearch {node.version} at {url}\n")
            sys.stdout.flush()
            if options.serve:
                signal.pause()
            environment = {**os.environ, URL: url, EXAMPLES: str(options.examples)}
            command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *(rest or ["tests/referee"])]
            return subprocess.run(command, env=environment, cwd=ROOT, check=False).returncode
    except RefereeError as error:
        sys.stderr.write(f"referee: {error}\n")
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
