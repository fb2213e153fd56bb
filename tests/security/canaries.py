"""One made-up token of each kind, assembled here so that no scanner finds a whole token."""

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
    "an Artifactory token": "AKC" + f"p8{_AB}",
    "a Discord token": "M" + f"{_AB[:24]}.{_AB[:6]}.{_AB[:27]}",
    "an IBM Cloud key": "ibm_cloud_api" + f"_key={_AB}{_AB[:8]}",
    "a Mailchimp key": "0123456789abcdef" * 2 + "-us12",
    "a Square token": "sq0csp" + f"-{_AB}{_AB[:7]}",
    "a Telegram token": "123456789" + f":AA{_AB[:33]}",
    "a Twilio key": "SK" + "0123456789abcdef" * 2,
    "a token of another service": "glsa" + f"_{_AB[:32]}_0a1b2c3d",
    "an encrypted value": "v1" + f":{_AB[:16]}:{_AB}{_AB}==",
    "an account key": "AccountKey" + f"={_AB}{_AB}==",
    "a password in an address": f"user:{_AB}",
    "a private key": "-----BEGIN" + f" PRIVATE KEY-----\n{_AB}\n",
}
# Further forms of these kinds, from detect-secrets' detectors and the services.
SIBLINGS: dict[str, tuple[str, ...]] = {
    "a GitHub token": tuple(f"gh{letter}_{_AB}" for letter in "ousr"),
    "a GitLab token": tuple(
        f"{prefix}{_AB}{_AB}"[:80]
        for prefix in (
            "gldt-",
            "glft-",
            "glsoat-",
            "glrt-",
            "GR1348941",
            "glcbt-0a_",
            "glimt-",
            "glptt-",
            "glagent-",
            "gloas-",
        )
    ),
    "an API key": (
        "sk" + f"-{_AB[:20]}T3BlbkFJ{_AB[:20]}",
        "sk" + f"-ant-api03-{_AB}",
        "sk" + f"_live_{_AB[:24]}",
        "rk" + f"_live_{_AB[:24]}",
        "SG" + f".{_AB[:22]}.{_AB}{_AB[:7]}",
        "whsec" + f"_{_AB}",
    ),
    "an AWS key": (
        *(f"{prefix}ABCDEFGH23456789" for prefix in ("A3TX", "ABIA", "ACCA", "ASIA")),
        "aws_secret_access_key" + f' = "{_AB}+/Zz"',
        "AWS_SECRET_ACCESS_KEY" + f"={_AB}+/Zz",
    ),
    "a Slack token": ("xoxp" + f"-123-456-{_AB}", "https://hooks.slack" + f".com/services/T{_AB}/B{_AB}/{_AB}"),
    "a registry token": (
        "npm" + f"_{_AB}",
        "pypi" + f"-AgEIcHlwaS5vcmc{_AB}{_AB}",
        "//registry.example/:_auth" + f"Token={'0a1b2c3d' * 4}",
    ),
    "an Artifactory token": ("AP" + "6xxxxxxxxxx", "AP" + f"B{_AB}"),
    "an IBM Cloud key": (
        "iam-token" + f": '{_AB}{_AB[:8]}'",
        "secret_access_key" + f"={'0a1b2c' * 8}",
        "softlayer_api_key" + f"={'0a1b2c3d' * 8}",
        "cloudant_password" + f"={'0a1b2c3d' * 8}",
        "cl_key" + f": '{'abcdef' * 4}'",
        "https://api.softlayer" + f".com/soap/v3.1/{'0a1b2c3d' * 8}",
    ),
    "a Square token": ("sq0atp" + f"-{_AB[:22]}",),
    "a Twilio key": ("AC" + "0123456789abcdef" * 2,),
    "a token of another service": ("dop" + "_v1_" + "0a1b2c3d" * 8, "hvs" + f".{_AB}", "shpat" + f"_{'0a1b2c3d' * 4}"),
    "a password in an address": ("https://user:" + f"a:{_AB}@host", "redis://:" + f"{_AB}@host"),
    "a private key": (
        *(f"-----BEGIN {words} PRIVATE KEY-----\n{_AB}" for words in ("RSA", "EC", "OPENSSH")),
        f"-----BEGIN PGP PRIVATE KEY BLOCK-----\n{_AB}",
        "PuTTY-User-Key-File" + f"-2: ssh-rsa\n{_AB}",
        "BEGIN DSA" + f" PRIVATE KEY {_AB}",
    ),
}
# Tokens that are also found after a letter.
GLUED = (
    "a Hugging Face token", "an NVIDIA key", "a GitHub token", "a GitLab token", "a Google API key", "a Slack token",
    "a Pulumi token", "a registry token", "a Square token", "a Telegram token", "a token of another service",
    "an account key", "an encrypted value",
)  # fmt: skip
# Without forms that only make sense inside another text.
PASTED = {name: token for name, token in CANARIES.items() if name != "a password in an address"}
