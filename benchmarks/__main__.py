"""`python -m benchmarks [NAME …]`: run benchmarks, write their results, fail when a bound is broken."""

from __future__ import annotations

import argparse
import importlib
import sys

NAMES = ("unpaid", "replay", "memory", "hot_subject", "latency")


def main() -> int:
    """1 when a measured value is outside its bound."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    commands = parser.add_subparsers(dest="name", metavar="NAME", required=False)
    modules = {name: importlib.import_module(f"benchmarks.{name}") for name in NAMES}
    defaults = {}
    for name, module in modules.items():
        sub = commands.add_parser(name, help=module.__doc__.splitlines()[0])
        module.arguments(sub)
        defaults[name] = sub
    options = parser.parse_args()
    all_hold = True
    for name in (options.name,) if options.name else NAMES:
        chosen = options if options.name else defaults[name].parse_args([])
        print(f"{name}: {(modules[name].__doc__ or '').splitlines()[0]}", flush=True)
        result = modules[name].run(chosen)
        result.write()
        print(f"{name}: {result.verdict}", flush=True)
        all_hold = all_hold and result.holds
    return 0 if all_hold else 1


if __name__ == "__main__":
    sys.exit(main())
