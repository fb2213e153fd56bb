"""Identities of CI: service accounts, their roles, and the GitHub tokens that may impersonate them."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_gcp as gcp
from pulumi_gcp import billing, kms, projects, serviceaccount, storage

from bootstrap.github import GithubTrust


@dataclass(frozen=True, kw_only=True)
class Access:
    """Roles, without `roles/`, on the project, the state bucket, the secrets key and the billing account."""

    project: tuple[str, ...]
    state: str
    key: str
    billing: str


# `pulumi preview` with a bucket backend takes no lock and writes nothing, so read access is enough.
PREVIEW = Access(
    project=(
        "browser",
        "cloudquotas.viewer",
        "compute.viewer",
        "container.viewer",
        "serviceusage.serviceUsageConsumer",  # the billing APIs use the project's quota
        "serviceusage.serviceUsageViewer",
        "storage.bucketViewer",
    ),
    state="storage.objectViewer",
    key="cloudkms.cryptoKeyDecrypter",
    billing="billing.viewer",
)

# One role per kind of resource that a stack creates, and two viewers for its preflight. projectIamAdmin and
# storage.admin apply to the whole project.
DEPLOY = Access(
    project=(
        "artifactregistry.admin",
        "certificatemanager.editor",
        "cloudquotas.viewer",
        "compute.networkAdmin",
        "compute.securityAdmin",
        "compute.viewer",
        "container.admin",
        "iam.serviceAccountAdmin",
        "iam.serviceAccountUser",
        "monitoring.editor",
        "resourcemanager.projectIamAdmin",
        "secretmanager.admin",
        "serviceusage.serviceUsageAdmin",
        "storage.admin",
    ),
    state="storage.objectUser",
    key="cloudkms.cryptoKeyEncrypterDecrypter",
    billing="billing.costsManager",
)


@dataclass(frozen=True, kw_only=True)
class BillingAccount:
    id: str
    provider: gcp.Provider


@dataclass(frozen=True, kw_only=True)
class CiIdentityArgs:
    project: str
    account_id: str
    access: Access
    subjects: Mapping[str, str]
    """Exact subjects of GitHub tokens, by the name of their form."""
    trust: GithubTrust
    bucket: pulumi.Output[str]
    keys: Mapping[str, pulumi.Output[str]]
    """Keys that the account may use, by name."""
    billing: BillingAccount | None
    """None if the stacks have no budget, or if another bootstrap grants the right to create one."""


class CiIdentity(pulumi.ComponentResource):
    """Service account of CI with its roles, bound to exact token subjects.

    A binding to the whole repository would let any branch's workflow deploy.
    """

    email: pulumi.Output[str]

    def __init__(self, name: str, args: CiIdentityArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("dynamo-gke:bootstrap:CiIdentity", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        account = serviceaccount.Account(
            f"{name}-account",
            account_id=args.account_id,
            display_name=f"GitHub Actions of dynamo-gke: {name}",
            project=args.project,
            opts=child,
        )
        for role in args.access.project:
            projects.IAMMember(
                f"{name}-{role}", project=args.project, role=f"roles/{role}", member=account.member, opts=child
            )
        storage.BucketIAMMember(
            f"{name}-state",
            bucket=args.bucket,
            role=f"roles/{args.access.state}",
            member=account.member,
            opts=child,
        )
        for key_name, key in args.keys.items():
            kms.CryptoKeyIAMMember(
                f"{name}-{key_name}",
                crypto_key_id=key,
                role=f"roles/{args.access.key}",
                member=account.member,
                opts=child,
            )
        if args.billing:
            billing.AccountIamMember(
                f"{name}-billing",
                billing_account_id=args.billing.id,
                role=f"roles/{args.access.billing}",
                member=account.member,
                opts=pulumi.ResourceOptions(parent=self, provider=args.billing.provider),
            )
        for form, subject in args.subjects.items():
            serviceaccount.IAMMember(
                f"{name}-github-{form}",
                service_account_id=account.name,
                role="roles/iam.workloadIdentityUser",
                member=pulumi.Output.concat(
                    "principal://iam.googleapis.com/", args.trust.pool_name, "/subject/", subject
                ),
                opts=child,
            )
        self.email = account.email
        self.register_outputs({"email": self.email})
