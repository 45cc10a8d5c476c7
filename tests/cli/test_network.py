"""`trunkline network`: what a firewall must let through, in its own language."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from support.trunkline_command import LOCAL, run_trunkline

ON_NODES = """apiVersion: trunkline.dev/v1alpha1
kind: Edge
metadata: {name: oslo}
spec:
  advertise: {type: HostNetwork}
  ports: {udp: 5070, tcp: 5070, tls: 5071}
  media: {firstPort: 4000, lastPort: 5999}
"""


def test_every_address_has_its_line() -> None:
    """SIP ports and the media range, as the Edge says."""
    shown = run_trunkline("network", *LOCAL).stdout.splitlines()
    assert " ".join(shown[0].split()) == "EDGE REGION ADDRESS SIP UDP SIP TCP SIP TLS MEDIA UDP"
    assert shown[1].split() == ["ashburn", "us1", "127.0.11.1", "5060", "5060", "5061", "10000-60000"]
    assert [line.split()[2] for line in shown[1:]] == [
        *(f"127.0.11.{number}" for number in (1, 2, 3, 4)),
        *(f"127.0.12.{number}" for number in (1, 2, 3)),
    ]


def test_files_without_an_edge_are_told() -> None:
    """A tenant's files alone, as they are easily given."""
    done = run_trunkline("network", LOCAL[0])
    assert done.returncode == 0
    assert "no Edge is there: give the platform's files as well" in done.stderr


def test_json_is_for_scripts() -> None:
    """`--edge` leaves out the others."""
    done = run_trunkline("network", *LOCAL, "--edge", "dublin", "-o", "json")
    (found,) = json.loads(done.stdout)
    assert found == {
        "edge": "dublin",
        "region": "ie1",
        "addresses": ["127.0.12.1", "127.0.12.2", "127.0.12.3"],
        "signalling": [
            {"protocol": "udp", "port": 5060, "transport": "UDP"},
            {"protocol": "tcp", "port": 5060, "transport": "TCP"},
            {"protocol": "tcp", "port": 5061, "transport": "TLS"},
        ],
        "media": {"protocol": "udp", "firstPort": 10000, "lastPort": 60000},
    }


def test_an_edge_that_is_not_there_is_a_usage_error() -> None:
    done = run_trunkline("network", *LOCAL, "--edge", "rome")
    assert done.returncode == 2
    assert "no Edge rome is served here: there are ashburn, dublin" in done.stderr


def test_addresses_of_nodes_are_known_where_the_edge_runs(tmp_path: Path) -> None:
    """A file cannot say them: that is told, and no rule is made up."""
    (tmp_path / "edge.yaml").write_text(ON_NODES)
    for form in ("table", "nftables", "iptables", "json"):
        done = run_trunkline("network", tmp_path, "-o", form)
        assert done.returncode == 0
        assert "Edge oslo lists no addresses" in done.stderr
        assert "accept" not in done.stdout.lower().replace("# ", "")


@pytest.mark.parametrize(
    ("form", "tool", "check"),
    (
        ("nftables", "nft", ("nft", "-c", "-f")),
        ("iptables", "iptables-restore", ("iptables-restore", "--noflush", "--test")),
    ),
)
def test_firewalls_take_their_rules(form: str, tool: str, check: tuple[str, ...], tmp_path: Path) -> None:
    """Checked by the programs themselves, in a network of its own; a range that holds the SIP port too."""
    if shutil.which(tool) is None:
        pytest.fail(f"{tool} is missing: make setup", pytrace=False)
    (tmp_path / "edge.yaml").write_text(
        ON_NODES.replace("{type: HostNetwork}", "{type: Static, addresses: [192.0.2.1, 192.0.2.2]}")
        .replace("lastPort: 5999", "lastPort: 6999")
        .replace("tls: 5071", "tls: 5443")
    )
    rules = tmp_path / "rules"
    rules.write_text(run_trunkline("network", *LOCAL, tmp_path, "-o", form).stdout)
    assert "192.0.2.2" in rules.read_text()
    isolated = ["unshare", "--map-root-user", "--net", *check, str(rules)]
    checked = subprocess.run(isolated, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
