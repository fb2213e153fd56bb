"""One made-up token of each kind, put together here so that no scanner finds a whole one."""

_AB = "AbCdEf0123456789GhIjKlMnOpQrStUvWxYz"

CANARIES: dict[str, str] = {
    "a Hugging Face token": "hf" + f"_{_AB[:34]}",
    "an NVIDIA key": "nvapi" + f"-{_AB}-{_AB}",
    "a GitHub token": "ghp" + f"_{_AB}",
    "a GitLab token": "glpat" + f"-{_AB[:20]}",
    "an API key": "sk" + f"-proj-{_AB}",
    "a Google access token": "ya29" + f".a0{_AB}",
    "a Google API key": "AIza" + f"Sy{_AB[:33]}",
    "an AWS key": "AKIA" + "ABCDEFGH23456789",
    "a JSON Web Token": "eyJ" + f"hbGciOiJIUzI1NiJ9.eyJ{_AB}.{_AB}",
    "a Slack token": "xoxb" + f"-123456789012-{_AB}",
    "a Pulumi token": "pul" + "-0123456789abcdef0123456789abcdef01234567",
    "a registry token": "dckr_pat" + f"_{_AB}",
    "an encrypted value": "v1" + f":{_AB[:16]}:{_AB}{_AB}==",
    "an account key": "AccountKey" + f"={_AB}{_AB}==",
    "a password in an address": f"user:{_AB}",
    "a private key": "-----BEGIN" + f" PRIVATE KEY-----\n{_AB}\n",
}
# Without what only makes sense inside another text.
PASTED = {name: token for name, token in CANARIES.items() if name != "a password in an address"}
