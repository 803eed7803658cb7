"""A topology as Kubernetes' own objects, to be applied by `kubectl apply -k FOLDER`.

    NODE.yaml            its file (ConfigMap), its name (Service), and it itself
    kustomization.yaml   all of them

    name server   a Deployment of one, behind a Service whose address stays
    broker        a StatefulSet of one: its volume follows it wherever it is started

Not the official operator's: that makes names, ids and roles of brokers itself, from one
file for all.  These have the topology's own files, and need no operator.

A broker tells the name servers the address of its pod, and again at every start, for
each start has another one.  A Service's name would stay, but RocketMQ takes brokerIP1
for an address, which it also writes into every message.  So clients must be where pods
are reached: in the same cluster.

Pods of different hosts of the topology never share a machine.
"""

from __future__ import annotations

import re
import shlex
from typing import Any

from rmqlab.classroom.compose import stores_of
from rmqlab.classroom.render.firewall import HA, VIP
from rmqlab.classroom.render.program import STOP_S, Program
from rmqlab.classroom.render.text import dump, properties_of
from rmqlab.classroom.runtime import ClusterError
from rmqlab.classroom.topology import Node, Topology

CONF, OWN_CONF = "/etc/rocketmq", "/tmp"  # noqa: S108 - in a container of one process
STORAGE = "20Gi"
MEMORY = {"namesrv": "1Gi", "broker": "4Gi"}
"""Asked for: the heap, and as much again for the page cache."""
HOST, NODE, WHOLE = (
    "rmqlab/host",
    "app.kubernetes.io/instance",
    "app.kubernetes.io/part-of",
)
LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")

Object = dict[str, Any]


def render(topology: Topology, program: Program) -> dict[str, str]:
    """Return the files, by path.

    Raises:
        ClusterError: something has a name that no object may have, or two have one.
    """
    nodes = {f"{name_of(node)}.yaml": node for node in topology.nodes}
    if len(nodes) < len(topology.nodes):
        raise ClusterError("two nodes whose names Kubernetes takes for one: rename one")
    files = {
        path: dump(*_objects(node, topology, program)) for path, node in nodes.items()
    }
    all_of_them = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": list(files),
    }
    return {"kustomization.yaml": dump(all_of_them), **files}


def name_of(node: Node) -> str:
    """Return a node's name as Kubernetes takes it; see `label`."""
    return label(node.name)


def label(name: str) -> str:
    """Return a name as a part of a domain's.

    Raises:
        ClusterError: it cannot be one.
    """
    found = name.lower().replace("_", "-")
    if not LABEL.fullmatch(found):
        raise ClusterError(
            f"Kubernetes takes no name such as {name!r}: rename that file or folder, "
            "to letters, digits and hyphens"
        )
    return found


def _objects(node: Node, topology: Topology, program: Program) -> list[Object]:
    ports = [(0, "remoting")]
    if not node.is_namesrv:
        ports += [(VIP, "vip"), (HA, "ha")]
    numbers = {name: node.listen_port + more for more, name in ports}
    settings = {} if node.is_namesrv else {"namesrvAddr": _namesrv_addr(node, topology)}
    about = {"name": name_of(node), "labels": _labels(node, topology)}
    file = {f"{node.name}.properties": properties_of(node, settings)}
    service = {
        "selector": {NODE: name_of(node)},
        "ports": [{"name": name, "port": port} for name, port in numbers.items()],
        # A StatefulSet's: its name is that of the pod.
        **({} if node.is_namesrv else {"clusterIP": "None"}),
    }
    one: Object = {"replicas": 1, "selector": {"matchLabels": {NODE: name_of(node)}}}
    one["template"] = {
        "metadata": {"labels": about["labels"]},
        "spec": _pod(node, numbers, topology, program),
    }
    if node.is_namesrv:
        kind = "Deployment"
        one["strategy"] = {"type": "Recreate"}  # two behind one name would disagree
    else:
        kind, one["serviceName"] = "StatefulSet", name_of(node)
        one["volumeClaimTemplates"] = [_claim(name) for name in _stores(node)]
    return [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": about, "data": file},
        {"apiVersion": "v1", "kind": "Service", "metadata": about, "spec": service},
        {"apiVersion": "apps/v1", "kind": kind, "metadata": about, "spec": one},
    ]


def _labels(node: Node, topology: Topology) -> dict[str, str]:
    return {
        WHOLE: label(topology.name),
        NODE: name_of(node),
        HOST: label(node.host.name),
    }


def _namesrv_addr(node: Node, topology: Topology) -> str:
    """Return the name servers of a broker's file, by the names of their Services."""
    services = {
        (one.host.address, f"{one.listen_port}"): f"{name_of(one)}:{one.listen_port}"
        for one in topology.nodes
        if one.is_namesrv
    }
    found = []
    for address in filter(None, map(str.strip, node.broker.namesrv_addr.split(";"))):
        host, _, port = address.rpartition(":")
        found.append(services.get((topology.names.get(host, host), port), address))
    return ";".join(found)


def _pod(
    node: Node, ports: dict[str, int], topology: Topology, program: Program
) -> Object:
    apart = [
        {"key": WHOLE, "operator": "In", "values": [label(topology.name)]},
        {"key": HOST, "operator": "NotIn", "values": [label(node.host.name)]},
    ]
    term = {
        "labelSelector": {"matchExpressions": apart},
        "topologyKey": "kubernetes.io/hostname",
    }
    user = {"runAsNonRoot": True, "runAsUser": program.uid, "fsGroup": program.uid}
    return {
        "affinity": {
            "podAntiAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": [term]
            }
        },
        "securityContext": user,
        "terminationGracePeriodSeconds": STOP_S,
        "containers": [_container(node, ports, program)],
        "volumes": [
            {"name": "conf", "configMap": {"name": name_of(node)}},
            {"name": "logs", "emptyDir": {}},
        ],
    }


def _container(node: Node, ports: dict[str, int], program: Program) -> Object:
    environment: list[Object] = [
        {"name": key, "value": value}
        for key, value in program.environment(program.image_home).items()
    ]
    mounts = {"conf": CONF, "logs": program.logs, **_stores(node)}
    file = f"{node.name}.properties"
    if node.is_namesrv:
        command = program.command(node, f"{CONF}/{file}", program.image_home)
    else:
        pods = {"fieldRef": {"fieldPath": "status.podIP"}}
        environment.append({"name": "POD_IP", "valueFrom": pods})
        own = f"{OWN_CONF}/{file}"
        run = shlex.join(program.command(node, own, program.image_home))
        command = ["sh", "-c", _script(f"{CONF}/{file}", own, run)]
    memory = MEMORY["namesrv" if node.is_namesrv else "broker"]
    return {
        "name": "rocketmq",
        "image": program.image,
        "command": command,
        "env": environment,
        "ports": [
            {"name": name, "containerPort": port} for name, port in ports.items()
        ],
        # No livenessProbe: who recovers a large store must not be killed for that.
        "readinessProbe": {"tcpSocket": {"port": "remoting"}},
        "resources": {"requests": {"memory": memory}},
        "volumeMounts": [
            {"name": name, "mountPath": path} for name, path in mounts.items()
        ],
    }


def _script(given: str, own: str, run: str) -> str:
    """Return what tells a broker its pod's address, and then becomes the broker."""
    return f"""\
cp {given} {own}
echo "brokerIP1=$POD_IP" >> {own}
echo "brokerIP2=$POD_IP" >> {own}
exec {run}
"""


def _stores(node: Node) -> dict[str, str]:
    """Return a broker's folders, by the name of their volume."""
    return dict(zip(("store", "commitlog"), stores_of(node), strict=False))


def _claim(name: str) -> Object:
    return {
        "metadata": {"name": name},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": STORAGE}},
        },
    }
