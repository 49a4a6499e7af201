#!/usr/bin/env python3
"""Makes the fixtures that are crafted by hand: input.pcapng and case.toml of each.

    pcaps/craft.py [--into DIR] [CASE...]      such as dhcp/lease; without arguments, all of them

The cases stand in craft_link.py (arp, icmp, isolation), craft_services.py (dhcp, dns) and craft_flows.py (tcp, udp,
ports). `pontoon replay --update pcaps/CASE` then makes expected/, which is to be read before it is kept.
"""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT))

import craft_flows  # noqa: E402,F401
import craft_link  # noqa: E402,F401
import craft_services  # noqa: E402,F401
from craft_case import CASES, build  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description="makes the crafted fixtures")
    parser.add_argument("--into", type=Path, default=ROOT, help="the folder that gets AREA/CASE")
    parser.add_argument("cases", nargs="*", metavar="CASE")
    arguments = parser.parse_args()
    for path in arguments.cases or CASES:
        if path not in CASES:
            parser.error(f"there is no case {path}; those that are: {', '.join(CASES)}")
        made = build(path)
        folder = arguments.into / path
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "input.pcapng").write_bytes(made.capture())
        (folder / "case.toml").write_text(made.toml(), encoding="utf-8")


if __name__ == "__main__":
    main()
