"""Recognizes and masks credentials, so that no message or output repeats one. Pure.

The patterns come from the services' documentation and from the detectors of detect-secrets, which lacks Hugging Face's
and NVIDIA's. Secrets without a distinctive form, such as passwords or 40 hexadecimal digits, are not recognized.

Matching time is linear in the length of the text: an unlimited part of a pattern is its last part, or ends where no
other part begins.
"""

import re
from functools import cache

MASK = "[secret]"

_BASE64 = r"[A-Za-z0-9+/]"


def _no_letter_before(behind: str) -> str:
    """No letter before the token, as in `--disk-cache`; a digit, a sign or an escape such as \\n may precede it.

    Looks back from behind as many characters of the token as `behind` matches.
    """
    back = (r"\\[abfnrtv]", r"\\x[0-9a-f]{2}", r"\\u[0-9a-f]{4}")
    return "|".join((rf"(?:(?<![A-Za-z]{behind})", *(rf"(?<={escape}{behind})" for escape in back))) + ")"


# `_START` stands behind the token's first character: `re` finds where to try a pattern fast only if the pattern begins
# with a literal or a class.
_BEFORE, _START = _no_letter_before(""), _no_letter_before(".")
# Text between the name of a secret and its value, in YAML, JSON, TOML or a shell.
_IS = r"[\"']?\]? {0,4}(?:=>|:=|::|[=: ]) {0,4}[\"']?"
_NAME = r"(?i:key|pwd|pw|password|pass|token)"
_MIXED = r"(?=[\w-]{0,43}\d)(?=[\w-]{0,43}[A-Z])(?=[\w-]{0,43}[a-z])"

# Kind → pattern of its tokens. Each pattern matches to the end of a token, so that the mask leaves nothing of it. A
# pattern without _START or _BEFORE may also match after a letter; the others would then match in the middle of words.
_KINDS = {
    # Mixed case, a digit, or length, because `hf_transfer` and `hf_overrides` are names.
    "a Hugging Face token": (
        r"(?:hf|api_org)_(?:(?=[A-Z0-9]*[a-z][A-Za-z0-9]*[A-Z])[A-Za-z0-9]{4,}|(?=[A-Za-z]*\d)[A-Za-z0-9]{8,}"
        r"|[A-Za-z0-9]{16,})[\w-]*"
    ),
    "an NVIDIA key": r"nvapi-[\w-]{6,}",
    "a GitHub token": rf"g{_START}h[pousr]_[A-Za-z0-9]{{6,}}\w*|gh[pousr]_[A-Za-z0-9]{{20,}}\w*|github_pat_\w{{6,}}",
    "a GitLab token": r"gl(?:pat|dt|ft|soat|rt|cbt|ptt|imt|agent|oas)-[\w-]{16,}|GR1348941[\w-]{16,}",
    "an API key": (
        rf"s{_START}k-(?=[\w-]{{0,99}}\d|[a-z-]{{0,99}}[A-Z])[\w-]{{12,}}"
        rf"|sk-(?:proj-|ant-api\d\d-)?{_MIXED}[A-Za-z0-9]{{20,}}[\w-]*"
        r"|[rs]k_(?:live|test)_[A-Za-z0-9]{12,}|whsec_[A-Za-z0-9]{16,}|SG\.[\w-]{16,64}\.[\w-]{16,}"
    ),
    "a Google access token": rf"y{_START}a29\.[\w.-]+|1{_START}//0[\w-]{{16,}}|GOCSPX-[\w-]{{16,}}",
    "a Google API key": r"AIza[\w-]{16,}",
    "an AWS key": (
        rf"A{_START}(?:3T[A-Z0-9]|BIA|CCA|KIA|SIA)[A-Z0-9]{{12,}}|(?:ABIA|ACCA|AKIA|ASIA)[A-Z0-9]{{16,}}"
        rf"|(?i:aws)[^\n]{{0,20}}?{_NAME}[^\n]{{0,20}}?[\"'=: ]{_BASE64}{{40,}}"
    ),
    "a JSON Web Token": rf"e{_START}yJ[\w=-]{{16,}}(?:\.[\w=+/-]*)*",
    "a Slack token": r"xox[a-z]-[\w-]{8,}|xapp-[\w-]{8,}|hooks\.slack\.com/services/[\w/]+",
    "a Pulumi token": r"pul-[0-9a-f]{16,}",
    "a registry token": (
        r"(?:dckr_pat_|npm_|pypi-)[A-Za-z0-9](?=[\w-]{0,99}[A-Z0-9])[\w-]{15,}|_authToken {0,4}= {0,4}[\w-]{8,}"
    ),
    "an Artifactory token": (
        rf"A{_START}(?:KC[A-Za-z0-9]{{10,}}|P\d[A-Za-z0-9]{{8,}}"
        r"|P[A-F](?=[A-Z0-9]{0,70}[a-z])(?=[A-Za-z]{0,70}\d)[A-Za-z0-9]{8,})"
    ),
    "a Discord token": rf"[MNO]{_START}[\w-]{{23,27}}\.[\w-]{{6}}\.[\w-]{{27,}}",
    "an IBM Cloud key": (
        rf"(?=(?i:[acikpst]))(?:{_BEFORE}(?i:(?:ibm|cloud|iam|api)[_-]?){{0,4}}{_NAME}{_IS}{_MIXED}[\w-]{{44,}}"
        rf"|(?i:secret[_-]?(?:access)?[_-]?key){_IS}[a-f0-9]{{48,}}"
        rf"|{_BEFORE}(?i:softlayer|sl|cloudant|clou|cl)[_-]?(?i:api)?[_-]?{_NAME}{_IS}"
        r"(?:[A-Za-z0-9]{64}|[a-z]{24})[\w-]*|api\.softlayer\.com/soap/v3(?:\.1)?/[a-z0-9]{64})"
    ),
    "a Mailchimp key": r"[0-9a-z]{32}-us\d\d?",
    "a Square token": r"sq0[a-z]{3}-[\w\\-]{16,}",
    "a Telegram token": r"\d{8,10}:(?=[a-z_-]{0,34}[A-Z0-9])[\w-]{35,}",
    "a Twilio key": rf"[AS]{_START}(?:(?<=A)C|(?<=S)K)(?=[a-z]{{0,31}}\d)[a-z0-9]{{32}}",
    "a token of another service": (
        r"glsa_[A-Za-z0-9]{16,}\w*|do[opr]_v1_[A-Za-z0-9]{16,}|shp(?:at|ca|pa|ss)_[A-Fa-f0-9]{16,}"
        rf"|h{_START}v[sbr]\.[\w-]{{20,}}|AGE-SECRET-KEY-1[A-Z0-9]{{16,}}"
    ),
    "an encrypted value": rf"v1:{_BASE64}{{8,64}}={{0,2}}:[A-Za-z0-9+/=:]{{16,}}",
    "an account key": rf"AccountKey={_BASE64}{{40,}}=*",
    "a password in an address": r"(?<=://)[^\s:/@\"']*:[^\s/@\"']+(?=@)",
}
# A private key, up to its end line or the end of the text.
_KEY = (
    r"-{0,5}BEGIN [A-Z0-9 ]{0,40}?PRIVATE KEY(?: BLOCK)?.*?(?:-----END [A-Z0-9 ]{0,60}-----|\Z)"
    r"|PuTTY-User-Key-File-\d.*"
)


@cache
def _token() -> re.Pattern[str]:
    """A token of any kind. Compiled on first use, because it takes 3 ms."""
    return re.compile("|".join((_KEY, *_KINDS.values())), re.DOTALL)


def holds_token(text: str) -> bool:
    """Whether the text contains a probable credential."""
    return bool(_token().search(text))


def kind(text: str) -> str | None:
    """The kind of the first credential in the text, such as `a GitHub token`; None without any."""
    found = _token().search(text)
    if not found:
        return None
    named = (name for name, shape in _KINDS.items() if re.compile(shape).match(text, found.start()))
    return next(named, "a private key")


def masked(text: str) -> str:
    """The text with each credential masked."""
    return _token().sub(MASK, text)
