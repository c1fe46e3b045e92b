"""The probe agent: serves ports, and asks the ports of others. One process, one loop, the standard library of Python 3.8+.

It runs inside the pods, as one text: `conformance.probe.source` joins the modules of this folder. They use the standard
library only (no `typing`, no `pathlib`: each would cost every probe a megabyte).

    python3 -c TEXT CONFIG

CONFIG is JSON: `{"identity": text, "serves": [[80, "TCP"], …], "bind": [address, …] or null, "ends_with_stdin": bool,
"first": START, "mode": "init"}`. Without `bind` it serves all addresses of both families, as far as they are there. A server
answers with one line: its identity and the address that it saw; what is sent to it after that comes back unchanged.

It speaks JSON lines; `talk.py` says which. A LINE of a question is `[address, port, protocol, size, family]`: `size` bytes
go there and must come back (0: plain); with a `family` the address is a name, which the agent resolves. The last two may
be left out. START is `{"ask": [LINE, …], "every": seconds, "allowed": [index, …]}`: attempts from the first instant.
As an init container ("mode": "init") the agent serves nothing, counts what it reaches, writes that where the kubelet reads a
container's last words, and ends.

A TCP connection over which nothing comes before the time is up is "timed-out": no server answered. One that is closed
without a word is "connected" to nobody: something out there took it. An ICMP echo names its responder by address.
"""
