"""What credentials look like, so that no text of ours repeats one. Pure.

Shapes of the services' own documentation and of detect-secrets' plugins, beside Hugging Face's and NVIDIA's, which that
lacks. What has no shape of its own, such as a password or 40 hexadecimal digits, is not known here.
"""

import re

MASK = "[secret]"

_BASE64 = r"[A-Za-z0-9+/]"

# Kind → what its tokens look like. Each takes in the tail of a token, so that none is left behind the mask.
_KINDS = {
    # Mixed case, a digit, or length: `hf_transfer` and `hf_overrides` are names.
    "a Hugging Face token": (
        r"(?:hf|api_org)_(?:(?=[A-Z0-9]*[a-z][A-Za-z0-9]*[A-Z])[A-Za-z0-9]{4,}|(?=[A-Za-z]*\d)[A-Za-z0-9]{8,}"
        r"|[A-Za-z0-9]{16,})[\w-]*"
    ),
    "an NVIDIA key": r"nvapi-[\w-]{6,}",
    "a GitHub token": r"gh[pousr]_[A-Za-z0-9]{6,}\w*|github_pat_\w{6,}",
    "a GitLab token": r"gl(?:pat|dt|ft|soat|rt|cbt|ptt)-[\w-]{16,}",
    "an API key": (
        r"sk-(?=[\w-]*\d|[a-z-]*[A-Z])[\w-]{12,}|[rs]k_(?:live|test)_[A-Za-z0-9]{12,}|SG\.[\w-]{16,}\.[\w-]{16,}"
    ),
    "a Google access token": r"ya29\.[\w.-]+|1//0[\w-]{16,}|GOCSPX-[\w-]{16,}",
    "a Google API key": r"AIza[\w-]{16,}",
    "an AWS key": r"(?:A3T[A-Z0-9]|ABIA|ACCA|AKIA|ASIA)[A-Z0-9]{12,}",
    "a JSON Web Token": r"eyJ[\w=-]{8,}\.[\w=-]{4,}(?:\.[\w=-]*)*",
    "a Slack token": r"xox[a-z]-[\w-]{8,}|xapp-[\w-]{8,}|hooks\.slack\.com/services/[\w/]+",
    "a Pulumi token": r"pul-[0-9a-f]{16,}",
    "a registry token": r"(?:dckr_pat_|npm_|pypi-)[A-Za-z0-9](?=[\w-]*[A-Z0-9])[\w-]{15,}",
    "an encrypted value": rf"v1:{_BASE64}{{8,}}={{0,2}}:[A-Za-z0-9+/=:]{{16,}}",
    "an account key": rf"AccountKey={_BASE64}{{40,}}=*",
    "a password in an address": r"(?<=://)[^\s:/@\"']+:[^\s:/@\"']+(?=@)",
}
# Up to its end, or to that of the text: the lines between are the key.
_KEY = r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z0-9 ]*-----|\Z)"

# A letter before it makes another word of it, as in `--disk-cache`; a digit, a sign or an escape such as \n does not.
_START = r"(?:(?<![A-Za-z])|(?<=\\[abfnrtv])|(?<=\\x[0-9a-f]{2})|(?<=\\u[0-9a-f]{4}))"
_TOKEN = re.compile(rf"{_KEY}|{_START}(?:{'|'.join(_KINDS.values())})", re.DOTALL)


def holds_token(text: str) -> bool:
    """Whether the text holds what looks like a credential."""
    return bool(_TOKEN.search(text))


def kind(text: str) -> str | None:
    """What the first credential in the text looks like, such as `a GitHub token`; None where there is none."""
    found = _TOKEN.search(text)
    if not found:
        return None
    named = (name for name, shape in _KINDS.items() if re.compile(shape).match(text, found.start()))
    return next(named, "a private key")


def masked(text: str) -> str:
    """The text with each credential in it replaced, and all else as it was."""
    return _TOKEN.sub(MASK, text)
