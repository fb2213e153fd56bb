"""A resolved deployment: an entry of `models:` with its card, its layout, and every number of its roles."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from catalog import sizing
from catalog.capacity import CapacitySettings, mode_of
from catalog.contracts import Compared, Role
from catalog.engines import Engine, default_engine, engine
from catalog.flags.given import Workers
from catalog.lifecycle import DRAIN_SECONDS
from catalog.machines import GpuMachine, Gpus, gpu_machine
from catalog.models import Card, Layout, Placement, RoleLayout, file_of
from catalog.purchases import NodePurchase
from catalog.rdma import KvTransfer
from planning.pools import pool_key
from planning.role_arguments import Word, merged, texts, valid
from reading.errors import join
from settings.models import ModelSettings


@dataclass(frozen=True, kw_only=True)
class DeploymentRole:
    """One role of a deployment: the number of engines, and the GPUs of each."""

    role: Role
    tensor_parallel: int
    replicas: int
    """Number of engines; with an autoscaler, the min."""
    max_replicas: int
    """Max number of engines; more than `replicas` where an autoscaler may add engines."""
    autoscaled: bool
    drain_seconds: int
    pool: str
    """The stack's name of the pool that runs the engines."""
    machine: GpuMachine | None
    """Machine type of the pool; None on CPU nodes."""
    capacity: CapacitySettings | None
    """How the nodes of the pool are bought; None where the stack does not set it."""

    @property
    def gpus(self) -> Gpus | None:
        return self.machine and self.machine.gpus


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """One entry of `models:`."""

    name: str
    settings: ModelSettings
    card: Card
    layout: Layout
    layouts: Mapping[str, Layout]
    """Name → layout, for every layout of the card on the machine."""
    roles: Mapping[Role, DeploymentRole]

    @property
    def path(self) -> str:
        return join("models", self.name)

    def at(self, *keys: str) -> str:
        """The path of a key of this deployment."""
        return join(self.path, *keys)

    @property
    def layout_name(self) -> str:
        return self.settings.layout

    @property
    def on_gpus(self) -> bool:
        return self.layout.placement is not Placement.CPU

    @property
    def simulated(self) -> bool:
        """Whether the engine only simulates."""
        return self.engine.simulated

    @cached_property
    def engine(self) -> Engine:
        """The engine that the stack chooses, else the layout's, else the catalog's default."""
        name = self.settings.engine.name or self.layout.engine
        return engine(name) if name else default_engine()

    @property
    def memory_share(self) -> float:
        """Share of a GPU's memory that an engine gets."""
        return self.settings.engine.gpu_memory_utilization or self.usual_memory_share

    @property
    def usual_memory_share(self) -> float:
        """Default share: the min over the roles' GPUs, because all engines get the same share."""
        shares = [
            self.engine.share_of(role.gpus, self.arguments(name)) for name, role in self.roles.items() if role.gpus
        ]
        return min(shares, default=self.engine.memory_share)

    def words(self, role: Role) -> tuple[Word, ...]:
        """The last words of the command line of a role's workers: the plan's, the card's, the stack's, the role's."""
        of_plan = [Word(self.at("engine"), text) for text in self.pinned]
        return merged(self.engine.flags, [of_plan, self._written(role)])

    def _written(self, role: Role) -> tuple[Word, ...]:
        """`words` without the plan's own."""
        of_card = join(f"{file_of(self.settings.model)}: engineArgs", self.engine.name)
        override = self.settings.overrides.get(role)
        sources = (
            (of_card, self.card.engine_args.get(self.engine.name, ())),
            (self.at("engine.extraArgs"), self.settings.engine.extra_args),
            (self.at(role, "extraArgs"), override.extra_args if override else ()),
        )
        numbered = [[Word(join(path, index), text) for index, text in enumerate(given)] for path, given in sources]
        return merged(self.engine.flags, numbered)

    def arguments(self, role: Role) -> tuple[str, ...]:
        """The texts of `words`."""
        return texts(self.words(role))

    def compared(self, arguments: Mapping[Role, Sequence[str]]) -> Mapping[str, Mapping[Role, Compared]]:
        """By flag: what prefill and decode compare before KV cache moves; nothing where none moves."""
        table = self.engine.flags
        if self.kv_transfer is None or table is None:
            return {}
        found: dict[str, dict[Role, Compared]] = {}
        for role, of_role in self.roles.items():
            compared = self.engine.compared(valid(table, arguments[role]), self.workers([of_role]))
            for flag, value in compared.items():
                found.setdefault(flag, {})[role] = value
        return found

    @cached_property
    def pinned(self) -> tuple[str, ...]:
        """Flags with values that all roles get: each engine would choose otherwise on its own GPUs, and no KV cache
        would move."""
        written = {role: texts(self._written(role)) for role in self.roles}
        return tuple(
            word
            for sides in self.compared(written).values()
            if len({side.value for side in sides.values()}) > 1 and all(side.common for side in sides.values())
            for word in next(iter(sides.values())).common
        )

    @property
    def disaggregated(self) -> bool:
        return self.layout.prefill is not None

    @property
    def served_name(self) -> str:
        return self.settings.served_name or self.card.name

    @property
    def max_model_len(self) -> int:
        return self.settings.engine.max_model_len or self.card.default_max_model_len

    @property
    def reads_bucket(self) -> bool:
        """Whether the pods read the model from the weights bucket."""
        return not self.simulated and self.card.revision is not None

    @property
    def kv_transfer(self) -> KvTransfer | None:
        """Transport of KV cache; None where none moves: in an aggregated layout, and between simulated engines."""
        if self.simulated or not self.disaggregated:
            return None
        return self.settings.kv_transfer or KvTransfer.RDMA

    def sets_machine(self, role: Role) -> bool:
        """Whether the stack chooses the machine of a role."""
        given = self.settings.overrides.get(role)
        return given is not None and given.machine is not None

    def sets_capacity(self, role: Role) -> bool:
        """Whether the stack buys the nodes of a role differently from other nodes."""
        given = self.settings.overrides.get(role)
        return given is not None and given.capacity is not None

    def sets_arguments(self, role: Role) -> bool:
        """Whether the stack gives a role arguments of its own."""
        given = self.settings.overrides.get(role)
        return given is not None and bool(given.extra_args)

    def sizes(self, role: DeploymentRole) -> list[int]:
        """The tensor-parallel sizes that divide both the model and a node of the role."""
        count = role.gpus.count if role.gpus else 0
        smallest = count if role.machine and role.machine.whole_node_workers else 1
        return [n for n in range(smallest, count + 1) if count % n == 0 and self.card.attention.divides(n)]

    @cached_property
    def divisible(self) -> bool:
        """Whether every role's size divides the model. Memory and KV transfer are only computed for such sizes."""
        return all(role.tensor_parallel in self.sizes(role) for role in self.roles.values())

    def workers(self, roles: Collection[DeploymentRole]) -> Workers:
        """The workers of some roles, as the rules of engine flags read them."""
        return Workers(
            card=self.card,
            tensor_parallel=tuple(role.tensor_parallel for role in roles),
            disaggregated=self.disaggregated,
            max_model_len=self.max_model_len,
            kv_cache_dtype=self.settings.engine.kv_cache_dtype,
            block_size=self.engine.block_size,
            gpus=tuple({role.gpus.type: role.gpus for role in roles if role.gpus}.values()),
            reads_bucket=self.reads_bucket,
        )

    def memory(
        self, role: DeploymentRole, tensor_parallel: int | None = None, share: float | None = None
    ) -> sizing.EngineMemory | None:
        """The memory of one engine of a role; None for an engine without GPUs.

        `tensor_parallel` and `share` of a GPU's memory replace the deployment's values.
        """
        return role.gpus and sizing.engine_memory(
            self.engine,
            self.card,
            role.gpus,
            tensor_parallel=tensor_parallel or role.tensor_parallel,
            max_model_len=min(self.max_model_len, self.card.architecture.max_model_len),
            kv_cache_dtype=self.settings.engine.kv_cache_dtype,
            share=share or self.memory_share,
            arguments=self.arguments(role.role),
        )


def deployment(
    name: str,
    settings: ModelSettings,
    card: Card,
    layouts: Mapping[str, Layout],
    machine: GpuMachine,
    capacity: CapacitySettings | None,
) -> Deployment:
    """The deployment `name` of a stack. `machine` and `capacity` apply to roles that do not set their own.

    `layouts`: the layouts of the card on that machine.
    """
    layout = layouts[settings.layout]
    on_gpus = layout.placement is not Placement.CPU
    roles: dict[Role, DeploymentRole] = {}
    for role, given in layout.roles.items():
        override, scale = settings.overrides.get(role), settings.autoscaling.ranges.get(role)
        replicas = (override and override.replicas) or given.replicas
        drain = override.drain_seconds if override else None
        node = gpu_machine(override.machine) if override and override.machine else machine
        bought = (override and override.capacity) or capacity
        differs = (*([] if node == machine else [node.name]), *_differs(bought, capacity))
        roles[role] = DeploymentRole(
            role=role,
            tensor_parallel=(override and override.tensor_parallel) or _usual_size(node, given, on_gpus=on_gpus),
            replicas=scale.min if scale else replicas,
            max_replicas=scale.max if scale else replicas,
            autoscaled=scale is not None,
            drain_seconds=DRAIN_SECONDS[role] if drain is None else drain,
            pool=pool_key(layout.placement, role, *differs),
            machine=node if on_gpus else None,
            capacity=bought if on_gpus else None,
        )
    return Deployment(name=name, settings=settings, card=card, layout=layout, layouts=layouts, roles=roles)


def _usual_size(machine: GpuMachine, of_layout: RoleLayout, *, on_gpus: bool) -> int:
    """The layout's tensor-parallel size, or all GPUs of a node that can hold no smaller worker."""
    return machine.gpus.count if on_gpus and machine.whole_node_workers else of_layout.tensor_parallel


def _differs(capacity: CapacitySettings | None, of_stack: CapacitySettings | None) -> Sequence[str]:
    """Parts of a pool's name for a role that buys nodes differently from the stack: mode, and reservation if any."""
    if capacity is None or (of_stack and purchase(capacity) == purchase(of_stack)):
        return ()
    mode, named = mode_of(capacity), purchase(capacity).reservation
    return (mode.label, *(named.levels if named else ()))


def purchase(capacity: CapacitySettings, nodes: int = 0, max_nodes: int = 0) -> NodePurchase:
    return mode_of(capacity).node_pool(capacity, nodes=nodes, max_nodes=max_nodes)
