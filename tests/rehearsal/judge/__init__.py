"""Judge of the forecasts: `diff` and `preview --json` against the steps of Pulumi's own engine."""
