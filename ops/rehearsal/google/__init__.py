"""The simulated Google Cloud, and a stand-in for Google's provider that Pulumi's engine talks to."""
