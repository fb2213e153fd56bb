"""`python -m bootstrap.preview [STACK]` prints what the bootstrap stack would create, without a cloud or Pulumi."""

import sys
from pathlib import Path

import yaml

from bootstrap import settings
from ops import streams
from ops.commands.ending import Exit, output_lost
from ops.offline import recording, stackfile
from ops.offline.recorded import ProgramFailed
from ops.report import printing
from reading.errors import ConfigInvalid

FOLDER = Path(__file__).parent

# The inputs that describe a resource best; the first one that it has is shown.
TELLING = ("role", "service", "accountId", "attributeCondition")


def main(stack: str = "bootstrap") -> int:
    """Prints resources and outputs; returns the exit code."""
    try:
        config = stackfile.read(FOLDER, stack)
        settings.load(config)
        recorded = recording.record(FOLDER, config, project=settings.NAMESPACE)
    except ConfigInvalid as invalid:
        print(f"error: stack {stack} is invalid\n" + "\n".join(f"  {f}" for f in invalid.errors), file=sys.stderr)
        return Exit.CONFIG_INVALID
    except ProgramFailed as failed:
        print(f"error: {failed}", file=sys.stderr)
        return Exit.FAILED
    table = printing.table("resource", "type", "what it is", "protected")
    for resource in recorded.created:
        what = next((resource.inputs[key] for key in TELLING if key in resource.inputs), "")
        protected = "yes" if resource.options.get("protect") else ""
        table.add_row(resource.name, resource.type.rpartition(":")[2], what, protected)
    printing.show(lambda console: console.print(table))
    print("\noutputs, as far as they are known before `pulumi up`:")
    print(yaml.safe_dump(recorded.outputs, sort_keys=True), end="")
    return 0


if __name__ == "__main__":
    streams.prepare()
    try:
        code = main(*sys.argv[1:2])
        sys.stdout.flush()
    except streams.Unwritten as lost:
        code = output_lost(lost)
    sys.exit(code)
