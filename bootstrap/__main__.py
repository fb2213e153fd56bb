"""The bootstrap program, which creates what all stacks and their CI need once: settings → components → outputs."""

import sys
from pathlib import Path

# Pulumi runs this program in its own folder; the code shared with the main program is in the parent folder.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from reading.garbage import kept

with kept():
    import pulumi
    from pulumi.runtime import config as runtime_config

    from bootstrap.build import build
    from bootstrap.settings import load
    from reading.errors import ConfigInvalid
    from settings.stack_config import StackConfig


def main() -> None:
    everything = {**runtime_config.get_config_env(), **runtime_config.CONFIG.get()}
    secrets = frozenset(key for key in everything if runtime_config.is_config_secret(key))
    plain = {key: value for key, value in everything.items() if key not in secrets}
    try:
        settings = load(StackConfig(stack=pulumi.get_stack(), values=plain, secrets=secrets))
    except ConfigInvalid as invalid:
        # Pulumi prints the message without a traceback.
        raise pulumi.RunError(f"the configuration is invalid\n{invalid}") from None
    for name, value in build(settings).items():
        pulumi.export(name, value)


if __name__ == "__main__":
    main()
