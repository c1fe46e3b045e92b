"""What a person can set for a run. One table feeds both doors: the command line and pytest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from conformance.shard import InvalidShard, Shard
from conformance.size import InvalidSize, WorldSize
from conformance.world.times import Times


class InvalidSettings(ValueError):
    """An option with a value that makes no sense. The text names the option and what it takes."""


@dataclass(frozen=True, slots=True)
class Option:
    """One option: `default` of the type that it has (bool: a flag; tuple: may be given several times).

    `needs_value`: given without one (a variable that is empty), the run would be quite another one. Then that is refused.
    """

    flag: str
    help: str
    default: str | bool | tuple[str, ...] = ""
    metavar: str | None = None
    needs_value: bool = False

    @property
    def unset(self) -> str | bool | tuple[str, ...] | None:
        """What a door says where nobody has given it."""
        return None if self.needs_value else self.default

    @property
    def key(self) -> str:
        """Its field in `Settings`."""
        return self.flag.removeprefix("--").replace("-", "_")


OPTIONS = (
    Option(
        "--cluster",
        "kind (a cluster of its own, the default), or kubeconfig[:CONTEXT] for one that exists already. simulated is no cluster, but the "
        "suite's own test bench in memory.",
        "kind",
        "kind|kubeconfig[:CONTEXT]|simulated",
    ),
    Option("--fault", "With --cluster simulated: the fault that its plugin has (`cni-conformance sensitivity --list`).", "", "NAME"),
    Option("--cni", "The plugin under test: a name from `cni-conformance cluster plugins`, or a folder with a plugin.yaml.", "", "PLUGIN"),
    Option("--cni-manifest", "Install the plugin from this file or URL instead of its published manifest.", "", "FILE|URL"),
    Option("--name", "Name of the kind cluster; clusters of different names live side by side.", "cni-conformance", "NAME"),
    Option("--family", "ipv4, ipv6 or dual. Default: dual where the plugin carries it.", "", "FAMILY"),
    Option(
        "--kube-proxy",
        "Mode of kube-proxy in the kind cluster: nftables or iptables. Default: the first beside which the plugin runs.",
        "",
        "MODE",
    ),
    Option("--setup", "Install and build what is missing (engine, kind, images), without asking.", default=False),
    Option("--keep", "Keep the kind cluster after the run; the next run with the same name uses it.", default=False),
    Option("--force", "Measure even where nothing enforces policies.", default=False),
    Option(
        "--disruptive",
        "Run disruptive scenarios (restarts of the plugin and of nodes, loads) also on a cluster given by kubeconfig.",
        default=False,
    ),
    Option(
        "--shard",
        "Only this part of what is selected, to be put together by `cni-conformance merge`: 3/8 is the third of eight.",
        "",
        "I/N",
        needs_value=True,
    ),
    Option(
        "--world",
        "Instead of the catalogue: a world of so many pods, of whose questions a sample is asked (docs/large-worlds.md).",
        "",
        "pods=N[,namespaces=N][,seed=N][,questions=N]",
        needs_value=True,
    ),
    Option("--report", "Folder for record.json and the reports made from it.", "", "DIR"),
    Option("--baseline", "Record of an earlier run: exit code and reports speak of what is new since then.", "", "RECORD"),
    Option("--probe-image", "Image of the probe pods: any with Python 3.8 or later as python3.", "", "IMAGE"),
    Option("--times", "Change a waiting time, in seconds: settle=45. May be given several times.", (), "NAME=SECONDS"),
    Option(
        "--outside",
        "A host outside the cluster, for ipBlock: its name (alpha, beta), its addresses, and the command that starts a program there: "
        "'alpha=192.0.2.10,2001:db8::10 ssh probe@192.0.2.10'.",
        (),
        "NAME=ADDRESS[,ADDRESS] COMMAND",
    ),
)


@dataclass(frozen=True, slots=True)
class Settings:
    """The values of `OPTIONS`. Raises InvalidSettings from `of`."""

    cluster: str = "kind"
    fault: str = ""
    cni: str = ""
    cni_manifest: str = ""
    name: str = "cni-conformance"
    family: str = ""
    kube_proxy: str = ""
    setup: bool = False
    keep: bool = False
    force: bool = False
    disruptive: bool = False
    shard: str = ""
    world: str = ""
    report: str = ""
    baseline: str = ""
    probe_image: str = ""
    times: tuple[str, ...] = field(default=())
    outside: tuple[str, ...] = field(default=())

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Settings:
        """From a mapping that has at least the fields (None: not given); other keys do not matter."""
        own = {each.name: values[each.name] for each in fields(cls)}
        for option in OPTIONS:
            if option.needs_value:
                if own[option.key] == "":
                    raise InvalidSettings(f"{option.flag}: its value is empty; it is {option.metavar}")
                own[option.key] = own[option.key] or ""
        own |= {key: tuple(own[key] or ()) for key in ("times", "outside")}
        settings = cls(**own)
        if settings.provider not in ("kind", "kubeconfig", "simulated"):
            raise InvalidSettings(f"--cluster {settings.cluster}: it is kind, kubeconfig, kubeconfig:CONTEXT or simulated")
        if settings.fault:
            settings.check_fault()
        if settings.family not in ("", "ipv4", "ipv6", "dual"):
            raise InvalidSettings(f"--family {settings.family}: it is ipv4, ipv6 or dual")
        if settings.kube_proxy not in ("", "nftables", "iptables"):
            raise InvalidSettings(f"--kube-proxy {settings.kube_proxy}: it is nftables or iptables")
        settings.waiting_times()
        if settings.part() is not None and settings.size() is not None:
            raise InvalidSettings(f"--world with --shard {settings.shard}: it is one world, of which no part can be measured elsewhere")
        return settings

    def check_fault(self) -> None:
        """Raises InvalidSettings where there is no such fault, or no plugin of ours that could have it."""
        from conformance.simulated.faults import UnknownFault, named  # loaded into every pytest otherwise

        if self.provider != "simulated":
            raise InvalidSettings(f"--fault {self.fault}: only the plugin of --cluster simulated has faults that can be switched on")
        try:
            named(self.fault)
        except UnknownFault as unknown:
            raise InvalidSettings(f"--fault {self.fault}: {unknown}") from None

    @property
    def provider(self) -> str:
        """Where the cluster comes from: kind, kubeconfig or simulated."""
        return self.cluster.partition(":")[0]

    @property
    def context(self) -> str | None:
        """The context of the kubeconfig, None for the current one."""
        return self.cluster.partition(":")[2] or None

    def part(self) -> Shard | None:
        """The shard that is asked for; None: everything. Raises InvalidSettings."""
        try:
            return Shard.of(self.shard) if self.shard else None
        except InvalidShard as fault:
            raise InvalidSettings(f"--shard {self.shard}: {fault}") from None

    def size(self) -> WorldSize | None:
        """The world that is asked for; None: those of the scenarios. Raises InvalidSettings."""
        try:
            return WorldSize.of(self.world) if self.world else None
        except InvalidSize as fault:
            raise InvalidSettings(f"--world {self.world}: {fault}") from None

    def waiting_times(self) -> Times:
        """The table of waiting times, for the size of the world, with the changes of `--times`. Raises InvalidSettings."""
        size = self.size()
        times = Times() if size is None else Times().for_pods(size.pods)
        for change in self.times:
            name, is_given, text = change.partition("=")
            if not is_given or name not in {each.name for each in fields(Times)}:
                raise InvalidSettings(f"--times {change}: it is NAME=SECONDS with one of {', '.join(each.name for each in fields(Times))}")
            try:
                seconds = float(text)
            except ValueError:
                seconds = -1.0
            if not 0 <= seconds < 86400:
                raise InvalidSettings(f"--times {change}: {text!r} is no number of seconds")
            times = replace(times, **{name: seconds})
        return times

    def arguments(self) -> list[str]:
        """The settings as words of a command line, those that differ from the defaults only."""
        words: list[str] = []
        for option in OPTIONS:
            value = getattr(self, option.key)
            if value == option.default:
                continue
            if isinstance(value, bool):
                words.append(option.flag)
            else:
                words += [f"{option.flag}={each}" for each in (value if isinstance(value, tuple) else (value,))]
        return words
